"""Result of a training on the terminal: at most 22 lines at 100 columns; the report has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from executor.evaluation.scores import format_estimate
from executor.evaluation.verdict import reach_verdict
from executor.runs.files import REPORT
from recommender.profile.guardrails.drift import DRIFT_NAME
from recommender.profile.guardrails.entity import ENTITY_NAME
from rules.text.numbers import number
from rules.text.wording import printable
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from executor.evaluation.scores import Scores
    from executor.runs.run import Run
    from executor.runs.summary import Summary

MAX_LINES: Final = 22  # of a terminal of 24 lines; one is for the seal, one for the prompt
STYLES: Final = {"good": "bold", "doubtful": "bold yellow", "bad": "bold yellow"}  # by kind of verdict


def print_result(run: Run, console: Console) -> None:
    """Print the scores, the verdict and the paths of a run. Names and values from the data are not read as markup.

    Warnings and details are printed as far as there is room for them.
    """
    scores, verdict = run.scores, reach_verdict(run.scores)
    score: list[RenderableType] = [
        Text(),
        _heading(scores),
        _score_table(scores),
        Text(verdict.text, style=STYLES[verdict.kind]),
        *([] if scores.cost is None else [Text(printable(scores.cost.sentence))]),
        *([] if run.summary.continuation is None else map(Text, map(printable, run.summary.continuation.sentences))),
        *([] if run.summary.delivery is None else [Text(run.summary.delivery.sentence)]),
    ]
    paths = list(_paths(run))
    room = MAX_LINES - sum(_height(one, console) for one in [*score, *paths])
    details: list[RenderableType] = []
    for one in [*_warnings(run), *_next_steps(run.summary), *_details(scores, run.summary)]:
        if (height := _height(one, console)) <= room:
            details.append(one)
            room -= height
    for part in [*score, *details, *paths]:
        console.print(part)


def describe_trials(summary: Summary) -> str:
    """Number of trials, how the search ended, and the best trial; without a full stop."""
    failed = summary.trials - summary.completed
    less = [f"{summary.cut_short} cut short"] if summary.cut_short else []
    less += [f"{failed} failed"] if failed else []
    detail = f" ({', '.join(less)})" if less else ""
    completed = f"{summary.completed} of {summary.planned or summary.trials} trials completed{detail}"
    where = "" if summary.workers is None else f" on up to {summary.workers} workers of a cluster"
    ended = f"ended by {ENDINGS[summary.stopped_by]}"
    if summary.stopped_by == "budget" and not summary.cut_short:
        ended = "ended because no other trial fits into the time limit"
    ending = f"in {summary.seconds:.0f} s{where}, {ended}"
    return f"{completed} {ending}; the best is trial {summary.best_trial}"


ENDINGS: Final = {
    "budget": "the time limit",
    "trials": "the number of trials",
    "exhausted": "the end of the search space",
    "interrupt": "Ctrl-C",
}


def _heading(scores: Scores) -> Text:
    better = "higher is better" if scores.direction is Direction.MAX else "lower is better"
    return Text.assemble((scores.metric, "bold"), f" on {scores.rows:,} rows of the hold-out ({better})")


def _score_table(scores: Scores) -> Table:
    """The model and its baselines, a line each."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()  # the only one that Rich may make narrower
    value, _, interval = format_estimate(scores.hold_out).partition("  ")
    table.add_row(*(Text(cell, style="bold") for cell in ("this model", value, interval)))
    for name, baseline in scores.baselines.items():
        value = "undefined" if baseline.value is None else number(baseline.value)
        table.add_row(name, value, Text(printable(baseline.says), no_wrap=True, overflow="ellipsis"))
    return table


def _warnings(run: Run) -> Iterator[Text]:
    """What impairs the result: a late start, a smaller training, classes not learned, drift, shared entities."""
    if run.summary.started_late:
        yield _warning("The time limit was too short for the start-up: one trial ran beyond it, to leave a model.")
    if run.summary.reduction:
        yield _warning(run.summary.reduction)
    if run.summary.gradients:
        yield _warning(run.summary.gradients)
    if run.features is not None and run.features.used < run.features.planned:
        yield _warning(run.features.sentence)
    for sentence in run.scores.missing_classes:
        yield _warning(sentence)
    for one in run.guardrails:
        if one.name in {DRIFT_NAME, ENTITY_NAME} and one.status == "alerted":
            yield _warning(one.message)


def _next_steps(summary: Summary) -> Iterator[Text]:
    if summary.next_steps is not None and summary.next_steps.steps:
        yield Text(f"Next steps: {'. '.join(step.advice for step in summary.next_steps.steps)}.")


def _details(scores: Scores, summary: Summary) -> Iterator[Text]:
    """Details of the scores and the search, the most useful first."""
    yield Text(f"{describe_trials(summary)}.", style="dim")
    others = ", ".join(
        f"{name} {number(value)}"
        for name, value in scores.others.items()
        if value is not None and name != scores.metric
    )
    yield Text(f"Other metrics: {others}", style="dim")
    for remark in scores.remarks:
        yield Text(printable(remark), style="dim")
    for threshold in scores.thresholds:
        yield Text(f"Threshold: {printable(threshold)}", style="dim")
    if summary.imbalance is not None:
        yield Text(printable(summary.imbalance.sentence), style="dim")


def _paths(run: Run) -> Iterator[Text]:
    if (run.directory / REPORT).exists():
        yield Text(f"Report: {run.directory / REPORT}")
    yield Text(f"Predict new rows: recommend predict {run.directory} ROWS -o out.csv")


def _warning(sentence: str) -> Text:
    return Text.assemble(("! ", "yellow"), printable(sentence))


def _height(part: RenderableType, console: Console) -> int:
    """Lines that a part takes on a console."""
    return len(console.render_lines(part, pad=False))
