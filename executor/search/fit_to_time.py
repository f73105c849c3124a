"""Fitting a training into a time limit: the measured speed decides how large the first, full training is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from executor.components.loss import has_log_link
from executor.preprocessing.inputs import TableInputs
from executor.search.records.training_size import TrainingSize
from recommender.time_plan import USED_SHARE
from recommender.training_cost import USUAL_SLOWDOWN, XLA_SECONDS
from rules.vocabulary.choices import Standard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from executor.components.configuration import Value
    from executor.components.network_kind import NetworkKind
    from executor.data.split import Split
    from executor.preprocessing.examples import Parts
    from executor.search.runners.speed import Speed
    from rules.vocabulary.bundle import Bundle

Folded = TypeVar("Folded", "Parts", "Split")

LINEAR_START_SHARE: Final = 0.02
"""Share of the planned epochs below which the network of a table starts at ridge regression
(docs/evidence.md#linear-start-of-tables)."""
WORTH_MEASURING: Final = 1.5
"""A size is measured unless it is expected to take this many times the available seconds: measuring compiles it."""
MIN_SECONDS: Final = 1e-9  # avoids division by zero with a clock that stands still


@dataclass(frozen=True, kw_only=True)
class TrainingOption:
    """A size of the first training."""

    parts: Parts
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    """Of a smaller network than the default one; empty for that one."""
    linear_start: bool = False
    """Whether the network starts at ridge regression although the bundle does not choose it."""


def training_options(parts: Parts, kind: NetworkKind, *, can_start: bool) -> list[TrainingOption]:
    """Sizes of the first training from large to small.

    All repeats, then one, then one split, then smaller networks, or one that starts at ridge regression. can_start:
    whether the network of a table may start there.
    """
    rows = [parts]
    if parts.repeats > 1:
        rows.append(parts.first_repeat())
    if parts.folds is not None:
        rows.append(parts.divided())
    smaller = [TrainingOption(parts=rows[-1], hyperparameters=values) for values in kind.smaller]
    if can_start:
        smaller.append(TrainingOption(parts=rows[-1].with_linear_start(), linear_start=True))
    return [*(TrainingOption(parts=own) for own in rows), *smaller]


def can_start_linear(bundle: Bundle, parts: Parts) -> bool:
    """Whether a linear layer on the columns of a table can be added to its network."""
    is_table = isinstance(parts.inputs, TableInputs) and isinstance(bundle.architecture, Standard)
    return is_table and not parts.is_started and not has_log_link(bundle.loss) and parts.train.dense.shape[1] > 0


def fit_to_time(
    options: Sequence[TrainingOption],
    *,
    epochs: int,
    shortest: float,
    fills_time: bool = False,
    augmented_epochs: int = 0,
    slowdown: float,
    expected: Callable[[TrainingOption], float],
    measure: Callable[[TrainingOption, int], Speed],
    available: Callable[[TrainingOption], float],
    most: Callable[[TrainingOption], float] | None = None,
) -> tuple[TrainingOption, TrainingSize, Speed]:
    """Choose the largest training of which enough epochs fit, and its number of epochs.

    options: from large to small, the first one as planned. epochs: of a full training. shortest: epochs that an option
    needs, unless it is the smallest, or only one with a linear start is smaller. fills_time: whether the schedule is
    laid over all the time, the last epoch being incomplete. augmented_epochs: epochs from which images are augmented.
    slowdown: assumed until a speed is measured. expected: seconds per epoch by the cost model. measure: trains a few
    steps of a training of a number of epochs. available: seconds until the deadline. most: the same where no time is
    reserved for training on all rows, which is given up where not even LINEAR_START_SHARE of the epochs fit beside it;
    None keeps that time.
    """
    full, smallest = options[0], options[-1]
    chosen, speed, planned = smallest, None, None
    for index, option in enumerate(options):
        fits, smaller = USED_SHARE * available(option), options[index + 1 :]
        is_last = all(one.linear_start for one in smaller)
        needed = LINEAR_START_SHARE * epochs if is_last else shortest
        if option is not smallest and slowdown * needed * expected(option) > WORTH_MEASURING * fits:
            continue
        compiled = max(0.0, fits - XLA_SECONDS * slowdown / USUAL_SLOWDOWN)
        speed = measure(option, max(1, min(epochs, int(compiled / (slowdown * expected(option))))))
        slowdown = speed.epoch_seconds / expected(option) or slowdown  # 0 where the clock stands still
        planned = epochs * speed.epoch_seconds if option is full else planned
        left = USED_SHARE * available(option)
        if is_last and most is not None and needed * speed.epoch_seconds > left:
            available = most
            left = USED_SHARE * available(option)
        if needed * speed.epoch_seconds <= left or not _pays(speed, smaller, left, expected, slowdown):
            chosen = option
            break
    if speed is None:
        raise ValueError("the last size is always measured")
    share = available(chosen) / max(speed.epoch_seconds, MIN_SECONDS)
    affordable = math.ceil(share) if fills_time else int(USED_SHARE * share)
    trained = max(1, min(epochs, affordable))
    size = TrainingSize(
        networks=chosen.parts.fold_count,
        repeats=chosen.parts.repeats,
        epochs=trained,
        seconds=trained * speed.epoch_seconds,
        hyperparameters=dict(chosen.hyperparameters),
        linear_start=chosen.linear_start,
        reserves_refit=available is not most,
        is_augmented=trained >= augmented_epochs,
        planned_networks=full.parts.fold_count,
        planned_repeats=full.parts.repeats,
        planned_epochs=epochs,
        planned_seconds=epochs * slowdown * expected(full) if planned is None else planned,
        slowdown=slowdown,
        step_slowdown=speed.steps_seconds / expected(chosen) or slowdown,
        compile_seconds=speed.compile_seconds,
    )
    return chosen, size, speed


def _pays(
    speed: Speed,
    smaller: Sequence[TrainingOption],
    left: float,
    expected: Callable[[TrainingOption], float],
    slowdown: float,
) -> bool:
    """Whether a smaller training fits more epochs into the seconds that are left, after it is compiled as well.

    Of one that starts at ridge regression, any epoch pays.
    """
    return any(
        (left - speed.compile_seconds) / (slowdown * expected(option))
        > (0 if option.linear_start else left / speed.epoch_seconds)
        for option in smaller
    )


def resized_parts(parts: Parts, size: TrainingSize) -> Parts:
    """The parts of a training of a size; parts: as planned."""
    parts = resized(parts, size)
    return parts.with_linear_start() if size.linear_start else parts


def resized(folded: Folded, size: TrainingSize) -> Folded:
    """The folds of a training of a size; folded: as planned."""
    if size.networks == size.planned_networks:
        return folded
    return folded.first_repeat() if size.networks > 1 else folded.divided()
