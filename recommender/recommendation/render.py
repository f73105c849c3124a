"""Terminal output of a recommendation and of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recommender.profile.guardrails.status import not_passed
from recommender.recommendation.reasons import _of_bundle, instead_of, reason
from rules.decision.meanings import meanings
from rules.text.numbers import number
from rules.text.wording import counted, printable
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS, UNMEASURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from recommender.profile.profile import Profile
    from recommender.recommendation.recommendation import Recommendation
    from rules.decision.record import Guardrail
    from rules.decision.trace import Decision


MAX_NAME_LENGTH: Final = 24  # characters of categorical_crossentropy, so that no name is wrapped
MIN_WIDE_TERMINAL: Final = 100  # characters of a terminal from which rejected choices have a separate column
MAX_COLUMNS: Final = 100  # columns listed on a terminal


def plain(value: str, style: str = "") -> Text:
    """Text from the data, without markup and control characters."""
    return Text(printable(value), style=style)


def show(advice: Recommendation, console: Console) -> None:
    """Print a recommendation."""
    seen = advice.record.dataset
    targets = ", ".join(seen.targets)
    size = f": {counted(seen.rows, 'row')}, {counted(len(seen.kinds), 'column')}; predict "
    because = f" ({advice.roles.target_reason})"
    console.print(Text.assemble(plain(seen.name, "bold"), size, plain(targets, "bold"), plain(because)))
    console.print(Text.assemble("Task: ", plain(seen.task, "bold"), plain(f" ({advice.roles.task_reason})")))
    console.print()
    console.print(_table(advice, is_wide=console.width >= MIN_WIDE_TERMINAL))
    for line in _doubts(advice):
        console.print(Padding(line, (0, 0, 0, 2)))
    named = [reason(decision) for decision in advice.strategy.decisions.values()]
    for fact, meaning in meanings(named).items():
        console.print(Padding(plain(f"{fact}: {meaning}", "dim"), (0, 0, 0, 2)))
    if awaited := unmeasured_facts(advice):
        known = f"{', '.join(awaited)}: known only after a training; rules test it with --after RUN"
        console.print(Padding(plain(known, "dim"), (0, 0, 0, 2)))
    _findings(not_passed(advice.record.guardrails), console)


def unmeasured_facts(advice: Recommendation) -> list[str]:
    """Facts that rules test, but only a training measures."""
    tested = {test.fact for rule in advice.book.book.rules for test in rule.when}
    return [name for name, fact in advice.strategy.facts.items() if name in tested and fact.value == UNMEASURED]


def _table(advice: Recommendation, *, is_wide: bool) -> Table:
    """Table of choices, one per row; on a narrow terminal rejected choices are below the reason."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", style="bold cyan", no_wrap=True)
    table.add_column("Choice", overflow="fold", min_width=MAX_NAME_LENGTH)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Decided by", overflow="fold", ratio=1, min_width=MAX_NAME_LENGTH if is_wide else None)
    if is_wide:
        table.add_column("Instead of", overflow="fold", min_width=MAX_NAME_LENGTH + len(","))
    for slot in NOTES_ORDER:
        decision = advice.strategy.decisions[slot]
        others = ", ".join(instead_of(decision))
        below = f"\ninstead of {others}" if others and not is_wide else ""
        table.add_row(
            slot.letter,
            plain(str(decision.choice), style="bold"),
            _decider(decision),
            plain(reason(decision)).append(below, style="dim"),
            *([plain(others)] if is_wide else []),
        )
    return table


def _decider(decision: Decision) -> str:
    if decision.pin is None:
        return decision.rules[0]
    return "bundle" if decision.pin.origin == "bundle" else "you"


def why(decision: Decision) -> str:
    """Comment in bundle.yaml: slot, rule, measured fact, and the rule's reason."""
    if decision.pin and decision.pin.origin == "bundle":
        return f"{decision.slot.label}, {_of_bundle(decision)}"
    if decision.pin:
        return f"{decision.slot.label}: pinned by the user: {decision.pin.reason}"
    return f"{decision.slot.label}, by {decision.rules[0]} ({reason(decision)}): {decision.winner.because}"


def _doubts(advice: Recommendation) -> Iterator[Text]:
    for decision in advice.strategy.decisions.values():
        if decision.pin:
            continue  # independent of the measurements
        label = decision.slot.label
        for fragile in decision.fragile:
            note = (
                f"{fragile.fact} is between {number(fragile.low)} and {number(fragile.high)} "
                f"{FACTS[fragile.fact].unit} (95 % interval); at one end the choice would be {fragile.other}."
            )
            yield Text.assemble(("fragile", "yellow"), f" {label}: ", plain(note))
        if decision.provisional:
            note = f"{', '.join(decision.provisional)} could not be measured."
            yield Text.assemble(("provisional", "yellow"), f" {label}: ", plain(note))


def show_profile(profile: Profile, console: Console) -> None:
    """Print the characteristics, columns and findings of a profile."""
    measured = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("Characteristic", "Value", "Unit", "95 % interval", "Measured"):
        measured.add_column(heading, overflow="fold")
    groups = {"": profile.characteristics} | {f"{target}: ": found for target, found in profile.targets.items()}
    for prefix, found in groups.items():
        for one in found:
            value = "unknown" if one.value is None else number(one.value)
            interval = "" if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}"
            measured.add_row(plain(prefix + one.name), plain(value), plain(one.unit), interval, plain(one.how))
    console.print(measured)
    console.print()
    columns = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("Column", "Role", "Kind", "Missing", "Reason"):
        columns.add_column(heading, overflow="fold")
    for column in profile.columns[:MAX_COLUMNS]:
        missing = f"{column.missing_share:.1%}" if column.missing_share else ""
        columns.add_row(plain(column.column), column.part, column.kind.value, missing, plain(column.reason))
    console.print(columns)
    if len(profile.columns) > MAX_COLUMNS:
        more = len(profile.columns) - MAX_COLUMNS
        console.print(f"and {more:,} more columns; use --format json to list all", style="dim")
    _findings(profile.findings, console)


def _findings(findings: Sequence[Guardrail], console: Console) -> None:
    for finding in findings:
        alerted = finding.status == "alerted"
        line = Text("! " if alerted else "- ", style="yellow" if alerted else "dim")
        line.append(plain(f"{finding.message} {finding.quotes}".strip(), style="default" if alerted else "dim"))
        console.print(line)
