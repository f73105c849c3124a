"""Rules, findings, coverage and differences on a terminal. What comes from a book is never read as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rules.decision.reachability import MEANINGS as REACHES
from rules.decision.reachability import Reach, by_reach, territory_of
from rules.proof.findings import MEANINGS
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from rules.decision.coverage import Coverage, Failure
    from rules.decision.decision_table import DecisionTable
    from rules.decision.difference import Difference
    from rules.proof.findings import Finding
    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule

INDENT = (0, 0, 0, 2)


def plain_table(*headings: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def show_rules(rules: Iterable[Rule], console: Console) -> None:
    """A line for each rule, slot by slot."""
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
    """Everything about one rule."""
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
        table.add_row("Where" if index == 0 else "and", Text.assemble(str(test), (f"   {fact.meaning}", "dim")))
    if not rule.when:
        table.add_row("Where", "always, unless another rule beats it")
    table.add_row("Because", Text(rule.because))
    for rejected, why in rule.rejects.items():
        table.add_row("Rejects", Text(f"{rejected}: {why}"))
    for kind, citation in rule.source.items():
        table.add_row("Source", Text(f"{kind}: {citation}"))
    table.add_row("Decides", Text(territory_in_words(rule, proved)))
    for label, others in order_of(rule, proved).items():
        table.add_row(label, Text(", ".join(others) or "no rule"))
    for example in rule.examples:
        given = ", ".join(f"{fact} = {value}" for fact, value in example.given.items())
        table.add_row(f"{example.expect.capitalize()} on", Text(given))
    console.print(Padding(table, INDENT))


def show_territory(rule: Rule, proved: ProvedBook, console: Console) -> None:
    """Where a rule decides."""
    console.print(Text(f"{rule.id} decides: {territory_in_words(rule, proved)}"))


def territory_in_words(rule: Rule, proved: ProvedBook) -> str:
    """Where a rule decides, in words."""
    return territory_of(rule, proved).words


def either(regions: Iterable[str]) -> str:
    """Regions, one to a line."""
    return "\nor ".join(regions)


def order_of(rule: Rule, proved: ProvedBook) -> dict[str, list[str]]:
    """The rules that a rule beats and those that beat it, each with the reason."""
    beaten_by = proved.proof.slots[rule.slot].beaten_by

    def why(winner: Rule, loser: Rule) -> str:
        return "declared" if loser.id in winner.overrides else "more specific"

    peers = proved.book.of(rule.slot)
    return {
        "Beats": [f"{other.id} ({why(rule, other)})" for other in peers if rule.id in beaten_by[other.id]],
        "Beaten by": [f"{other.id} ({why(other, rule)})" for other in peers if other.id in beaten_by[rule.id]],
    }


def show_decision_table(found: DecisionTable, console: Console) -> None:
    """A slot as a decision table."""
    console.print(Text(f"{found.slot.label}: the first row that fits a dataset decides.", style="bold"))
    # A heading is broken after its underscore, and never within a word.
    headings = [fact.replace("_", "_\n", 1) for fact in found.facts]
    table = plain_table(*headings, found.slot.value, "rule")
    for column, heading in zip(table.columns, headings, strict=False):
        column.min_width = max(map(len, heading.split("\n")))
    for rule in found.rows:
        cells = [Text(cell) if (cell := found.cell(rule, fact)) else Text("any", style="dim") for fact in found.facts]
        table.add_row(*cells, Text(str(rule.choice), style="bold"), rule.id)
    console.print(table)


def show_proved(proved: ProvedBook, console: Console) -> None:
    """What the proof of a book without flaws says."""
    book = proved.book
    off = f" ({len(book.off)} switched off)" if book.off else ""
    words = (
        f"Proved: {len(book.rules)} rules of {' + '.join(book.layers)}{off} give every dataset exactly one choice in "
        f"each of {len(Slot)} slots, and none of the {len(book.constraints)} constraints is broken."
    )
    console.print(Text(words))
    for reach, rules in by_reach(proved).items():
        if rules:
            named = "" if reach is Reach.DATASETS else f": {', '.join(rules)}"
            console.print(Text(f"{len(rules)} {REACHES[reach]}{named}."))


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """What a proof found, each with its witness and its mend."""
    for finding in findings:
        console.print(Text.assemble((finding.flaw.value, "bold red"), (f"  {MEANINGS[finding.flaw]}", "dim")))
        lines = [finding.problem, f"Shown by: {finding.witness}" if finding.witness else "", f"Mend: {finding.mend}"]
        for line in filter(None, lines):
            console.print(Padding(Text(line), INDENT))


def show_failures(failures: Sequence[Failure], console: Console) -> None:
    """Examples that do not come out as their rules say."""
    for failure in failures:
        given = ", ".join(f"{fact} = {value}" for fact, value in failure.given.items())
        console.print(Text.assemble((failure.rule, "bold red"), f" {failure.place}"))
        says = "fires" if failure.expect == "fires" else "stays silent"
        does = "stays silent" if failure.expect == "fires" else "fires"
        console.print(
            Padding(Text(f"The example says that it {says} on {given}, but it {does}: {failure.because}."), INDENT)
        )


def show_coverage(found: Coverage, console: Console) -> None:
    """Thresholds without close cases, and what only fallbacks answer."""
    for one in found.thresholds:
        if not one.is_close:
            hit = "no firing case" if one.fires is None else f"nearest firing case {exact(one.fires)}"
            miss = "no miss" if one.misses is None else f"nearest miss {exact(one.misses)}"
            console.print(Text.assemble((one.rule, "bold red"), f" {one.test}: {hit}, {miss} ({one.place})"))
    for rule in found.without_firing_case:
        console.print(Text.assemble((rule, "bold red"), " no example on which it fires"))
    close = sum(one.is_close for one in found.thresholds)
    console.print(f"{close} of {len(found.thresholds)} thresholds have a firing case and a miss close to them.")
    console.print()
    table = plain_table("Slot", "Only a fallback answers", "", "Where")
    for part in found.fallbacks:
        rules = ", ".join(part.rules) or "none"
        table.add_row(
            part.slot.value, f"{part.share:.1%} ({part.cells:,} of {part.of:,} cells)", rules, Text(either(part.where))
        )
    console.print(table)


def show_differences(
    differences: Sequence[Difference], changed: dict[str, list[str]], corpus: int | None, console: Console
) -> None:
    """Where two books differ, and which recorded datasets change. corpus: records looked at; None for no corpus."""
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
        console.print("The books choose the same for every dataset.")
    if corpus is not None:
        console.print()
        console.print(f"{len(changed)} of {corpus} recorded datasets change their bundle.")
        for name, changes in changed.items():
            console.print(Padding(Text(f"{name}: {'; '.join(changes)}"), INDENT))
