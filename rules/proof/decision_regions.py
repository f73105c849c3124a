"""Which datasets get which choices: fact space divided by the ways in which a book's rules can decide together.

A way is one deciding rule for each of some slots. Its boxes hold the datasets that are decided that way, described by
facts of the data and the plan alone: what an earlier choice reports to a later slot is followed, not assumed.
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
class Way:
    """One way in which slots are decided, and the datasets that are decided so.

    rules: the deciding rule of each slot, and of those that it reads; a pinned slot has none. boxes: disjoint ones.
    """

    space: Space
    rules: Mapping[Slot, Rule]
    choices: Mapping[Slot, Choice]
    boxes: tuple[Box, ...]


def ways(
    book: Rulebook,
    beaten_by: Mapping[Slot, Mapping[str, frozenset[str]]],
    slots: Sequence[Slot],
    *,
    when: Iterable[Test] = (),
    pinned: Mapping[Slot, Choice] | None = None,
    space: Space | None = None,
) -> Iterator[Way]:
    """Every way in which some slots can be decided together, where further tests pass.

    space: in which the boxes lie; by default the smallest one that tells the book's thresholds apart. Ways overlap
    only where rules of one slot agree.
    """
    needed = upstream(book, slots)
    tests = tuple(when)
    space = space or Space.over([*base_tests(book, needed), *tests])
    everything = tuple(box for box in space.region(tests) if box is not None)
    found = [Way(space=space, rules={}, choices={}, boxes=everything)]
    for slot in needed:
        if pinned and slot in pinned:
            found = [replace(way, choices={**way.choices, slot: pinned[slot]}) for way in found]
        else:
            found = [way for before in found for way in _decided(before, slot, book.of(slot), beaten_by[slot])]
    yield from found


def _decided(before: Way, slot: Slot, rules: Sequence[Rule], beaten_by: Mapping[str, frozenset[str]]) -> Iterator[Way]:
    """A way, divided by the rule that decides the next slot."""
    firing = {rule.id: box for rule in rules if (box := _box(rule, before)) is not None}
    for rule in rules:
        if rule.id not in firing:
            continue
        boxes = [part for box in before.boxes if (part := meet(box, firing[rule.id])) is not None]
        for winner in beaten_by[rule.id] & firing.keys():
            boxes = [part for box in boxes for part in minus(box, firing[winner])]
        if boxes:
            yield Way(
                space=before.space,
                rules={**before.rules, slot: rule},
                choices={**before.choices, slot: rule.choice},
                boxes=tuple(boxes),
            )


def _box(rule: Rule, way: Way) -> Box | None:
    """Where a rule fires, once the choices that it reads are made; None where they keep it silent."""
    base = []
    for test in rule.when:
        reports = FACTS[test.fact].slot
        if reports is None:
            base.append(test)
        elif not test.holds(reported_value(way.choices[Slot(reports)])):
            return None
    return way.space.where(base)


def upstream(book: Rulebook, slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """The slots, and those whose choices their rules read, in the order of decision."""
    wanted = set(slots)
    for slot in reversed(Slot):
        if slot in wanted:
            read = {FACTS[test.fact].slot for rule in book.of(slot) for test in rule.when}
            wanted |= {Slot(name) for name in read if name is not None}
    return tuple(slot for slot in Slot if slot in wanted)


def base_tests(book: Rulebook, slots: Iterable[Slot]) -> list[Test]:
    """The tests of the slots' rules on facts of the data and the plan."""
    return [test for slot in slots for rule in book.of(slot) for test in rule.when if FACTS[test.fact].slot is None]


def reported_value(choice: Choice) -> str | int:
    """What the fact that reports a slot's choice says: the number of searched hyperparameters, or the name."""
    searched = getattr(choice, "searched", None)
    return len(searched) if searched is not None else str(choice.model_dump()["name"])
