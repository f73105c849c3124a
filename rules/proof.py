"""The proof that a book decides: for every cell of fact space, each slot gets exactly one choice.

Within a slot, rule A beats rule B if A declares that it overrides B, or if A's box lies strictly inside B's and B
declares nothing against it. In a cell, the rules that fire and are beaten by no other rule that fires decide.
"""

from __future__ import annotations

import functools
import itertools
import operator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from rules.cells import Space
from rules.choices import Choice, Slot
from rules.condition import Test, levels_of
from rules.errors import ProofError
from rules.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.rulebook import Constraint, Rule, Rulebook


class Flaw(StrEnum):
    """What a proof can find wrong."""

    GAP = "GAP"
    CONFLICT = "CONFLICT"
    UNSATISFIABLE = "UNSATISFIABLE"
    SHADOWED = "SHADOWED"
    CYCLE = "CYCLE"
    INCOHERENT = "INCOHERENT"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One flaw, with the cell that shows it and what mends it."""

    flaw: Flaw
    slot: Slot
    rules: tuple[str, ...]
    message: str


@dataclass(frozen=True, kw_only=True)
class SlotProof:
    """The order of a slot's rules by who beats whom, and what was found on the way."""

    slot: Slot
    beaten_by: Mapping[str, frozenset[str]]
    """For each rule, the rules that beat it wherever they fire."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The proof of a book."""

    slots: Mapping[Slot, SlotProof]
    findings: tuple[Finding, ...]


def prove(book: Rulebook) -> Proof:
    """Prove each slot, then the constraints across slots."""
    slots = {slot: prove_slot(slot, book.of(slot)) for slot in Slot}
    findings = [finding for proof in slots.values() for finding in proof.findings]
    if not findings:
        for constraint in book.constraints:
            findings += _violations(constraint, book, slots)
    return Proof(slots=slots, findings=tuple(findings))


def require(proof: Proof) -> None:
    """Raise ProofError with every finding, unless there is none."""
    if proof.findings:
        _refuse(proof.findings)


def _refuse(findings: Sequence[Finding]) -> NoReturn:
    lines = "\n".join(f"  {finding.flaw}: {finding.message}" for finding in findings)
    raise ProofError(f"The rulebook must give exactly one choice for every dataset, but:\n{lines}")


def prove_slot(slot: Slot, rules: Sequence[Rule]) -> SlotProof:
    """Prove that a slot's rules are total and free of conflict, and that each has an effect."""
    space = Space.over(test for rule in rules for test in rule.when)
    boxes = {rule.id: space.box(rule.when) for rule in rules}
    beaten_by = _order(rules, boxes)
    alive = _alive(boxes, beaten_by)
    findings = [
        *_without_effect(slot, rules, boxes, beaten_by),
        *_cycles(slot, beaten_by),
        *_conflicts(slot, rules, alive, space),
        *_gaps(slot, alive, space),
    ]
    return SlotProof(slot=slot, beaten_by=beaten_by, findings=tuple(findings))


def _order(rules: Sequence[Rule], boxes: Mapping[str, int]) -> dict[str, frozenset[str]]:
    declared = {rule.id: frozenset(rule.overrides) for rule in rules}
    return {
        loser.id: frozenset(
            winner.id
            for winner in rules
            if loser.id in declared[winner.id]
            or (winner.id not in declared[loser.id] and _strictly_inside(boxes[winner.id], boxes[loser.id]))
        )
        for loser in rules
    }


def _strictly_inside(inner: int, outer: int) -> bool:
    return inner != outer and inner & ~outer == 0


