"""Why not something else, and what if the data were different."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from recommender.audit.dependent_facts import follow_settings
from rules.decision.counterfactual import Flip, nearest_flip, required_pins
from rules.decision.engine import decide, slot_choices
from rules.decision.trace import TestResult
from rules.errors import ChoiceError, did_you_mean
from rules.rulebook.rule_file import misfit
from rules.text import yaml_document as document
from rules.vocabulary.aliases import current_fact, current_level
from rules.vocabulary.choices import Choice, Slot, names, parse_choice
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.condition import categories_of
from rules.vocabulary.facts import FACTS, record_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.audit.subject import Subject
    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.facts import Value

_CLOSED = ConfigDict(frozen=True, extra="forbid")


class Candidate(BaseModel):
    """A rule that would give a wanted choice, and what stands against it here."""

    model_config = _CLOSED

    rule: str
    choice: str
    because: str
    failed: tuple[TestResult, ...]
    beaten_by: tuple[str, ...]
    beatable_by: tuple[str, ...]
    """Every rule that beats it wherever both fire."""
    awaits: tuple[Slot, ...]
    """The slots that a person would have to pin before it decides for any dataset at all."""


class WhyNot(BaseModel):
    """Why a slot does not have a wanted choice, and the smallest change of facts that gives it."""

    model_config = _CLOSED

    slot: Slot
    asked: str
    """The choice as it was typed."""
    wanted: str
    chosen: str
    chosen_by: tuple[str, ...]
    is_chosen: bool
    forbidden: tuple[str, ...]
    """Constraints that would forbid it here."""
    candidates: tuple[Candidate, ...]
    held_by: tuple[Slot, ...]
    """Other slots in which a person's choice keeps a candidate silent."""
    nearest: Flip | None


class Outcome(BaseModel):
    """One slot before and after."""

    model_config = _CLOSED

    slot: Slot
    was: str
    was_by: tuple[str, ...]
    becomes: str
    becomes_by: tuple[str, ...]
    provisional: tuple[str, ...]

    @property
    def changes(self) -> bool:
        return self.was != self.becomes


class WhatIf(BaseModel):
    """The bundle under changed facts, the facts that follow from these, and those that were held."""

    model_config = _CLOSED

    set: dict[str, str | float | int]
    follows: dict[str, float | int]
    """Facts that changed because they depend on those that were set, with their new values."""
    held: tuple[str, ...]
    """Related facts that were kept as recorded, though they might differ."""
    outcomes: tuple[Outcome, ...]


def why_not(subject: Subject, words: str) -> WhyNot:
    """Answer SLOT=CHOICE. Raises ChoiceError on a slot or choice that does not exist, or that is always refused."""
    slot, wanted = _asked(words)
    record, proved = subject.record, subject.book()
    facts = record.measurements()
    decision = record.decisions[slot]
    others = [pin for pin in record.pins if pin.slot is not slot]
    today = decide(proved, facts, pins=others).decisions[slot]
    matching = [trace for trace in today.trace if _fits(proved.book.by_id[trace.rule].choice, wanted)]
    unmet = {FACTS[test.fact].slot for trace in matching for test in trace.tests if not test.passes}
    return WhyNot(
        slot=slot,
        asked=words.partition("=")[2].strip(),
        wanted=str(wanted),
        chosen=str(decision.choice),
        chosen_by=("a person",) if decision.pin else decision.rules,
        is_chosen=_fits(decision.choice, wanted),
        forbidden=tuple(_forbidding(proved, subject, slot, wanted)),
        candidates=tuple(
            Candidate(
                rule=trace.rule,
                choice=trace.choice,
                because=trace.because,
                failed=tuple(test for test in trace.tests if not test.passes),
                beaten_by=tuple(defeat.rule for defeat in trace.beaten_by),
                beatable_by=tuple(sorted(proved.beaten_by[slot][trace.rule])),
                awaits=required_pins(proved, proved.book.by_id[trace.rule]),
            )
            for trace in sorted(matching, key=lambda trace: sum(not test.passes for test in trace.tests))
        ),
        held_by=tuple(pin.slot for pin in others if pin.slot in unmet),
        nearest=nearest_flip(
            proved,
            facts,
            slot,
            lambda choice: _fits(choice, wanted),
            pins=others,
            rare_class=record.dataset.rare_class,
            follow=subject.follow(proved),
        ),
    )


