"""Replay of a record with the current rules and measurements, with the reason of each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from recommender.dataset.address import LocalPath, reopened
from recommender.dataset.readers.table import input_files
from recommender.profile.whole import SAMPLE
from recommender.recommendation.recommend import advise, open_dataset, open_to_profile
from recommender.speed.device_speed import known_devices
from rules.decision.engine import slot_choices
from rules.decision.record import RecordedFact
from rules.errors import DatasetError
from rules.vocabulary.choices import Slot
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recommender.audit.subject import Subject
    from recommender.dataset.address import DatasetAddress
    from recommender.speed.device_speed import DeviceChoice
    from rules.decision.record import Record
    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.facts import Measurement

_CLOSED = ConfigDict(frozen=True, extra="forbid")
Verdict = Literal["same", "changed by rule", "changed by measurement"]


class MeasuredAgain(BaseModel):
    """A fact with another value than recorded."""

    model_config = _CLOSED

    fact: str
    recorded: str | float | int
    today: str | float | int
    unit: str


class RuleChange(BaseModel):
    """A rule of the slot that changed."""

    model_config = _CLOSED

    rule: str
    change: Literal["new", "gone", "different"]


class SlotReplay(BaseModel):
    """Recorded and current decision for one slot."""

    model_config = _CLOSED

    slot: Slot
    verdict: Verdict
    recorded: str
    recorded_by: tuple[str, ...]
    today: str
    today_by: tuple[str, ...]
    rules: tuple[RuleChange, ...]
    """Changed rules of the slot, if rules caused the change."""
    facts: tuple[MeasuredAgain, ...]
    """Changed facts that the slot's rules test, if measurements caused the change."""


class Replay(BaseModel):
    """Result of a replay."""

    model_config = _CLOSED

    slots: tuple[SlotReplay, ...]
    facts: tuple[MeasuredAgain, ...]
    """All facts with another value than recorded."""
    rules: tuple[RuleChange, ...]
    """All changed rules."""
    measured: str
    """Whether the dataset was measured again, or why not, as text."""
    devices: str = ""
    """Devices of the training, and whether this machine has them, as text; empty where there was nothing to choose."""

    @property
    def is_same(self) -> bool:
        return all(slot.verdict == "same" for slot in self.slots)


def replay(subject: Subject, *, data: DatasetAddress | None = None) -> Replay:
    """Decide again by the subject's book, with the recorded facts and with newly measured facts.

    data: new address of the dataset. Raises DatasetError if it cannot be read.
    """
    record, proved = subject.record, subject.book()
    recorded = record.measurements()
    by_rules = slot_choices(proved, recorded, pins=record.pins)
    measured, note = _measured(record, proved, data)
    by_facts = by_rules if measured is None else slot_choices(proved, measured, pins=record.pins)
    facts = () if measured is None else _different_facts(recorded, measured)
    rules = _different_rules(record, proved)
    slots = []
    for slot in NOTES_ORDER:
        decision = record.decisions[slot]
        was, ruled, now = str(decision.choice), str(by_rules[slot].choice), str(by_facts[slot].choice)
        verdict: Verdict = "changed by rule" if ruled != was else "changed by measurement" if now != ruled else "same"
        read = {test.fact for rule in proved.book.of(slot) for test in rule.when}
        slots.append(
            SlotReplay(
                slot=slot,
                verdict=verdict,
                recorded=was,
                recorded_by=("user",) if decision.pin else decision.rules,
                today=now,
                today_by=by_facts[slot].rules or ("user",),
                rules=_that_matter(rules, slot, {*decision.rules, *by_rules[slot].rules})
                if verdict == "changed by rule"
                else (),
                facts=tuple(one for one in facts if one.fact in read) if verdict == "changed by measurement" else (),
            )
        )
    return Replay(
        slots=tuple(slots), facts=facts, rules=rules, measured=note, devices=compare_devices(subject.devices())
    )


def compare_devices(choice: DeviceChoice | None) -> str:
    """Compare the devices of a training with those of this machine, as far as trainings measured them."""
    if choice is None:
        return ""
    trained, here = f"Trained on {' and '.join(choice.named)}", known_devices()
    if not here:
        return f"{trained}; the devices of this machine are not known before a training measures them."
    if {*choice.named} <= {*here}:
        return f"{trained}, which this machine has, too."
    return (
        f"{trained}; this machine has {' and '.join(here)}, so that scores may differ in the last digits, and another "
        "number of trials may fit into a time limit."
    )


def _that_matter(rules: Iterable[RuleChange], slot: Slot, deciding: set[str]) -> tuple[RuleChange, ...]:
    """Changed rules of a slot that decided or decide; if there are none, all changed rules of the slot."""
    found = tuple(one for one in rules if one.rule.startswith(slot.letter))
    return tuple(one for one in found if one.rule in deciding) or found


def _measured(
    record: Record, proved: ProvedBook, data: DatasetAddress | None
) -> tuple[Mapping[str, Measurement] | None, str]:
    """Newly measured facts, None if not possible, and a note."""
    try:
        address = data or reopened(record.dataset.path)
    except DatasetError as error:
        return None, f"not measured again: {str(error).rstrip('.')}"
    if address is None:
        return None, "not measured again, since it was an in-memory table; give its file with --data"
    if isinstance(address, LocalPath) and not input_files(address):
        if data is not None:
            raise DatasetError(f"There is no file {address}. Give the path of the dataset with --data.")
        return None, f"not measured again, since {address} does not exist; give its new path with --data"
    try:
        return _measured_on(address, record, proved)
    except DatasetError as error:
        return None, f"not measured again: {str(error).rstrip('.')}"


def _measured_on(address: DatasetAddress, record: Record, proved: ProvedBook) -> tuple[Mapping[str, Measurement], str]:
    request = record.request
    is_sampled = any(one.name == SAMPLE for one in record.guardrails)
    with (open_to_profile if is_sampled else open_dataset)(address, request) as dataset:
        same = "which is unchanged" if dataset.digest == record.dataset.digest else "which has changed since"
        advice = advise(dataset, request, book=proved, budget=request.budget, trials=request.trials)
    # A training is not repeated, so the facts that one measured are those of the record.
    training = {name: fact for name, fact in record.measurements().items() if FACTS[name].after_training}
    return {**advice.strategy.facts, **training}, f"measured again on {address}, {same}"


def _different_facts(
    recorded: Mapping[str, Measurement], today: Mapping[str, Measurement]
) -> tuple[MeasuredAgain, ...]:
    found = []
    for name, then in recorded.items():
        was, now = RecordedFact.of(name, then), RecordedFact.of(name, today[name])
        if was.value != now.value:
            found.append(MeasuredAgain(fact=name, recorded=was.value, today=now.value, unit=FACTS[name].unit))
    return tuple(found)


def _different_rules(record: Record, proved: ProvedBook) -> tuple[RuleChange, ...]:
    then, now = record.book.rules, {rule.id: rule for rule in proved.book.rules}
    found = []
    for rule in sorted(then.keys() | now.keys()):
        if rule not in then:
            found.append(RuleChange(rule=rule, change="new"))
        elif rule not in now:
            found.append(RuleChange(rule=rule, change="gone"))
        elif not now[rule].has_digest(then[rule]):
            found.append(RuleChange(rule=rule, change="different"))
    return tuple(found)
