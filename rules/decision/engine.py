"""From a proved book and the facts of one dataset to a decision for each slot, with its whole trace. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from rules.decision.trace import Decision, Defeat, Fragility, Outcome, Pin, RuleTrace, TestResult
from rules.errors import ChoiceError
from rules.proof.decision_regions import reported_value, upstream
from rules.proof.fact_space import pieces
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import OPTIMIZER_PROPERTIES, Choice, Hyperparameter, Slot, names
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, Facts, Measurement, NotApplicable, Task, Unknown, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook


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
    known = complete(facts)
    decisions: dict[Slot, Decision] = {}
    for slot in Slot:
        decision = _decide_slot(slot, proved, known, pinned.get(slot))
        decisions[slot] = decision
        _report(
            slot,
            decision.choice,
            "chosen by a person" if decision.pin else f"chosen by {', '.join(decision.rules)}",
            known,
        )
    bundle = Bundle.of({slot: decision.choice for slot, decision in decisions.items()})
    check(bundle, proved.book, known)
    return Strategy(bundle=bundle, decisions=decisions, facts=known)


class Ruling(NamedTuple):
    """A slot's choice and the rules that made it; none for a pinned one."""

    choice: Choice
    rules: tuple[str, ...]


def rulings(
    proved: ProvedBook, facts: Facts, *, pins: Iterable[Pin] = (), slots: Iterable[Slot] = tuple(Slot)
) -> dict[Slot, Ruling]:
    """What `decide` chooses for some slots and those that they read, without the trace and the check of constraints."""
    pinned = {pin.slot: pin.choice for pin in pins}
    known = complete(facts)
    made: dict[Slot, Ruling] = {}
    for slot in upstream(proved.book, slots):
        if slot in pinned:
            made[slot] = Ruling(pinned[slot], ())
        else:
            winners, _ = _winners(proved.book.of(slot), proved.proof.slots[slot].beaten_by, known)
            made[slot] = Ruling(winners[0].choice, tuple(rule.id for rule in winners))
        _report(slot, made[slot].choice, "", known)
    return made


def complete(facts: Facts) -> dict[str, Measurement]:
    """The facts, with those that are not mentioned as not applicable."""
    return {name: facts.get(name, Measurement(value=NOT_APPLICABLE)) for name in FACTS}


def _report(slot: Slot, choice: Choice, rules: str, known: dict[str, Measurement]) -> None:
    """Make a choice a fact for the slots after it."""
    for fact in FACTS.values():
        if fact.slot == slot:
            known[fact.name] = Measurement(value=reported_value(choice), source=rules)


def check(bundle: Bundle, book: Rulebook, facts: Facts) -> None:
    """Raise ChoiceError where a bundle's choices do not fit each other, or the task."""
    _check_searched(bundle, facts)
    choices = {slot: bundle.choice(slot) for slot in Slot}
    for constraint in book.constraints:
        if constraint.is_broken_by(choices, facts):
            chosen = " with ".join(f"{slot} = {choices[slot].model_dump()['name']}" for slot in constraint.choices)
            where = f" where {' and '.join(map(str, constraint.when))}" if constraint.when else ""
            raise ChoiceError(
                f"The bundle combines {chosen}{where}, which rule {constraint.id} forbids: {constraint.because}. "
                "Change one of them."
            )


def _check_searched(bundle: Bundle, facts: Facts) -> None:
    """Raise ChoiceError where a hyperparameter is searched that the optimizer or the network does not have."""
    for name in bundle.searched:
        if name in OPTIMIZER_PROPERTIES and name not in type(bundle.optimizer).model_fields:
            having = [word for word, choice in names(Slot.OPTIMIZER).items() if name in choice.model_fields]
            raise ChoiceError(
                f"The optimizer {bundle.optimizer.model_dump()['name']!r} has no {name.value}, so it cannot be "
                f"searched. Choose one of {', '.join(having)}, or search another hyperparameter."
            )
        if name is Hyperparameter.EMBEDDING_DIMENSION and name not in type(bundle.architecture).model_fields:
            raise ChoiceError(
                f"The architecture {bundle.architecture.model_dump()['name']!r} has no embeddings beside its hidden "
                "layers, so embedding_dimension cannot be searched. Search units instead."
            )
        if name is Hyperparameter.NETWORK and facts["task"].value != Task.FORECASTING:
            raise ChoiceError("Only a forecast has several networks, so network cannot be searched here.")


def _decide_slot(slot: Slot, proved: ProvedBook, facts: Facts, pin: Pin | None) -> Decision:
    rules = proved.book.of(slot)
    beaten_by = proved.proof.slots[slot].beaten_by
    winners, provisional = _winners(rules, beaten_by, facts)
    winning = {rule.id for rule in winners}
    firing = {rule.id: rule for rule in fired(rules, facts)}
    first = winners[0]
    return Decision.model_construct(
        slot=slot,
        choice=pin.choice if pin else first.choice,
        rules=tuple(rule.id for rule in winners),
        pin=pin,
        ruled=first.choice,
        provisional=provisional,
        fragile=tuple(_fragilities(rules, beaten_by, facts, first.choice)),
        trace=tuple(_trace(rule, winning, firing, beaten_by, facts) for rule in rules),
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
    unknown = [name for name, fact in facts.items() if isinstance(fact.value, Unknown)]
    if unknown:
        asked = {test.fact for rule in rules for test in rule.when}
        unknown = [name for name in unknown if name in asked]
    if not unknown:
        return unbeaten(fired(rules, facts), beaten_by), ()
    outcomes = [unbeaten(fired(rules, world), beaten_by) for world in _worlds(rules, unknown, facts)]
    if all(winners[0].choice == outcomes[0][0].choice for winners in outcomes):
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
    estimated = {name: (fact.low, fact.high) for name, fact in facts.items() if fact.low is not None}
    for name in sorted(estimated.keys() & {test.fact for rule in rules for test in rule.when}):
        low, high = estimated[name]
        if low is None or high is None:
            continue
        measured = facts[name]
        for end in (low, high):
            world = {**facts, name: replace(measured, value=end)}
            other = _winners(rules, beaten_by, world)[0][0].choice
            if other != choice:
                yield Fragility(fact=name, low=low, high=high, other=str(other))
                break


def _trace(
    rule: Rule,
    winners: set[str],
    firing: Mapping[str, Rule],
    beaten_by: Mapping[str, frozenset[str]],
    facts: Facts,
) -> RuleTrace:
    outcome: Outcome = "decides" if rule.id in winners else "beaten" if rule.id in firing else "silent"
    by = sorted(beaten_by[rule.id] & firing.keys()) if outcome == "beaten" else []
    # What the engine itself makes is valid; checking it again would take four times as long as deciding.
    return RuleTrace.model_construct(
        rule=rule.id,
        name=rule.name,
        layer=rule.layer,
        place=rule.place,
        author=rule.author,
        choice=str(rule.choice),
        because=rule.because,
        rejects=dict(rule.rejects),
        source=dict(rule.source),
        stance=rule.stance,
        digest=rule.digest,
        outcome=outcome,
        beaten_by=tuple(Defeat(rule=winner, declared=rule.id in firing[winner].overrides) for winner in by),
        tests=tuple(
            TestResult.model_construct(
                fact=test.fact,
                wanted=str(test),
                measured=recorded(facts[test.fact].value),
                passes=test.holds(facts[test.fact].value),
                margin=test.margin(facts[test.fact].value),
            )
            for test in rule.when
        ),
    )
