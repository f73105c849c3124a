"""Subject of an audit: a run, a record, or a dataset, for which a recommendation is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from recommender.audit.dependent_facts import TrialBudget
from recommender.dataset.address import LocalPath
from recommender.dataset.readers.table import find_files
from recommender.recommendation.recommend import advise_on
from recommender.run_manifest import GUARDRAILS, RECORD, SUMMARY, read_own_manifest, read_sealed
from recommender.speed.device_speed import DeviceChoice
from rules.decision.counterfactual import Flip, flips
from rules.decision.record import Guardrail, Guardrails, Record
from rules.decision.request import Request
from rules.errors import BookError, ChoiceError, RunError
from rules.proof.proved_book import ProvedBook, load_book

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from recommender.dataset.address import DatasetAddress
    from recommender.recommendation.recommend import StrategyOptions
    from rules.vocabulary.choices import Slot
    from rules.vocabulary.facts import Facts


class _Summary(BaseModel):
    """The part of a summary that concerns decisions."""

    reduction: str = ""
    best_configuration: dict[str, object] = {}
    devices: DeviceChoice | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Subject of an audit."""

    record: Record
    path: Path | None
    """The record's file; None for a dataset."""
    layers: tuple[str, ...]
    """Layers of the book: those of the record in their current state, or of --book."""

    @property
    def run(self) -> Path | None:
        """The run directory; None if the subject is not a run."""
        return self.path.parent if self.path is not None and self.path.name == RECORD else None

    def guardrails(self) -> tuple[Guardrail, ...]:
        """The data checks; for a finished run, those after the split."""
        content = self._content(GUARDRAILS)
        if content is None:
            return self.record.guardrails
        try:
            return Guardrails.model_validate_json(content).guardrails
        except ValidationError as error:
            raise self._damaged(GUARDRAILS, error) from None

    def reduction(self) -> str:
        """What the time limit of a finished run reduced in the recommended training; empty if nothing."""
        return self._summary().reduction

    def devices(self) -> DeviceChoice | None:
        """The devices that a finished run chose; None where there was nothing to choose."""
        return self._summary().devices

    def best_choice(self, slot: Slot) -> str:
        """The choice of a slot in the best trial of a finished run whose search varied the slot; else empty."""
        return str(self._summary().best_configuration.get(slot.value, ""))

    def _summary(self) -> _Summary:
        """The part of the summary of a finished run that concerns decisions."""
        content = self._content(SUMMARY)
        try:
            return _Summary() if content is None else _Summary.model_validate_json(content)
        except ValidationError as error:
            raise self._damaged(SUMMARY, error) from None

    def _content(self, name: str) -> bytes | None:
        """A file of the run, which must match its manifest; None where it does not exist."""
        return None if self.run is None else read_sealed(self.run, name, record=self.record.seal)

    def _damaged(self, name: str, error: ValidationError) -> RunError:
        return RunError(f"{self.run}/{name} is damaged: {error.errors()[0]['msg']}. Restore it from a copy.")

    def book(self) -> ProvedBook:
        """Read and prove the book. Raises BookError, also if a layer of the record does not exist."""
        try:
            return load_book(self.layers)
        except BookError as error:
            if self.path is None or self.layers != tuple(self.record.book.layers):
                raise
            raise type(error)(
                f"{error} (The record was made with {' + '.join(self.layers)}; use --book to give others.)"
            ) from None

    def flips(self, slots: Iterable[Slot]) -> dict[Slot, tuple[Flip, ...]]:
        """Smallest changes that lead to another choice, for some slots. Raises BookError as `book` does."""
        record, proved = self.record, self.book()
        return flips(
            proved,
            record.measurements(),
            pins=record.pins,
            rare_class=record.dataset.rare_class,
            slots=slots,
            follow=self.follow(proved),
        )

    def follow(self, proved: ProvedBook) -> Callable[[Facts, Collection[str]], Facts]:
        """Function that updates the number of trials for changed facts, given the names of the changed facts."""
        budget = TrialBudget(self.record, proved)
        return lambda facts, changed: budget.at(facts, changed) or facts


def open_subject(
    address: DatasetAddress, *, request: Request, strategy: StrategyOptions, altered: bool = False
) -> Subject:
    """Open a run directory, a record, or a dataset.

    request, strategy: options for a dataset; for a record only a book given on the command line is used. altered:
    whether a record may differ from its digests.
    Raises RunError on a directory that is not a run or an altered record, and ChoiceError on options that apply only to
    a dataset.
    """
    if not isinstance(address, LocalPath):
        advice = advise_on(address, request, strategy)
        return Subject(record=advice.record, path=None, layers=strategy.layers)
    path = address.path
    if path.is_dir() and ((path / RECORD).exists() or find_files(path) is None):
        path /= RECORD
        if not path.exists():
            raise RunError(
                f"A run is a directory with a {RECORD}, but {path.parent} has none. Give a run, a record or a dataset."
            )
    if path.name == RECORD or Record.is_one(path):
        if request != Request() or any((strategy.pins, strategy.budget, strategy.trials, strategy.after)):
            raise ChoiceError(
                f"{path} is a record, which contains its dataset and budget. Options such as --target, --pin and "
                "--budget apply only to a dataset; use 'what-if --set' to change facts."
            )
        record = Record.read(path) if altered else Record.read_intact(path)
        if path.name == RECORD and not altered:
            read_own_manifest(path.parent, record=record.seal)
        layers = strategy.layers if strategy.is_own_book else tuple(record.book.layers)
        return Subject(record=record, path=path, layers=layers)
    advice = advise_on(address, request, strategy)
    return Subject(record=advice.record, path=None, layers=strategy.layers)