def what_if(subject: Subject, settings: Sequence[str]) -> WhatIf:
    """The bundle under changed facts beside the bundle under the recorded ones, by the same book.

    settings: FACT=VALUE. Facts that depend on them change, too. Raises ChoiceError on a fact or value that does not
    exist, and on values that contradict each other.
    """
    proved, record = subject.book(), subject.record
    facts, pins, values = record.measurements(), record.pins, read_settings(settings)
    before = slot_choices(proved, facts, pins=pins)
    followed = follow_settings(record, proved, values, source="given by --set")
    after = decide(proved, followed.facts, pins=pins).decisions
    return WhatIf(
        set={name: record_value(value) for name, value in values.items()},
        follows=followed.moved,
        held=followed.held,
        outcomes=tuple(
            Outcome(
                slot=slot,
                was=str(before[slot].choice),
                was_by=before[slot].rules or ("a person",),
                becomes=str(after[slot].choice),
                becomes_by=("a person",) if after[slot].pin else after[slot].rules,
                provisional=after[slot].provisional,
            )
            for slot in NOTES_ORDER
        ),
    )


def read_settings(settings: Sequence[str]) -> dict[str, Value]:
    """Read FACT=VALUE."""
    values: dict[str, Value] = {}
    for words in settings:
        fact, equals, text = words.partition("=")
        fact = current_fact(fact.strip())
        if not equals and fact in FACTS:
            raise ChoiceError(f"--set takes FACT=VALUE, but got no value for {fact}. Write --set {fact}=VALUE.")
        if not equals or fact not in FACTS:
            known = [name for name, one in FACTS.items() if one.slot is None]
            raise ChoiceError(f"--set takes FACT=VALUE with a fact of {', '.join(known)}, but got {words!r}."
                              f"{did_you_mean(fact, known)}")  # fmt: skip
        if FACTS[fact].slot is not None:
            raise ChoiceError(
                f"--set takes facts that are measured, but {fact} follows from the choice for the slot "
                f"{FACTS[fact].slot}. Choose that with 'recommend DATASET --pin {FACTS[fact].slot}=CHOICE'."
            )
        value = document.parse(text, source=f"--set {fact}", error=ChoiceError).data
        value = current_level(fact, str(value)) if categories_of(fact) is not None else value
        if problem := misfit(fact, value):
            raise ChoiceError(f"--set {words}: {problem}")
        values[fact] = value
    return values


def _asked(words: str) -> tuple[Slot, Choice]:
    name, equals, text = words.partition("=")
    slot = Slot.named(name)
    if not equals and slot is not None:
        raise ChoiceError(
            f"why-not takes SLOT=CHOICE, but got no choice for {slot}. "
            f"Write {slot}= and one of {', '.join(names(slot))}."
        )
    if not equals or slot is None:
        raise ChoiceError(f"why-not takes SLOT=CHOICE with a slot of {', '.join(Slot)}, but got {words!r}."
                          f"{did_you_mean(name, Slot)}")  # fmt: skip
    return slot, parse_choice(slot, document.parse(text, source=words, error=ChoiceError).data)


def _fits(choice: Choice, wanted: Choice) -> bool:
    """Whether a choice is the wanted one: of the same name, and with the parameters that were spelled out."""
    fields: Mapping[str, Any] = choice.model_dump()
    return all(fields.get(key) == getattr(wanted, key) for key in wanted.model_fields_set | {"name"})


def _forbidding(proved: ProvedBook, subject: Subject, slot: Slot, wanted: Choice) -> list[str]:
    """The constraints that the wanted choice would break, the other slots as they are."""
    record = subject.record
    chosen = {other: decision.choice for other, decision in record.decisions.items()} | {slot: wanted}
    facts = record.measurements()
    return [
        f"{constraint.id}: {constraint.because}"
        for constraint in proved.book.constraints
        if slot in constraint.choices and constraint.is_broken_by(chosen, facts)
    ]
