"""Rules engine: decides each slot from a proved book and the facts of one dataset, with a complete trace."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from rules.decision.trace import Decision, Defeat, Fragility, Outcome, Pin, RuleTrace, TestResult
from rules.errors import ChoiceError
from rules.proof.decision_regions import reported_value, upstream
from rules.proof.fact_space import pieces
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    SEARCHED_SLOTS,
    Choice,
    CustomArchitecture,
    CustomChoice,
    Hyperband,
    Hyperparameter,
    Manual,
    Slot,
    names,
)
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, Facts, Measurement, NotApplicable, Task, Unknown, record_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """Bundle for one dataset, with the decision behind each choice."""

    bundle: Bundle
    decisions: Mapping[Slot, Decision]
    facts: Facts
    """Measured facts, and facts that report earlier choices to later slots."""


def decide(proved: ProvedBook, facts: Facts, *, pins: Iterable[Pin] = ()) -> Strategy:
    """Decide the slots in order; each choice is a fact for later slots.

    Raises ChoiceError if the choices, including pins, violate a constraint of the book.
    """
    pinned = {pin.slot: pin for pin in pins}
    known = complete_facts(facts)
    decisions: dict[Slot, Decision] = {}
    for slot in Slot:
        decision = _decide_slot(slot, proved, known, pinned.get(slot))
        decisions[slot] = decision
        _report(
            slot,
            decision.choice,
            "pinned by the user" if decision.pin else f"chosen by {', '.join(decision.rules)}",
            known,
        )
    bundle = Bundle.of({slot: decision.choice for slot, decision in decisions.items()})
    check_bundle(bundle, proved.book, known)
    return Strategy(bundle=bundle, decisions=decisions, facts=known)


class SlotChoice(NamedTuple):
    """Choice of a slot and the rules that made it; no rules if it is pinned."""

    choice: Choice
    rules: tuple[str, ...]


def slot_choices(
    proved: ProvedBook, facts: Facts, *, pins: Iterable[Pin] = (), slots: Iterable[Slot] = tuple(Slot)
) -> dict[Slot, SlotChoice]:
    """Choices of some slots and their upstream slots, as by `decide`, without trace and constraint checks."""
    pinned = {pin.slot: pin.choice for pin in pins}
    known = complete_facts(facts)
    made: dict[Slot, SlotChoice] = {}
    for slot in upstream(proved.book, slots):
        if slot in pinned:
            made[slot] = SlotChoice(pinned[slot], ())
        else:
            winners, _ = _winners(proved.book.of(slot), proved.proof.slots[slot].beaten_by, known)
            made[slot] = SlotChoice(winners[0].choice, tuple(rule.id for rule in winners))
        _report(slot, made[slot].choice, "", known)
    return made


def complete_facts(facts: Facts) -> dict[str, Measurement]:
    """All facts of the vocabulary; missing ones are not applicable."""
    return {name: facts.get(name, _ABSENT) for name in FACTS}


_ABSENT: Final = Measurement(value=NOT_APPLICABLE)


def _report(slot: Slot, choice: Choice, rules: str, known: dict[str, Measurement]) -> None:
    """Add the facts that report a choice to later slots."""
    for name in _REPORTING[slot]:
        known[name] = Measurement(value=reported_value(choice), source=rules)


_REPORTING: Final = {slot: [name for name, fact in FACTS.items() if fact.slot == slot] for slot in Slot}


def check_bundle(bundle: Bundle, book: Rulebook, facts: Facts) -> None:
    """Raise ChoiceError if a bundle's choices do not fit each other or the task."""
    _check_searched(bundle, facts)
    for own in alternatives(bundle):
        _check_custom(own, facts)
        _check_constraints(own, book, facts)


def alternatives(bundle: Bundle) -> Iterator[Bundle]:
    """A bundle, and those of its trials: each combination of the choices that the search varies.

    Raises ChoiceError if a choice is not one of its slot.
    """
    yield bundle
    searched = {slot: [choice for _, choice in bundle.searched_choices(slot)] for slot in SEARCHED_SLOTS.values()}
    varied = {slot: choices for slot, choices in searched.items() if choices}
    for combination in itertools.product(*varied.values()) if varied else ():
        yield bundle.model_copy(update=dict(zip(varied, combination, strict=True)))


def _check_constraints(bundle: Bundle, book: Rulebook, facts: Facts) -> None:
    choices = {slot: bundle.choice(slot) for slot in Slot}
    for constraint in book.constraints:
        if constraint.is_broken_by(choices, facts):
            chosen = " with ".join(f"{slot} = {choices[slot].model_dump()['name']}" for slot in constraint.choices)
            where = f" for {' and '.join(map(str, constraint.when))}" if constraint.when else ""
            raise ChoiceError(
                f"The bundle combines {chosen}{where}, which constraint {constraint.id} forbids: {constraint.because}. "
                "Change one of them."
            )


