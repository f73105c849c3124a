"""Report of a run as HTML: verdict, baselines, strategy, data, quality, importance, search, and how to reproduce it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from executor.evaluation.scores import format_estimate
from executor.evaluation.verdict import reach_verdict
from executor.runs.plan import reopen_dataset
from executor.runs.report.groups import score_groups
from executor.runs.report.hold_out_predictions import read_predictions
from executor.runs.report.plots.classification import plots_of_classes
from executor.runs.report.plots.comparison import gain_plot, importance_plot, learning_curve_plot, score_plot
from executor.runs.report.plots.confusion import confusion_matrix
from executor.runs.report.plots.dependence import dependence_plots
from executor.runs.report.plots.forecasts import plots_of_forecasts
from executor.runs.report.plots.mistaken_images import mistakes
from executor.runs.report.plots.regression import plots_of_numbers
from executor.runs.report.plots.search import plots_of_search, stage_plot
from executor.runs.report.reproduce import reproduce_command
from executor.runs.scoreboard import describe_trials
from executor.search.records.journal import Journal
from recommender.audit.explain import explain
from recommender.audit.subject import Subject
from recommender.run_manifest import RECORD
from rules.text.numbers import number, quantity
from rules.text.templating import environment
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS, Task

if TYPE_CHECKING:
    from executor.runs.report.hold_out_predictions import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot
    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset

MAX_LISTED: Final = 200  # trials in the table; trials.jsonl has all


def page(run: Run, dataset: Dataset | None = None, *, by: str = "") -> str:
    """Render the report of a finished run as HTML. Names and values from the data are escaped.

    Args:
        run: The finished run.
        dataset: The dataset of the run, where it is open; else it is opened again for images and groups, which a run
            does not keep.
        by: Column for whose groups the score is reported.

    Raises:
        RunError: If a file of the run is missing or damaged.
        BookError: If the rules of the run cannot be read.
        ColumnError: If `by` is not a column of the dataset.
        DatasetError: If `by` is given and the dataset is missing or has changed.
    """
    record, hold_out = run.record, read_predictions(run)
    subject = Subject(record=record, path=run.directory / RECORD, layers=tuple(record.book.layers))
    trials = Journal(run.directory).outcomes
    return (
        environment("executor.runs.report")
        .get_template("report.html")
        .render(
            run=run,
            record=record,
            scores=run.scores,
            summary=run.summary,
            verdict=reach_verdict(run.scores),
            gains=gain_plot(run.scores),
            rows=None if run.summary.curve is None else learning_curve_plot(run.summary.curve),
            explanations=explain(subject, [slot for slot in NOTES_ORDER if slot in record.decisions]),
            trials=trials[:MAX_LISTED],
            omitted=max(0, len(trials) - MAX_LISTED),
            searched=plots_of_search(
                trials,
                metric=run.scores.metric,
                direction=run.scores.direction,
                sensitivity=run.summary.sensitivity,
                best=run.summary.best_trial,
            ),
            spent=stage_plot(run.summary.stages),
            quality=_quality(run, hold_out),
            confusion=confusion_matrix(hold_out),
            importance=run.importance,
            dependence=[] if run.importance is None else dependence_plots(run.importance),
            importance_plot=None if run.importance is None else importance_plot(run.importance),
            **_from_rows(run, hold_out, dataset, by),
            describe_trials=describe_trials,
            command=reproduce_command(run),
            space=_space(run),
            vocabulary=FACTS,
            number=number,
            quantity=quantity,
            format_estimate=format_estimate,
        )
    )


def _space(run: Run) -> list[tuple[str, str, float | int | str | None]]:
    """Each hyperparameter of the user's space: its values, and the value of the best trial; none without a space."""
    pairs = (one.partition("=") for one in run.plan.search)
    return [(name, values, run.summary.best_hyperparameters.get(name)) for name, _, values in pairs]


def _quality(run: Run, hold_out: HoldOutPredictions) -> list[Plot]:
    """Plots for the task."""
    signature = run.signature
    percent = None if signature.intervals is None else signature.intervals.percent
    if signature.task.is_classification:
        return plots_of_classes(hold_out, signature.cuts)
    if signature.task is Task.FORECASTING:
        horizon = 1 if signature.windows is None else signature.windows.horizon
        return plots_of_forecasts(hold_out, targets=signature.targets, horizon=horizon, percent=percent)
    return plots_of_numbers(hold_out, percent)


def _from_rows(run: Run, hold_out: HoldOutPredictions, dataset: Dataset | None, by: str) -> dict[str, Any]:
    """Parts of the report that need rows of the dataset, which a run does not keep."""
    is_image = run.signature.image is not None
    found: dict[str, Any] = {"by": by, "groups": [], "grouped": None, "mistakes": [], "is_image": is_image, "gone": ""}
    if not by and not is_image:
        return found
    reopened, found["gone"] = (dataset, "") if dataset is not None else reopen_dataset(run.plan, must=bool(by))
    if reopened is None:
        return found
    with nullcontext() if dataset is not None else reopened:
        if is_image:
            found["mistakes"] = mistakes(hold_out, reopened)
        if by:
            groups = score_groups(run, hold_out, reopened, by)
            plot = score_plot(
                {one.name: one.score for one in groups},
                run.scores.metric,
                title=f"{run.scores.metric} by group",
                level=run.scores.hold_out.value,
            )
            found |= {"groups": groups, "grouped": plot}
    return found
