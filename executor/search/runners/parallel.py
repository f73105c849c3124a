"""Trials on several devices in parallel."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from executor.runtime.devices import use_device

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.runtime.devices import Device
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.speed import Speed
    from executor.search.runners.training_state import Epoch


class Runner(Protocol):
    """Runs trials in stacks, sequentially, or on several devices."""

    def run(
        self, proposals: Sequence[Proposal], *, on_epoch: Callable[[Epoch], None] = ..., share: float = ...
    ) -> list[Outcome]:
        """Run trials; returns their outcomes in order. share: of the remaining time, that stacks take."""

    def measure(self, proposal: Proposal, *, trials: int = 1) -> Speed:
        """Measure the speed of a trial by a few steps, whose weights are discarded. trials: of its stack, all alike."""


class ParallelRunner:
    """Runs proposals on several devices in parallel, each with its own copy of the rows and its own graphs.

    runners: devices and their runners, which share the budget and interrupt. width: encoded columns, which determine
    the precision.
    """

    def __init__(self, runners: Sequence[tuple[Device, Runner]], *, width: int) -> None:
        self._runners = runners
        self._width = width

    def measure(self, proposal: Proposal, *, trials: int = 1) -> Speed:
        """Measure the speed of a trial on the first device; as StackRunner.measure."""
        device, runner = self._runners[0]
        with use_device(device, width=self._width):
            return runner.measure(proposal, trials=trials)

    def run(
        self, proposals: Sequence[Proposal], *, on_epoch: Callable[[Epoch], None] = lambda _: None, share: float = 1.0
    ) -> list[Outcome]:
        """Run trials, distributed over the devices; as StackRunner.run."""
        lock = threading.Lock()

        def report(now: Epoch) -> None:
            with lock:
                on_epoch(now)

        def run(index: int) -> list[Outcome]:
            device, runner = self._runners[index]
            with use_device(device, width=self._width):  # thread-local
                return runner.run(proposals[index :: len(self._runners)], on_epoch=report, share=share)

        with ThreadPoolExecutor(len(self._runners)) as threads:
            outcomes = [outcome for found in threads.map(run, range(len(self._runners))) for outcome in found]
        return sorted(outcomes, key=lambda outcome: outcome.number)
