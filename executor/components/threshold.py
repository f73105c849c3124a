"""Decision threshold: tuned by an exact scan over validation rows, or 0.5."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    Counts = Callable[[ArrayLike, ArrayLike, int, int], np.ndarray]

DEFAULT_THRESHOLD: Final = 0.5  # probability
MIN_ROWS: Final = 50  # validation rows (docs/evidence.md, section 4); with fewer, a tuned threshold is noise
MIN_POSITIVES: Final = 5  # validation rows of the positive class, for the same reason

Objective = Literal["f1_positive", "f1_macro", "mcc", "balanced_accuracy", "kappa"]
"""What a threshold maximizes: F1 of the positive class, the mean of F1 of both classes, or another metric."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Probability from which a row is predicted positive; why: how it was found."""

    value: float
    why: str


def tune_threshold(positive: np.ndarray, probability: np.ndarray, *, objective: Objective = "f1_positive") -> Threshold:
    """Find the threshold with the best objective on these rows, or 0.5 where they are too few.

    All thresholds are compared; of ties the nearest to 0.5 is chosen. The value is the midpoint between neighbouring
    probabilities, so that rounding in a reloaded model changes no prediction.

    positive: (rows,) boolean; probability: (rows,) of the positive class.
    """
    positives = np.count_nonzero(positive)
    if len(positive) < MIN_ROWS or min(positives, len(positive) - positives) < MIN_POSITIVES:
        why = f"not tuned: {len(positive)} validation rows, {positives} of them positive, are too few"
        return Threshold(value=DEFAULT_THRESHOLD, why=why)
    scores, cuts = _scan(positive, probability, objective=objective)
    best = np.flatnonzero(scores == scores.max())
    cut = float(cuts[best[np.argmin(np.abs(cuts[best] - DEFAULT_THRESHOLD))]])
    why = f"tuned for {WORDS[objective]} on {len(positive)} validation rows, {positives} of them positive"
    return Threshold(value=cut, why=why)


def best_score(positive: np.ndarray, probability: np.ndarray, *, objective: Objective = "f1_positive") -> float:
    """Objective of these rows at the threshold of tune_threshold."""
    chosen = tune_threshold(positive, probability, objective=objective)
    return score_at(positive, probability >= chosen.value, objective=objective)


def score_at(positive: np.ndarray, decided: np.ndarray, *, objective: Objective) -> float:
    """Objective of predictions, both (rows,) boolean."""
    hits, predicted = np.count_nonzero(positive & decided), np.count_nonzero(decided)
    return float(OBJECTIVES[objective](hits, predicted, int(np.count_nonzero(positive)), len(positive)))


def _scan(positive: np.ndarray, probability: np.ndarray, *, objective: Objective) -> tuple[np.ndarray, np.ndarray]:
    """Objective and threshold of each cut between distinct probabilities, from the highest to all rows positive."""
    order = np.argsort(-probability, kind="stable")
    falling = probability[order].astype(np.float64)
    ends = np.flatnonzero(np.append(falling[:-1] != falling[1:], [True]))
    hits, predicted = np.cumsum(positive[order])[ends], ends + 1
    scores = OBJECTIVES[objective](hits, predicted, int(np.count_nonzero(positive)), len(positive))
    below = np.append(falling[ends[:-1] + 1], [0.0])
    return scores, (falling[ends] + below) / 2


def _f1(hits: ArrayLike, predicted: ArrayLike, positives: int, _rows: int) -> np.ndarray:
    return _ratio(2 * np.asarray(hits), positives + np.asarray(predicted))


def _f1_macro(hits: ArrayLike, predicted: ArrayLike, positives: int, rows: int) -> np.ndarray:
    true_negatives = rows - positives - np.asarray(predicted) + hits
    negative = _ratio(2 * true_negatives, 2 * rows - positives - np.asarray(predicted))
    return np.asarray((_f1(hits, predicted, positives, rows) + negative) / 2)


def _mcc(hits: ArrayLike, predicted: ArrayLike, positives: int, rows: int) -> np.ndarray:
    said = np.asarray(predicted, np.float64)
    spread = np.sqrt(said * (rows - said)) * np.sqrt(float(positives) * (rows - positives))
    return _ratio(np.asarray(hits) * rows - said * positives, spread)


def _balanced_accuracy(hits: ArrayLike, predicted: ArrayLike, positives: int, rows: int) -> np.ndarray:
    true_negatives = rows - positives - np.asarray(predicted) + hits
    return np.asarray((_ratio(hits, positives) + _ratio(true_negatives, rows - positives)) / 2)


def _kappa(hits: ArrayLike, predicted: ArrayLike, positives: int, rows: int) -> np.ndarray:
    """Cohen's kappa; with two classes, weights make no difference."""
    said = np.asarray(predicted, np.float64)
    agreed = rows - positives - said + 2 * np.asarray(hits)
    by_chance = (said * positives + (rows - said) * (rows - positives)) / rows
    return _ratio(agreed - by_chance, rows - by_chance)


OBJECTIVES: Final[Mapping[Objective, Counts]] = MappingProxyType(
    {
        "f1_positive": _f1,
        "f1_macro": _f1_macro,
        "mcc": _mcc,
        "balanced_accuracy": _balanced_accuracy,
        "kappa": _kappa,
    }
)
"""Each objective as a function of true positives, predicted positives, positives and rows; 0 where it is undefined."""
WORDS: Final[Mapping[Objective, str]] = MappingProxyType(
    {
        "f1_positive": "F1",
        "f1_macro": "F1",
        "mcc": "MCC",
        "balanced_accuracy": "balanced accuracy",
        "kappa": "kappa",
    }
)
"""Names of objectives in sentences."""


def _ratio(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    """Quotient, 0 where whole is 0."""
    parts, wholes = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.asarray(np.divide(parts, wholes, out=np.zeros(wholes.shape), where=wholes > 0))