def _alive(boxes: Mapping[str, int], beaten_by: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """For each rule, the cells that it decides: where it fires and nothing that beats it does."""
    return {rule: _left(boxes, rule, winners) for rule, winners in beaten_by.items()}


def _left(boxes: Mapping[str, int], rule: str, winners: Iterable[str]) -> int:
    """A rule's cells without those in which one of the winners fires."""
    taken = 0
    for winner in winners:
        taken |= boxes[winner]
    return boxes[rule] & ~taken


def _without_effect(
    slot: Slot, rules: Sequence[Rule], boxes: Mapping[str, int], beaten_by: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    """Rules that fire nowhere, or that rules of their own or of earlier layers beat wherever they fire.

    That a later layer replaces a rule altogether is what layers are for.
    """
    layers = list(dict.fromkeys(rule.layer for rule in rules))
    for rule in rules:
        if not boxes[rule.id]:
            message = f"{rule.id} ({rule.place}) can never fire: no dataset shows {rule.condition}. Mend its condition."
            yield Finding(flaw=Flaw.UNSATISFIABLE, slot=slot, rules=(rule.id,), message=message)
            continue
        earlier = {other.id for other in rules if layers.index(other.layer) <= layers.index(rule.layer)}
        winners = beaten_by[rule.id] & earlier
        if not _left(boxes, rule.id, winners):
            by = ", ".join(sorted(winners))
            message = f"{rule.id} ({rule.place}) never decides: wherever it fires, {by} beats it. Remove it."
            yield Finding(flaw=Flaw.SHADOWED, slot=slot, rules=(rule.id,), message=message)


def _cycles(slot: Slot, beaten_by: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Rules that beat each other in a circle: what is left after taking away, again and again, the unbeaten."""
    left = dict(beaten_by)
    while unbeaten := [rule for rule, winners in left.items() if not winners & left.keys()]:
        for rule in unbeaten:
            del left[rule]
    if left:
        circle = ", ".join(sorted(left))
        message = f"{circle} override each other in a circle. Remove one of the overrides."
        yield Finding(flaw=Flaw.CYCLE, slot=slot, rules=tuple(sorted(left)), message=message)


def _conflicts(slot: Slot, rules: Sequence[Rule], alive: Mapping[str, int], space: Space) -> Iterator[Finding]:
    for first, second in itertools.combinations(rules, 2):
        both = alive[first.id] & alive[second.id]
        if both and first.choice != second.choice:
            message = (
                f"{first.id} ({first.place}) says {first.choice} and {second.id} ({second.place}) says {second.choice} "
                f"where {space.words(both)}. Let one override the other, or narrow one of them."
            )
            yield Finding(flaw=Flaw.CONFLICT, slot=slot, rules=(first.id, second.id), message=message)


def _gaps(slot: Slot, alive: Mapping[str, int], space: Space) -> Iterator[Finding]:
    decided = 0
    for cells in alive.values():
        decided |= cells
    gap = space.feasible & ~decided
    if gap:
        message = f"no rule chooses the {slot} where {space.words(gap)}. Add a rule, or one without conditions."
        yield Finding(flaw=Flaw.GAP, slot=slot, rules=(), message=message)


def _violations(constraint: Constraint, book: Rulebook, proofs: Mapping[Slot, SlotProof]) -> Iterator[Finding]:
    """Cells in which the rules choose, slot by slot, what the constraint forbids together.

    A fact that reports another slot's choice is tied to what that slot chooses, so only bundles that can come out
    are looked at.
    """
    slots = _with_upstream(constraint, book)
    rules = [rule for slot in slots for rule in book.of(slot)]
    reported = [fact.name for fact in FACTS.values() if fact.slot in slots]
    tests = [test for rule in rules for test in rule.when] + list(constraint.when)
    space = Space.over(tests + _cuts(book, reported), facts=reported)
    cells = space.box(constraint.when)
    for slot in slots:
        boxes = {rule.id: space.box(rule.when) for rule in book.of(slot)}
        alive = _alive(boxes, proofs[slot].beaten_by)
        forbidden = tied = 0
        for rule in book.of(slot):
            if slot in constraint.choices and constraint.forbids(slot, rule.choice):
                forbidden |= alive[rule.id]
            agrees = space.everything
            for fact in reported:
                if FACTS[fact].slot == slot:
                    agrees = space.where(fact, functools.partial(operator.eq, reported_value(rule.choice)))
            tied |= alive[rule.id] & agrees
        cells &= tied & (forbidden if slot in constraint.choices else space.everything)
    if cells:
        message = f"{constraint.id} ({constraint.place}) is broken where {space.words(cells)}: {constraint.because}"
        yield Finding(flaw=Flaw.INCOHERENT, slot=slots[-1], rules=(constraint.id,), message=message)


def _cuts(book: Rulebook, reported: Sequence[str]) -> list[Test]:
    """Tests that set the values which a numeric fact reports apart from each other."""
    return [
        Test(fact=fact, op="ge", constant=int(reported_value(rule.choice)))
        for fact in reported
        if levels_of(fact) is None
        for rule in book.of(Slot(str(FACTS[fact].slot)))
    ]


def _with_upstream(constraint: Constraint, book: Rulebook) -> list[Slot]:
    """The constraint's slots and those whose choices their rules read, in the order of decision."""
    wanted = set(constraint.choices)
    for slot in reversed(Slot):
        if slot in wanted:
            read = {FACTS[test.fact].slot for rule in book.of(slot) for test in rule.when}
            wanted |= {Slot(upstream) for upstream in read if upstream is not None}
    return [slot for slot in Slot if slot in wanted]


def reported_value(choice: Choice) -> str | int:
    """What the fact that reports a slot's choice says: the number of searched hyperparameters, or the name."""
    searched = getattr(choice, "searched", None)
    return len(searched) if searched is not None else str(choice.model_dump()["name"])
