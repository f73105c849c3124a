"""Trainings of choices with several seeds, and their scores on test rows."""

from __future__ import annotations

import itertools
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import Predictions, apply_thresholds, compute_metrics, create_metric, outcome_of
from executor.components.training_length import whole_epochs
from executor.model.rebuild import rebuild_networks, restore_weights
from executor.networks.registry import network_kind
from executor.pipeline.encoding.encode_data import encode
from executor.pipeline.measurement.alternatives import all_rates, next_rates
from executor.preprocessing.encode import encode_hold_out
from executor.runtime.clock import Clock
from executor.runtime.devices import CPU, use_device
from executor.search.records.journal import Journal
from executor.search.records.proposal import Proposal
from executor.search.runners.compiled import compile_outputs
from executor.search.runners.feeds.rows import to_device
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stack import out_of_fold_outputs
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace, is_stacked
from rules.scorecard.results import TrainingResult, choice_fields
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import NUMERIC_TARGET

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    import keras

    from executor.components.metric import PerformanceMetric
    from executor.pipeline.measurement.prepare import Subject
    from executor.preprocessing.examples import Examples, Parts
    from executor.search.records.outcome import Outcome
    from executor.search.runners.feeds.rows import Rows
    from executor.search.runners.workspace import Workspace
    from rules.scorecard.results import MeasuredDataset
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice

METRICS: Final = frozenset({"accuracy", "roc_auc", "f1_rare", "f1_macro", "rmse", "mae"})
"""Metrics that rules choose between; MSE ranks models as RMSE does."""
TOP_ROWS: Final = 0.01  # share of the rows with the largest errors
SAME_ENCODING: Final = frozenset({Slot.ACTIVATION, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.AUGMENTATION})
"""Slots whose choices do not change how rows are encoded."""


@dataclass(frozen=True, kw_only=True)
class EncodedSubject:
    """Encoded rows of a dataset, for one bundle."""

    bundle: Bundle
    parts: Parts
    test: Examples


def encoded(subject: Subject, bundle: Bundle) -> EncodedSubject:
    """Encode the rows of a dataset for a bundle."""
    run = subject.for_bundle(bundle)
    data = encode(run, Clock())
    table, rows = data.run.data.table, data.run.data.rows
    test = encode_hold_out(table, rows, data.preprocessing, data.parts)
    return EncodedSubject(bundle=bundle, parts=data.parts, test=test)


