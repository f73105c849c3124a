"""A recommendation on a terminal: what was seen, the five choices with their reasons, and what deserves a look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recommender.profile.guardrails import not_passed
from recommender.recommendation.bundle_pins import FROM_BUNDLE
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.wording import counted, printable
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from recommender.profile.measure import Profile
    from recommender.recommendation.recommend import Recommendation
    from rules.decision.record import Guardrail
    from rules.decision.trace import Decision, TestResult

NOTES_ORDER: Final = (
    Slot.METRIC,
    Slot.LOSS,
    Slot.INITIALIZER,
    Slot.OPTIMIZER,
    Slot.TUNER,
    Slot.HYPERPARAMETERS,
    Slot.ACTIVATION,
    Slot.AUGMENTATION,
    Slot.TRANSFER,
    Slot.ARCHITECTURE,
    Slot.VALIDATION,
)

WITHOUT_DECIMALS: Final = 10_000  # from there on, four significant digits leave no decimals
LONGEST_NAME: Final = 24  # characters of categorical_crossentropy, so that no choice is broken within its name
WIDE: Final = 100  # characters of a terminal from which what was not chosen has a column of its own
MOST_COLUMNS: Final = 100  # rows of the table of columns on a terminal
PURE: Final = "1"  # the unit of a number without one
FRACTION: Final = "fraction of "
SINGULAR: Final = {f"{one}s": one for one in ("row", "column", "trial", "value", "level", "hyperparameter")}


def number(value: str | float) -> str:
    """A number with four significant digits and thousands separated; words as they are.

    >>> number(1234567.0), number(1234.5), number(0.012345), number(4.0)
    ('1,234,567', '1,234', '0.01235', '4')
    """
    if isinstance(value, str):
        return value
    if value == int(value) or abs(value) >= WITHOUT_DECIMALS:
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def quantity(value: float, unit: str) -> str:
    """A number in its unit, as people write it.

    >>> quantity(0.25, "fraction of rows"), quantity(1.0, "rows"), quantity(2.5, "1")
    ('0.25 of the rows', '1 row', '2.5')
    """
    if unit == PURE or unit.startswith(f"{PURE},"):
        return number(value)
    if unit.startswith(FRACTION):
        return f"{number(value)} of the {unit.removeprefix(FRACTION)}"
    return f"{number(value)} {SINGULAR.get(unit, unit) if value == 1 else unit}"


def meanings(texts: Iterable[str]) -> dict[str, str]:
    """What the numeric facts mean that some texts name, in the order of the vocabulary."""
    words = set(re.findall(r"[a-z_]+", " ".join(texts)))
    return {name: fact.meaning for name, fact in FACTS.items() if name in words - {"rows"} and is_number(name)}


def is_number(fact: str) -> bool:
    return isinstance(FACTS[fact].domain, Interval)


def plain(value: str, style: str = "") -> Text:
    """A text from the data: never read as markup, and without control characters."""
    return Text(printable(value), style=style)


def show(advice: Recommendation, console: Console) -> None:
    """Print a recommendation. Names and values from the data are never read as markup."""
    seen = advice.record.dataset
    targets = ", ".join(seen.targets)
    size = f": {counted(seen.rows, 'row')}, {counted(len(seen.kinds), 'column')}; predict "
    because = f" ({advice.roles.target_reason})"
    console.print(Text.assemble(plain(seen.name, "bold"), size, plain(targets, "bold"), plain(because)))
    console.print(Text.assemble("Task: ", plain(seen.task, "bold"), plain(f" ({advice.roles.task_reason})")))
    console.print()
    console.print(_table(advice, is_wide=console.width >= WIDE))
    for line in _doubts(advice):
        console.print(Padding(line, (0, 0, 0, 2)))
    named = [reason(decision) for decision in advice.strategy.decisions.values()]
    for fact, meaning in meanings(named).items():
        console.print(Padding(plain(f"{fact}: {meaning}", "dim"), (0, 0, 0, 2)))
    _findings(not_passed(advice.record.guardrails), console)


def _table(advice: Recommendation, *, is_wide: bool) -> Table:
    """The choices, one a row; on a narrow terminal what was not chosen stands under the reason."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", style="bold cyan", no_wrap=True)
    table.add_column("Choice", overflow="fold", min_width=LONGEST_NAME)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Decided by", overflow="fold", ratio=1, min_width=LONGEST_NAME if is_wide else None)
    if is_wide:
        table.add_column("Instead of", overflow="fold", min_width=LONGEST_NAME + len(","))
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
    return "bundle" if decision.pin.reason == FROM_BUNDLE else "you"


