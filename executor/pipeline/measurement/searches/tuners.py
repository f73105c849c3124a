"""Tuners compared by searches that are replayed over a table of trained configurations."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from executor.components.metric import create_metric
from executor.pipeline.measurement.searches.configurations import DrawnConfiguration, planned_epochs, scope_of
from executor.search.oracle import ask, create_oracle, tell
from executor.search.oracles.base import Objective
from executor.search.records.outcome import Outcome
from executor.search.space import search_space
from rules.scorecard.results import TrainingResult
from rules.vocabulary.choices import (
    MAX_RATE,
    Bayesian,
    Custom,
    Grid,
    HighSensitivity,
    Hyperband,
    Hyperparameter,
    Random,
    Slot,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from executor.components.configuration import Value
    from executor.pipeline.measurement.prepare import Subject
    from executor.pipeline.measurement.train import EncodedSubject
    from executor.search.records.proposal import Proposal
    from rules.vocabulary.choices import Choice

TUNERS: Final = (Random(), Grid(), Bayesian(), Hyperband())
SEARCHES: Final = 10  # of each tuner; replaying one takes no training
RATES: Final = 7  # learning rates of the table, from 0.1 to 10 times that of the bundle
VARIED: Final = (Hyperparameter.LEARNING_RATE, Hyperparameter.UNITS, Hyperparameter.SCHEDULE)
"""Hyperparameters of the table: those that the strategy notes rate as most sensitive and that a search varies."""


def table_configurations(default: EncodedSubject) -> list[DrawnConfiguration]:
    """Every combination of the values of the table."""
    values = _values_of_table(default)
    return [
        DrawnConfiguration(number=number, values=dict(zip(VARIED, own, strict=True)))
        for number, own in enumerate(itertools.product(*(values[name] for name in VARIED)))
    ]


def _values_of_table(default: EncodedSubject) -> dict[Hyperparameter, tuple[Value, ...]]:
    """Values of each hyperparameter of the table."""
    bundle = default.bundle.model_copy(update={"tuner": Grid(), "hyperparameters": HighSensitivity()})
    listed = {Hyperparameter(item.name): tuple(item.values) for item in search_space(bundle, scope_of(default)).space}
    rate, middle = default.bundle.optimizer.learning_rate, RATES // 2
    rates = [rate if step == 0 else float(f"{rate * 10 ** (step / middle):.3g}") for step in range(-middle, middle + 1)]
    return listed | {Hyperparameter.LEARNING_RATE: tuple(one for one in rates if one <= MAX_RATE)}


def replay_searches(
    subject: Subject, default: EncodedSubject, trained: Sequence[TrainingResult]
) -> Iterator[TrainingResult]:
    """Replay searches of each tuner, with seeds of their own.

    A trial of a few epochs has the validation score of these epochs in the full training of its configuration. The
    model of a search is the trial with the best validation score, among those that were trained to their best epoch.

    trained: the table. The results have the test score of that model after the epochs of 1, 2, … full trainings.
    """
    table = {_point({name: own[0] for name, own in one.choice["values"].items()}): one for one in trained}
    for tuner, seed in itertools.product(TUNERS, range(SEARCHES)):
        search = _ReplayedSearch(subject, default, table, epochs=planned_epochs(subject, default))
        search.run(tuner, seed=seed)
        best = search.best
        yield TrainingResult(
            dataset=subject.measured.name,
            slot=Slot.TUNER,
            choice={"name": tuner.model_dump()["name"]},
            seed=seed,
            score=None if best is None else best.score,
            validation_score=None if best is None else best.validation_score,
            after_trainings=tuple(search.scores),
            epochs=search.spent,
            best_epoch=None,
            seconds=0.0,
        )


def _point(values: Mapping[str, Value]) -> tuple[Value, ...]:
    return tuple(values[name] for name in VARIED)


@dataclass
class _ReplayedSearch:
    """A search whose trials are looked up."""

    subject: Subject
    default: EncodedSubject
    table: Mapping[tuple[Value, ...], TrainingResult]
    epochs: int
    spent: int = 0
    best: TrainingResult | None = None

    def __post_init__(self) -> None:
        self.scores: list[float | None] = []

    def run(self, tuner: Choice, *, seed: int) -> None:
        """Search until as many epochs were trained as the table has."""
        bundle = self.default.bundle.model_copy(
            update={
                "tuner": tuner,
                "hyperparameters": Custom(searched=VARIED, values=dict(_values_of_table(self.default))),
            }
        )
        metric = create_metric(bundle.metric)
        objective = Objective(name=metric.name, direction=metric.direction)
        oracle = create_oracle(bundle, scope_of(self.default), objective=objective, seed=seed, epochs=self.epochs)
        most = len(self.table)
        while self.spent < self.epochs * most and (proposals := ask(oracle, epochs=self.epochs)):
            tell(oracle, [self._look_up(proposal) for proposal in proposals])
        # A search that has nothing left to propose keeps its model.
        self.scores = [*self.scores, *self.scores[-1:] * most][:most]

    def _look_up(self, proposal: Proposal) -> Outcome:
        own, until = self.table[_point(proposal.hyperparameters)], proposal.first_epoch + proposal.epochs
        direction = self.subject.measured.direction
        scores = [score for score in own.epoch_scores[:until] if score is not None]
        score = direction.best(scores, key=float) if scores else None
        self.spent += proposal.epochs
        if own.best_epoch is not None and own.best_epoch <= until:
            rivals = [own] if self.best is None else [self.best, own]
            self.best = direction.best(rivals, key=lambda one: one.validation_score)
        self.scores += [None if self.best is None else self.best.score] * (self.spent // self.epochs - len(self.scores))
        return Outcome(
            number=proposal.number,
            hyperparameters=dict(proposal.hyperparameters),
            status="diverged" if score is None else "completed",
            score=score,
            epochs=proposal.epochs,
            planned_epochs=proposal.epochs,
            seconds=0.0,
            ended_by="diverged" if score is None else "completed",
        )
