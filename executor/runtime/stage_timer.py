"""How long each stage of a run took, in its log as in its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.runtime.log import LOG

if TYPE_CHECKING:
    from executor.runtime.clock import Clock


class Stages:
    """Seconds of each stage, by the clock of a run; the first begins with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = 0.0
        self._running = ""
        self.seconds: dict[str, float] = {}

    def begin(self, name: str, detail: str = "") -> None:
        """End the stage that is running, if any, and begin another. detail: for the log."""
        self.end()
        self._running = name
        LOG.info("%s%s.", name.capitalize(), f": {detail.removesuffix('.')}" if detail else "")

    def end(self) -> None:
        """Count what passed since the last stage ended for the one that is running."""
        if self._running:
            now = self._clock.spent()
            self.seconds[self._running] = round(now - self._begun, 2)
            self._begun, self._running = now, ""
