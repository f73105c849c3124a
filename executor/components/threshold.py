"""Decision threshold: tuned by an exact scan over validation rows, or 0.5."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from executor.components.metric_functions import total_weight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    Counts = Callable[[ArrayLike, ArrayLike, float, float], np.ndarray]

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


def tune_threshold(
    positive: np.ndarray,
    probability: np.ndarray,
    *,
    objective: Objective = "f1_positive",
    weight: np.ndarray | None = None,
) -> Threshold:
    """Find the threshold with the best objective on these rows, or 0.5 where they are too few.

    All thresholds are compared; of ties the nearest to 0.5 is chosen. The value is the midpoint between neighbouring
    probabilities, so that rounding in a reloaded model changes no prediction.

    positive: (rows,) boolean; probability: (rows,) of the positive class. weight: (rows,), or None.
    """
    positives = np.count_nonzero(positive)
    if len(positive) < MIN_ROWS or min(positives, len(positive) - positives) < MIN_POSITIVES:
        why = f"not tuned: {len(positive)} validation rows, {positives} of them positive, are too few"
        return Threshold(value=DEFAULT_THRESHOLD, why=why)
    scores, cuts = _scan(positive, probability, objective=objective, weight=weight)
    best = np.flatnonzero(scores == scores.max())
    cut = float(cuts[best[np.argmin(np.abs(cuts[best] - DEFAULT_THRESHOLD))]])
    why = f"tuned for {WORDS[objective]} on {len(positive)} validation rows, {positives} of them positive"
    return Threshold(value=cut, why=why)


def cost_threshold(costs: np.ndarray, positive: int) -> float:
    """Probability of a class of two from which predicting it has the least expected cost (Elkan 2001, equation 2).

    costs: (2, 2) by actual and predicted class; a wrong prediction costs more than a correct one.

    >>> round(cost_threshold(np.array([[0.0, 1.0], [5.0, 0.0]]), 1), 4)
    0.1667
    """
    other = 1 - positive
    of_false_positive = costs[other, positive] - costs[other, other]
    of_false_negative = costs[positive, other] - costs[positive, positive]
    return float(of_false_positive / (of_false_positive + of_false_negative))


def best_score(
    positive: np.ndarray,
    probability: np.ndarray,
    *,
    objective: Objective = "f1_positive",
    weight: np.ndarray | None = None,
) -> float:
    """Objective of these rows at the threshold of tune_threshold."""
    chosen = tune_threshold(positive, probability, objective=objective, weight=weight)
    return score_at(positive, probability >= chosen.value, objective=objective, weight=weight)


def score_at(
    positive: np.ndarray, decided: np.ndarray, *, objective: Objective, weight: np.ndarray | None = None
) -> float:
    """Objective of predictions, both (rows,) boolean."""
    hits, predicted, positives = (total_weight(some, weight) for some in (positive & decided, decided, positive))
    rows = len(positive) if weight is None else float(weight.sum())
    return float(OBJECTIVES[objective](hits, predicted, positives, rows))


def _scan(
    positive: np.ndarray, probability: np.ndarray, *, objective: Objective, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Objective and threshold of each cut between distinct probabilities, from the highest to all rows positive."""
    order = np.argsort(-probability, kind="stable")
    falling = probability[order].astype(np.float64)
    ends = np.flatnonzero(np.append(falling[:-1] != falling[1:], [True]))
    each = np.ones(len(order), np.int64) if weight is None else weight[order]
    hits, predicted = (np.cumsum(some)[ends] for some in (positive[order] * each, each))
    scores = OBJECTIVES[objective](hits, predicted, hits[-1], predicted[-1])  # the last cut is below all rows
    below = np.append(falling[ends[:-1] + 1], [0.0])
    return scores, (falling[ends] + below) / 2


def _f1(hits: ArrayLike, predicted: ArrayLike, positives: float, _rows: float) -> np.ndarray:
    return _ratio(2 * np.asarray(hits), positives + np.asarray(predicted))


def _f1_macro(hits: ArrayLike, predicted: ArrayLike, positives: float, rows: float) -> np.ndarray:
    true_negatives = rows - positives - np.asarray(predicted) + np.asarray(hits)
    negative = _ratio(2 * true_negatives, 2 * rows - positives - np.asarray(predicted))
    return np.asarray((_f1(hits, predicted, positives, rows) + negative) / 2)


def _mcc(hits: ArrayLike, predicted: ArrayLike, positives: float, rows: float) -> np.ndarray:
    said = np.asarray(predicted, np.float64)
    # Rounding of weights may leave a negative number of rows.
    spread = np.sqrt(np.maximum(said * (rows - said), 0)) * np.sqrt(max(float(positives) * (rows - positives), 0.0))
    return _ratio(np.asarray(hits) * rows - said * positives, spread)


def _balanced_accuracy(hits: ArrayLike, predicted: ArrayLike, positives: float, rows: float) -> np.ndarray:
    true_negatives = rows - positives - np.asarray(predicted) + np.asarray(hits)
    return np.asarray((_ratio(hits, positives) + _ratio(true_negatives, rows - positives)) / 2)


def _kappa(hits: ArrayLike, predicted: ArrayLike, positives: float, rows: float) -> np.ndarray:
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
