"""Answers of the audit on a terminal. What comes from data, books and records is never read as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.text import Text

from recommender.render import number, plain
from recommender.wording import counted
from rules.facts import FACTS
from rules.render import plain_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from recommender.audit.explain import Explanation
    from recommender.audit.question import Outcome, WhyNot
    from recommender.audit.replay import Replay
    from recommender.audit.verify import Check
    from rules.choices import Slot
    from rules.counterfactual import Flip
    from rules.decision import TestResult
    from rules.record import Guardrail, Record

INDENT: Final = (0, 0, 0, 3)
DEEPER: Final = (0, 0, 0, 6)
MARKS: Final = {
    "intact": ("✓", "green"),
    "altered": ("✗", "bold red"),
    "missing": ("?", "bold red"),
    "unchecked": ("-", "dim"),
    "passed": ("✓", "dim"),
    "done": ("•", "cyan"),
    "alerted": ("!", "yellow"),
}


def _line(console: Console, text: Text, indent: tuple[int, int, int, int] = INDENT) -> None:
    console.print(Padding(text, indent))


def _list(console: Console, heading: str, lines: Iterable[Text]) -> None:
    """A heading and its lines; nothing where there are none."""
    found = list(lines)
    if found:
        _line(console, Text(heading, style="dim"))
        for line in found:
            _line(console, line, DEEPER)


def show_explanation(one: Explanation, console: Console) -> None:
    """One decision: who won and by what margins, who lost, who stayed silent, the evidence, and how firm it is."""
    head = Text.assemble((one.slot.letter, "bold cyan"), f"  {one.label}: ", plain(one.choice, "bold"))
    console.print(head)
    place = f" · {one.layer} · {one.place} · {one.stance}" if one.place else ""
    _line(console, plain(f"by {one.by}{place}", "dim"))
    _line(console, plain(one.because))
    if one.ruled:
        _line(console, plain(f"The rules say {one.ruled}.", "yellow"))
    if one.tests:
        table = plain_table("wanted", "measured", "margin")
        for test in one.tests:
            margin = "" if test.margin is None else f"{number(test.margin)} {FACTS[test.fact].unit}"
            table.add_row(plain(test.wanted), plain(number(test.measured)), margin)
        console.print(Padding(table, INDENT))
    for fragile in one.fragile:
        between = f"{fragile.fact} lies between {number(fragile.low)} and {number(fragile.high)} (95 %)"
        _line(console, plain(f"Fragile: {between}; at the other end it would be {fragile.other}.", "yellow"))
    for fact in one.provisional:
        _line(console, plain(f"Provisional: {fact} could not be measured.", "yellow"))
    _list(console, "Fired and lost", (plain(f"{it.rule} {it.choice}: {'; '.join(it.to)}") for it in one.lost))
    close = [it for it in one.silent if not it.is_elsewhere]
    _list(console, "Stayed silent", (plain(f"{it.rule} {it.choice}: {failing(it.failed)}") for it in close))
    elsewhere = ", ".join(f"{it.rule} {it.choice}" for it in one.silent if it.is_elsewhere)
    _list(console, "For another task or modality", [plain(elsewhere)] if elsewhere else [])
    _list(console, "Evidence for", map(plain, one.evidence_for))
    _list(console, "Evidence against", map(plain, one.evidence_against))
    _list(console, "Would change with", map(_flip, near(one.flips)))
    console.print()


def failing(tests: Sequence[TestResult]) -> str:
    """The tests that keep a rule silent: what was wanted, what was measured, how far off."""
    parts = []
    for test in tests:
        off = "" if test.margin is None else f" (off by {number(abs(test.margin))})"
        parts.append(f"wants {test.wanted}, measured {number(test.measured)}{off}")
    return "; ".join(parts)


def near(flips: Iterable[Flip]) -> list[Flip]:
    """The flips that leave the task and the modality as they are."""
    return [flip for flip in flips if flip.is_near]


def _flip(flip: Flip) -> Text:
    rules = f" ({', '.join(flip.rules)})" if flip.rules else ""
    return Text.assemble(plain(flip.how), " → ", plain(flip.becomes, "bold"), rules)


def show_why_not(answer: WhyNot, console: Console) -> None:
    """Why a choice was not made, and what would make it."""
    by = ", ".join(answer.chosen_by)
    console.print(Text.assemble(f"{answer.slot.label}: ", plain(answer.chosen, "bold"), f" by {by}"))
    if answer.is_chosen:
        console.print(plain(f"{answer.wanted} is what was chosen."))
        return
    for forbidden in answer.forbidden:
        console.print(plain(f"{answer.wanted} is forbidden here by {forbidden}.", "yellow"))
    console.print()
    if answer.candidates:
        console.print(plain(f"Rules that would give {answer.wanted}:"))
        for one in answer.candidates:
            _line(console, Text.assemble((one.rule, "bold"), plain(f" {one.choice}: {one.because}")))
            if one.failed:
                _line(console, plain(f"silent here: {failing(one.failed)}", "dim"), DEEPER)
            elif one.beaten_by:
                _line(console, plain(f"fires here, but {', '.join(one.beaten_by)} beats it", "dim"), DEEPER)
    if answer.nearest is not None:
        console.print()
        console.print(Text.assemble("Smallest change found that gives it: ", plain(answer.nearest.how, "bold")))
        rules = ", ".join(answer.nearest.rules)
        _line(console, plain(f"then {rules} would choose {answer.nearest.becomes}", "dim"))
        return
    if answer.candidates:
        console.print(plain("No dataset gets it: other rules beat these wherever they fire.", "yellow"))
    else:
        console.print(plain(f"No rule of the book chooses {answer.wanted}.", "yellow"))
    slot, name = answer.slot.value, answer.wanted.split()[0]
    own = f"recommend rules new {slot} --then {name} --because …"
    console.print(plain(f"Choose it yourself with --pin {slot}={name} --reason …, or write a rule: {own}"))


def show_outcomes(outcomes: Sequence[Outcome], settings: Sequence[str], console: Console) -> None:
    """The bundle under changed facts beside the one under the recorded ones."""
    table = plain_table("", "now", "", f"with {', '.join(settings)}", "")
    for one in outcomes:
        style = "bold green" if one.changes else "dim"
        table.add_row(
            Text(one.slot.letter, style="bold cyan"),
            plain(one.was),
            plain(", ".join(one.was_by), "dim"),
            plain(one.becomes if one.changes else "the same", style),
            plain(", ".join(one.becomes_by) if one.changes else "", "dim"),
        )
    console.print(table)
    for one in outcomes:
        if one.provisional:
            console.print(
                plain(f"{one.slot.letter} is provisional: it hangs on {', '.join(one.provisional)}.", "yellow")
            )


def show_flips(found: dict[Slot, tuple[Flip, ...]], record: Record, console: Console, *, every: bool) -> None:
    """The nearest changes for each slot, the nearest first; every: those to another task or modality, too."""
    for slot, flips in found.items():
        now = record.decisions[slot].choice
        console.print(Text.assemble((slot.letter, "bold cyan"), f"  {slot.label}: ", plain(str(now), "bold")))
        for flip in flips if every else near(flips):
            _line(console, _flip(flip))
        others = len(flips) - len(near(flips))
        if others and not every:
            more = counted(others, "more choice")
            _line(console, Text(f"{more} for another task or modality; --all lists them", style="dim"))
        if not flips:
            _line(console, Text("no rule of the book chooses otherwise", style="dim"))


def show_replay(answer: Replay, console: Console) -> None:
    """The decisions then and now."""
    table = plain_table("", "recorded", "", "today", "", "verdict")
    for one in answer.slots:
        same = one.verdict == "same"
        table.add_row(
            Text(one.slot.letter, style="bold cyan"),
            plain(one.recorded),
            plain(", ".join(one.recorded_by), "dim"),
            plain("the same" if one.today == one.recorded else one.today, "dim" if same else "bold"),
            plain("" if same else ", ".join(one.today_by), "dim"),
            Text(one.verdict, style="green" if same else "yellow"),
        )
    console.print(table)
    for one in answer.slots:
        reasons = [f"{rule.rule} is {rule.change}" for rule in one.rules]
        reasons += [
            f"{fact.fact} was {number(fact.recorded)}, is {number(fact.today)} {fact.unit}" for fact in one.facts
        ]
        if reasons:
            console.print(plain(f"{one.slot.letter}: {'; '.join(reasons)}"))
    apart = f"; {len(answer.facts)} facts differ" if answer.facts else ""
    rules = f"; {len(answer.rules)} rules differ" if answer.rules else ""
    console.print(plain(f"The dataset was {answer.measured}{apart}{rules}.", "dim"))


def show_checks(checks: Sequence[Check], console: Console) -> None:
    """What was verified."""
    table = plain_table("", "", "", "")
    for check in checks:
        mark, style = MARKS[check.status]
        table.add_row(
            Text(mark, style=style), plain(check.what), Text(check.status, style=style), plain(check.detail, "dim")
        )
    console.print(table)


def show_guardrails(guardrails: Sequence[Guardrail], console: Console) -> None:
    """The checks of the data with value and threshold."""
    table = plain_table("", "check", "value", "threshold", "finding")
    for one in guardrails:
        mark, style = MARKS[one.status]
        bounds = ["" if bound is None else f"{number(bound)} {one.unit}" for bound in (one.value, one.threshold)]
        name = plain(one.name.replace("_", " "))
        table.add_row(Text(mark, style=style), name, plain(bounds[0]), plain(bounds[1]), plain(one.message))
    console.print(table)
    counts = {status: sum(one.status == status for one in guardrails) for status in ("alerted", "done", "passed")}
    console.print(Text(", ".join(f"{count} {status}" for status, count in counts.items()), style="dim"))
