"""Where a probability becomes a yes: tuned by an exact scan over validation rows, or at one half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DEFAULT_THRESHOLD: Final = 0.5  # probability
MIN_ROWS: Final = 50  # validation rows (docs/evidence.md, section 4); with fewer, a tuned threshold is noise
MIN_POSITIVES: Final = 5  # validation rows of the wanted class, for the same reason

Average = Literal["binary", "macro"]


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A yes is a probability of at least `value`; why says how it was found."""

    value: float
    why: str


def tune_threshold(positive: np.ndarray, probability: np.ndarray, *, average: Average = "binary") -> Threshold:
    """The threshold with the highest F1 on these rows, or one half where they are too few to tell.

    positive: (rows,) boolean; probability: (rows,) of the wanted class.
    average: "binary" for F1 of the wanted class, "macro" for the mean of F1 of both.
    Every split of the rows that a threshold can make is tried; of equally good ones the nearest to one half is taken.
    The value lies midway between two neighbouring probabilities, so that rounding in a reloaded model moves no row.
    """
    yes = np.count_nonzero(positive)
    if len(positive) < MIN_ROWS or min(yes, len(positive) - yes) < MIN_POSITIVES:
        why = f"one half: {len(positive)} validation rows with {yes} of the class are too few to tune it"
        return Threshold(value=DEFAULT_THRESHOLD, why=why)
    f1, cuts = _scan(positive, probability, average=average)
    best = np.flatnonzero(f1 == f1.max())
    cut = float(cuts[best[np.argmin(np.abs(cuts[best] - DEFAULT_THRESHOLD))]])
    return Threshold(value=cut, why=f"tuned for F1 on {len(positive)} validation rows with {yes} of the class")


def best_f1(positive: np.ndarray, probability: np.ndarray, *, average: Average = "binary") -> float:
    """F1 of these rows at their own tuned threshold, or at one half where tune_threshold keeps it."""
    chosen = tune_threshold(positive, probability, average=average)
    return f1_at(positive, probability >= chosen.value, average=average)


def f1_at(positive: np.ndarray, decided: np.ndarray, *, average: Average) -> float:
    """F1 of decided against positive, both (rows,) boolean."""
    hits = np.count_nonzero(positive & decided)
    yes, said = np.count_nonzero(positive), np.count_nonzero(decided)
    f1 = _ratio(2 * hits, yes + said)
    if average == "binary":
        return float(f1)
    right_no = np.count_nonzero(~positive & ~decided)
    return float((f1 + _ratio(2 * right_no, 2 * len(positive) - yes - said)) / 2)


def _scan(positive: np.ndarray, probability: np.ndarray, *, average: Average) -> tuple[np.ndarray, np.ndarray]:
    """F1 and threshold of each cut between two different probabilities, from the highest down to a yes for all."""
    order = np.argsort(-probability, kind="stable")
    falling = probability[order].astype(np.float64)
    ends = np.flatnonzero(np.append(falling[:-1] != falling[1:], [True]))
    hits, said = np.cumsum(positive[order])[ends], ends + 1
    yes, rows = np.count_nonzero(positive), len(positive)
    f1 = 2 * hits / (yes + said)
    if average == "macro":
        right_no = rows - yes - said + hits
        f1 = (f1 + _ratio(2 * right_no, 2 * rows - yes - said)) / 2
    below = np.append(falling[ends[:-1] + 1], [0.0])
    return f1, (falling[ends] + below) / 2


def _ratio(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    """The quotient, and 0 where whole is 0."""
    wholes = np.asarray(whole, np.float64)
    return np.divide(part, wholes, out=np.zeros(wholes.shape), where=wholes > 0)
