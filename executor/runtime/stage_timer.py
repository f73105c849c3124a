"""The duration of each stage of a run, for its log and its summary."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from executor.runtime.log import LOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.runtime.clock import Clock


class StageTimer:
    """Times stages by the clock of a run; each begins where the one before ended, the first with the run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = 0.0
        self.seconds: dict[str, float] = {}
        """Seconds of each stage that has ended, in their order."""

    @contextmanager
    def stage(self, name: str, detail: str = "") -> Iterator[None]:
        """Log that a stage begins, and time it until the block ends. detail: for the log."""
        LOG.info("%s%s.", name.capitalize(), f": {detail.removesuffix('.')}" if detail else "")
        yield
        now = self._clock.spent()
        self.seconds[name] = round(now - self._ended, 2)
        self._ended = now
