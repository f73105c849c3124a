"""Measurement of the speed of a training, before its first trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.runtime.clock import Clock

MEASURED_SECONDS: Final = 0.4  # of steps, at least, unless MOST_STEPS come first
MOST_STEPS: Final = 64
FIRST_STEPS: Final = 2  # of the first measured call; each further call has twice as many


class Speed(NamedTuple):
    """Measured speed of a training.

    epoch_seconds: of all networks of a trial, with validation. compile_seconds: once per graph. steps_seconds: of the
    steps of an epoch, without validation.
    """

    epoch_seconds: float
    compile_seconds: float
    steps_seconds: float


def measure_speed(
    clock: Clock,
    *,
    start: float,
    steps: int,
    take: Callable[[int], None],
    validate: Callable[[], None],
) -> Speed:
    """Measure steps and a validation, after a first one of each, which compile.

    start: reading of the clock before the network was built. steps: of an epoch. take: takes a number of steps.
    """
    take(1)
    validate()
    compiled = clock.now()
    done, calls = 0, FIRST_STEPS
    while done < MOST_STEPS and clock.now() - compiled < MEASURED_SECONDS:
        take(calls)
        done += calls
        calls *= 2
    stepped = clock.now()
    validate()
    stepping = steps * (stepped - compiled) / done if done else 0.0
    return Speed(
        epoch_seconds=stepping + clock.now() - stepped, compile_seconds=compiled - start, steps_seconds=stepping
    )
