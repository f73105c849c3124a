"""Seconds of each stage, memory and disk of a training, by the cost model, for one speed of the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from recommender.planning.training_memory import INPUT_BYTES, INPUT_COPIES
from recommender.planning.training_plan import StageName
from recommender.recommendation.training_work import CANDIDATES, MAX_SEEDS, START_UP, TRIALS_WITHOUT_BUDGET
from recommender.time_plan import (
    SAVE_SECONDS,
    SECONDS_PER_NETWORK,
    SECONDS_PER_WORD,
    SEEDS,
    USED_SHARE,
    plan_time,
    tf_idf_seconds,
)
from recommender.training_cost import (
    BOOSTING_SECONDS,
    BOOSTING_SHARE,
    ENCODING_SHARE,
    HOLD_OUT_ENCODINGS,
    MAX_FITTED,
    MIN_XLA_SECONDS,
    UNLIMITED_BOOSTING_SECONDS,
    USUAL_SLOWDOWN,
    XLA_SECONDS,
    boosting_fit_seconds,
)

if TYPE_CHECKING:
    from recommender.planning.training_memory import Streaming
    from recommender.recommendation.training_work import SizedTraining, TrainingWork

WORKER_SECONDS: Final = 8.0  # to connect to a cluster, and until a worker has loaded TensorFlow, on two idle cores
ENCODING_SECONDS: Final = 0.1  # of a table of few rows, on two idle cores
SECONDS_PER_CELL: Final = 1e-6  # of reading and encoding, per row and feature column, on two idle cores
RIDGE_SECONDS: Final = 0.7  # of random features of few sequences and their ridge regression, on two idle cores
SECONDS_PER_FEATURE: Final = 3e-10  # of a random convolution, per step of a sequence and channel, on two idle cores
MIN_FEATURES: Final = 84  # kernels of MiniRocket
CANDIDATE_SECONDS: Final = 0.2  # to evaluate a trial that may join an ensemble, on two idle cores
EVALUATION_SECONDS: Final = 0.7  # for scores of the hold-out with intervals and simple baselines, on two idle cores
EVALUATION_SECONDS_PER_CELL: Final = 4e-6  # the same, per row and feature column of a table
IMPORTANCE_SECONDS: Final = 0.04  # for the importance of a column of a table
MAX_IMPORTANCE_SECONDS: Final = 3.0  # for all of them; the time limit shortens it
FORECAST_BASELINE_SECONDS: Final = 2.0  # for Theta and exponential smoothing
PROCESS_BYTES: Final = 900 * 2**20  # of Python, TensorFlow and graphs that XLA does not compile
XLA_BYTES: Final = 350 * 2**20  # of XLA, which compiles stacks that take long
WEIGHT_COPIES: Final = 8  # of the weights of all networks that train at once: optimizer, best epoch, gradients
WRITING_SECONDS: Final = 1.8  # of summary, report and manifest, and of the end of the process, on two idle cores
CLOSING_SECONDS: Final = 0.8  # the same, without a report
FILE_BYTES: Final = 600_000  # of record, report and other files of a run
PREDICTION_BYTES: Final = 80  # of a row of the hold-out in predictions.csv


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a plan is made for: a dataset, its bundle, and the options of the training."""

    work: TrainingWork
    rows: int
    hold_out: int
    columns: int
    """Feature columns."""
    outputs: int
    steps: float = 0.0
    """Steps of a sequence times channels, on average; 0 without sequences."""
    words: float = 0.0
    """Words of a row of texts, on average."""
    network: str = "tabular"
    """Kind of network, as its measured speeds are kept."""
    has_images: bool = False
    is_forecast: bool = False
    is_refitted: bool = False
    """Whether networks are trained again with the validation rows, as those of texts and forecasts are."""
    is_searched: bool
    """Whether the search varies a hyperparameter."""
    budget: float | None
    trials: int | None
    streaming: Streaming | None = None
    """How rows that do not fit into memory are streamed; None where they are in memory."""
    single: bool = False
    keeps_evaluated: bool = False
    has_report: bool = True
    workers: int | None = None
    """Of a cluster, for which the work is; None where this machine trains."""

    @property
    def is_stacked(self) -> bool:
        """Whether networks train in a stack."""
        return not (self.has_images or self.is_forecast or self.work.has_text)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A training on a machine of one speed."""

    size: SizedTraining
    epochs: int
    first_seconds: float
    """Of the first training, unless networks stop early."""
    full_seconds: float
    """Of the full training without a time limit."""
    trials: int
    """With the first one."""
    seconds_each: float
    """Of a further trial, on its worker."""
    features: int
    """Random features of sequences; 0 for other data."""
    networks: int
    """Networks of the evaluated model."""
    seeds: int
    """Networks of each trial of the model that are trained on all rows; 0 where they are not."""
    all_rows_networks: int
    """All of them."""
    stages: dict[StageName, float]
    memory: float
    """Bytes."""
    disk: float
    """Bytes."""

    @property
    def seconds(self) -> float:
        """Seconds of the run."""
        return sum(self.stages.values())


def figures(at: Situation, slowdown: float) -> Figures:
    """Estimate a training. slowdown: seconds of a training step, relative to the cost model."""
    slower = _slower(slowdown)
    features, row_seconds = _features(at, slower)
    encoded = at.rows - at.hold_out + (min(MAX_FITTED, at.work.training_rows) if features else 0)
    stages = {
        StageName.START_UP: slower * (START_UP + (0.0 if at.workers is None else WORKER_SECONDS)),
        StageName.READING: slower
        * (ENCODING_SECONDS + (RIDGE_SECONDS if features else SECONDS_PER_CELL * at.rows * at.columns))
        + encoded * row_seconds,
    }
    # To compile takes as long as other stages do, and not as training steps.
    compiling = slower * USUAL_SLOWDOWN / slowdown
    work = replace(at.work, start_up=sum(stages.values()), compiling=compiling * at.work.compiling)
    size = work.sizes[0] if at.budget is None else work.chosen(at.budget, slowdown)
    full, first = slowdown * size.seconds, _first_seconds(at, work, size, slowdown)
    has_xla = at.is_stacked and first / slowdown > MIN_XLA_SECONDS
    if has_xla:
        work = replace(work, compiling=work.compiling + compiling * XLA_SECONDS / USUAL_SLOWDOWN)
        first = _first_seconds(at, work, size, slowdown)
    trained = first * (work.trained_share if first == full else 1.0)
    plan = plan_time(
        at.budget,
        encoding=stages[StageName.READING],
        networks=size.networks,
        refit_share=work.refit_share,
        words=work.text_words,
    )
    trials = _trials(at, work, slowdown)
    each = slowdown * size.further * (at.workers or 1)
    stages[StageName.SEARCH] = slowdown * work.compiling + _trials_seconds(at, trials, first=trained, each=each)
    stages[StageName.CURVE] = plan.retraining if at.has_report else 0.0
    members = 1 if at.is_searched or at.single else trials
    networks = members * size.networks
    again = min(MAX_SEEDS, trials) * trained if at.is_refitted else 0.0
    stages[StageName.SAVING] = slower * (SAVE_SECONDS + SECONDS_PER_NETWORK * networks) + min(again, plan.refit)
    if at.is_searched and not (at.single or at.is_refitted) and trials > 1:
        stages[StageName.SAVING] += slower * CANDIDATE_SECONDS * min(trials, CANDIDATES // size.networks)
    stages[StageName.EVALUATION] = _evaluation_seconds(at, slower) + HOLD_OUT_ENCODINGS * at.hold_out * row_seconds
    report = slower * (WRITING_SECONDS if at.has_report else CLOSING_SECONDS)
    spent = sum(stages.values())
    seeds, stages[StageName.ALL_ROWS] = _all_rows(
        at, slowdown, left=None if at.budget is None else at.budget - spent - report, networks=networks, again=again
    )
    stages[StageName.REPORT] = report
    width = features or at.work.width
    weights = 4.0 * at.work.weights
    inputs = float(INPUT_COPIES * INPUT_BYTES * at.rows * width)
    if at.streaming is not None:
        inputs = at.streaming.peak(at.rows)
    memory = PROCESS_BYTES + inputs + WEIGHT_COPIES * weights * max(networks, seeds)
    return Figures(
        size=size,
        epochs=max(1, int(work.epochs * first / full)),
        first_seconds=first,
        full_seconds=slowdown * work.sizes[0].seconds,
        trials=trials,
        seconds_each=each,
        features=features,
        networks=networks,
        seeds=seeds,
        all_rows_networks=members * seeds,
        stages={name: stages[name] for name in StageName if stages[name] > 0},
        memory=memory + (XLA_BYTES if has_xla else 0),
        disk=FILE_BYTES
        + PREDICTION_BYTES * at.hold_out
        + weights * (trials * size.networks + networks + members * seeds),
    )


def _trials_seconds(at: Situation, trials: int, *, first: float, each: float) -> float:
    """Seconds of all trials. first, each: of the first one, and of a further one."""
    if at.workers is None:
        return first + (trials - 1) * each
    if at.budget is None:  # the first one is not measured alone
        return max(first, math.ceil(trials / at.workers) * each)
    return first + (trials - 1) / at.workers * each


def _slower(slowdown: float) -> float:
    """Duration of stages without training steps, relative to two idle cores.

    Other programs delay the many short steps of a training more than long computations. Measured on two busy cores,
    whose steps took 3.4 to 7.4 times as long: 13 to 20 s until the search, of 6 s on two idle ones.
    """
    return max(1.0, math.sqrt(slowdown / USUAL_SLOWDOWN))


def _first_seconds(at: Situation, work: TrainingWork, size: SizedTraining, slowdown: float) -> float:
    """Seconds of the first training of a size, unless networks stop early: as many epochs as fit, at least one."""
    full = slowdown * size.seconds
    if at.budget is None:
        return full
    return min(full, max(full / work.epochs, USED_SHARE * work.seconds_left(at.budget, size, slowdown)))


def _features(at: Situation, slower: float) -> tuple[int, float]:
    """Random features of sequences that the time limit allows, and the seconds to encode a sequence."""
    planned = at.work.width if at.steps else 0
    if not planned:
        return 0, 0.0
    row_seconds = slower * SECONDS_PER_FEATURE * planned * at.steps
    if at.budget is None:
        return planned, row_seconds
    encodings = min(MAX_FITTED, at.work.training_rows) + at.rows + (HOLD_OUT_ENCODINGS - 1) * at.hold_out
    affordable = int(planned * ENCODING_SHARE * at.budget / (encodings * row_seconds))
    used = max(MIN_FEATURES, min(planned, affordable))
    return used, row_seconds * used / planned


def _trials(at: Situation, work: TrainingWork, slowdown: float) -> int:
    """Number of trials, the first one included."""
    if at.budget is None:
        return (at.trials or TRIALS_WITHOUT_BUDGET) if at.is_searched else 1
    most = work.trials(at.budget, slowdown)
    if at.workers is not None and most <= at.workers:  # none can be completed
        most = 1
    if not at.is_searched:
        most = min(most, 1 if at.single or at.is_refitted else MAX_SEEDS)
    return most if at.trials is None else min(most, at.trials)


def _evaluation_seconds(at: Situation, slower: float) -> float:
    """Seconds of the scores and the baselines on the hold-out; some have a time limit of their own."""
    if at.has_images:
        largest = at.work.sizes[0]
        image = USUAL_SLOWDOWN * largest.seconds / (at.work.epochs * at.work.training_rows)  # forwards and backwards
        return slower * (EVALUATION_SECONDS + at.hold_out * image)
    if at.steps:
        return slower * EVALUATION_SECONDS
    table = EVALUATION_SECONDS_PER_CELL * at.rows * at.columns
    if at.has_report:
        table += min(MAX_IMPORTANCE_SECONDS, IMPORTANCE_SECONDS * at.columns)
    allowed = UNLIMITED_BOOSTING_SECONDS
    if at.budget is not None:
        allowed = max(BOOSTING_SECONDS, BOOSTING_SHARE * at.budget)
    boosting = min(allowed, slower * boosting_fit_seconds(at.work.training_rows, at.columns * at.outputs))
    words = at.rows * at.words * at.outputs if at.work.has_text else 0.0
    texts = min(tf_idf_seconds(at.budget), slower * SECONDS_PER_WORD * words)
    series = slower * FORECAST_BASELINE_SECONDS if at.is_forecast else 0.0
    return slower * (EVALUATION_SECONDS + table) + boosting + texts + series


def _all_rows(at: Situation, slowdown: float, *, left: float | None, networks: int, again: float) -> tuple[int, float]:
    """Networks of a trial that are trained on all rows, and their seconds; none where that is left out or late.

    left: seconds of the time limit; None without one. networks: of the evaluated model. again: seconds in which they
    were trained with the validation rows.
    """
    if at.keeps_evaluated:
        return 0, 0.0
    slower = _slower(slowdown)
    if at.is_refitted:
        needed = again + slower * (SAVE_SECONDS + SECONDS_PER_NETWORK)
        return (1, needed) if left is None or needed <= USED_SHARE * left else (0, 0.0)
    alone = at.work.sizes[-1]
    for seeds in SEEDS:
        training = at.work.trained_share * slowdown * seeds * alone.seconds + slowdown * at.work.compiling
        needed = training + slower * (SAVE_SECONDS + SECONDS_PER_NETWORK * (networks + seeds))
        if left is None or needed <= USED_SHARE * left:
            return seeds, needed
    return 0, 0.0