def groups(slot: Slot, choices: Sequence[Choice], default: EncodedSubject) -> list[list[Choice]]:
    """Group choices that are trained in one graph: all initializers of a stack, else each choice."""
    stacked = is_stacked(default.bundle, network_kind(default.bundle, default.parts.inputs))
    return [[*choices]] if slot is Slot.INITIALIZER and stacked else [[choice] for choice in choices]


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training: its result, its course, and its predictions of the test rows."""

    result: TrainingResult
    outcome: Outcome
    predictions: Predictions | None
    """None without a score."""


@dataclass(frozen=True, kw_only=True)
class PlannedTraining:
    """A training of a task."""

    proposal: Proposal
    choice: Choice
    seed: int


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """Trainings in one workspace: with the same rows, loss and optimizer, as those of a stack.

    They depend on no other task, so that each process and each worker of a cluster trains them as any other does.
    """

    slot: Slot
    dataset: str
    bundle: Bundle
    """Of the trainings; it encodes rows as that of the rows does."""
    planned: tuple[PlannedTraining, ...]


Work = tuple["EncodedSubject", TrainingTask]
"""A task, and the rows on which it trains."""


@dataclass(kw_only=True)
class Job:
    """Tasks of which each may depend on the results of those before it."""

    measured: MeasuredDataset
    slot: Slot
    label: str
    """What is measured."""
    tasks: Generator[Work, list[TrainingResult], Sequence[TrainingResult] | None]
    """Takes the results of each task, and returns those that need no training."""
    is_finished: bool = False

    def advance(self, results: list[TrainingResult] | None) -> tuple[Work | None, Sequence[TrainingResult]]:
        """Give the results of the last task, None at the start; returns the next task, if any, or the last results.

        Raises PcwatError where a choice does not fit the dataset.
        """
        self.is_finished = True  # unless there is another task
        try:
            work = next(self.tasks) if results is None else self.tasks.send(results)
        except StopIteration as end:
            return None, end.value or ()
        self.is_finished = False
        return work, ()

    def run(self) -> Iterator[list[TrainingResult]]:
        """Train all tasks in this process; yields the results of each."""
        work, last = self.advance(None)
        while work is not None:
            results = train_results(*work)
            yield results
            work, last = self.advance(results)
        if last:
            yield [*last]


def train_task(rows: EncodedSubject, task: TrainingTask) -> list[Training]:
    """Train the networks of a task; those that end without an outcome are left out."""
    rows = replace(rows, bundle=task.bundle)
    with tempfile.TemporaryDirectory() as directory, use_device(CPU, width=0):
        Journal(Path(directory))
        metric = create_metric(rows.bundle.metric)
        at = create_workspace(rows.bundle, rows.parts, metric=metric, seed=0, directory=Path(directory))
        planned = {one.proposal.number: one for one in task.planned}
        outcomes = create_runner(at).run([one.proposal for one in task.planned])
        scorer, trained = Scorer(rows, metric), []
        for outcome in outcomes:
            if task.slot is Slot.HYPERPARAMETERS:  # their networks differ in more than their weights
                scorer = Scorer(rows, metric)
            own, found = planned[outcome.number], scorer.scores(outcome)
            result = training_result(task.dataset, task.slot, own.choice, outcome, found, seed=own.seed)
            trained.append(Training(result=result, outcome=outcome, predictions=found.predictions))
        return trained


def train_results(rows: EncodedSubject, task: TrainingTask) -> list[TrainingResult]:
    """Train the networks of a task, and return their results."""
    return [one.result for one in train_task(rows, task)]


def train_group(
    slot: Slot, choices: Sequence[Choice], subject: Subject, default: EncodedSubject
) -> Generator[list[Training]]:
    """Train the tasks of `group_tasks`; yields the trainings of each. Raises PcwatError as that does."""
    tasks = group_tasks(slot, choices, subject, default)
    work = next(tasks, None)
    while work is not None:
        trained = train_task(*work)
        yield trained
        try:
            work = tasks.send([one.result for one in trained])
        except StopIteration:
            return


def group_tasks(
    slot: Slot,
    choices: Sequence[Choice],
    subject: Subject,
    default: EncodedSubject,
    *,
    searched: bool = True,
    done: Sequence[TrainingResult] = (),
) -> Generator[Work, list[TrainingResult], list[Choice]]:
    """Tasks that train each choice with each seed; all other choices are those of the default bundle.

    An optimizer is trained with several learning rates, until neither the lowest nor the highest one is the best on
    validation rows.

    choices: a group of `groups`. default: encoded for the recommended bundle. searched: whether other learning rates of
    an optimizer are trained, too. done: earlier results of this dataset, split and slot, whose choices are not trained
    again. Yields each task, and takes its results; returns the choices. Raises PcwatError where the choice does not fit
    the dataset.
    """
    searched = searched and slot is Slot.OPTIMIZER
    scores = _validation_scores(done, subject.measured)
    missing = _next_rates(choices[0], scores) if searched else [one for one in choices if str(one) not in scores]
    tried = {str(choice): choice for choice in (*choices, *(one.parsed for one in done if searched))}
    if not missing:
        return [*tried.values()]
    bundle = default.bundle.model_copy(update={slot.value: choices[0]})
    rows = encoded(subject, bundle) if slot not in SAME_ENCODING else default
    while missing:
        tried |= {str(choice): choice for choice in missing}
        results = yield rows, _task(slot, missing, subject, rows, bundle)
        new = _validation_scores(results, subject.measured)
        scores |= new
        missing = _next_rates(choices[0], scores) if searched and new else []
    return [*tried.values()]


def _task(
    slot: Slot, choices: Sequence[Choice], subject: Subject, rows: EncodedSubject, bundle: Bundle
) -> TrainingTask:
    """The task that trains each choice with each seed."""
    kind = network_kind(bundle, rows.parts.inputs)
    measured = subject.measured
    epochs = max(1, round(measured.settings.share * whole_epochs(bundle, kind, rows=len(rows.parts.train))))
    planned = [
        PlannedTraining(proposal=_proposal(slot, number, choice, seed, epochs=epochs), choice=choice, seed=seed)
        for number, (choice, seed) in enumerate(itertools.product(choices, subject.seeds))
    ]
    return TrainingTask(slot=slot, dataset=measured.name, bundle=bundle, planned=tuple(planned))


def _proposal(slot: Slot, number: int, choice: Choice, seed: int, *, epochs: int) -> Proposal:
    return Proposal(
        number=number,
        hyperparameters={"learning_rate": choice.learning_rate} if slot is Slot.OPTIMIZER else {},  # type: ignore[attr-defined]
        epochs=epochs,
        seeded_as=seed,
        initializer=choice if slot is Slot.INITIALIZER else None,  # type: ignore[arg-type]
    )


def _validation_scores(results: Iterable[TrainingResult], dataset: MeasuredDataset) -> dict[str, float]:
    """Mean validation score by choice, the higher the better; only of choices with all seeds and without errors."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in results:
        if not one.message:
            found[one.text].append(dataset.direction.utility(one.validation_score))
    return {text: float(np.mean(own)) for text, own in found.items() if len(own) >= dataset.settings.seeds}


