"""What would have to be different: the nearest facts that flip a choice, and those that reach a wanted one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rules.decision.data_changes import moves
from rules.decision.engine import complete, rulings
from rules.proof.decision_regions import upstream, ways
from rules.proof.fact_space import Piece, Space, is_inside
from rules.proof.reach import decided
from rules.vocabulary.choices import Choice, Slot, names
from rules.vocabulary.condition import levels_of
from rules.vocabulary.facts import (
    FACTS,
    NOT_APPLICABLE,
    Facts,
    Measurement,
    NotApplicable,
    Unknown,
    Value,
    exact,
    recorded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.decision.trace import Pin
    from rules.proof.fact_space import Box
    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule

STEP: Final = 0.01
"""How far past an excluded end a real-valued fact is taken, as a share of that end's size."""
LINKED: Final = frozenset({"imbalance_ratio", "minority_class_rows"})
"""Facts that come from numbers of rows, so that none changes alone and to any value, unless the task does."""
Follow = Callable[[Facts, Collection[str]], Facts]
"""Adds to changed facts what follows from them, given the names of those that changed."""
PLANNED: Final = frozenset({Slot.HYPERPARAMETERS, Slot.TUNER})
"""Slots whose rules read how many trials the budget allows, and how many hyperparameters that lets a search vary."""
MIN_END: Final = 0.01
"""Size that an end counts as where it is nearer to zero."""
DIGITS: Final = 9
"""Decimals of a relative distance; the further ones are rounding errors, which must not part what is equally far."""


class Change(BaseModel):
    """What one fact is, and what it would be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: str
    old: str | float | int
    new: str | float | int
    words: str


class Flip(BaseModel):
    """The nearest change found that gives a slot another choice.

    how: in the data's own units; changes: of the facts; distance: facts that are names, facts, relative distance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: Slot
    was: str
    becomes: str
    rules: tuple[str, ...]
    """Those that would decide; none for a person's."""
    how: str
    changes: tuple[Change, ...]
    distance: tuple[int, int, float]

    @property
    def is_near(self) -> bool:
        """Whether the dataset stays what it is: the same task, the same modality."""
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
    """For each slot, the nearest change to each other choice that a rule of the book makes, the nearest first.

    follow: what a change entails for other facts; by default nothing. Each flip is checked: the book, given the changed
    facts, makes that choice. A pinned slot has none.
    """
    known, follow = complete(facts), follow or _nothing_follows
    now = {slot: ruling.choice for slot, ruling in rulings(proved, known, pins=pins).items()}
    moved = list(_moved(proved, known, now, pins=pins, rare_class=rare_class, follow=follow))
    pinned = {pin.slot for pin in pins}
    return {
        slot: _nearest_each(
            [
                *(flip for flip in moved if flip.slot is slot),
                *_across(proved, known, slot, now[slot], pins=pins, follow=follow),
            ]
        )
        for slot in slots
        if slot not in pinned
    }


def reach(
    proved: ProvedBook,
    facts: Facts,
    slot: Slot,
    wanted: Callable[[Choice], bool],
    *,
    pins: Sequence[Pin] = (),
    rare_class: str = "",
    follow: Follow | None = None,
) -> Flip | None:
    """The nearest change that gives a slot a wanted choice; None if no dataset gets it from the book's rules.

    pins: of other slots.
    """
    found = flips(proved, facts, pins=pins, rare_class=rare_class, slots=[slot], follow=follow)[slot]
    offered = {str(rule.choice) for rule in proved.book.of(slot) if wanted(rule.choice)}
    return next((flip for flip in found if flip.becomes in offered), None)


def _nothing_follows(facts: Facts, _changed: Collection[str]) -> Facts:
    return facts


def awaited_pins(proved: ProvedBook, rule: Rule) -> tuple[Slot, ...]:
    """The slots of which the user's choice lets a rule decide that decides for no dataset by itself; else none."""
    space, boxes = decided(proved, rule.slot, lambda other: other.id == rule.id)
    if boxes:
        return ()
    read = upstream(proved.book, [rule.slot])[:-1]
    if not read:
        return ()
    for choices in itertools.product(*(names(slot).values() for slot in read)):
        pinned = {slot: kind() for slot, kind in zip(read, choices, strict=True)}
        found = ways(proved.book, proved.beaten_by, (rule.slot,), space=space, pinned=pinned)
        if any(way.rules[rule.slot] is rule for way in found):
            return tuple(read)
    return ()


def _nearest_each(found: Iterable[Flip]) -> tuple[Flip, ...]:
    """The nearest flip to each other choice; of equally near ones the first."""
    best: dict[str, Flip] = {}
    for flip in sorted(found, key=lambda flip: flip.distance):
        best.setdefault(flip.becomes, flip)
    return tuple(best.values())


def _moved(
    proved: ProvedBook,
    known: Facts,
    now: Mapping[Slot, Choice],
    *,
    pins: Sequence[Pin],
    rare_class: str,
    follow: Follow,
) -> Iterator[Flip]:
    """Flips by one thing that a person could do to the data or the plan."""
    thresholds: dict[str, set[float]] = {}
    for rule in proved.book.rules:
        for test in rule.when:
            if not isinstance(test.constant, tuple):
                thresholds.setdefault(test.fact, set()).add(test.constant)
    for move in moves(known, thresholds, rare_class=rare_class):
        then = follow(move.apply(known), move.values)
        followed = [name for name in known if name not in move.values and then[name].value != known[name].value]
        for slot, ruling in rulings(proved, then, pins=pins).items():
            if ruling.choice != now[slot]:
                yield Flip(
                    slot=slot,
                    was=str(now[slot]),
                    becomes=str(ruling.choice),
                    rules=ruling.rules,
                    how=_entailed(move.words, slot, followed, known, then),
                    changes=tuple(
                        _change(name, known[name].value, then[name].value)
                        for name in [*move.values, *followed]
                        if then[name].value != known[name].value
                    ),
                    distance=(0, 1, round(move.distance, DIGITS)),
                )