def _check_searched(bundle: Bundle, facts: Facts) -> None:
    """Raise ChoiceError if a searched hyperparameter does not exist for the optimizer or the network."""
    _check_values(bundle)
    optimizers = [choice for _, choice in bundle.searched_choices(Slot.OPTIMIZER)] or [bundle.optimizer]
    for name in bundle.searched:
        if name in OPTIMIZER_PROPERTIES and not any(name in type(one).model_fields for one in optimizers):
            having = [word for word, choice in names(Slot.OPTIMIZER).items() if name in choice.model_fields]
            raise ChoiceError(
                f"The optimizer {bundle.optimizer.model_dump()['name']!r} has no {name.value}, so it cannot be "
                f"searched. Choose one of {', '.join(having)}, or search another hyperparameter."
            )
        if name is Hyperparameter.EMBEDDING_DIMENSION and name not in type(bundle.architecture).model_fields:
            raise ChoiceError(
                f"The architecture {bundle.architecture.model_dump()['name']!r} has no embedding dimension, so "
                "embedding_dimension cannot be searched. Search units instead."
            )
        if name is Hyperparameter.NETWORK and facts["task"].value != Task.FORECASTING:
            raise ChoiceError("Only forecasts have several networks, so network cannot be searched here.")


def _check_values(bundle: Bundle) -> None:
    """Raise ChoiceError if values of the user would not be searched, or losses cannot be compared."""
    values = getattr(bundle.hyperparameters, "values", {})
    if values and isinstance(bundle.tuner, Manual) and bundle.tuner.configurations:
        raise ChoiceError(
            "The tuner tries a list of configurations, so the values of the searched hyperparameters have no effect. "
            "Remove the list or the values."
        )
    for name in values:
        if name not in bundle.searched:
            raise ChoiceError(f"A pretrained backbone has no {name}, so it cannot be searched. Search another.")
        if name is Hyperparameter.EPOCHS and isinstance(bundle.tuner, Hyperband):
            raise ChoiceError("Hyperband chooses the epochs, so they cannot be searched. Use --pin tuner=random.")
    scales = {getattr(choice, "target", "as_is") for _, choice in bundle.searched_choices(Slot.LOSS)}
    if len(scales | ({getattr(bundle.loss, "target", "as_is")} if scales else set())) > 1:
        raise ChoiceError(
            "All searched losses must learn the target on one scale, but some learn its logarithm (target log1p). Give "
            "all of them the same target."
        )


def _check_custom(bundle: Bundle, facts: Facts) -> None:
    """Raise ChoiceError if a metric, a loss or an architecture that is not shipped is not defined for the data."""
    task, modality = facts["task"].value, facts["modality"].value
    own = bundle.architecture
    if isinstance(own, CustomArchitecture) and (task == Task.FORECASTING or modality != own.reads):
        data = "forecasts" if task == Task.FORECASTING else f"{modality} data"
        raise ChoiceError(
            f"The architecture {own.function!r} reads {own.reads} data, but these are {data}. Choose another one."
        )
    for choice in (bundle.metric, bundle.loss, own):
        if isinstance(choice, CustomChoice) and choice.tasks and task not in choice.tasks:
            raise ChoiceError(
                f"The {choice.slot} {choice.function!r} is defined for {', '.join(choice.tasks)}, but the task is "
                f"{task}. Choose another {choice.slot}."
            )


def _decide_slot(slot: Slot, proved: ProvedBook, facts: Facts, pin: Pin | None) -> Decision:
    rules = proved.book.of(slot)
    beaten_by = proved.proof.slots[slot].beaten_by
    winners, provisional = _winners(rules, beaten_by, facts)
    winning = {rule.id for rule in winners}
    firing = {rule.id: rule for rule in firing_rules(rules, facts)}
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


def firing_rules(rules: Iterable[Rule], facts: Facts) -> list[Rule]:
    """Rules whose tests all pass; an unknown fact passes no test."""
    return [rule for rule in rules if all(test.holds(facts[test.fact].value) for test in rule.when)]


def unbeaten_rules(firing: list[Rule], beaten_by: Mapping[str, frozenset[str]]) -> list[Rule]:
    """Firing rules that no other firing rule beats."""
    ids = {rule.id for rule in firing}
    return [rule for rule in firing if not beaten_by[rule.id] & ids]


def _winners(
    rules: tuple[Rule, ...], beaten_by: Mapping[str, frozenset[str]], facts: Facts
) -> tuple[list[Rule], tuple[str, ...]]:
    """Deciding rules, and the unknown facts on which the choice depends.

    Every possible value of the unknown facts is tried. If all lead to the same choice, it is final; otherwise the
    rules that do not test the unknown facts make a provisional choice.
    """
    unknown = [name for name, fact in facts.items() if isinstance(fact.value, Unknown)]
    if unknown:
        asked = {test.fact for rule in rules for test in rule.when}
        unknown = [name for name in unknown if name in asked]
    if not unknown:
        return unbeaten_rules(firing_rules(rules, facts), beaten_by), ()
    outcomes = [unbeaten_rules(firing_rules(rules, world), beaten_by) for world in _worlds(rules, unknown, facts)]
    if all(winners[0].choice == outcomes[0][0].choice for winners in outcomes):
        return outcomes[0], ()
    cautious = unbeaten_rules(firing_rules(rules, facts), beaten_by)
    return cautious or outcomes[0], tuple(sorted(unknown))


def _worlds(rules: Iterable[Rule], unknown: list[str], facts: Facts) -> Iterator[Facts]:
    """The facts with each possible combination of values of the unknown facts."""
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
    return RuleTrace(
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
        beaten_by=tuple(Defeat(rule=winner, declared=firing[winner].declares(rule)) for winner in by),
        tests=tuple(
            TestResult(
                fact=test.fact,
                wanted=str(test),
                measured=record_value(facts[test.fact].value),
                passes=test.holds(facts[test.fact].value),
                margin=test.margin(facts[test.fact].value),
            )
            for test in rule.when
        ),
    )
