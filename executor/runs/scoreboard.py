"""The end of a training on a terminal: P on the hold-out beside the baselines, and whether to use the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from executor.evaluation.scores import format_estimate
from executor.runs.files import REPORT
from recommender.profile.guardrails.drift import DRIFT_NAME
from recommender.profile.guardrails.entity import ENTITY_NAME
from rules.text.numbers import number
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from rich.console import Console

    from executor.runs.run import Run
    from executor.runs.summary import Summary


def print_result(run: Run, console: Console) -> None:
    """Print what a run came to. Names and values from the data are never read as markup."""
    scores, summary = run.scores, run.summary
    better = "higher is better" if scores.direction is Direction.MAX else "lower is better"
    console.print()
    console.print(f"[bold]{scores.metric}[/bold] on {scores.rows:,} rows that were never seen ({better})")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    value, _, interval = format_estimate(scores.hold_out).partition("  ")
    table.add_row(*(Text(cell, style="bold") for cell in ("this model", value, interval)))
    for name, baseline in scores.baselines.items():
        value = "undefined" if baseline.value is None else number(baseline.value)
        table.add_row(name, value, Text(baseline.says))
    console.print(table)
    others = ", ".join(
        f"{name} {number(value)}"
        for name, value in scores.others.items()
        if value is not None and name != scores.metric
    )
    console.print(f"Also: {others}", style="dim")
    if summary.imbalance is not None:
        console.print(escape(summary.imbalance.sentence), style="dim")
    for threshold in scores.thresholds:
        console.print(f"Threshold: {escape(threshold)}", style="dim")
    for remark in scores.remarks:
        console.print(escape(remark), style="dim")
    console.print(
        Text(scores.verdict, style="bold" if scores.has_signal and not scores.had_too_little_time else "bold yellow")
    )
    for one in run.guardrails:
        if one.name in {DRIFT_NAME, ENTITY_NAME} and one.status == "alerted":
            console.print(Text.assemble(("! ", "yellow"), one.message))
    for sentence in after_the_scores(run):
        console.print(Text(sentence))
    _show_search(summary, scores.metric, console)
    if (run.directory / REPORT).exists():
        console.print(f"Report: {run.directory / REPORT}", markup=False)
    console.print(f"Kept in {run.directory}. New rows: recommend predict {run.directory} ROWS -o out.csv", markup=False)


def _show_search(summary: Summary, metric: str, console: Console) -> None:
    """Print how the rows were split and how the search went."""
    console.print()
    console.print(escape(summary.split), style="dim")
    found = ", ".join(f"{name} {number(value)}" for name, value in summary.best_hyperparameters.items())
    if summary.started_late:
        console.print("The time limit was too short for the start-up: one trial ran beyond it, to leave a model.")
    console.print(
        f"{describe_trials(summary)}{f' ({found})' if found else ' (the defaults)'}.", style="dim", markup=False
    )
    if len(summary.members) > 1:
        shares = ", ".join(
            f"{trial} ({times} times)" if times > 1 else f"{trial}" for trial, times in summary.members.items()
        )
        console.print(f"The model is the mean of trials {shares}: {summary.members_why}.", style="dim", markup=False)
    if summary.huber_delta is not None:
        console.print(
            f"Huber's loss turned linear at {number(summary.huber_delta)} standard deviations of the target.",
            style="dim",
        )
    told = [one for one in summary.sensitivity if one.importance is not None]
    if told:
        shares = ", ".join(f"{one.name} {one.importance:.0%} (notes: {one.rating})" for one in told)
        console.print(f"What mattered to {metric} in the search: {shares}.", style="dim", markup=False)
    if summary.sensitivity_missing:
        console.print(summary.sensitivity_missing, style="dim", markup=False)
    if summary.unvaried:
        names = ", ".join(name.replace("_", " ") for name in summary.unvaried)
        console.print(f"Not varied before the search ended: {names}. More time varies them.", style="dim", markup=False)
    for searched in summary.sensitivity:
        if searched.edge:
            console.print(Text.assemble(("! ", "yellow"), searched.edge))


def after_the_scores(run: Run) -> list[str]:
    """What training again told, and what to try next."""
    scores, curve, following = run.scores, run.summary.curve, run.summary.next_steps
    said = [] if curve is None else curve.sentences(scores.validation)
    if following is not None and not following.is_satisfied:
        said.append(f"{following.why}.{' What to try next:' if following.steps else ''}")
        said += [f"- {step.advice}: {step.because}." for step in following.steps]
    return said


ENDINGS = {
    "budget": "the time limit",
    "trials": "the number of trials",
    "exhausted": "the end of the search space",
    "interrupt": "Ctrl-C",
}


def describe_trials(summary: Summary) -> str:
    """How many trials there were, how they ended, and which was the best; without a full stop."""
    failed = summary.trials - summary.completed
    less = [f"{summary.cut_short} cut short"] if summary.cut_short else []
    less += [f"{failed} more failed"] if failed else []
    told = f" ({', '.join(less)})" if less else ""
    done = f"{summary.completed} of {summary.planned or summary.trials} trials completed{told}"
    ending = f"in {summary.seconds:.0f} s, ended by {ENDINGS[summary.stopped_by]}"
    return f"{done} {ending}; the best is trial {summary.best_trial}"