def _entailed(words: str, slot: Slot, followed: Collection[str], known: Facts, then: Facts) -> str:
    """A move's words, and the trials that follow where the slot depends on them."""
    trials = "trial_budget"
    if slot not in PLANNED or trials not in followed:
        return words
    was, becomes = (_short(facts[trials].value) for facts in (known, then))
    return f"{words}, as the budget then allows about {becomes} trials instead of {was}"


def _across(
    proved: ProvedBook, known: Facts, slot: Slot, now: Choice, *, pins: Sequence[Pin], follow: Follow
) -> Iterator[Flip]:
    """Flips by changes of single facts, as few and as small as lead into the territory of another choice."""
    pinned = {pin.slot: pin.choice for pin in pins}
    for way in ways(proved.book, proved.beaten_by, (slot,), pinned=pinned):
        if way.choices[slot] == now:
            continue
        for box in way.boxes:
            changed, distance = _into(way.space, box, known)
            then = follow(substituted(known, {name: value for name, (value, _) in changed.items()}, source=""), changed)
            # An unknown fact, or one that this space does not cut, may lead elsewhere.
            if rulings(proved, then, pins=pins, slots=[slot])[slot].choice != way.choices[slot]:
                continue
            changes = tuple(_change(name, known[name].value, value, piece) for name, (value, piece) in changed.items())
            yield Flip(
                slot=slot,
                was=str(now),
                becomes=str(way.choices[slot]),
                rules=(way.rules[slot].id,),
                how=" and ".join(change.words for change in changes if change.new != repr(NOT_APPLICABLE)),
                changes=changes,
                distance=distance,
            )


def _into(space: Space, box: Box, known: Facts) -> tuple[dict[str, tuple[Value, Piece]], tuple[int, int, float]]:
    """The changes of facts that lead from a dataset into a box, each as small as can be, and the distance."""
    changed: dict[str, tuple[Value, Piece]] = {}
    names = counted = 0
    relative = 0.0
    here = {fact: known[fact].value for fact in space.axes}
    world = next(world for world in space.worlds if is_inside(box, world))
    for (fact, found), mask, whole in zip(space.pieces_of(box).items(), box, world, strict=True):
        if mask == whole and isinstance(here[fact], Unknown | NotApplicable):
            continue  # whatever it is, or would be, leads into the box
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
        names += levels_of(fact) is not None
        relative += _relative(here[fact], value)
    if "task" in changed:
        _follow_task(str(changed["task"][0]), changed, known)
    elif changed.keys() & LINKED:
        counted += 1  # what hangs on it cannot stay as it is, so a move in whole rows comes first
    return changed, (names, counted, round(relative, DIGITS))


def _follow_task(task: str, changed: dict[str, tuple[Value, Piece]], known: Facts) -> None:
    """Another task changes which facts apply, also those that the choice does not hang on."""
    for name, fact in FACTS.items():
        if fact.slot is None and name not in changed:
            applied = not isinstance(known[name].value, NotApplicable)
            if applied and not fact.applies_to(task):
                changed[name] = (NOT_APPLICABLE, Piece(value=NOT_APPLICABLE, words=f"{name} n/a"))


def _nearest(piece: Piece, value: Value) -> Value:
    """The member of a piece that is nearest to a value."""
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
    """The distance between two numbers as a share of the larger; 1 between names, and from what is not known."""
    if old == new:
        return 0.0
    if isinstance(old, int | float) and isinstance(new, int | float):
        return abs(new - old) / max(abs(new), abs(old))
    return 1.0


def _change(name: str, old: Value, new: Value, piece: Piece | None = None) -> Change:
    return Change(fact=name, old=recorded(old), new=recorded(new), words=_words(name, old, new, piece))


def _words(name: str, old: Value, new: Value, piece: Piece | None) -> str:
    """'imbalance_ratio above 4 (now 3.2)', or 'rows = 50,000 (now 891)'."""
    now = "" if isinstance(old, NotApplicable) else f" (now {_short(old)})"
    if isinstance(new, str):
        return f"{name} = {new}{now}"
    ends = (piece.low, piece.high) if piece is not None else (None, None)
    if ends[0] is not None and ends[1] is not None and ends[0] != ends[1] and isinstance(old, int | float):
        bound = f"above {exact(ends[0])}" if old <= ends[0] else f"below {exact(ends[1])}"
        return f"{name} {bound}{now}"
    return f"{name} = {_short(new)}{now}"


def _short(value: Value) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def substituted(facts: Facts, values: Mapping[str, Value], *, source: str) -> dict[str, Measurement]:
    """Facts with some given values; where the task changes, facts that apply to it alone become unknown."""
    then = complete(facts)
    task = values.get("task", then["task"].value)
    for name, fact in FACTS.items():
        if fact.slot is not None or name in values:
            continue
        if not fact.applies_to(task):
            then[name] = Measurement(value=NOT_APPLICABLE, source=f"has no meaning for {task}")
        elif isinstance(then[name].value, NotApplicable):
            then[name] = Measurement(
                value=Unknown(), source=f"not measured: the dataset was read as {facts['task'].value}"
            )
    for name, value in values.items():
        then[name] = replace(then[name], value=value, low=None, high=None, source=source)
    return then
