"""`continue_run()`: the model of a run, trained further on new rows."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.components.training_length import choose_batch_size, whole_epochs
from executor.evaluation.diagnostics.learning_curve import learning_curve
from executor.model.compile import compile_model
from executor.model.ensemble import SelectedNetwork
from executor.model.keras_file import load_model, predict_rows, save_model
from executor.networks.registry import network_kind
from executor.pipeline.continuation.fine_tune import EPOCHS_SHARE, RATE_SHARE, fine_tune
from executor.pipeline.continuation.forgetting import compare_models, measure_parent, score_outcome
from executor.pipeline.continuation.prepare import open_new_rows, prepare_continuation, rows_for_model
from executor.pipeline.encoding.encode_data import encode
from executor.pipeline.evaluate_hold_out import evaluate_on_hold_out, write_importance
from executor.pipeline.finalize import SavedModel, set_by_validation
from executor.pipeline.prepare import open_parent
from executor.pipeline.seal import seal
from executor.runs.delivery import Continuation, Delivery
from executor.runs.files import MODEL, SIGNATURE, write_json
from executor.runs.run import Run
from executor.runtime.budget import Budget
from executor.runtime.devices import configure_tensorflow, training_devices, use_device
from executor.runtime.interrupt import catch_interrupt
from executor.runtime.log import write_run_log
from executor.runtime.stage_timer import StageTimer
from executor.search.records.fitting_arrays import require_fitting_arrays
from executor.search.records.journal import Journal, search_digest
from executor.search.records.outcome import Outcome
from executor.search.records.trials import Trials
from executor.search.records.weights import read_weights, weights_path, write_weights
from executor.search.runners.outcomes import values_in_force
from recommender.dataset.dataset import Dataset

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import keras

    from executor.components.metric import PerformanceMetric
    from executor.model.signature import Signature
    from executor.pipeline.continuation.fine_tune import FineTuning
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.pipeline.prepare import PreparedRun
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock
    from executor.search.records.trials import StoppedBy

WHY_KEPT: Final = "a continued model is delivered as it was evaluated"
WHY_SELECTED: Final = "the model of the parent run, trained further"
NO_CURVE: Final = "Seed variance and learning curve: not measured when a run is continued."


def continue_run(
    run: str | os.PathLike[str] | Run,
    data: object,
    *,
    budget: float | None = None,
    seed: int = 0,
    directory: Path | None = None,
    report: bool = True,
    satisfied_at: float | None = None,
) -> Run:
    """Train the model of a run further, on new rows.

    The weights start at those of the model, and its preprocessing, classes and choices stay. The learning rate is a
    tenth of the best trial's, and decays. The weights of the epoch with the best validation score are kept, which may
    be the first ones.

    Args:
        run: The finished run, or its directory. Forecasts cannot be continued.
        data: New rows with the columns and the target of the run, as for `train`.
        budget: Time limit in seconds. Default None.
        seed: The same seed gives the same split and model. Default 0.
        directory: Directory of the new run; it must be empty or missing. Default None: a new one below runs/.
        report: Write report.html. Default True.
        satisfied_at: Value of the metric that is good enough. Default None: compared with the baselines.

    Returns:
        The new run. `summary.continuation` has the scores before and after, on the new hold-out and on that of the
        parent run, and the drift of the new rows.

    Raises:
        ColumnError: If the new rows do not fit the model; the message names column, row and remedy.
        RunError: If the run cannot be continued.

    Examples:
        >>> from executor import continue_run
        >>> run = continue_run("runs/churn-1", "march.csv", budget=60)  # doctest: +SKIP
    """
    parent = run if isinstance(run, Run) else Run(run)
    limit = Budget(seconds=budget, trials=1)
    clock = limit.start_clock()
    with nullcontext(data) if isinstance(data, Dataset) else open_new_rows(parent, data) as dataset:
        prepared = prepare_continuation(
            parent,
            dataset,
            budget=limit,
            seed=seed,
            directory=directory,
            report=report,
            satisfied_at=satisfied_at,
        )
        return execute_continuation(prepared, clock=clock)


def execute_continuation(run: PreparedRun, *, clock: Clock) -> Run:
    """Train the model of the parent run on the rows of a prepared one, evaluate it, and seal the new run.

    A training that the journal of the run contains is not repeated.
    """
    parent = open_parent(run.plan)
    run = rows_for_model(parent, run)
    with write_run_log(run.directory):
        configure_tensorflow()
        timer = StageTimer(clock)
        with timer.stage("reading and encoding", run.data.rows.sentence):
            data = encode(run, clock)
            data = replace(data, parts=replace(data.parts, rare_class=parent.signature.rare_class))
        clock = clock.with_plan(data.plan_time(run.budget.seconds))
        metric = create_metric(run.bundle.metric)
        with timer.stage("training"):
            model, outcome, stopped_by = _train(parent, data, metric, clock)
            signature = _validated(parent, data, model)
            save_model(
                model, run.directory / MODEL, signature=signature, rows=run.data.table.take(run.data.rows.validation)
            )
            write_json(run.directory / SIGNATURE, signature)
        trials = Trials(
            ranked=(outcome,),
            stopped_by=stopped_by,
            planned=1,
            epochs=outcome.planned_epochs,
            seconds=outcome.seconds,
        )
        selected = SelectedNetwork(
            network=model, outputs=np.empty((0, 0)), members={0: 1}, score=outcome.score, why=WHY_SELECTED
        )
        saved = SavedModel(model=model, signature=signature, selected=selected)
        with timer.stage("hold-out and baselines"):
            evaluation = evaluate_on_hold_out(data, trials, saved, clock)
            continuation = _measure(parent, data, saved, outcome, metric)
        if run.plan.report:
            with timer.stage("importance of columns"):
                write_importance(data, saved, clock)
        rows = len(data.parts.train)
        curve = learning_curve((), metric=metric.name, direction=metric.direction, rows=rows, missing=NO_CURVE)
        return seal(
            data,
            trials,
            curve,
            saved,
            evaluation,
            delivery=Delivery(is_refitted=False, rows=rows, evaluated_rows=rows, why=WHY_KEPT),
            continuation=continuation,
            seconds=clock.spent(),
            stages=timer.seconds,
        )


def _train(
    parent: Run, data: EncodedData, metric: PerformanceMetric, clock: Clock
) -> tuple[keras.Model, Outcome, StoppedBy]:
    """The model of the parent run with the weights of the best epoch, compiled anew; trained unless the journal has it.

    Returns the training as the only trial of the run, and why it ended.
    """
    run, start = data.run, clock.now()
    bundle, rows, table = run.bundle, run.data.rows, run.data.table
    parts = data.parts
    kind = network_kind(bundle, parts.inputs)
    chosen = configuration(parent.bundle, parent.summary.best_hyperparameters, defaults=kind.defaults)
    slower = chosen.model_copy(update={"learning_rate": RATE_SHARE * chosen.learning_rate})
    signature, width = parent.signature, parts.train.dense.shape[1]
    train, validation = table.take(rows.train), table.take(rows.validation)
    journal = Journal(run.directory, search=search_digest(run.plan.bundle, run.plan.seed))
    journal.remove_unfinished()
    device = training_devices(kind, width=width, directory=parent.directory)[0]
    with use_device(device, width=width), catch_interrupt() as interrupt:
        model = load_model(parent.directory / MODEL, signature)
        if not journal.outcomes:
            compile_model(model, bundle, parts, slower, cuts=signature.cuts)
            truth = _target(parts, parts.validation)

            def validate() -> tuple[float, float]:
                outcome = predict_rows(model, signature, validation)
                return score_outcome(outcome, signature, validation, metric), float(model.loss(truth, outcome))

            course = fine_tune(
                model,
                signature,
                train,
                _target(parts, parts.train),
                validate=validate,
                direction=metric.direction,
                rate=slower.learning_rate,
                batch=choose_batch_size(kind, len(train), chosen.batch_size),
                epochs=max(1, round(EPOCHS_SHARE * whole_epochs(bundle, kind, rows=len(train)))),
                clock=clock,
                interrupt=interrupt,
                seed=run.plan.seed,
            )
            weights = weights_path(run.directory, 0)
            write_weights(weights, model.get_weights())
            journal.append([_outcome(data, course, weights=weights, seconds=clock.now() - start)])
        (outcome,) = journal.outcomes
        if outcome.weights is None:
            raise TypeError("the outcome of a continued training has weights")
        with require_fitting_arrays(outcome.weights):
            model.set_weights(read_weights(outcome.weights))
        compile_model(model, bundle, parts, slower, cuts=signature.cuts)
    return model, outcome, "interrupt" if outcome.ended_by == "interrupt" else "exhausted"


def _target(parts: Parts, examples: Examples) -> np.ndarray:
    """Targets as the loss of a saved model reads them, (rows, outputs) float32."""
    own = examples.target if parts.task.is_classification else examples.raw_target
    return np.asarray(own, np.float32).reshape(len(examples), -1)


def _validated(parent: Run, data: EncodedData, model: keras.Model) -> Signature:
    """The signature of the parent run, with thresholds and intervals by the new validation rows."""
    validation = data.run.data.table.take(data.run.data.rows.validation)
    outcome = predict_rows(model, parent.signature, validation)
    return parent.signature.model_copy(update=set_by_validation(outcome, data) | {"trained_on": ""})


def _outcome(data: EncodedData, course: FineTuning, *, weights: Path, seconds: float) -> Outcome:
    """A training as a trial of its run."""
    epochs, own = len(course.scores), {"learning_rate": course.rate, "schedule": "cosine"}
    return Outcome(
        number=0,
        hyperparameters={},
        configuration=values_in_force(data.run.bundle, data.parts, {}) | own,
        status="diverged" if course.best is None else "completed",
        score=course.best,
        epochs=epochs,
        best_epoch=None if course.best is None else course.best_epoch,
        planned_epochs=course.planned,
        seconds=seconds,
        epoch_seconds=seconds / epochs if epochs else None,
        ended_by=course.ended_by,
        start_score=course.start_score,
        epoch_scores=tuple(course.scores),
        epoch_rates=tuple(course.rates),
        epoch_progress=tuple(round(at / max(1, course.planned), 6) for at in range(1, epochs + 1)),
        training_loss=tuple(course.losses),
        weights=weights,
    )


def _measure(
    parent: Run, data: EncodedData, saved: SavedModel, outcome: Outcome, metric: PerformanceMetric
) -> Continuation:
    """Scores before and after, on both hold-outs, and drift."""
    run, after = data.run, (saved.model, saved.signature)
    hold_out = run.data.table.take(run.data.rows.hold_out)
    old, missing, drift = measure_parent(parent, after, metric, new=run.dataset, roles=run.roles)
    delivery = parent.summary.delivery
    return Continuation(
        parent=parent.seal,
        parent_dataset=parent.plan.digest,
        metric=metric.name,
        learning_rate=float(outcome.configuration["learning_rate"]),
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch or 0,
        rows=len(data.parts.train),
        new_hold_out=compare_models((parent.model, parent.signature), after, hold_out, metric),
        old_hold_out=old,
        old_missing=missing,
        knew_hold_out=delivery is not None and delivery.is_refitted,
        drift=drift,
    )
