"""Training and resuming a run: the Python entry points."""

from __future__ import annotations

from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING

from executor.pipeline.execute import carry_out
from executor.pipeline.prepare import begin, reopen, resumed_budget
from executor.runs.plan import read_plan
from executor.runtime.budget import Budget
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.types.times import checked_formats
from recommender.recommendation.recommend import Said, open_dataset
from recommender.roles.horizon import Outlook
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from executor.runs.run import Run
    from rules.decision.request import ImageReading, SequenceReading
    from rules.decision.trace import Pin
    from rules.vocabulary.bundle import Bundle


def train(
    data: object,
    *,
    target: str | Sequence[str] = (),
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    time: str | None = None,
    entity: str | None = None,
    split: str | None = None,
    bundle: Bundle | None = None,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    budget: float | None = None,
    trials: int | None = None,
    seed: int = 0,
    directory: Path | None = None,
    at_once: int | None = None,
    single: bool = False,
    satisfied_at: float | None = None,
    images: ImageReading | None = None,
    sequences: SequenceReading | None = None,
    horizon: int | None = None,
    season: int | None = None,
    known: Sequence[str] = (),
    missing: Sequence[str] | None = None,
    date_formats: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Recommend a bundle for a table, search under it, and return the run with the model of the best P.

    data, target, task, kinds, time, entity, split, book, pins: as `recommender.recommend` takes them. bundle: trained
    instead of the recommended one; pins go before it. budget: seconds, a hard limit; trials: at most this many; with
    neither, 20 trials.
    directory: where the run is kept, a new one below runs/ by default. at_once: trials that train at once in one graph,
    by default as many as pay. single: keep the best network alone, where the mean of several may be better.
    satisfied_at: P that would satisfy; without it the run says what to try next where the model does not beat every
    baseline. images: how image files are read. sequences: how the rows of a long table are gathered into sequences.
    horizon, season, known: of a forecast, the steps ahead, those of a season, and the columns known in advance.
    missing: texts that count as missing, besides the empty one; by default the usual ones of the format.
    date_formats: as `recommender.recommend` takes them.
    Raises PcwatError with a message for people on anything that a person can mend.
    """
    said = Said(
        targets=(target,) if isinstance(target, str) else tuple(target),
        task=None if task is None else Task(task),
        kinds={column: Kind(kind) for column, kind in (kinds or {}).items()},
        time_column=time,
        entity_column=entity,
        split_column=split,
        images=images,
        sequences=sequences,
        outlook=Outlook(horizon=horizon, season=season, known=tuple(known)),
        missing=None if missing is None else tuple(missing),
        date_formats=checked_formats(date_formats),
    )
    limit = Budget(seconds=budget, trials=trials)
    with nullcontext(data) if isinstance(data, Dataset) else open_dataset(data, said) as dataset:
        begun = begin(
            dataset,
            said,
            budget=limit,
            bundle=bundle,
            book=book,
            pins=pins,
            seed=seed,
            directory=directory,
            at_once=at_once,
            single=single,
            satisfied_at=satisfied_at,
        )
        return carry_out(begun, budget=limit)


def resume(directory: Path, *, budget: float | None = None) -> Run:
    """Resume an interrupted run without repeating a finished trial.

    Args:
        directory: Directory of the run.
        budget: Time limit from now on, in seconds. None takes the limit that the run was started with. Default None.

    Returns:
        The finished run.

    Raises:
        RunError: If the directory is not a run, the run is finished, or its dataset is missing or has changed.

    Examples:
        >>> from executor import resume
        >>> run = resume(Path("runs/wine-1"), budget=60)  # doctest: +SKIP
    """
    plan = read_plan(directory)
    limit = resumed_budget(plan, seconds=budget)
    begun = reopen(directory)
    with begun.dataset:
        return carry_out(begun, budget=limit)
