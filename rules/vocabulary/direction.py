"""Direction of a metric: which of two scores is the better one."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


class Direction(StrEnum):
    """Whether a metric is maximised or minimised."""

    MAX = "max"
    MIN = "min"

    @property
    def sign(self) -> int:
        """The factor that makes greater values better: 1 to maximise, -1 to minimise."""
        return 1 if self is Direction.MAX else -1

    def better(self, score: float, other: float) -> bool:
        """Whether a score is better than another one; NaN is never better.

        >>> Direction.MIN.better(0.2, 0.3)
        True
        """
        return self.sign * score > self.sign * other

    def utility(self, score: float | None) -> float:
        """The score as a value to maximise; -inf where it is undefined or not finite.

        >>> Direction.MIN.utility(0.2)
        -0.2
        """
        return -math.inf if score is None or not math.isfinite(score) else self.sign * score

    def best(self, items: Iterable[T], key: Callable[[T], float | None]) -> T:
        """The item with the best score, the first of equals. Raises ValueError without items.

        >>> Direction.MAX.best([3, 1, 2], key=float)
        3
        """
        return max(items, key=lambda item: self.utility(key(item)))

    def error(self, score: float) -> float:
        """The score as an error that is 0 at best; a metric that is maximised is at most 1.

        >>> Direction.MAX.error(0.75)
        0.25
        """
        return score if self is Direction.MIN else 1 - score
