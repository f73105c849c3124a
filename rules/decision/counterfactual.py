"""Counterfactuals: the smallest changes of facts that change a choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rules.decision.data_changes import data_changes
from rules.decision.engine import complete_facts, slot_choices
from rules.proof.decision_regions import decision_regions, upstream
from rules.proof.fact_space import Piece, Space, is_inside
from rules.proof.reach import boxes_decided_by
from rules.vocabulary.choices import Choice, Slot, names
from rules.vocabulary.condition import categories_of
from rules.vocabulary.facts import (
    FACTS,
    NOT_APPLICABLE,
    Facts,
    Measurement,
    NotApplicable,
    Unknown,
    Value,
    exact_text,
    record_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.decision.trace import Pin
    from rules.proof.fact_space import Box
    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule

STEP: Final = 0.01
"""Distance of a real-valued fact past an excluded bound, as a share of the bound."""
LINKED: Final = frozenset({"imbalance_ratio", "minority_class_rows"})
"""Facts derived from row counts, which never change alone unless the task changes."""
Follow = Callable[[Facts, Collection[str]], Facts]
"""Updates facts that depend on changed ones, given the names of the changed facts."""
PLANNED: Final = frozenset({Slot.HYPERPARAMETERS, Slot.TUNER})
"""Slots whose rules depend on the number of trials that the budget allows."""
MIN_END: Final = 0.01
"""Smallest size of a bound in the computation of the step past it."""
DIGITS: Final = 9
"""Decimals of a relative distance; further digits are rounding errors, which would break ties."""


class Change(BaseModel):
    """Old and new value of one fact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: str
    old: str | float | int
    new: str | float | int
    words: str


