"""The page of a run: the answer first, then why, the data, the search, the model's quality, and how to repeat it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from executor.evaluation.scores import format_estimate
from executor.evaluation.verdict import advice
from executor.runs.report.groups import score_groups
from executor.runs.report.hold_out_answers import read_predictions
from executor.runs.report.plots.classification import plots_of_classes
from executor.runs.report.plots.comparison import gain_plot, importance_plot, learning_curve_plot, score_plot
from executor.runs.report.plots.confusion import confusion_matrix
from executor.runs.report.plots.forecasts import plots_of_forecasts
from executor.runs.report.plots.mistaken_images import mistakes
from executor.runs.report.plots.regression import plots_of_numbers
from executor.runs.report.plots.search import plots_of_search, stage_plot
from executor.runs.report.reopen import reopen_dataset
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
    from executor.runs.report.hold_out_answers import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot
    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset

MAX_LISTED: Final = 200  # trials in the table; trials.jsonl holds all


def page(run: Run, dataset: Dataset | None = None, *, by: str = "") -> str:
    """The report of a finished run as HTML. Names and values from the data are escaped.

    dataset: what the run was trained on, where it is open; else it is opened again for what no run keeps, the pictures
    of images and the groups by a column, as long as it is what it was. by: a column, for P in each of its groups.
    Raises RunError on a file of the run that is missing or damaged, BookError where its rules cannot be read again,
    and for `by` ColumnError or DatasetError where there is no such column or the dataset is gone.
    """
    record, answers = run.record, read_predictions(run)
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
            advice=advice(run.scores),
            gains=gain_plot(run.scores),
            rows=None if run.summary.curve is None else learning_curve_plot(run.summary.curve),
            explanations=explain(subject, [slot for slot in NOTES_ORDER if slot in record.decisions]),
            trials=trials[:MAX_LISTED],
            untold=max(0, len(trials) - MAX_LISTED),
            searched=plots_of_search(
                trials,
                metric=run.scores.metric,
                direction=run.scores.direction,
                sensitivity=run.summary.sensitivity,
                best=run.summary.best_trial,
            ),
            spent=stage_plot(run.summary.stages),
            quality=_quality(run, answers),
            confusion=confusion_matrix(answers),
            importance=run.importance,
            leaning=None if run.importance is None else importance_plot(run.importance),
            **_from_rows(run, answers, dataset, by),
            trials_told=describe_trials,
            command=reproduce_command(run),
            vocabulary=FACTS,
            number=number,
            quantity=quantity,
            value_of=format_estimate,
        )
    )


def _quality(run: Run, answers: HoldOutPredictions) -> list[Plot]:
    """The plots of the task."""
    signature = run.signature
    percent = None if signature.intervals is None else signature.intervals.percent
    if signature.task.is_classification:
        return plots_of_classes(answers, signature.cuts)
    if signature.task is Task.FORECASTING:
        horizon = 1 if signature.windows is None else signature.windows.horizon
        return plots_of_forecasts(answers, targets=signature.targets, horizon=horizon, percent=percent)
    return plots_of_numbers(answers, percent)


def _from_rows(run: Run, answers: HoldOutPredictions, dataset: Dataset | None, by: str) -> dict[str, Any]:
    """What needs rows of the dataset: nothing of it is kept in the run."""
    is_image = run.signature.image is not None
    found: dict[str, Any] = {"by": by, "groups": [], "grouped": None, "mistakes": [], "is_image": is_image, "gone": ""}
    if not by and not is_image:
        return found
    again, found["gone"] = (dataset, "") if dataset is not None else reopen_dataset(run, must=bool(by))
    if again is None:
        return found
    with nullcontext() if dataset is not None else again:
        if is_image:
            found["mistakes"] = mistakes(answers, again)
        if by:
            groups = score_groups(run, answers, again, by)
            plot = score_plot(
                {one.name: one.score for one in groups},
                run.scores.metric,
                title=f"{run.scores.metric} by group",
                level=run.scores.hold_out.value,
            )
            found |= {"groups": groups, "grouped": plot}
    return found
