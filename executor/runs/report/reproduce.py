"""The command that trains as a run was trained."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from executor.runs.files import BUNDLE

if TYPE_CHECKING:
    from executor.runs.plan import Plan
    from executor.runs.run import Run


def reproduce_command(run: Run) -> str:
    """`recommend train …` with the run's bundle and options, quoted for a shell; "" for a table in memory."""
    if run.plan.dataset is None:
        return ""
    words = ["recommend", "train", run.plan.dataset, *_of_data(run.plan), "--bundle", str(run.directory / BUNDLE)]
    return shlex.join([*words, *_of_search(run.plan)])


def _of_data(plan: Plan) -> list[str]:
    """The options that say what the data is."""
    given: list[tuple[str, object]] = [("--target", target) for target in plan.targets]
    given += [("--task", plan.task), ("--delimiter", plan.delimiter)]
    given += [("--kind", f"{column}={kind}") for column, kind in plan.kinds.items()]
    given += [("--time", plan.time_column), ("--entity", plan.entity_column), ("--split", plan.split_column)]
    given += [("--horizon", plan.horizon), ("--season", plan.season), *(("--known", column) for column in plan.known)]
    if plan.images is not None:
        size = plan.images.size
        given.append(("--image-size", None if size is None else f"{size[0]}x{size[1]}"))
        given += [("--image-fit", plan.images.fit), ("--unreadable-images", plan.images.unreadable.replace("_", "-"))]
    if plan.sequences is not None:
        given += [("--sequence", plan.sequences.by), ("--order", plan.sequences.order)]
    if plan.missing is not None:
        given += [("--missing", text) for text in plan.missing or ("none",)]
    given += [("--date-format", f"{column}={written}") for column, written in plan.date_formats.items()]
    return _words(given)


def _of_search(plan: Plan) -> list[str]:
    """The options that say how far the search goes."""
    budget = None if plan.budget is None else f"{plan.budget:g}s"
    given: list[tuple[str, object]] = [("--budget", budget), ("--trials", plan.trials), ("--seed", plan.seed)]
    given.append(("--satisfied-at", plan.satisfied_at))
    return [*_words(given), *(["--single"] if plan.single else [])]


def _words(given: list[tuple[str, object]]) -> list[str]:
    return [word for option, value in given if value is not None for word in (option, str(value))]
