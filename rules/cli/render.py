"""Terminal output of rules, findings, coverage and differences. Text from books is not interpreted as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rules.decision.reachability import REACH_DESCRIPTIONS, Reach, by_reach, scope_of
from rules.proof.findings import FLAW_DESCRIPTIONS
from rules.scorecard.scorecard import interval_text, share_text
from rules.scorecard.shipped import effect_sentence, quotable
from rules.text.wording import counted
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, exact_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from rules.decision.decision_table import DecisionTable
    from rules.decision.difference import Difference
    from rules.proof.coverage import Coverage, Failure
    from rules.proof.findings import Finding
    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule
    from rules.scorecard.scorecard import Scorecard

INDENT = (0, 0, 0, 2)


def plain_table(*headings: str) -> Table:
    """Rich table without borders."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def show_rules(rules: Iterable[Rule], console: Console) -> None:
    """Print one line per rule, grouped by slot."""
    found = list(rules)
    widest = max((len(word) for rule in found for word in str(rule.choice).split()), default=0)
    for slot in Slot:
        if not any(rule.slot is slot for rule in found):
            continue
        console.print(Text.assemble((slot.label, "bold cyan"), (f"  {slot}", "dim")))
        table = plain_table("", "", "", "")
        table.columns[0].no_wrap = table.columns[1].no_wrap = True
        table.columns[2].width = widest
        table.columns[3].ratio = 1
        for rule in (rule for rule in found if rule.slot is slot):
            stance = Text(" contested", style="dim yellow") if rule.stance == "contested" else Text()
            chooses = Text(str(rule.choice), style="bold") + stance
            table.add_row(rule.id, Text(rule.layer), chooses, Text(", ".join(map(str, rule.when)) or "always"))
        console.print(Padding(table, INDENT))


def show_rule(rule: Rule, proved: ProvedBook, console: Console) -> None:
    """Print all details of one rule."""
    console.print(Text.assemble((rule.id, "bold cyan"), " ", (rule.name, "bold")))
    stance = f"{rule.slot.label} · {rule.place} · {rule.stance}"
    console.print(Text(f"{stance} · by {rule.author}" if rule.author else stance, style="dim"))
    console.print()
    table = plain_table("", "")
    table.columns[0].style = "dim"
    table.columns[0].no_wrap = True
    table.add_row("Chooses", Text(str(rule.choice), style="bold"))
    for index, test in enumerate(rule.when):
        fact = FACTS[test.fact]
        table.add_row("If" if index == 0 else "and", Text.assemble(str(test), (f"   {fact.meaning}", "dim")))
    if not rule.when:
        table.add_row("If", "always, unless another rule beats it")
    table.add_row("Because", Text(rule.because))
    for rejected, why in rule.rejects.items():
        table.add_row("Rejects", Text(f"{rejected}: {why}"))
    for kind, citation in rule.source.items():
        table.add_row("Source", Text(f"{kind}: {citation}"))
    # Clear differences first.
    measured = sorted(quotable(rule.id, str(rule.choice)), key=lambda one: one.effect.low <= 1 <= one.effect.high)
    for index, other in enumerate(measured[:MAX_ALTERNATIVES]):
        table.add_row("" if index else "Measured", Text(effect_sentence(other)))
    table.add_row("Decides", Text(scope_text(rule, proved)))
    for label, others in order_of(rule, proved).items():
        table.add_row(label, Text(", ".join(others) or "no rule"))
    for example in rule.examples:
        given = ", ".join(f"{fact} = {value}" for fact, value in example.given.items())
        table.add_row(f"{example.expect.capitalize()} on", Text(given))
    console.print(Padding(table, INDENT))


def show_scope(rule: Rule, proved: ProvedBook, console: Console) -> None:
    """Print the scope of a rule."""
    console.print(Text(f"{rule.id} decides: {scope_text(rule, proved)}"))


def scope_text(rule: Rule, proved: ProvedBook) -> str:
    """Text of a rule's scope."""
    return scope_of(rule, proved).words


