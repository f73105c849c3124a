"""How long each stage of a run took."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executor.budget import Budget


class Stages:
    """Seconds of each stage, by the clock of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._ended = 0.0
        self.seconds: dict[str, float] = {}

    def ended(self, name: str) -> None:
        """Count what passed since the last stage ended, or since the budget began, for this one."""
        now = self._budget.spent()
        self.seconds[name] = round(now - self._ended, 2)
        self._ended = now
