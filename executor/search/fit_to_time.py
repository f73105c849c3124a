"""Fitting a training into a time limit: the measured speed decides how large the first, full training is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from executor.search.records.training_size import TrainingSize
from recommender.time_plan import SHORTENED_SHARE, USED_SHARE
from recommender.training_cost import USUAL_SLOWDOWN, XLA_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.data.split import Split
    from executor.preprocessing.examples import Parts
    from executor.search.runners.speed import Speed

Folded = TypeVar("Folded", "Parts", "Split")

WORTH_MEASURING: Final = 1.5
"""A size is measured unless it is expected to take this many times the available seconds: measuring compiles it."""
MIN_SECONDS: Final = 1e-9  # avoids division by zero with a clock that stands still


def fit_to_time(
    parts: Parts,
    *,
    epochs: int,
    slowdown: float,
    expected: Callable[[Parts], float],
    measure: Callable[[Parts, int], Speed],
    available: Callable[[Parts], float],
) -> tuple[Parts, TrainingSize, Speed]:
    """Choose the largest training that fits: all repeats, then one, then one split.

    Each may have fewer epochs than planned, in folds at least SHORTENED_SHARE of them.

    epochs: of a full training. slowdown: assumed until a speed is measured. expected: seconds per epoch by the cost
    model. measure: trains a few steps of a training of a number of epochs. available: seconds until the deadline.
    """
    options = [parts]
    if parts.repeats > 1:
        options.append(parts.first_repeat())
    if parts.folds is not None:
        options.append(parts.divided())
    chosen, speed, planned = options[-1], None, None
    shortest = SHORTENED_SHARE * epochs
    for index, option in enumerate(options):
        fits = USED_SHARE * available(option)
        if option is not options[-1] and slowdown * shortest * expected(option) > WORTH_MEASURING * fits:
            continue
        compiled = max(0.0, fits - XLA_SECONDS * slowdown / USUAL_SLOWDOWN)
        speed = measure(option, max(1, min(epochs, int(compiled / (slowdown * expected(option))))))
        slowdown = speed.epoch_seconds / expected(option) or slowdown  # 0 where the clock stands still
        planned = epochs * speed.epoch_seconds if option is parts else planned
        left = USED_SHARE * available(option)
        if shortest * speed.epoch_seconds <= left or not _pays(speed, options[index + 1 :], left, expected, slowdown):
            chosen = option
            break
    if speed is None:
        raise ValueError("the last size is always measured")
    affordable = int(USED_SHARE * available(chosen) / max(speed.epoch_seconds, MIN_SECONDS))
    trained = max(1, min(epochs, affordable))
    size = TrainingSize(
        networks=chosen.fold_count,
        repeats=chosen.repeats,
        epochs=trained,
        seconds=trained * speed.epoch_seconds,
        planned_networks=parts.fold_count,
        planned_repeats=parts.repeats,
        planned_epochs=epochs,
        planned_seconds=epochs * slowdown * expected(parts) if planned is None else planned,
        slowdown=slowdown,
    )
    return chosen, size, speed


def _pays(
    speed: Speed, smaller: Sequence[Parts], left: float, expected: Callable[[Parts], float], slowdown: float
) -> bool:
    """Whether more epochs of a smaller training fit into the seconds that are left, after it is compiled as well."""
    return any(
        (left - speed.compile_seconds) / (slowdown * expected(option)) > left / speed.epoch_seconds
        for option in smaller
    )


def resized(folded: Folded, size: TrainingSize) -> Folded:
    """The parts of a training of a size, or the split of their rows; folded: as planned."""
    if size.networks == size.planned_networks:
        return folded
    return folded.first_repeat() if size.networks > 1 else folded.divided()
