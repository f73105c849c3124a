"""Why-not and what-if questions about a decision."""

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
from rules.vocabulary.aliases import current_category, current_fact
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
    """A rule that makes a wanted choice, and why it does not decide."""

    model_config = _CLOSED

    rule: str
    choice: str
    because: str
    failed: tuple[TestResult, ...]
    beaten_by: tuple[str, ...]
    beatable_by: tuple[str, ...]
    """All rules that beat it if both fire."""
    awaits: tuple[Slot, ...]
    """Slots that the user must pin before it can decide."""


class WhyNot(BaseModel):
    """Why a slot does not have a wanted choice, and the smallest change of facts that leads to it."""

    model_config = _CLOSED

    slot: Slot
    asked: str
    """The choice as entered by the user."""
    wanted: str
    chosen: str
    chosen_by: tuple[str, ...]
    is_chosen: bool
    forbidden: tuple[str, ...]
    """Constraints that forbid it for this dataset."""
    candidates: tuple[Candidate, ...]
    held_by: tuple[Slot, ...]
    """Other slots whose pinned choice keeps a candidate from firing."""
    nearest: Flip | None


class SlotOutcome(BaseModel):
    """Choice of one slot before and after a change of facts."""

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
    """The bundle for changed facts, with dependent facts and facts that were kept."""

    model_config = _CLOSED

    set: dict[str, str | float | int]
    follows: dict[str, float | int]
    """New values of facts that depend on the changed ones."""
    held: tuple[str, ...]
    """Related facts that were kept as recorded, although they might differ."""
    outcomes: tuple[SlotOutcome, ...]


def why_not(subject: Subject, words: str) -> WhyNot:
    """Explain why a choice, given as SLOT=CHOICE, was not made. Raises ChoiceError on an unknown slot or choice."""
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
        chosen_by=("user",) if decision.pin else decision.rules,
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
    """Compare the bundle for changed facts with the bundle for the recorded facts, by the same book.

    settings: FACT=VALUE; dependent facts are updated. Raises ChoiceError on an unknown fact, an invalid value, or
    values that contradict each other.
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
            SlotOutcome(
                slot=slot,
                was=str(before[slot].choice),
                was_by=before[slot].rules or ("user",),
                becomes=str(after[slot].choice),
                becomes_by=("user",) if after[slot].pin else after[slot].rules,
                provisional=after[slot].provisional,
            )
            for slot in NOTES_ORDER
        ),
    )


def read_settings(settings: Sequence[str]) -> dict[str, Value]:
    """Parse FACT=VALUE."""
    values: dict[str, Value] = {}
    for words in settings:
        fact, equals, text = words.partition("=")
        fact = current_fact(fact.strip())
        if not equals and fact in FACTS:
            raise ChoiceError(f"--set must be FACT=VALUE, but got no value for {fact}. Use --set {fact}=VALUE.")
        if not equals or fact not in FACTS:
            known = [name for name, one in FACTS.items() if one.slot is None]
            raise ChoiceError(f"--set must be FACT=VALUE with a fact of {', '.join(known)}, but got {words!r}."
                              f"{did_you_mean(fact, known)}")  # fmt: skip
        if FACTS[fact].slot is not None:
            raise ChoiceError(
                f"--set must be a measured fact, but {fact} reports the choice of the slot {FACTS[fact].slot}. "
                f"Pin that choice with 'recommend DATASET --pin {FACTS[fact].slot}=CHOICE'."
            )
        value = document.parse(text, source=f"--set {fact}", error=ChoiceError).data
        value = current_category(fact, str(value)) if categories_of(fact) is not None else value
        if problem := misfit(fact, value):
            raise ChoiceError(f"--set {words}: {problem}")
        values[fact] = value
    return values


def _asked(words: str) -> tuple[Slot, Choice]:
    name, equals, text = words.partition("=")
    slot = Slot.named(name)
    if not equals and slot is not None:
        raise ChoiceError(
            f"why-not needs SLOT=CHOICE, but got no choice for {slot}. "
            f"Use {slot}= with one of {', '.join(names(slot))}."
        )
    if not equals or slot is None:
        raise ChoiceError(f"why-not needs SLOT=CHOICE with a slot of {', '.join(Slot)}, but got {words!r}."
                          f"{did_you_mean(name, Slot)}")  # fmt: skip
    return slot, parse_choice(slot, document.parse(text, source=words, error=ChoiceError).data)


def _fits(choice: Choice, wanted: Choice) -> bool:
    """Whether a choice has the name and the explicit parameters of the wanted one."""
    fields: Mapping[str, Any] = choice.model_dump()
    return all(fields.get(key) == getattr(wanted, key) for key in wanted.model_fields_set | {"name"})


def _forbidding(proved: ProvedBook, subject: Subject, slot: Slot, wanted: Choice) -> list[str]:
    """Constraints that the wanted choice would violate, given the choices of the other slots."""
    record = subject.record
    chosen = {other: decision.choice for other, decision in record.decisions.items()} | {slot: wanted}
    facts = record.measurements()
    return [
        f"{constraint.id}: {constraint.because}"
        for constraint in proved.book.constraints
        if slot in constraint.choices and constraint.is_broken_by(chosen, facts)
    ]
