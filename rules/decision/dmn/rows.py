"""Rows of a decision table in FEEL, the expression language of DMN.

An unknown fact is null, which passes no test. The engine decides by the rules without that fact only where its possible
values lead to different choices, so rows for null come first where all values lead to the same one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rules.proof.decision_regions import reported_value
from rules.proof.fact_space import Space, meet, merge, remainder
from rules.proof.regions import runs
from rules.text.wording import printable
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, Interval, NotApplicable, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.decision.decision_table import DecisionTable
    from rules.proof.fact_space import Box, Piece
    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook

ANY: Final = "-"
NULL: Final = "null"
NOT_NULL: Final = "not(null)"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a decision table: a unary test in FEEL for each fact that it tests, and the choice."""

    tests: Mapping[str, str]
    choice: str
    rule: str
    because: str


@dataclass(frozen=True, kw_only=True)
class _Case:
    """Datasets of one task for which some facts are unknown, and their choice; all boxes include any unknown value."""

    unknown: tuple[str, ...]
    box: Box
    rule: Rule
    is_only_case: bool
    """Whether no other fact may be unknown."""


def rows(table: DecisionTable, book: Rulebook) -> list[Row]:
    """Rows of a slot: those for unknown facts, then one for each rule."""
    space = Space.over(test for rule in table.rows for test in rule.when)
    found = []
    for rule in table.rows:
        box = space.where(rule.when)
        pieces = {} if box is None else space.pieces_of(box)
        tests = {fact: _feel(fact, pieces.get(fact, []), space, book) for fact in _tested(rule)}
        found.append(Row(tests=tests, choice=str(rule.choice), rule=rule.id, because=rule.because))
    return [*_rows_for_unknown_facts(table, space, book), *found]


def _tested(rule: Rule) -> list[str]:
    return list(dict.fromkeys(test.fact for test in rule.when))


def string(text: str) -> str:
    r"""A string literal of FEEL.

    >>> print(string('a "name"'))
    "a \"name\""
    """
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _feel(fact: str, pieces: Sequence[Piece], space: Space, book: Rulebook) -> str:
    """Unary test that exactly the known values in some pieces of a fact's domain pass."""
    reports = FACTS[fact].slot
    if reports is not None:
        texts = [str(rule.choice) for rule in book.of(Slot(reports)) if _within(reported_value(rule.choice), pieces)]
        return ", ".join(map(string, dict.fromkeys(texts))) or NULL
    every = [piece for piece in space.axes[fact] if not isinstance(piece.value, NotApplicable)]
    if not isinstance(FACTS[fact].domain, Interval):
        return ", ".join(string(str(piece.value)) for piece in pieces if piece in every) or NULL
    return ", ".join(_stretch(run, every) for run in runs(every, pieces)) or NULL


def _within(value: str | int, pieces: Iterable[Piece]) -> bool:
    """Whether a reported choice is in one of the pieces."""
    return any(
        piece.value == value
        if isinstance(value, str) or piece.low is None or piece.high is None or piece.low == piece.high
        else piece.low < value < piece.high
        for piece in pieces
    )


def _stretch(run: Sequence[Piece], every: Sequence[Piece]) -> str:
    """Consecutive pieces of a number's domain as one interval."""
    first, last = run[0], run[-1]
    low, high = first.low, last.high
    if low is None or high is None:
        raise ValueError("a number has bounds")
    from_start, to_end = first == every[0], last == every[-1]
    if from_start and to_end:
        return NOT_NULL
    has_low, has_high = first.low == first.high, last.low == last.high
    if from_start:
        return f"<{'=' if has_high else ''} {_number(high)}"
    if to_end:
        return f">{'=' if has_low else ''} {_number(low)}"
    if low == high:
        return _number(low)
    return f"{'[' if has_low else '('}{_number(low)}..{_number(high)}{']' if has_high else ')'}"


def _number(value: float) -> str:
    """A number literal of FEEL, which has no exponents.

    >>> _number(1e-05), _number(50000.0)
    ('0.00001', '50000')
    """
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