def _next_rates(choice: Choice, scores: Mapping[str, float]) -> list[Choice]:
    """The optimizer with the learning rates that are to be trained next. scores: by choice."""
    tried = {step: scores[str(one)] for step, one in all_rates(choice).items() if str(one) in scores}
    return next_rates(choice, tried)


def create_runner(at: Workspace) -> StackRunner | SequentialRunner:
    """The runner of the trainings of a workspace: in stacks where its network has a stacked form."""
    return StackRunner(at) if at.is_stacked else SequentialRunner(at)


def training_result(
    dataset: str, slot: Slot, choice: Choice, outcome: Outcome, found: Scores, *, seed: int
) -> TrainingResult:
    """The result of a training, as it is written to the file of results."""
    return TrainingResult(
        dataset=dataset,
        slot=slot,
        choice=choice_fields(choice),
        seed=seed,
        score=found.test,
        validation_score=found.validation,
        halves=found.halves,
        top_share=found.top_share,
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch,
        epoch_scores=outcome.epoch_scores if slot is Slot.HYPERPARAMETERS else (),
        seconds=round(outcome.seconds, 3),
        message=outcome.message if outcome.status == "failed" else "",
    )


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a training, as in TrainingResult, and its predictions of the test rows."""

    predictions: Predictions | None = None
    validation: float | None = None
    test: float | None = None
    halves: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    top_share: dict[str, float] = field(default_factory=dict)


def _halves(predictions: Predictions) -> dict[str, tuple[float | None, float | None]]:
    """Each metric that a bundle may have, on two random halves of the rows, which are the same for every training."""
    order = np.random.default_rng(0).permutation(len(predictions))
    middle = len(order) // 2
    first, second = (compute_metrics(predictions.take(np.sort(rows))) for rows in (order[:middle], order[middle:]))
    return {name: (_finite(first[name]), _finite(second[name])) for name in first if name in METRICS}


def _top_shares(predictions: Predictions) -> dict[str, float]:
    """Share of the absolute and of the squared error in the 1 % of rows with the largest errors, at least one row."""
    errors = np.abs(predictions.outcome - predictions.truth).max(axis=1)
    top = np.sort(errors)[-max(1, round(TOP_ROWS * len(errors))) :]
    sums = {"mae": (top.sum(), errors.sum()), "rmse": ((top**2).sum(), (errors**2).sum())}
    return {name: float(part / whole) for name, (part, whole) in sums.items() if whole > 0}


class Scorer:
    """Scores trainings on validation and test rows; the networks of a group differ only in their weights."""

    def __init__(self, rows: EncodedSubject, metric: PerformanceMetric) -> None:
        self._rows = rows
        self._metric = metric
        self._networks: list[keras.Model] = []
        self._validation = to_device(rows.parts.validation)
        self._test = to_device(rows.test)

    def scores(self, outcome: Outcome) -> Scores:
        """Scores on validation and test rows."""
        if outcome.weights is None:
            return Scores()
        parts = self._rows.parts
        if not self._networks:
            self._networks = rebuild_networks(outcome, self._rows.bundle, parts, 0)
            self._computed = [compile_outputs(network) for network in self._networks]
        else:
            restore_weights(self._networks, outcome)
        validated, tested = self._outputs(self._validation), self._outputs(self._test).mean(axis=0)
        known = validated[0] if parts.folds is None else out_of_fold_outputs(validated, parts.folds)
        validation = _finite(self._metric.score(known, parts.validation, parts))
        if not (np.isfinite(known).all() and np.isfinite(tested).all()):
            return Scores(validation=validation)
        predictions = self._predictions(known, tested)
        return Scores(
            predictions=predictions,
            validation=validation,
            test=_finite(self._metric.of_predictions(predictions)),
            halves=_halves(predictions),
            top_share=_top_shares(predictions) if parts.task in NUMERIC_TARGET else {},
        )

    def _outputs(self, rows: Rows) -> np.ndarray:
        """Outputs of each network, (networks, rows, outputs)."""
        return np.stack([compute(rows) for compute in self._computed])

    def _predictions(self, known: np.ndarray, outputs: np.ndarray) -> Predictions:
        """Predictions of test rows, with the decision thresholds that are best on validation rows.

        known, outputs: of validation and test rows, (rows, outputs).
        """
        parts, test = self._rows.parts, self._rows.test
        outcome = outcome_of(outputs, parts)
        costs = parts.network_costs
        tuned = self._metric.thresholds(outcome_of(known, parts), parts.validation, parts, costs=costs)
        cuts = tuple(one.value for one in tuned)
        return Predictions(
            task=parts.task,
            truth=test.raw_target,
            outcome=outcome,
            decided=apply_thresholds(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class, costs=costs),
            rare_class=parts.rare_class,
            weight=test.weight,
        )


def _finite(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None
