"""Coverage of a book: by the examples of its rules, and by rules with conditions rather than fallbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rules.proof.fact_space import size
from rules.proof.reach import boxes_decided_by
from rules.proof.regions import region_in_words
from rules.vocabulary.choices import Slot
from rules.vocabulary.condition import interval_of
from rules.vocabulary.facts import NOT_APPLICABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Example, Rule
    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.condition import Test

NEAR: Final = 0.02
"""Largest distance of the two examples around a threshold, as a share of it; 1 for integer facts."""


class Failure(BaseModel):
    """An example with another result than expected."""

    model_config = ConfigDict(frozen=True)

    rule: str
    place: str
    given: dict[str, str | int | float]
    expect: str
    because: str
    """The test that failed, or that all tests passed."""


class ThresholdCoverage(BaseModel):
    """Nearest examples on each side of one threshold; None if there is none."""

    model_config = ConfigDict(frozen=True)

    rule: str
    place: str
    test: str
    fires: float | None
    misses: float | None
    is_close: bool
    """Whether both exist and are at most NEAR apart."""


class FallbackShare(BaseModel):
    """Share of a slot's cells that a rule without conditions decides."""

    model_config = ConfigDict(frozen=True)

    slot: Slot
    rules: tuple[str, ...]
    cells: int
    of: int
    share: float
    where: tuple[str, ...]


class Coverage(BaseModel):
    """Coverage of a book."""

    model_config = ConfigDict(frozen=True)

    thresholds: tuple[ThresholdCoverage, ...]
    without_firing_case: tuple[str, ...]
    fallbacks: tuple[FallbackShare, ...]

    @property
    def is_complete(self) -> bool:
        return not self.without_firing_case and all(one.is_close for one in self.thresholds)


def fires(rule: Rule, example: Example) -> bool:
    """Whether a rule fires on an example; missing facts do not apply."""
    return all(test.holds(example.given.get(test.fact, NOT_APPLICABLE)) for test in rule.when)


def failures(book: Rulebook) -> tuple[Failure, ...]:
    """Examples with another result than expected."""
    found = []
    for rule in book.rules:
        for example in rule.examples:
            if fires(rule, example) == (example.expect == "fires"):
                continue
            silent = [str(test) for test in rule.when if not test.holds(example.given.get(test.fact, NOT_APPLICABLE))]
            because = f"{silent[0]} does not hold" if silent else "all tests pass"
            found.append(
                Failure(rule=rule.id, place=rule.place, given=example.given, expect=example.expect, because=because)
            )
    return tuple(found)


def coverage(proved: ProvedBook) -> Coverage:
    """Examples around each threshold, and the share of cells decided by fallbacks."""
    rules = proved.book.rules
    return Coverage(
        thresholds=tuple(
            _around(rule, test) for rule in rules for test in rule.when if not isinstance(test.constant, tuple)
        ),
        without_firing_case=tuple(
            rule.id for rule in rules if not any(fires(rule, one) and one.expect == "fires" for one in rule.examples)
        ),
        fallbacks=tuple(_fallback(proved, slot) for slot in Slot),
    )


def _around(rule: Rule, test: Test) -> ThresholdCoverage:
    """Firing case and miss that are nearest to a threshold."""
    threshold = float(test.constant)  # type: ignore[arg-type]  # a number: the caller excludes names
    firing = _nearest([one for one in rule.examples if one.expect == "fires"], test, threshold, passes=True)
    missing = _nearest([one for one in rule.examples if one.expect == "silent"], test, threshold, passes=False)
    allowed = 1.0 if interval_of(test.fact).whole else NEAR * (abs(threshold) or NEAR)
    is_close = firing is not None and missing is not None and abs(firing - missing) <= allowed
    return ThresholdCoverage(
        rule=rule.id, place=rule.place, test=str(test), fires=firing, misses=missing, is_close=is_close
    )


def _nearest(examples: Sequence[Example], test: Test, threshold: float, *, passes: bool) -> float | None:
    values = [
        float(value)
        for example in examples
        if isinstance(value := example.given.get(test.fact), int | float) and test.holds(value) is passes
    ]
    return min(values, key=lambda value: abs(value - threshold), default=None)


def _fallback(proved: ProvedBook, slot: Slot) -> FallbackShare:
    space, boxes = boxes_decided_by(proved, slot, lambda rule: not rule.when)
    cells, every = sum(map(size, boxes)), sum(map(size, space.worlds))
    return FallbackShare(
        slot=slot,
        rules=tuple(rule.id for rule in proved.book.of(slot) if not rule.when) if boxes else (),
        cells=cells,
        of=every,
        share=cells / every,
        where=tuple(region_in_words(space, box) for box in boxes),
    )
