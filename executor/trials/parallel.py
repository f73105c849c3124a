"""One stack on each device at a time, where there are several."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from executor.trials.stacked import StackRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.catalog.tuning import Proposal
    from executor.devices import Device
    from executor.trials.journal import Outcome
    from executor.trials.training import Epoch
    from executor.trials.workplace import Workplace


class ParallelRunner:
    """Runs proposals on several devices at once; each has its own copy of the rows and its own graphs.

    places: each device with the workplace that was made on it; they share the budget and Ctrl-C. width: encoded
    columns, by which the precision is chosen.
    """

    def __init__(self, places: Sequence[tuple[Device, Workplace]], *, width: int) -> None:
        self._runners = [StackRunner(at, device=device, compute=device.compute(width=width)) for device, at in places]

    def run(
        self, proposals: Sequence[Proposal], *, on_epoch: Callable[[Epoch], None] = lambda _: None
    ) -> list[Outcome]:
        """Run some trials, dealt out to the devices in turn. As StackRunner.run."""
        lock = threading.Lock()

        def report(now: Epoch) -> None:
            with lock:
                on_epoch(now)

        def run(index: int) -> list[Outcome]:
            return self._runners[index].run(proposals[index :: len(self._runners)], on_epoch=report)

        with ThreadPoolExecutor(len(self._runners)) as threads:
            outcomes = [outcome for found in threads.map(run, range(len(self._runners))) for outcome in found]
        return sorted(outcomes, key=lambda outcome: outcome.number)