def join_regions(regions: Iterable[str]) -> str:
    """Texts of regions, one per line."""
    return "\nor ".join(regions)


def order_of(rule: Rule, proved: ProvedBook) -> dict[str, list[str]]:
    """Rules that a rule beats and those that beat it, each with the reason."""
    beaten_by = proved.proof.slots[rule.slot].beaten_by

    def why(winner: Rule, loser: Rule) -> str:
        return "declared" if winner.declares(loser) else "more specific"

    peers = proved.book.of(rule.slot)
    return {
        "Beats": [f"{other.id} ({why(rule, other)})" for other in peers if rule.id in beaten_by[other.id]],
        "Beaten by": [f"{other.id} ({why(other, rule)})" for other in peers if other.id in beaten_by[rule.id]],
    }


def show_decision_table(found: DecisionTable, console: Console) -> None:
    """Print the decision table of a slot."""
    console.print(Text(f"{found.slot.label}: the first matching row decides.", style="bold"))
    # Headings are wrapped after the underscore, never within a word.
    headings = [fact.replace("_", "_\n", 1) for fact in found.facts]
    table = plain_table(*headings, found.slot.value, "rule")
    for column, heading in zip(table.columns, headings, strict=False):
        column.min_width = max(map(len, heading.split("\n")))
    for rule in found.rows:
        cells = [Text(cell) if (cell := found.cell(rule, fact)) else Text("any", style="dim") for fact in found.facts]
        table.add_row(*cells, Text(str(rule.choice), style="bold"), rule.id)
    console.print(table)


