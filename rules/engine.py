"""From a proved book and the facts of one dataset to a decision for each slot, with its whole trace. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, SerializeAsAny, model_validator

from rules.bundle import Bundle
from rules.cells import pieces
from rules.choices import Choice, Slot, parse_choice
from rules.errors import ChoiceError
from rules.facts import FACTS, NOT_APPLICABLE, Facts, Measurement, NotApplicable, Unknown, Value
from rules.proof import Proof, prove, reported_value, require
from rules.rulebook import SHIPPED_LAYERS, Rule, Rulebook, read_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Outcome = Literal["decides", "beaten", "silent"]
_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")


class Pin(BaseModel):
    """A choice that a person made in the rules' place, and why."""

    model_config = _CLOSED

    slot: Slot
    choice: SerializeAsAny[Choice]
    reason: str

    @model_validator(mode="before")
    @classmethod
    def _typed_choice(cls, fields: object) -> object:
        return _with_typed_choice(fields, "choice")


class TestResult(BaseModel):
    """One unary test against one dataset: what was wanted, what was measured, and the distance between them."""

    __test__ = False  # not a pytest class
    model_config = _CLOSED

    fact: str
    wanted: str
    measured: str | float | int
    passes: bool
    margin: float | None
    """In the fact's unit, positive where the test passes; None for names and for facts without a value."""


class RuleTrace(BaseModel):
    """What one rule had to say on one dataset."""

    model_config = _CLOSED

    rule: str
    name: str
    layer: str
    place: str
    choice: str
    outcome: Outcome
    beaten_by: tuple[str, ...]
    tests: tuple[TestResult, ...]


class Fragility(BaseModel):
    """A fact whose confidence interval reaches across a threshold, and what would be chosen there."""

    model_config = _CLOSED

    fact: str
    low: float
    high: float
    other: str


class Decision(BaseModel):
    """The choice for one slot and everything that led to it."""

    model_config = _CLOSED

    slot: Slot
    choice: SerializeAsAny[Choice]
    rules: tuple[str, ...]
    """The rules that decided; more than one where they agree."""
    because: str
    rejects: dict[str, str]
    source: dict[str, str]
    stance: str
    pin: Pin | None
    ruled: SerializeAsAny[Choice]
    """What the rules say, also where a person chose otherwise."""
    provisional: tuple[str, ...]
    """Unknown facts that could change the choice."""
    fragile: tuple[Fragility, ...]
    trace: tuple[RuleTrace, ...]

    @model_validator(mode="before")
    @classmethod
    def _typed_choices(cls, fields: object) -> object:
        return _with_typed_choice(_with_typed_choice(fields, "choice"), "ruled")

    @property
    def winner(self) -> RuleTrace:
        return next(trace for trace in self.trace if trace.rule == self.rules[0])


def _with_typed_choice(fields: object, key: str) -> object:
    """Read a choice in stored form into the class that its slot's union names."""
    if isinstance(fields, dict) and isinstance(fields.get(key), dict):
        return fields | {key: parse_choice(Slot(fields["slot"]), fields[key])}
    return fields


@dataclass(frozen=True, kw_only=True)
class ProvedBook:
    """A rulebook that is known to decide for every dataset."""

    book: Rulebook
    proof: Proof


def load_book(layers: Iterable[str | Path] = SHIPPED_LAYERS) -> ProvedBook:
    """Read, merge and prove the layers. Raises BookError or ProofError."""
    book = read_layers(layers)
    proof = prove(book)
    require(proof)
    return ProvedBook(book=book, proof=proof)


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """The bundle for one dataset, and the decision behind each choice."""

    bundle: Bundle
    decisions: Mapping[Slot, Decision]
    facts: Facts
    """What was measured, and what the earlier choices report to the later slots."""


def decide(proved: ProvedBook, facts: Facts, *, pins: Iterable[Pin] = ()) -> Strategy:
    """Fill the slots in order; each choice is a fact for the slots after it.

    Raises ChoiceError where the choices, pins included, break one of the book's constraints.
    """
    pinned = {pin.slot: pin for pin in pins}
    known: dict[str, Measurement] = {name: facts.get(name, Measurement(value=NOT_APPLICABLE)) for name in FACTS}
    decisions: dict[Slot, Decision] = {}
    for slot in Slot:
        decision = _decide_slot(slot, proved, known, pinned.get(slot))
        decisions[slot] = decision
        for fact in FACTS.values():
            if fact.slot == slot:
                by = "chosen by a person" if decision.pin else f"chosen by {', '.join(decision.rules)}"
                known[fact.name] = Measurement(value=reported_value(decision.choice), source=by)
    bundle = Bundle.of({slot: decision.choice for slot, decision in decisions.items()})
    check(bundle, proved.book, known)
    return Strategy(bundle=bundle, decisions=decisions, facts=known)


