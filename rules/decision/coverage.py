"""How well a book is tested, by its rules' examples, and how much of it only rules without conditions answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rules.proof.fact_space import size
from rules.proof.reach import decided
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
"""How far apart the two cases around a threshold may lie, as a share of it; of a fact that is a whole number, by 1."""


class Failure(BaseModel):
    """An example that a rule does not do."""

    model_config = ConfigDict(frozen=True)

    rule: str
    place: str
    given: dict[str, str | int | float]
    expect: str
    because: str
    """Which test failed, or that all passed."""


class ThresholdCoverage(BaseModel):
    """The examples nearest to one threshold, on each of its sides; None where there is none."""

    model_config = ConfigDict(frozen=True)

    rule: str
    place: str
    test: str
    fires: float | None
    misses: float | None
    is_close: bool
    """Whether both are there and no further apart than NEAR."""


class FallbackShare(BaseModel):
    """The part of a slot's cells that only a rule without conditions answers."""

    model_config = ConfigDict(frozen=True)

    slot: Slot
    rules: tuple[str, ...]
    cells: int
    of: int
    share: float
    where: tuple[str, ...]


class Coverage(BaseModel):
    """The coverage of a book."""

    model_config = ConfigDict(frozen=True)

    thresholds: tuple[ThresholdCoverage, ...]
    without_firing_case: tuple[str, ...]
    fallbacks: tuple[FallbackShare, ...]

    @property
    def is_complete(self) -> bool:
        return not self.without_firing_case and all(one.is_close for one in self.thresholds)


def fires(rule: Rule, example: Example) -> bool:
    """Whether a rule fires on an example; a fact that is not given does not apply."""
    return all(test.holds(example.given.get(test.fact, NOT_APPLICABLE)) for test in rule.when)


def failures(book: Rulebook) -> tuple[Failure, ...]:
    """The examples that do not come out as their rules say."""
    found = []
    for rule in book.rules:
        for example in rule.examples:
            if fires(rule, example) == (example.expect == "fires"):
                continue
            silent = [str(test) for test in rule.when if not test.holds(example.given.get(test.fact, NOT_APPLICABLE))]
            because = f"it wants {silent[0]}" if silent else "all of its tests pass"
            found.append(
                Failure(rule=rule.id, place=rule.place, given=example.given, expect=example.expect, because=because)
            )
    return tuple(found)


def coverage(proved: ProvedBook) -> Coverage:
    """Examples around each threshold, and what only fallbacks answer."""
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
    """The firing case and the miss that lie nearest to a threshold."""
    threshold = float(test.constant)  # type: ignore[arg-type]  # a number: names are left out by the caller
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
    space, boxes = decided(proved, slot, lambda rule: not rule.when)
    cells, every = sum(map(size, boxes)), sum(map(size, space.worlds))
    return FallbackShare(
        slot=slot,
        rules=tuple(rule.id for rule in proved.book.of(slot) if not rule.when) if boxes else (),
        cells=cells,
        of=every,
        share=cells / every,
        where=tuple(region_in_words(space, box) for box in boxes),
    )
