"""What a book decides for measured datasets, from their recorded facts."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.decision.engine import SlotChoice, slot_choices
from rules.decision.trace import Pin
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.facts import FACTS, Measurement, recorded_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rules.proof.proved_book import ProvedBook
    from rules.scorecard.results import MeasuredDataset, Results
    from rules.vocabulary.facts import Value

HANDBOOK: Final = SHIPPED_LAYERS[:1]


@dataclass(frozen=True, kw_only=True)
class Books:
    """The book that is scored, and the handbook that it is compared with."""

    book: ProvedBook
    handbook: ProvedBook

    @classmethod
    def of(cls, layers: Sequence[str | Path] = SHIPPED_LAYERS) -> Books:
        """The book of some layers. Raises BookError and ProofError as `load_book`."""
        return cls(book=load_book(layers), handbook=load_book(HANDBOOK))


def decide_again(results: Results, books: Books, changes: Mapping[str, Value] = MappingProxyType({})) -> Results:
    """The same trainings, compared with what a book decides for each dataset.

    The other choices of each training stay those that it was made with.

    Args:
        results: Trainings, and the facts of their datasets.
        books: The book and the handbook.
        changes: Facts of all datasets that differ from the recorded ones. Default none.

    Returns:
        The results with new choices and rules. A slot whose choice was not trained has no score.
    """
    datasets = {name: _decided(one, books, changes) for name, one in results.datasets.items()}
    return results.model_copy(update={"datasets": datasets})


def _decided(dataset: MeasuredDataset, books: Books, changes: Mapping[str, Value]) -> MeasuredDataset:
    own, notes = decisions(dataset, books.book, changes), decisions(dataset, books.handbook, changes)
    return dataset.model_copy(
        update={
            "chosen": {slot.value: str(one.choice) for slot, one in own.items()},
            "rules": {slot.value: one.rules for slot, one in own.items()},
            "handbook": {slot.value: str(one.choice) for slot, one in notes.items()},
        }
    )


def decisions(
    dataset: MeasuredDataset, book: ProvedBook, changes: Mapping[str, Value] = MappingProxyType({})
) -> dict[Slot, SlotChoice]:
    """The choice of each slot for a dataset with the pins of its measurement. changes: facts that differ."""
    known = {name: recorded_value(value) for name, value in dataset.facts.items()}
    facts = {name: Measurement(value=value) for name, value in (known | dict(changes)).items() if name in FACTS}
    pins = [
        Pin(slot=Slot(slot), choice=parse_choice(Slot(slot), choice), reason="of the measurement")
        for slot, choice in dataset.settings.pins.items()
    ]
    return slot_choices(book, facts, pins=pins)
