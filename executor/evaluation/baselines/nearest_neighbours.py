"""Nearest-neighbour baseline for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from executor.components.metric import apply_thresholds, outcome_of
from executor.evaluation.baselines.baseline import Baseline, create_predictions
from executor.evaluation.scores import NEIGHBOURS
from executor.preprocessing.encoded_images import EncodedImages
from recommender.profile.characteristics.images import coarsened

if TYPE_CHECKING:
    from executor.components.metric import PerformanceMetric
    from executor.preprocessing.examples import Examples, Parts

NEIGHBOUR_COUNTS: Final = (1, 5, 15)  # numbers of neighbours, selected on validation rows
PAIRS_PER_SECOND: Final = 5e7
"""Pairs of images that a core compares per second; of many images, evenly spaced training rows are used. With 200
numbers per image these are 20 billion operations."""
MIN_KNOWN: Final = 500  # minimum number of training rows


def neighbours_baseline(
    metric: PerformanceMetric, parts: Parts, hold_out: Examples, *, seconds: float
) -> Baseline | None:
    """Predict the mean target of the nearest training images, by the distance of images reduced to about 16 pixels.

    The validation rows select the number of neighbours. Returns None for other rows than images, or without time.
    """
    if not isinstance(hold_out.dense, EncodedImages) or seconds <= 0:
        return None
    queries = len(hold_out) + len(parts.validation)
    rows = min(len(parts.train), max(MIN_KNOWN, int(seconds * PAIRS_PER_SECOND / max(1, queries))))
    some = parts.train.evenly_spaced(rows)
    most = min(max(NEIGHBOUR_COUNTS), rows)
    with threadpool_limits(1):  # as the other baselines
        known = NearestNeighbors(n_neighbors=most, algorithm="brute").fit(_coarse(some))
        of_validation = known.kneighbors(_coarse(parts.validation), return_distance=False)

        def outcome(nearest: np.ndarray, count: int) -> np.ndarray:
            own = nearest[:, :count]
            if some.weight is None:
                shares = some.target[own].mean(axis=1, dtype=np.float64)
            else:
                share = some.weight[own] / some.weight[own].sum(axis=1, keepdims=True)
                shares = (some.target[own] * share[..., None]).sum(axis=1)
            return shares if parts.task.is_classification else outcome_of(shares, parts)

        def score(count: int) -> float:
            predicted = outcome(of_validation, count)
            return metric.of_predictions(
                create_predictions(
                    parts, parts.validation, predicted, apply_thresholds(predicted, parts.task, costs=parts.costs)
                )
            )

        count = metric.direction.best((one for one in NEIGHBOUR_COUNTS if one <= most), key=score)
        of_hold_out = known.kneighbors(_coarse(hold_out), return_distance=False)
    predicted = outcome(of_hold_out, count)
    decided = apply_thresholds(predicted, parts.task, rare_class=parts.rare_class, costs=parts.costs)
    nearest = f"{count} nearest" if count > 1 else "nearest"
    return Baseline(
        name=NEIGHBOURS,
        says=f"mean target of the {nearest} of {rows:,} training images",
        predictions=create_predictions(parts, hold_out, predicted, decided),
    )


def _coarse(examples: Examples) -> np.ndarray:
    """Reduce images to a few pixels, (rows, pixels) float32."""
    if not isinstance(examples.dense, EncodedImages):
        raise TypeError("nearest neighbours need images")
    return np.concatenate([coarsened(part).reshape(len(part), -1) for part in examples.dense.pictures.in_chunks()])
