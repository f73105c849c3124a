"""The baselines that read raw rows or images, fitted in this process or on the workers of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import joblib
from threadpoolctl import threadpool_info, threadpool_limits

from executor.components.metric import create_metric
from executor.data.raw_table import ARRAYS, Form
from executor.evaluation.baselines.constant import last_value_baseline, seasonal_baseline
from executor.evaluation.baselines.exponential_smoothing import EXPONENTIAL_SECONDS, exponential_baseline
from executor.evaluation.baselines.gradient_boosting import boosting_baseline, boosting_seconds
from executor.evaluation.baselines.mean_forecast import mean_baseline
from executor.evaluation.baselines.nearest_neighbours import neighbours_baseline
from executor.evaluation.baselines.tf_idf import tf_idf_baseline
from executor.evaluation.baselines.theta import THETA_SECONDS, theta_baseline
from executor.evaluation.scores import BOOSTING, EXPONENTIAL, NEIGHBOURS, TF_IDF, THETA
from executor.preprocessing.inputs import ImageInputs
from executor.runtime.clock import Clock
from executor.runtime.cluster_call import call_each
from recommender.time_plan import tf_idf_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.data.raw_table import RawTable
    from executor.data.series.lag_table import Windows
    from executor.evaluation.baselines.baseline import Baseline
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.cluster import Pool
    from rules.vocabulary.choices import Choice

NEIGHBOUR_SECONDS: Final = 4.0  # time limit of nearest neighbours
MIN_SECONDS: Final = 1.0  # minimum time of a baseline, which a score needs as a reference
MIN_CELLS: Final = 100_000
"""Training cells from which the workers of a cluster fit the baselines; fewer take less time here than their imports
there."""
CELLS_PER_TEXT: Final = 100  # an estimate: a text of 20 words is read in the time of as many numbers
POOL_SHARE: Final = 0.75  # of the time that is left, after which baselines on a cluster are cancelled


@dataclass(frozen=True, kw_only=True)
class BaselineRows:
    """Rows on which baselines are fitted, and the hold-out."""

    metric: Choice
    parts: Parts
    train: RawTable
    validation: RawTable
    hold_out: RawTable
    encoded: Examples
    """The hold-out, encoded."""
    series: RawTable | None = None
    """Of a forecast: the rows of which windows were made."""
    windows: Windows | None = None
    seed: int = 0


def fit_baselines(rows: BaselineRows, clock: Clock, *, pool: Pool | None = None) -> list[Baseline | None]:
    """Fit the baselines of a kind of data, each within its share of the time that is left; None where one has no time.

    pool: of a cluster, whose workers fit one each, if there are MIN_CELLS.
    """
    names = _names(rows)
    found = None if pool is None or _cells(rows.train) < MIN_CELLS else _fit_on_pool(names, rows, clock, pool)
    if found is None:
        found = {name: _fit(name, rows, clock.lasting(_seconds(name, rows.parts, clock))) for name in names}
    return [*found.values(), *_mean(rows, found)]


def _cells(train: RawTable) -> int:
    """Cells of the training rows; a text, an image or a sequence counts as several."""
    wide = sum(form in {Form.TEXT, *ARRAYS} for form in train.forms.values())
    return len(train) * (len(train.forms) + (CELLS_PER_TEXT - 1) * wide)


def _names(rows: BaselineRows) -> list[str]:
    """Baselines that fit the data."""
    has_images = isinstance(rows.parts.inputs, ImageInputs)
    fits = {
        TF_IDF: bool(rows.train.of_form(Form.TEXT)),
        BOOSTING: not has_images,
        NEIGHBOURS: has_images,
        THETA: rows.windows is not None,
        EXPONENTIAL: rows.windows is not None,
    }
    return [name for name, does in fits.items() if does]


def _seconds(name: str, parts: Parts, clock: Clock) -> float:
    """Seconds that a baseline may take, if it starts now."""
    if name == TF_IDF:
        return allowed_seconds(tf_idf_seconds(clock.plan.limit), clock, share=1 / 2)
    if name == BOOSTING:
        return max(MIN_SECONDS, boosting_seconds(clock))
    if name == NEIGHBOURS:
        return seconds_with_images(NEIGHBOUR_SECONDS, parts, clock, share=1 / 3)
    most, share = (THETA_SECONDS, 1 / 6) if name == THETA else (EXPONENTIAL_SECONDS, 1 / 3)
    return allowed_seconds(most, clock, share=share)


def _fit(name: str, rows: BaselineRows, clock: Clock) -> Baseline | None:
    metric, parts, hold_out = create_metric(rows.metric), rows.parts, (rows.hold_out, rows.encoded)
    if name == TF_IDF:
        return tf_idf_baseline(metric, parts, rows.train, rows.validation, hold_out, clock=clock)
    if name == BOOSTING:
        return boosting_baseline(metric, parts, rows.train, rows.validation, hold_out, clock=clock, seed=rows.seed)
    if name == NEIGHBOURS:
        return neighbours_baseline(metric, parts, rows.encoded, seconds=clock.limit)
    if rows.series is None or rows.windows is None:
        return None
    fit = theta_baseline if name == THETA else exponential_baseline
    return fit(parts, rows.encoded, rows.hold_out, rows.series, rows.windows, clock=clock)


def _fit_on_pool(names: list[str], rows: BaselineRows, clock: Clock, pool: Pool) -> dict[str, Baseline | None] | None:
    """Fit each baseline on a worker; None if the cluster cannot be used any more."""
    shared, threads = pool.share(rows), _threads()
    end = clock.now() + POOL_SHARE * clock.left
    tasks = [(shared, name, _seconds(name, rows.parts, clock), threads) for name in names]
    found = call_each(pool, fit_on_worker, tasks, is_over=lambda: clock.now() > end)
    return None if found is None else dict(zip(names, found, strict=True))


def fit_on_worker(rows: BaselineRows, name: str, seconds: float, threads: int) -> Baseline | None:
    """Fit a baseline in the process of a worker.

    threads: of gradient boosting in the process of the run, because a sum depends on their number in its last bit.
    """
    with threadpool_limits(threads, user_api="openmp"):
        return _fit(name, rows, Clock().lasting(seconds))


def _threads() -> int:
    """Threads with which scikit-learn computes trees here."""
    pools = [int(one["num_threads"]) for one in threadpool_info() if one["user_api"] == "openmp"]
    return min([*pools, int(joblib.cpu_count(only_physical_cores=True))])


def _mean(rows: BaselineRows, found: dict[str, Baseline | None]) -> Iterator[Baseline | None]:
    """The mean of the forecasts of Theta, exponential smoothing and the seasonal naive forecast."""
    if rows.windows is not None:
        # Without a season the last value is the seasonal naive forecast.
        naive = seasonal_baseline(rows.parts, rows.encoded, rows.hold_out)
        naive = naive or last_value_baseline(rows.parts, rows.encoded, rows.hold_out.last)
        yield mean_baseline(rows.parts, rows.encoded, (found[THETA], found[EXPONENTIAL], naive))


def allowed_seconds(most: float, clock: Clock, *, share: float) -> float:
    """Seconds that a baseline may take; share: the largest share of the time that is left."""
    return max(MIN_SECONDS, min(most, clock.left * share))


def seconds_with_images(most: float, parts: Parts, clock: Clock, *, share: float) -> float:
    """The same; with images, whose predictions take seconds, a share of the time that those leave."""
    if not isinstance(parts.inputs, ImageInputs):
        return allowed_seconds(most, clock, share=share)
    return max(MIN_SECONDS, min(most, clock.spare * share))
