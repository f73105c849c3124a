"""Proof that a book decides: in every cell of fact space, each slot gets exactly one choice.

Within a slot, rule A beats rule B if A overrides B, or if A's box is strictly inside B's and B does not override A. In
a cell, the firing rules that no other firing rule beats decide. A rule that beats another also beats its
variant for a fact of the training (`Rule.variant_of`), so that books that do not test such facts stay proved.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rules.errors import ProofError, did_you_mean
from rules.proof.decision_regions import decision_regions
from rules.proof.fact_space import Region, Space, is_inside, meet, size, uncovered
from rules.proof.findings import Finding, Flaw, finding
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.proof.fact_space import Box
    from rules.rulebook.rule import Constraint, Rule
    from rules.rulebook.rulebook import Rulebook

Regions = dict[str, Region]
"""The cells in which each rule fires, by id."""


@dataclass(frozen=True, kw_only=True)
class SlotProof:
    """Proof of one slot: which rules beat which, and the findings."""

    slot: Slot
    beaten_by: Mapping[str, frozenset[str]]
    """For each rule, the rules that beat it."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Proof of a book."""

    slots: Mapping[Slot, SlotProof]
    findings: tuple[Finding, ...]


def prove(book: Rulebook) -> Proof:
    """Prove each slot, then the constraints across slots if there are no findings."""
    slots = {slot: prove_slot(slot, book.of(slot)) for slot in Slot}
    findings = [*_orphans(book), *(finding for proof in slots.values() for finding in proof.findings)]
    if not findings:
        beaten_by = {slot: proof.beaten_by for slot, proof in slots.items()}
        for constraint in book.constraints:
            findings += _violations(constraint, book, beaten_by)
    return Proof(slots=slots, findings=tuple(findings))


def check_proof(proof: Proof) -> None:
    """Raise ProofError if the proof has findings."""
    if proof.findings:
        lines = "\n".join(f"  {finding.flaw}: {finding}" for finding in proof.findings)
        raise ProofError(f"The rulebook must make exactly one choice for every dataset, but:\n{lines}")


def prove_slot(slot: Slot, rules: Sequence[Rule]) -> SlotProof:
    """Prove that a slot's rules have no gap and no conflict, and that each has an effect."""
    space = Space.over(test for rule in rules for test in rule.when)
    regions = {rule.id: space.region(rule.when) for rule in rules}
    beaten_by = _order(rules, regions)
    findings = [
        *_premature(slot, rules),
        *_without_effect(slot, rules, regions, beaten_by, space),
        *_cycles(slot, rules, beaten_by),
        *_conflicts(slot, rules, regions, beaten_by, space),
        *_gaps(slot, regions, space),
    ]
    return SlotProof(slot=slot, beaten_by=beaten_by, findings=tuple(findings))


def _order(rules: Sequence[Rule], regions: Regions) -> dict[str, frozenset[str]]:
    @cache
    def inside(inner: str, outer: str) -> bool:
        return outer in regions and _strictly_inside(regions[inner], regions[outer])

    return {
        loser.id: frozenset(
            winner.id
            for winner in rules
            if winner.declares(loser) or (not loser.declares(winner) and winner.is_narrower(loser, inside))
        )
        for loser in rules
    }


def _strictly_inside(inner: Region, outer: Region) -> bool:
    return inner != outer and all(
        mine is None or (theirs is not None and is_inside(mine, theirs))
        for mine, theirs in zip(inner, outer, strict=True)
    )


def _boxes_in(regions: Regions, rules: Iterable[str], world: int) -> list[Box]:
    """Boxes of some rules in one world, the largest first."""
    boxes = [box for rule in rules if (box := regions[rule][world]) is not None]
    return sorted(boxes, key=size, reverse=True)


def _first_left(regions: Regions, rule: str, winners: Iterable[str]) -> Box | None:
    """Part of a rule's cells in which none of the winners fires."""
    names = list(winners)
    for world, box in enumerate(regions[rule]):
        if box is not None and (left := uncovered(box, _boxes_in(regions, names, world))) is not None:
            return left
    return None


