"""A recommendation on a terminal: what was seen, the five choices with their reasons, and what deserves a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recommender.guardrails import not_passed
from rules.choices import Slot
from rules.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from recommender.profile import Profile
    from recommender.recommend import Recommendation
    from rules.decision import Decision, TestResult
    from rules.record import Guardrail

NOTES_ORDER: Final = (
    Slot.METRIC,
    Slot.LOSS,
    Slot.INITIALIZER,
    Slot.OPTIMIZER,
    Slot.TUNER,
    Slot.HYPERPARAMETERS,
    Slot.ACTIVATION,
)

WITHOUT_DECIMALS: Final = 10_000  # from there on, four significant digits leave no decimals
LONGEST_NAME: Final = 24  # characters of categorical_crossentropy, so that no choice is broken within its name
MOST_COLUMNS: Final = 100  # rows of the table of columns on a terminal


def number(value: str | float) -> str:
    """A number with four significant digits and thousands separated; words as they are.

    >>> number(1234567.0), number(0.012345), number(4.0)
    ('1,234,567', '0.01235', '4')
    """
    if isinstance(value, str):
        return value
    if value == int(value) or abs(value) >= WITHOUT_DECIMALS:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def show(advice: Recommendation, console: Console) -> None:
    """Print a recommendation. Names and values from the data are never read as markup."""
    seen = advice.record.dataset
    targets = ", ".join(seen.targets)
    console.print(
        f"[bold]{escape(seen.name)}[/bold]: {seen.rows:,} rows, {len(seen.kinds):,} columns; "
        f"predict [bold]{escape(targets)}[/bold] ({escape(advice.roles.target_reason)})"
    )
    console.print(f"Task: [bold]{seen.task}[/bold] ({escape(advice.roles.task_reason)})")
    console.print()
    console.print(_table(advice))
    for line in _doubts(advice):
        console.print(Padding(Text.from_markup(line), (0, 0, 0, 2)))
    _findings(not_passed(advice.record.guardrails), console)


def _table(advice: Recommendation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", style="bold cyan", no_wrap=True)
    table.add_column("Choice", overflow="fold", min_width=LONGEST_NAME)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Decided by", overflow="fold", ratio=1)
    table.add_column("Instead of", overflow="fold")
    for slot in NOTES_ORDER:
        decision = advice.strategy.decisions[slot]
        table.add_row(
            slot.letter,
            Text(str(decision.choice), style="bold"),
            "you" if decision.pin else decision.rules[0],
            Text(reason(decision)),
            Text(", ".join(instead_of(decision))),
        )
    return table


def reason(decision: Decision) -> str:
    """The measured facts that decided, each with its nearest threshold and the margin; or the person's own reason.

    Names such as the task say nothing new beside a number, so they stand alone only.
    """
    if decision.pin:
        return f"{decision.pin.reason} (the rules: {decision.ruled}, {decision.rules[0]})"
    tests = decision.winner.tests
    nearest: dict[str, TestResult] = {}
    for test in sorted(tests, key=lambda test: abs(test.margin or 0)):
        if test.margin is not None:
            nearest.setdefault(test.fact, test)
    return "; ".join(_met(test) for test in nearest.values() or tests) or "nothing more specific applies"


def _met(test: TestResult) -> str:
    """A test that passed, with its distance from the threshold: how far the fact may move."""
    if test.margin is None:
        return f"{test.fact} is {test.measured}"
    wanted = test.wanted.removeprefix(f"{test.fact} ")
    return f"{test.fact} {number(test.measured)} {wanted} (by {number(test.margin)})"


def instead_of(decision: Decision) -> list[str]:
    """What would have been chosen, had the deciding rule not stood in the way; each choice once."""
    beaten = [trace.choice for trace in decision.trace if trace.outcome == "beaten"]
    rejected = list(decision.winner.rejects)
    others = [choice for choice in [*beaten, *rejected] if choice != str(decision.choice)]
    return list(dict.fromkeys(others))


def why(decision: Decision) -> str:
    """One line for bundle.yaml: slot, rule, the measured fact, and the rule's reason."""
    if decision.pin:
        return f"{decision.slot.label}: chosen by a person: {decision.pin.reason}"
    return f"{decision.slot.label}, by {decision.rules[0]} ({reason(decision)}): {decision.winner.because}"


def _doubts(advice: Recommendation) -> Iterator[str]:
    for decision in advice.strategy.decisions.values():
        for fragile in decision.fragile:
            unit = FACTS[fragile.fact].unit
            yield (
                f"[yellow]fragile[/yellow] {decision.slot.letter}: {fragile.fact} lies between {number(fragile.low)} "
                f"and {number(fragile.high)} {unit} (95 %); at the other end it would be {escape(fragile.other)}."
            )
        if decision.provisional:
            missing = ", ".join(decision.provisional)
            yield f"[yellow]provisional[/yellow] {decision.slot.letter}: {missing} could not be measured."


def show_profile(profile: Profile, console: Console) -> None:
    """Print every measured number and every column's kind with its reason."""
    measured = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("Characteristic", "Value", "Unit", "95 %", "How"):
        measured.add_column(heading, overflow="fold")
    groups = {"": profile.characteristics} | {f"{target}: ": found for target, found in profile.targets.items()}
    for prefix, found in groups.items():
        for one in found:
            value = "unknown" if one.value is None else number(one.value)
            interval = "" if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}"
            measured.add_row(Text(prefix + one.name), value, Text(one.unit), interval, Text(one.how))
    console.print(measured)
    console.print()
    columns = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("Column", "Part", "Kind", "Missing", "Because"):
        columns.add_column(heading, overflow="fold")
    for column in profile.columns[:MOST_COLUMNS]:
        missing = f"{column.missing_share:.1%}" if column.missing_share else ""
        columns.add_row(Text(column.column), column.part, column.kind.value, missing, Text(column.reason))
    console.print(columns)
    if len(profile.columns) > MOST_COLUMNS:
        console.print(f"and {len(profile.columns) - MOST_COLUMNS:,} columns more; --format json lists all", style="dim")
    _findings(profile.findings, console)


def _findings(findings: Sequence[Guardrail], console: Console) -> None:
    for finding in findings:
        line = Text("! ", style="yellow")
        line.append(finding.message, style="default")
        console.print(line)
