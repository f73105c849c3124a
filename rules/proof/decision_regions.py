"""Decision regions: the parts of fact space in which the same rules decide given slots.

The boxes of a region are in the facts of the data and the training plan. Facts that report an earlier choice to a
later slot are computed from that choice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rules.proof.fact_space import Box, Space, meet, minus
from rules.vocabulary.choices import Choice, Slot
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.condition import Test


@dataclass(frozen=True, kw_only=True)
class DecisionRegion:
    """Datasets for which the same rules decide given slots.

    rules: the deciding rule of each slot and of the slots that it depends on; a pinned slot has none. boxes: disjoint.
    """

    space: Space
    rules: Mapping[Slot, Rule]
    choices: Mapping[Slot, Choice]
    boxes: tuple[Box, ...]


def decision_regions(
    book: Rulebook,
    beaten_by: Mapping[Slot, Mapping[str, frozenset[str]]],
    slots: Sequence[Slot],
    *,
    when: Iterable[Test] = (),
    pinned: Mapping[Slot, Choice] | None = None,
    space: Space | None = None,
) -> Iterator[DecisionRegion]:
    """Decision regions of some slots, restricted to datasets that pass the tests in `when`.

    space: space of the boxes; by default the smallest one with all thresholds of the rules involved. Regions overlap
    only if rules of one slot make the same choice.
    """
    needed = upstream(book, slots)
    tests = tuple(when)
    space = space or Space.over([*base_tests(book, needed), *tests])
    everything = tuple(box for box in space.region(tests) if box is not None)
    found = [DecisionRegion(space=space, rules={}, choices={}, boxes=everything)]
    for slot in needed:
        if pinned and slot in pinned:
            found = [replace(before, choices={**before.choices, slot: pinned[slot]}) for before in found]
        else:
            found = [part for before in found for part in _split(before, slot, book.of(slot), beaten_by[slot])]
    yield from found


def _split(
    before: DecisionRegion, slot: Slot, rules: Sequence[Rule], beaten_by: Mapping[str, frozenset[str]]
) -> Iterator[DecisionRegion]:
    """Split a region by the rule that decides the next slot."""
    firing = {rule.id: box for rule in rules if (box := _box(rule, before)) is not None}
    for rule in rules:
        if rule.id not in firing:
            continue
        boxes = [part for box in before.boxes if (part := meet(box, firing[rule.id])) is not None]
        for winner in sorted(beaten_by[rule.id] & firing.keys()):  # the order decides how boxes are cut
            boxes = [part for box in boxes for part in minus(box, firing[winner])]
        if boxes:
            yield DecisionRegion(
                space=before.space,
                rules={**before.rules, slot: rule},
                choices={**before.choices, slot: rule.choice},
                boxes=tuple(boxes),
            )


def _box(rule: Rule, region: DecisionRegion) -> Box | None:
    """Box in which a rule fires, given the earlier choices; None if they prevent it."""
    base = []
    for test in rule.when:
        reports = FACTS[test.fact].slot
        if reports is None:
            base.append(test)
        elif not test.holds(reported_value(region.choices[Slot(reports)])):
            return None
    return region.space.where(base)


def upstream(book: Rulebook, slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """The slots and those whose choices their rules test, in the order of decision."""
    wanted = set(slots)
    for slot in reversed(Slot):
        if slot in wanted:
            read = {FACTS[fact].slot for fact in book.tested_facts[slot]}
            wanted |= {Slot(name) for name in read if name is not None}
    return tuple(slot for slot in Slot if slot in wanted)


def base_tests(book: Rulebook, slots: Iterable[Slot]) -> list[Test]:
    """Tests of the slots' rules on facts of the data and the training plan."""
    return [test for slot in slots for rule in book.of(slot) for test in rule.when if FACTS[test.fact].slot is None]


def reported_value(choice: Choice) -> str | int:
    """Value of the fact that reports a choice: the number of searched hyperparameters, or the choice's name."""
    searched = getattr(choice, "searched", None)
    return len(searched) if searched is not None else str(choice.model_dump()["name"])