def _premature(slot: Slot, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Rules that test the choice of their own or a later slot."""
    order = list(Slot)
    for rule in rules:
        for test in rule.when:
            read = FACTS[test.fact].slot
            if read is not None and order.index(Slot(read)) >= order.index(slot):
                yield finding(
                    Flaw.SLOT_CYCLE,
                    slot,
                    [rule],
                    f"{rule.id} tests {test.fact}, which is decided later, in the slot {read}",
                    fix=f"Slots are decided in the order {', '.join(order)}; test a fact of an earlier slot",
                )


def _without_effect(
    slot: Slot, rules: Sequence[Rule], regions: Regions, beaten_by: Mapping[str, frozenset[str]], space: Space
) -> Iterator[Finding]:
    """Rules that never fire, or that are beaten wherever they fire by rules of the same or earlier layers.

    A later layer may replace a rule completely.
    """
    layers = list(dict.fromkeys(rule.layer for rule in rules))
    for rule in rules:
        somewhere = next((box for box in regions[rule.id] if box is not None), None)
        if somewhere is None:
            problem = f"{rule.id} can never fire: no dataset meets its condition ({rule.condition})"
            yield finding(Flaw.UNSATISFIABLE, slot, [rule], problem, fix="Fix the condition, or remove the rule")
            continue
        earlier = {other.id for other in rules if layers.index(other.layer) <= layers.index(rule.layer)}
        winners = beaten_by[rule.id] & earlier
        if _first_left(regions, rule.id, winners) is None:
            by = ", ".join(sorted(winners))
            yield finding(
                Flaw.SHADOWED,
                slot,
                [rule, *(other for other in rules if other.id in winners)],
                f"{rule.id} never decides: wherever it fires, {by} {'beats' if len(winners) == 1 else 'beat'} it",
                witness=space.words(somewhere),
                fix=f"Remove {rule.id}, or let it override one of them",
            )


def _cycles(slot: Slot, rules: Sequence[Rule], beaten_by: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Rules that beat each other in a cycle, one finding per cycle, without rules that are only beaten by it."""
    left = dict(beaten_by)
    while unbeaten := [rule for rule, winners in left.items() if not winners & left.keys()]:
        for rule in unbeaten:
            del left[rule]
    above = _all_above({rule: winners & left.keys() for rule, winners in left.items()})
    cycles = {rule: {other for other in above[rule] if rule in above[other]} for rule in above if rule in above[rule]}
    while cycles:
        names = next(iter(cycles.values()))
        cycles = {rule: cycle for rule, cycle in cycles.items() if rule not in names}
        cycle = [rule for rule in rules if rule.id in names]
        problem = f"{', '.join(sorted(names))} override each other in a cycle"
        yield finding(Flaw.CYCLE, slot, cycle, problem, fix="Remove one of the overrides")


def _all_above(beaten_by: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Transitive closure: for each rule, those that beat it directly or indirectly."""
    above = {}
    for rule, winners in beaten_by.items():
        seen, left = set(winners), list(winners)
        while left:
            further = beaten_by[left.pop()] - seen
            seen |= further
            left += further
        above[rule] = frozenset(seen)
    return above


def _conflicts(
    slot: Slot, rules: Sequence[Rule], regions: Regions, beaten_by: Mapping[str, frozenset[str]], space: Space
) -> Iterator[Finding]:
    for first, second in itertools.combinations(rules, 2):
        settled = first.id in beaten_by[second.id] or second.id in beaten_by[first.id]
        if settled or first.choice == second.choice:
            continue
        shared = _first_shared(regions, first.id, second.id, beaten_by[first.id] | beaten_by[second.id])
        if shared is not None:
            yield finding(
                Flaw.CONFLICT,
                slot,
                [first, second],
                f"{first.id} chooses {first.choice} and {second.id} chooses {second.choice}",
                witness=space.words(shared),
                fix=f"Let one override the other ('overrides: [{first.id}]' in {second.id}), or narrow one of them",
            )


def _first_shared(regions: Regions, first: str, second: str, winners: frozenset[str]) -> Box | None:
    """Part of the cells in which two rules fire and none of the winners does."""
    for world, (mine, theirs) in enumerate(zip(regions[first], regions[second], strict=True)):
        both = None if mine is None or theirs is None else meet(mine, theirs)
        if both is not None and (left := uncovered(both, _boxes_in(regions, winners, world))) is not None:
            return left
    return None


def _gaps(slot: Slot, regions: Regions, space: Space) -> Iterator[Finding]:
    """The first cells in which no rule fires. Where one fires, some rule is unbeaten unless there is a cycle."""
    for world, box in enumerate(space.worlds):
        gap = uncovered(box, _boxes_in(regions, regions, world))
        if gap is not None:
            yield finding(
                Flaw.GAP,
                slot,
                [],
                f"no rule chooses the {slot}",
                witness=space.words(gap),
                fix="Add a rule for it, or one without conditions ('when: {}')",
            )
            return


def _orphans(book: Rulebook) -> Iterator[Finding]:
    """Overrides of rules that are missing or of another slot, and disabled rules that are missing."""
    for rule in book.rules:
        for other in rule.overrides:
            known = book.by_id.get(other)
            if known is None or known.slot is not rule.slot:
                why = "which is not in any layer" if known is None else "which is a rule of another slot"
                near = did_you_mean(other, [one.id for one in book.of(rule.slot)])
                problem = f"{rule.id} overrides {other}, {why}"
                yield finding(Flaw.ORPHAN, rule.slot, [rule], problem, fix=f"Fix the id or remove it.{near}")
    for entry in book.disabled:
        if entry.rule not in book.by_id:
            yield Finding(
                flaw=Flaw.ORPHAN,
                slot=next((slot for slot in Slot if slot.letter == entry.rule[:1]), Slot.ACTIVATION),
                rules=(entry.rule,),
                places=(entry.place,),
                problem=f"{entry.rule} ({entry.place}) is disabled, but is not in any layer",
                witness="",
                fix=f"Fix the id or remove the entry.{did_you_mean(entry.rule, book.by_id)}",
            )


def _violations(
    constraint: Constraint, book: Rulebook, beaten_by: Mapping[Slot, Mapping[str, frozenset[str]]]
) -> Iterator[Finding]:
    """The first decision region whose choices the constraint forbids."""
    for region in decision_regions(book, beaten_by, tuple(constraint.choices), when=constraint.when):
        if all(constraint.forbids(slot, region.choices[slot]) for slot in constraint.choices):
            rules = [rule for slot in constraint.choices if (rule := region.rules.get(slot)) is not None]
            chosen = " and ".join(f"{rule.id} chooses {rule.choice}" for rule in rules)
            yield Finding(
                flaw=Flaw.INCOHERENT,
                slot=rules[-1].slot,
                rules=(constraint.id, *(rule.id for rule in rules)),
                places=(constraint.place, *(rule.place for rule in rules)),
                problem=f"{constraint.id} ({constraint.place}) is violated, as {chosen}: {constraint.because}",
                witness=region.space.words(region.boxes[0]),
                fix="Narrow one of the rules, or let another rule override it there",
            )
            return