def check(bundle: Bundle, book: Rulebook, facts: Facts) -> None:
    """Raise ChoiceError where a bundle's choices do not fit each other, or the task."""
    for constraint in book.constraints:
        fits = all(constraint.forbids(slot, bundle.choice(slot)) for slot in constraint.choices)
        if fits and all(test.holds(facts[test.fact].value) for test in constraint.when):
            chosen = " with ".join(
                f"{slot} = {bundle.choice(slot).model_dump()['name']}" for slot in constraint.choices
            )
            where = f" where {' and '.join(map(str, constraint.when))}" if constraint.when else ""
            raise ChoiceError(
                f"The bundle combines {chosen}{where}, which rule {constraint.id} forbids: {constraint.because}. "
                "Change one of them."
            )


def _decide_slot(slot: Slot, proved: ProvedBook, facts: Facts, pin: Pin | None) -> Decision:
    rules = proved.book.of(slot)
    beaten_by = proved.proof.slots[slot].beaten_by
    winners, provisional = _winners(rules, beaten_by, facts)
    first = winners[0]
    return Decision(
        slot=slot,
        choice=pin.choice if pin else first.choice,
        rules=tuple(rule.id for rule in winners),
        because=first.because,
        rejects=dict(first.rejects),
        source=dict(first.source),
        stance=first.stance,
        pin=pin,
        ruled=first.choice,
        provisional=provisional,
        fragile=tuple(_fragilities(rules, beaten_by, facts, first.choice)),
        trace=tuple(_trace(rule, {winner.id for winner in winners}, rules, beaten_by, facts) for rule in rules),
    )


def fired(rules: Iterable[Rule], facts: Facts) -> list[Rule]:
    """The rules whose tests all pass. An unknown fact passes none."""
    return [rule for rule in rules if all(test.holds(facts[test.fact].value) for test in rule.when)]


def unbeaten(firing: list[Rule], beaten_by: Mapping[str, frozenset[str]]) -> list[Rule]:
    """Those of the rules that fire which no other one beats."""
    ids = {rule.id for rule in firing}
    return [rule for rule in firing if not beaten_by[rule.id] & ids]


def _winners(
    rules: tuple[Rule, ...], beaten_by: Mapping[str, frozenset[str]], facts: Facts
) -> tuple[list[Rule], tuple[str, ...]]:
    """The rules that decide, and the unknown facts on which the choice hangs.

    Every value that an unknown fact may have is tried. Where all lead to one choice, it is decided anyway; else the
    rules that ask nothing of the unknown facts decide for the time being.
    """
    asked = {test.fact for rule in rules for test in rule.when}
    unknown = [name for name in asked if isinstance(facts[name].value, Unknown)]
    outcomes = [unbeaten(fired(rules, world), beaten_by) for world in _worlds(rules, unknown, facts)]
    choices = [winners[0].choice for winners in outcomes]
    if all(choice == choices[0] for choice in choices):
        return outcomes[0], ()
    cautious = unbeaten(fired(rules, facts), beaten_by)
    return cautious or outcomes[0], tuple(sorted(unknown))


def _worlds(rules: Iterable[Rule], unknown: list[str], facts: Facts) -> Iterator[Facts]:
    """The facts, with each combination of values that the unknown ones may have."""
    task = facts["task"].value
    axes = []
    for name in unknown:
        cuts = [test.constant for rule in rules for test in rule.when if test.fact == name]
        found = pieces(name, [cut for cut in cuts if not isinstance(cut, tuple)])
        applies = FACTS[name].applies_to(task)
        axes.append([piece.value for piece in found if isinstance(piece.value, NotApplicable) is not applies])
    for values in itertools.product(*axes):
        yield {**facts, **{name: Measurement(value=value) for name, value in zip(unknown, values, strict=True)}}


def _fragilities(
    rules: tuple[Rule, ...], beaten_by: Mapping[str, frozenset[str]], facts: Facts, choice: Choice
) -> Iterator[Fragility]:
    for name in sorted({test.fact for rule in rules for test in rule.when}):
        measured = facts[name]
        if measured.low is None or measured.high is None:
            continue
        for end in (measured.low, measured.high):
            world = {**facts, name: replace(measured, value=end)}
            other = _winners(rules, beaten_by, world)[0][0].choice
            if other != choice:
                yield Fragility(fact=name, low=measured.low, high=measured.high, other=str(other))
                break


def _trace(
    rule: Rule,
    winners: set[str],
    rules: tuple[Rule, ...],
    beaten_by: Mapping[str, frozenset[str]],
    facts: Facts,
) -> RuleTrace:
    firing = {other.id for other in fired(rules, facts)}
    outcome: Outcome = "decides" if rule.id in winners else "beaten" if rule.id in firing else "silent"
    return RuleTrace(
        rule=rule.id,
        name=rule.name,
        layer=rule.layer,
        place=rule.place,
        choice=str(rule.choice),
        outcome=outcome,
        beaten_by=tuple(sorted(beaten_by[rule.id] & firing)) if outcome == "beaten" else (),
        tests=tuple(
            TestResult(
                fact=test.fact,
                wanted=str(test),
                measured=_shown(facts[test.fact].value),
                passes=test.holds(facts[test.fact].value),
                margin=test.margin(facts[test.fact].value),
            )
            for test in rule.when
        ),
    )


def _shown(value: Value) -> str | float | int:
    return repr(value) if isinstance(value, NotApplicable | Unknown) else value