def show_proved(proved: ProvedBook, console: Console) -> None:
    """Print the result of a proof without findings."""
    book = proved.book
    off = f" ({len(book.off)} disabled)" if book.off else ""
    words = (
        f"Proved: {len(book.rules)} rules of {' + '.join(book.layers)}{off} make exactly one choice in each of "
        f"{len(Slot)} slots for every dataset, and never violate the {len(book.constraints)} constraints."
    )
    console.print(Text(words))
    for reach, rules in by_reach(proved).items():
        if rules:
            named = "" if reach is Reach.DATASETS else f": {', '.join(rules)}"
            console.print(Text(f"{len(rules)} {REACH_DESCRIPTIONS[reach]}{named}."))


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print the findings of a proof, each with an example dataset and a fix."""
    for finding in findings:
        console.print(Text.assemble((finding.flaw.value, "bold red"), (f"  {FLAW_DESCRIPTIONS[finding.flaw]}", "dim")))
        lines = [finding.problem, f"Example: {finding.witness}" if finding.witness else "", f"Fix: {finding.fix}"]
        for line in filter(None, lines):
            console.print(Padding(Text(line), INDENT))


def show_failures(failures: Sequence[Failure], console: Console) -> None:
    """Print the examples with another result than expected."""
    for failure in failures:
        given = ", ".join(f"{fact} = {value}" for fact, value in failure.given.items())
        console.print(Text.assemble((failure.rule, "bold red"), f" {failure.place}"))
        expected, actual = ("fires", "does not fire") if failure.expect == "fires" else ("does not fire", "fires")
        console.print(
            Padding(Text(f"Expected: the rule {expected} on {given}. It {actual}: {failure.because}."), INDENT)
        )


def show_coverage(found: Coverage, console: Console) -> None:
    """Print thresholds without nearby examples, and the share of cells decided by fallbacks."""
    for one in found.thresholds:
        if not one.is_close:
            hit = "no firing case" if one.fires is None else f"nearest firing case {exact_text(one.fires)}"
            miss = "no miss" if one.misses is None else f"nearest miss {exact_text(one.misses)}"
            console.print(Text.assemble((one.rule, "bold red"), f" {one.test}: {hit}; {miss} ({one.place})"))
    for rule in found.without_firing_case:
        console.print(Text.assemble((rule, "bold red"), " has no example on which it fires"))
    close = sum(one.is_close for one in found.thresholds)
    console.print(f"{close} of {len(found.thresholds)} thresholds have a firing case and a miss nearby.")
    console.print()
    table = plain_table("Slot", "Decided by a fallback", "", "Where")
    for part in found.fallbacks:
        rules = ", ".join(part.rules) or "none"
        table.add_row(
            part.slot.value,
            f"{part.share:.1%} ({part.cells:,} of {part.of:,} cells)",
            rules,
            Text(join_regions(part.where)),
        )
    console.print(table)


def show_differences(
    differences: Sequence[Difference], changed: dict[str, list[str]], corpus: int | None, console: Console
) -> None:
    """Print the differences of two books, and the recorded datasets that change.

    corpus: number of records examined; None without a corpus.
    """
    slot = None
    for one in differences:
        if one.slot != slot:
            console.print(Text(one.slot.label, style="bold cyan"))
            slot = one.slot
        was, becomes = ", ".join(one.old_rules), ", ".join(one.new_rules)
        line = Text.assemble((one.old, "red"), f" ({was}) → ", (one.new, "green"), f" ({becomes})")
        console.print(Padding(line, INDENT))
        for where in one.where:
            console.print(Padding(Text(f"where {where}"), (0, 0, 0, 4)))
    if not differences:
        console.print("The books make the same choices for every dataset.")
    if corpus is not None:
        console.print()
        console.print(f"The bundle changes for {len(changed)} of {corpus} recorded datasets.")
        for name, changes in changed.items():
            console.print(Padding(Text(f"{name}: {'; '.join(changes)}"), INDENT))


MAX_ALTERNATIVES = 6  # of a rule, and policies of a slot


def show_scorecard(card: Scorecard, console: Console, *, rules: Mapping[Slot, frozenset[str]] | None = None) -> None:
    """Print the regret of slots and the effects of rules.

    rules: slots to print, each with its rules, none for all; by default everything.
    """
    shown = {slot: frozenset[str]() for slot in Slot} if rules is None else rules
    console.print(
        Text(
            f"{counted(card.trainings, 'training')} on {counted(card.datasets, 'dataset')}. A ratio is the error with "
            "an alternative, divided by the error with the choice of the rule: above 1 the rule is better."
        )
    )
    if Slot.HYPERPARAMETERS in shown:
        for kind in card.sensitivities:
            console.print()
            title = f"  share of the variance of scores, {counted(kind.datasets, 'dataset')}"
            console.print(Text.assemble((kind.kind, "bold cyan"), title))
            table = plain_table("hyperparameter", "notes", "share")
            for own in kind.hyperparameters:
                table.add_row(own.name, own.rating, share_text(own))
            console.print(Padding(table, INDENT))
    for slot in card.slots:
        if slot.slot not in shown or shown[slot.slot]:
            continue
        console.print()
        console.print(Text.assemble((slot.slot.label, "bold cyan"), "  error relative to the best choice in hindsight"))
        table = plain_table("policy", "ratio", "datasets")
        for one in slot.regrets[: MAX_ALTERNATIVES + 2]:
            table.add_row(Text(one.policy), interval_text(one.effect), str(one.effect.datasets))
        console.print(Padding(table, INDENT))
    for rule in card.rules:
        if rule.slot not in shown or (shown[rule.slot] and rule.rule not in shown[rule.slot]):
            continue
        console.print()
        decided = f"  decides on {counted(len(rule.datasets), 'dataset')}"
        console.print(Text.assemble((rule.rule, "bold cyan"), f" {rule.choice}", (decided, "dim")))
        table = plain_table("alternative", "ratio", "better", "tie", "worse")
        for other in rule.alternatives[:MAX_ALTERNATIVES]:
            effect = other.effect
            counts = map(str, (effect.wins, effect.ties, effect.losses))
            table.add_row(Text(other.choice), interval_text(effect), *counts)
        console.print(Padding(table, INDENT))