def _of_bundle(decision: Decision) -> str:
    return f"{FROM_BUNDLE}; the rules choose {decision.ruled} now ({decision.rules[0]})"


def reason(decision: Decision) -> str:
    """The measured facts that decided, each with its nearest threshold and the margin; or the person's own reason.

    Names such as the task say nothing new beside a number, so they stand alone only.
    """
    if decision.pin and decision.pin.reason == FROM_BUNDLE:
        return _of_bundle(decision)
    if decision.pin:
        return f"{decision.pin.reason} (the rules: {decision.ruled}, {decision.rules[0]})"
    tests = decision.winner.tests
    nearest: dict[str, TestResult] = {}
    for test in sorted(tests, key=lambda test: abs(test.margin or 0)):
        if test.margin is not None:
            nearest.setdefault(test.fact, test)
    met = "; ".join(_met(test) for test in nearest.values() or tests) or "nothing more specific applies"
    return met if decision.winner.layer in SHIPPED_LAYERS else f"{met} [{decision.winner.place}]"


def _met(test: TestResult) -> str:
    """A test that passed, with its distance from the threshold: how far the fact may move."""
    if test.margin is None:
        return f"{test.fact} is {test.measured}"
    wanted = test.wanted.removeprefix(f"{test.fact} ")
    return f"{test.fact} {number(test.measured)} {wanted} (by {number(test.margin)})"


def instead_of(decision: Decision) -> list[str]:
    """What would have been chosen, had the deciding rule not stood in the way; each choice once.

    A name alone is called plain where the same choice stands beside it with parameters.
    """
    chosen = str(decision.choice)
    beaten = [trace.choice for trace in decision.trace if trace.outcome == "beaten"]
    others = dict.fromkeys(choice for choice in [*beaten, *decision.winner.rejects] if choice != chosen)
    with_parameters = {choice.split(" (")[0] for choice in [chosen, *others] if " (" in choice}
    return [f"plain {choice}" if choice in with_parameters else choice for choice in others]


def why(decision: Decision) -> str:
    """One line for bundle.yaml: slot, rule, the measured fact, and the rule's reason."""
    if decision.pin and decision.pin.reason == FROM_BUNDLE:
        return f"{decision.slot.label}, {_of_bundle(decision)}"
    if decision.pin:
        return f"{decision.slot.label}: chosen by a person: {decision.pin.reason}"
    return f"{decision.slot.label}, by {decision.rules[0]} ({reason(decision)}): {decision.winner.because}"


def _doubts(advice: Recommendation) -> Iterator[Text]:
    for decision in advice.strategy.decisions.values():
        if decision.pin:
            continue  # it does not hang on what was measured
        letter = decision.slot.letter
        for fragile in decision.fragile:
            says = (
                f"{fragile.fact} lies between {number(fragile.low)} and {number(fragile.high)} "
                f"{FACTS[fragile.fact].unit} (95 %); at one end it would be {fragile.other}."
            )
            yield Text.assemble(("fragile", "yellow"), f" {letter}: ", plain(says))
        if decision.provisional:
            says = f"{', '.join(decision.provisional)} could not be measured."
            yield Text.assemble(("provisional", "yellow"), f" {letter}: ", plain(says))


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
            measured.add_row(plain(prefix + one.name), plain(value), plain(one.unit), interval, plain(one.how))
    console.print(measured)
    console.print()
    columns = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("Column", "Part", "Kind", "Missing", "Because"):
        columns.add_column(heading, overflow="fold")
    for column in profile.columns[:MOST_COLUMNS]:
        missing = f"{column.missing_share:.1%}" if column.missing_share else ""
        columns.add_row(plain(column.column), column.part, column.kind.value, missing, plain(column.reason))
    console.print(columns)
    if len(profile.columns) > MOST_COLUMNS:
        console.print(f"and {len(profile.columns) - MOST_COLUMNS:,} columns more; --format json lists all", style="dim")
    _findings(profile.findings, console)


def _findings(findings: Sequence[Guardrail], console: Console) -> None:
    for finding in findings:
        alerted = finding.status == "alerted"
        line = Text("! " if alerted else "- ", style="yellow" if alerted else "dim")
        line.append(plain(f"{finding.message} {finding.quotes}".strip(), style="default" if alerted else "dim"))
        console.print(line)
