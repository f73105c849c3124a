"""Runs of a folder as a table: dataset, score, best baseline, date and state."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from executor.evaluation.scores import Estimate
from executor.runs.files import PLAN
from executor.runs.run import Run
from executor.search.records.journal import JOURNAL
from executor.search.records.lock import LOCK
from recommender.run_manifest import RECORD, SCORES
from rules.decision.record import Record
from rules.errors import PcwatError, RunError
from rules.text.numbers import number
from rules.text.wording import counted, printable

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from executor.evaluation.scores import Scores


MAX_SCORE_LENGTH: Final = len("0.1693 to 0.3275")
MAX_BASELINE_LENGTH: Final = len("gradient boosting")


class ListedRun(BaseModel):
    """A run of a folder. state: finished, running in another process, interrupted, or with a damaged file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    state: Literal["finished", "running", "interrupted", "damaged"]
    detail: str = ""
    """Progress of a run that is not finished, or the error of a damaged one."""
    dataset: str = ""
    created: str = ""
    """UTC, ISO 8601."""
    metric: str = ""
    hold_out: Estimate | None = None
    baseline: str = ""
    """The best baseline, and its score."""
    baseline_value: float | None = None


def list_runs(folder: Path) -> list[ListedRun]:
    """List the runs in a folder, the oldest first. Raises RunError where the folder cannot be read."""
    try:
        found = [path for path in folder.iterdir() if os.path.exists(path / PLAN)]  # noqa: PTH110  False if unreadable
    except OSError as error:
        raise RunError(
            f"The folder of runs must be readable, but {folder} is not: {error.strerror}. Name another one: recommend "
            "runs FOLDER."
        ) from None
    return sorted(map(_list_run, found), key=lambda one: (one.created, one.name))


def _list_run(directory: Path) -> ListedRun:
    known = ListedRun(name=directory.name, state="interrupted")
    try:
        record = Record.read_intact(directory / RECORD)
        known = known.model_copy(update={"dataset": record.dataset.name, "created": record.created})
        if not (directory / SCORES).exists():
            return known.model_copy(update=_unfinished(directory))
        scores = Run(directory).scores
    except PcwatError as error:
        return known.model_copy(update={"state": "damaged", "detail": str(error)})
    name, value = _best_baseline(scores)
    values = {"metric": scores.metric, "hold_out": scores.hold_out, "baseline": name, "baseline_value": value}
    return known.model_copy(update={"state": "finished", **values})


def _unfinished(directory: Path) -> dict[str, str]:
    """The state of a run without scores: whether another process holds its lock, and how many trials have ended."""
    try:
        trials = (directory / JOURNAL).read_bytes().count(b"\n")
    except OSError:
        trials = 0
    ended = counted(trials, "trial")
    if not (directory / LOCK).exists():
        return {"state": "interrupted", "detail": ended}
    lock = FileLock(directory / LOCK, blocking=False)
    try:
        with lock:
            return {"state": "interrupted", "detail": ended}
    except (Timeout, OSError):
        return {"state": "running", "detail": ended}


def _best_baseline(scores: Scores) -> tuple[str, float | None]:
    """The baseline with the best score."""
    values = {name: one.value for name, one in scores.baselines.items() if one.value is not None}
    if not values:
        return "", None
    best = scores.direction.best(values, key=values.__getitem__)
    return best, values[best]


def _result_cell(one: ListedRun) -> str:
    """Score with its 95 % interval below it; state of a run that is not finished."""
    if one.hold_out is None:
        return one.state if one.state == "damaged" else f"{one.state}, {one.detail}"
    score = one.hold_out
    if score.value is None:
        return f"{one.metric} undefined"
    interval = "" if score.low is None or score.high is None else f"\n{number(score.low)} to {number(score.high)}"
    return f"{one.metric} {number(score.value)}{interval}"


def show_runs(found: list[ListedRun], folder: Path, console: Console) -> None:
    """Print the runs. Names from the data are never read as markup."""
    if not found:
        console.print(f"No runs in {folder}. 'recommend train DATASET' creates one.", markup=False)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Run, dataset", overflow="fold")
    table.add_column("Score", min_width=MAX_SCORE_LENGTH)
    table.add_column("Best baseline", min_width=MAX_BASELINE_LENGTH)
    table.add_column("Date", no_wrap=True)
    for one in found:
        style = {"finished": "", "running": "cyan"}.get(one.state, "yellow")
        baseline = "" if one.baseline_value is None else f"{one.baseline}\n{number(one.baseline_value)}"
        when = one.created[:16].replace("T", "\n")
        name = Text(printable(one.name)).append(f"\n{printable(one.dataset)}", style="dim")
        score, *others = (Text(printable(cell, keep="\n")) for cell in (_result_cell(one), baseline, when))
        score.stylize(style)
        table.add_row(name, score, *others)
    console.print(table)
    stopped = [one for one in found if one.state == "interrupted"]
    if stopped:
        console.print(f"'recommend train --resume {folder / stopped[0].name}' resumes it.", markup=False, style="dim")
    for one in found:
        if one.state == "damaged":
            console.print(Text(printable(f"{one.name}: {one.detail}"), style="yellow"))
