"""The page of a run: the answer first, then why, the data, the search, the model's quality, and how to repeat it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from executor.evaluation.scores import value_of
from executor.evaluation.verdict import advice
from executor.runs.report.groups import groups_by
from executor.runs.report.hold_out_answers import read_answers
from executor.runs.report.plots.classification import plots_of_classes
from executor.runs.report.plots.comparison import gain_plot, importance_plot, rows_plot, score_plot
from executor.runs.report.plots.confusion import confusion
from executor.runs.report.plots.forecasts import plots_of_forecasts
from executor.runs.report.plots.mistaken_images import mistakes
from executor.runs.report.plots.regression import plots_of_numbers
from executor.runs.report.plots.search import plots_of_search, time_spent
from executor.runs.report.reopen import opened_again
from executor.runs.report.reproduce import command
from executor.runs.scoreboard import trials_told
from executor.search.records.journal import Journal
from recommender.audit.explain import explain
from recommender.audit.subject import Subject
from recommender.run_manifest import RECORD
from rules.text.numbers import number, quantity
from rules.text.templating import environment
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS, Task

if TYPE_CHECKING:
    from executor.runs.report.hold_out_answers import Answers
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
    record, answers = run.record, read_answers(run)
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
            rows=None if run.summary.curve is None else rows_plot(run.summary.curve),
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
            spent=time_spent(run.summary.stages),
            quality=_quality(run, answers),
            confusion=confusion(answers),
            importance=run.importance,
            leaning=None if run.importance is None else importance_plot(run.importance),
            **_from_rows(run, answers, dataset, by),
            trials_told=trials_told,
            command=command(run),
            vocabulary=FACTS,
            number=number,
            quantity=quantity,
            value_of=value_of,
        )
    )


def _quality(run: Run, answers: Answers) -> list[Plot]:
    """The plots of the task."""
    signature = run.signature
    percent = None if signature.intervals is None else signature.intervals.percent
    if signature.task.is_classification:
        return plots_of_classes(answers, signature.cuts)
    if signature.task is Task.FORECASTING:
        horizon = 1 if signature.windows is None else signature.windows.horizon
        return plots_of_forecasts(answers, targets=signature.targets, horizon=horizon, percent=percent)
    return plots_of_numbers(answers, percent)


def _from_rows(run: Run, answers: Answers, dataset: Dataset | None, by: str) -> dict[str, Any]:
    """What needs rows of the dataset: nothing of it is kept in the run."""
    is_image = run.signature.image is not None
    found: dict[str, Any] = {"by": by, "groups": [], "grouped": None, "mistakes": [], "is_image": is_image, "gone": ""}
    if not by and not is_image:
        return found
    again, found["gone"] = (dataset, "") if dataset is not None else opened_again(run, must=bool(by))
    if again is None:
        return found
    with nullcontext() if dataset is not None else again:
        if is_image:
            found["mistakes"] = mistakes(answers, again)
        if by:
            groups = groups_by(run, answers, again, by)
            plot = score_plot(
                {one.name: one.score for one in groups},
                run.scores.metric,
                title=f"{run.scores.metric} by group",
                level=run.scores.hold_out.value,
            )
            found |= {"groups": groups, "grouped": plot}
    return found