class Flip(BaseModel):
    """The nearest change found that gives a slot another choice.

    how: text of the change in the units of the data. changes: of the facts. distance: number of changed categorical
    facts, number of changed facts, relative distance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: Slot
    was: str
    becomes: str
    rules: tuple[str, ...]
    """The rules that would decide; none for a pinned choice."""
    how: str
    changes: tuple[Change, ...]
    distance: tuple[int, int, float]

    @property
    def is_near(self) -> bool:
        """Whether no categorical fact changes, such as task or modality."""
        return self.distance[0] == 0


def flips(
    proved: ProvedBook,
    facts: Facts,
    *,
    pins: Sequence[Pin] = (),
    rare_class: str = "",
    slots: Iterable[Slot] = tuple(Slot),
    follow: Follow | None = None,
) -> dict[Slot, tuple[Flip, ...]]:
    """For each slot, the nearest change to every other choice of the book, the nearest first.

    follow: updates dependent facts; by default none. Each flip is verified by deciding with the changed facts. A pinned
    slot has no flips.
    """
    known, follow = complete_facts(facts), follow or _nothing_follows
    now = {slot: ruling.choice for slot, ruling in slot_choices(proved, known, pins=pins).items()}
    pinned = {pin.slot for pin in pins}
    free = {slot: now[slot] for slot in slots if slot not in pinned}
    by_data = list(_by_data_changes(proved, known, free, pins=pins, rare_class=rare_class, follow=follow))
    found = {}
    for slot, choice in free.items():
        own = [flip for flip in by_data if flip.slot is slot]
        own += _by_facts(proved, known, slot, choice, pins=pins, follow=follow, below=_distances(own))
        found[slot] = _nearest_each(own)
    return found


def nearest_flip(
    proved: ProvedBook,
    facts: Facts,
    slot: Slot,
    wanted: Callable[[Choice], bool],
    *,
    pins: Sequence[Pin] = (),
    rare_class: str = "",
    follow: Follow | None = None,
) -> Flip | None:
    """Nearest change that gives a slot a wanted choice; None if the book's rules make it for no dataset.

    pins: pins of other slots.
    """
    found = flips(proved, facts, pins=pins, rare_class=rare_class, slots=[slot], follow=follow)[slot]
    offered = {str(rule.choice) for rule in proved.book.of(slot) if wanted(rule.choice)}
    return next((flip for flip in found if flip.becomes in offered), None)


def _nothing_follows(facts: Facts, _changed: Collection[str]) -> Facts:
    return facts


def required_pins(proved: ProvedBook, rule: Rule) -> tuple[Slot, ...]:
    """Slots that the user must pin before a rule can decide; empty if it decides for some dataset, or never."""
    space, boxes = boxes_decided_by(proved, rule.slot, lambda other: other.id == rule.id)
    if boxes:
        return ()
    read = upstream(proved.book, [rule.slot])[:-1]
    if not read:
        return ()
    for choices in itertools.product(*(names(slot).values() for slot in read)):
        pinned = {slot: kind() for slot, kind in zip(read, choices, strict=True)}
        found = decision_regions(proved.book, proved.beaten_by, (rule.slot,), space=space, pinned=pinned)
        if any(region.rules[rule.slot] is rule for region in found):
            return tuple(read)
    return ()


def _nearest_each(found: Iterable[Flip]) -> tuple[Flip, ...]:
    """Nearest flip to each other choice; the first of equally near ones."""
    best: dict[str, Flip] = {}
    for flip in sorted(found, key=lambda flip: flip.distance):
        best.setdefault(flip.becomes, flip)
    return tuple(best.values())


def _distances(found: Iterable[Flip]) -> dict[str, tuple[int, int, float]]:
    """Smallest distance to each other choice."""
    return {flip.becomes: flip.distance for flip in sorted(found, key=lambda flip: flip.distance, reverse=True)}


def _by_data_changes(
    proved: ProvedBook,
    known: Facts,
    now: Mapping[Slot, Choice],
    *,
    pins: Sequence[Pin],
    rare_class: str,
    follow: Follow,
) -> Iterator[Flip]:
    """Flips of slots by one change that the user could make to the data or the budget; none after a nearer one.

    now: choices of the slots.
    """
    nearest: dict[tuple[Slot, str], float] = {}
    thresholds: dict[str, set[float]] = {}
    for rule in proved.book.rules:
        for test in rule.when:
            if not isinstance(test.constant, tuple):
                thresholds.setdefault(test.fact, set()).add(test.constant)
    for change in data_changes(known, thresholds, rare_class=rare_class):
        then = follow(change.apply(known), change.values)
        followed = [name for name in known if name not in change.values and then[name].value != known[name].value]
        distance = round(change.distance, DIGITS)
        made = slot_choices(proved, then, pins=pins, slots=now)
        for slot, choice in now.items():
            if made[slot].choice == choice:
                continue
            becomes = str(made[slot].choice)
            if distance >= nearest.get((slot, becomes), math.inf):
                continue
            nearest[slot, becomes] = distance
            yield Flip(
                slot=slot,
                was=str(choice),
                becomes=becomes,
                rules=made[slot].rules,
                how=_entailed(change.words, slot, followed, known, then),
                changes=tuple(
                    _change(name, known[name].value, then[name].value)
                    for name in [*change.values, *followed]
                    if then[name].value != known[name].value
                ),
                distance=(0, 1, distance),
            )


def _entailed(words: str, slot: Slot, followed: Collection[str], known: Facts, then: Facts) -> str:
    """Text of a change, with its effect on the number of trials if the slot depends on it."""
    trials = "trial_budget"
    if slot not in PLANNED or trials not in followed:
        return words
    was, becomes = (_short(facts[trials].value) for facts in (known, then))
    return f"{words}, as the budget then allows about {becomes} trials instead of {was}"


def _by_facts(
    proved: ProvedBook,
    known: Facts,
    slot: Slot,
    now: Choice,
    *,
    pins: Sequence[Pin],
    follow: Follow,
    below: Mapping[str, tuple[int, int, float]],
) -> Iterator[Flip]:
    """Flips by the smallest changes of facts that lead into a decision region with another choice.

    below: distances by choice; flips that are not nearer are left out.
    """
    nearest = dict(below)
    pinned = {pin.slot: pin.choice for pin in pins}
    for region in decision_regions(proved.book, proved.beaten_by, (slot,), pinned=pinned):
        if region.choices[slot] == now:
            continue
        becomes = str(region.choices[slot])
        for box in region.boxes:
            changed, distance = _into(region.space, box, known)
            if becomes in nearest and distance >= nearest[becomes]:
                continue
            then = follow(
                substitute_facts(known, {name: value for name, (value, _) in changed.items()}, source=""), changed
            )
            # Unknown facts, and facts outside this space, may lead to another choice.
            if slot_choices(proved, then, pins=pins, slots=[slot])[slot].choice != region.choices[slot]:
                continue
            nearest[becomes] = distance
            changes = tuple(_change(name, known[name].value, value, piece) for name, (value, piece) in changed.items())
            yield Flip(
                slot=slot,
                was=str(now),
                becomes=becomes,
                rules=(region.rules[slot].id,),
                how=" and ".join(change.words for change in changes if change.new != repr(NOT_APPLICABLE)),
                changes=changes,
                distance=distance,
            )


def _into(space: Space, box: Box, known: Facts) -> tuple[dict[str, tuple[Value, Piece]], tuple[int, int, float]]:
    """Smallest changes of facts that lead from a dataset into a box, and their distance."""
    changed: dict[str, tuple[Value, Piece]] = {}
    names = counted = 0
    relative = 0.0
    here = {fact: known[fact].value for fact in space.axes}
    world = next(world for world in space.worlds if is_inside(box, world))
    for (fact, found), mask, whole in zip(space.pieces_of(box).items(), box, world, strict=True):
        if mask == whole and isinstance(here[fact], Unknown | NotApplicable):
            continue  # every value leads into the box
        value, piece = min(
            ((_nearest(piece, here[fact]), piece) for piece in found),
            key=lambda pair: _relative(here[fact], pair[0]),
        )
        if value == here[fact] or (isinstance(value, NotApplicable) and isinstance(here[fact], NotApplicable)):
            continue
        changed[fact] = (value, piece)
        if isinstance(value, NotApplicable):
            continue  # it follows from the task
        counted += 1
        names += categories_of(fact) is not None
        relative += _relative(here[fact], value)
    if "task" in changed:
        _follow_task(str(changed["task"][0]), changed, known)
    elif changed.keys() & LINKED:
        counted += 1  # dependent facts change too, so changes by rows are preferred
    return changed, (names, counted, round(relative, DIGITS))


def _follow_task(task: str, changed: dict[str, tuple[Value, Piece]], known: Facts) -> None:
    """Mark the facts that do not apply to another task, including those irrelevant for the choice."""
    for name, fact in FACTS.items():
        if fact.slot is None and name not in changed:
            applied = not isinstance(known[name].value, NotApplicable)
            if applied and not fact.applies_to(task):
                changed[name] = (NOT_APPLICABLE, Piece(value=NOT_APPLICABLE, words=f"{name} n/a"))


def _nearest(piece: Piece, value: Value) -> Value:
    """Member of a piece that is nearest to a value."""
    if piece.low is None or piece.high is None or not isinstance(value, int | float):
        return piece.value
    if piece.low == piece.high or piece.low < value < piece.high:
        return piece.value if piece.low == piece.high else value
    end, sign = (piece.low, 1) if value <= piece.low else (piece.high, -1)
    if isinstance(piece.value, int):
        return int(end) + sign
    step = min(STEP * max(abs(end), MIN_END), (piece.high - piece.low) / 2)
    return end + sign * step


def _relative(old: Value, new: Value) -> float:
    """Distance between two numbers as a share of the larger; 1 between names, and from unknown values."""
    if old == new:
        return 0.0
    if isinstance(old, int | float) and isinstance(new, int | float):
        return abs(new - old) / max(abs(new), abs(old))
    return 1.0


def _change(name: str, old: Value, new: Value, piece: Piece | None = None) -> Change:
    return Change(fact=name, old=record_value(old), new=record_value(new), words=_words(name, old, new, piece))


def _words(name: str, old: Value, new: Value, piece: Piece | None) -> str:
    """'imbalance_ratio above 4 (now 3.2)', or 'rows = 50,000 (now 891)'."""
    now = "" if isinstance(old, NotApplicable) else f" (now {_short(old)})"
    if isinstance(new, str):
        return f"{name} = {new}{now}"
    ends = (piece.low, piece.high) if piece is not None else (None, None)
    if ends[0] is not None and ends[1] is not None and ends[0] != ends[1] and isinstance(old, int | float):
        bound = f"above {exact_text(ends[0])}" if old <= ends[0] else f"below {exact_text(ends[1])}"
        return f"{name} {bound}{now}"
    return f"{name} = {_short(new)}{now}"


def _short(value: Value) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def substitute_facts(facts: Facts, values: Mapping[str, Value], *, source: str) -> dict[str, Measurement]:
    """Facts with some values replaced; if the task changes, facts that apply only to the new task become unknown."""
    then = complete_facts(facts)
    task = values.get("task", then["task"].value)
    for name, fact in FACTS.items():
        if fact.slot is not None or name in values:
            continue
        if not fact.applies_to(task):
            then[name] = Measurement(value=NOT_APPLICABLE, source=f"does not apply to {task}")
        elif isinstance(then[name].value, NotApplicable):
            then[name] = Measurement(
                value=Unknown(), source=f"not measured, since the dataset was profiled for {facts['task'].value}"
            )
    for name, value in values.items():
        then[name] = replace(then[name], value=value, low=None, high=None, source=source)
    return then