# Unknown facts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _rows_for_unknown_facts(table: DecisionTable, space: Space, book: Rulebook) -> list[Row]:
    """Rows for unknown facts that have another choice than the rules without these facts, or that these lack.

    Rows that differ only in their task are joined. Each row is right wherever it matches, so one that matches less than
    another of the same choice is left out.
    """
    joined: dict[tuple[object, ...], tuple[list[str], Row]] = {}
    for world, everything in enumerate(space.worlds):
        task = str(space.first(everything)["task"].value) if "task" in space.axes else ""
        nullable = [fact for fact in _numbers(table) if not task or FACTS[fact].applies_to(Task(task))]
        boxes = [(rule, box) for rule in table.rows if (box := space.region(rule.when)[world]) is not None]
        sets = (itertools.combinations(nullable, size) for size in range(1, len(nullable) + 1))
        for unknown in itertools.chain.from_iterable(sets):
            for case in _cases(unknown, boxes, everything, space):
                row = _row(case, everything, nullable, space, book)
                joined.setdefault((row.choice, *sorted(row.tests.items())), ([], row))[0].append(task)
    found = []
    for tasks, row in joined.values():
        named = {} if len(tasks) == len(space.worlds) else {"task": ", ".join(map(string, tasks))}
        found.append(replace(row, tests={**named, **row.tests}))
    return [row for row in found if not any(_is_covered(row, other) for other in found)]


def _is_covered(row: Row, other: Row) -> bool:
    return row.choice == other.choice and other.tests.items() < row.tests.items()


def _numbers(table: DecisionTable) -> list[str]:
    """Facts of the data that may be unknown."""
    return [fact for fact in table.facts if FACTS[fact].slot is None and isinstance(FACTS[fact].domain, Interval)]


def _cases(
    unknown: tuple[str, ...], boxes: Sequence[tuple[Rule, Box]], everything: Box, space: Space
) -> Iterator[_Case]:
    axes = {index for index, fact in enumerate(space.axes) if fact in unknown}

    def with_any_value(box: Box) -> Box:
        return tuple(everything[index] if index in axes else mask for index, mask in enumerate(box))

    known = _decided(boxes)
    cautious = _decided([(rule, box) for rule, box in boxes if not set(_tested(rule)) & set(unknown)])
    agreed: list[Box] = []
    for choice in dict.fromkeys(str(rule.choice) for rule, _ in known):
        deciding = next(rule for rule, _ in known if str(rule.choice) == choice)
        others = merge(with_any_value(box) for rule, box in known if str(rule.choice) != choice)
        same = remainder(everything, others)
        agreed += same
        right = [box for rule, box in cautious if str(rule.choice) == choice]
        for box in merge(left for part in same for left in remainder(part, right)):
            yield _Case(unknown=unknown, box=box, rule=deciding, is_only_case=False)
    first = tuple(mask & -mask if index in axes else mask for index, mask in enumerate(everything))
    for part in remainder(everything, [*agreed, *(box for _, box in cautious)]):
        for rule, box in known:
            at_first = meet(box, first)
            shared = None if at_first is None else meet(with_any_value(at_first), part)
            if shared is not None:
                yield _Case(unknown=unknown, box=shared, rule=rule, is_only_case=True)


def _decided(boxes: Sequence[tuple[Rule, Box]]) -> list[tuple[Rule, Box]]:
    """Disjoint boxes in which each rule is the first that fires."""
    found: list[tuple[Rule, Box]] = []
    for index, (rule, box) in enumerate(boxes):
        found += [(rule, part) for part in remainder(box, [other for _, other in boxes[:index]])]
    return found


def _row(case: _Case, everything: Box, nullable: Sequence[str], space: Space, book: Rulebook) -> Row:
    """Row of a case, without its task."""
    tests = {}
    possible = space.pieces_of(everything)
    for fact, pieces in space.pieces_of(case.box).items():
        if fact in case.unknown:
            tests[fact] = NULL
        elif fact != "task" and pieces != possible[fact]:
            tests[fact] = _feel(fact, pieces, space, book)
        elif fact in nullable and case.is_only_case:
            tests[fact] = NOT_NULL
    because = f"{' and '.join(case.unknown)} unknown: " + (
        "no rule without it decides" if case.is_only_case else "every possible value leads to this choice"
    )
    return Row(tests=tests, choice=str(case.rule.choice), rule=case.rule.id, because=because)
