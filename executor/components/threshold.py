"""Decision threshold: tuned by an exact scan over validation rows, or 0.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DEFAULT_THRESHOLD: Final = 0.5  # probability
MIN_ROWS: Final = 50  # validation rows (docs/evidence.md, section 4); with fewer, a tuned threshold is noise
MIN_POSITIVES: Final = 5  # validation rows of the positive class, for the same reason

Average = Literal["binary", "macro"]


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Probability from which a row is predicted positive; why: how it was found."""

    value: float
    why: str


def tune_threshold(positive: np.ndarray, probability: np.ndarray, *, average: Average = "binary") -> Threshold:
    """Find the threshold with the highest F1 on these rows, or 0.5 where they are too few.

    All thresholds are compared; of ties the nearest to 0.5 is chosen. The value is the midpoint between neighbouring
    probabilities, so that rounding in a reloaded model changes no prediction.

    positive: (rows,) boolean; probability: (rows,) of the positive class.
    average: "binary" for F1 of the positive class, "macro" for the mean of F1 of both.
    """
    positives = np.count_nonzero(positive)
    if len(positive) < MIN_ROWS or min(positives, len(positive) - positives) < MIN_POSITIVES:
        why = f"not tuned: {len(positive)} validation rows, {positives} of them positive, are too few"
        return Threshold(value=DEFAULT_THRESHOLD, why=why)
    f1, cuts = _scan(positive, probability, average=average)
    best = np.flatnonzero(f1 == f1.max())
    cut = float(cuts[best[np.argmin(np.abs(cuts[best] - DEFAULT_THRESHOLD))]])
    return Threshold(value=cut, why=f"tuned for F1 on {len(positive)} validation rows, {positives} of them positive")


def best_f1(positive: np.ndarray, probability: np.ndarray, *, average: Average = "binary") -> float:
    """F1 of these rows at the threshold of tune_threshold."""
    chosen = tune_threshold(positive, probability, average=average)
    return f1_at(positive, probability >= chosen.value, average=average)


def f1_at(positive: np.ndarray, decided: np.ndarray, *, average: Average) -> float:
    """F1 of predictions, both (rows,) boolean."""
    hits = np.count_nonzero(positive & decided)
    positives, predicted = np.count_nonzero(positive), np.count_nonzero(decided)
    f1 = _ratio(2 * hits, positives + predicted)
    if average == "binary":
        return float(f1)
    true_negatives = np.count_nonzero(~positive & ~decided)
    return float((f1 + _ratio(2 * true_negatives, 2 * len(positive) - positives - predicted)) / 2)


def _scan(positive: np.ndarray, probability: np.ndarray, *, average: Average) -> tuple[np.ndarray, np.ndarray]:
    """F1 and threshold of each cut between distinct probabilities, from the highest down to all rows positive."""
    order = np.argsort(-probability, kind="stable")
    falling = probability[order].astype(np.float64)
    ends = np.flatnonzero(np.append(falling[:-1] != falling[1:], [True]))
    hits, predicted = np.cumsum(positive[order])[ends], ends + 1
    positives, rows = np.count_nonzero(positive), len(positive)
    f1 = 2 * hits / (positives + predicted)
    if average == "macro":
        true_negatives = rows - positives - predicted + hits
        f1 = (f1 + _ratio(2 * true_negatives, 2 * rows - positives - predicted)) / 2
    below = np.append(falling[ends[:-1] + 1], [0.0])
    return f1, (falling[ends] + below) / 2


def _ratio(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    """Quotient, 0 where whole is 0."""
    wholes = np.asarray(whole, np.float64)
    return np.divide(part, wholes, out=np.zeros(wholes.shape), where=wholes > 0)
