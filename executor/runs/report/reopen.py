"""The dataset of a run, opened again for what the run does not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.recommendation.recommend import open_dataset
from rules.errors import DatasetError

if TYPE_CHECKING:
    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset


def reopen_dataset(run: Run, *, must: bool) -> tuple[Dataset | None, str]:
    """Open the dataset of a run again; returns None and the reason where it is missing or has changed.

    Raises DatasetError in these cases if it must be there.
    """
    plan = run.plan
    if plan.dataset is None:
        return _without("the run was trained on a table in memory", must=must)
    try:
        dataset = open_dataset(plan.dataset, plan.request, readings=plan.readings)
    except DatasetError:
        return _without(f"{plan.dataset} can no longer be read", must=must)
    if dataset.digest == plan.digest:
        return dataset, ""
    dataset.close()
    return _without(f"{plan.dataset} has changed since the run", must=must)


def _without(why: str, *, must: bool) -> tuple[None, str]:
    if must:
        raise DatasetError(f"--by reads a column of the dataset again, but {why}. Restore the file, or leave out --by.")
    return None, why
