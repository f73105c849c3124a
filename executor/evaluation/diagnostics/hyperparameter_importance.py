"""Hyperparameter importance from a random forest over trials, and best values at the edge of their range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from executor.evaluation.scores import Sensitivity
from recommender.recommendation.trial_budget import MIN_TRIALS_FOR_SENSITIVITY
from rules.vocabulary.choices import OPTIMIZER_PROPERTIES, Hyperparameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras_tuner

    from executor.search.records.outcome import Outcome

TREES: Final = 32
REPEATS: Final = 8
"""Permutations of a hyperparameter's values."""
EDGE: Final = 0.05
"""Share of a range that counts as its edge; of its logarithm where the search is logarithmic."""
RATINGS: Final = {
    Hyperparameter.LEARNING_RATE: "high",
    Hyperparameter.UNITS: "high",
    Hyperparameter.SCHEDULE: "high",
    Hyperparameter.LAYERS: "medium",
    Hyperparameter.DROPOUT: "medium",
    Hyperparameter.WEIGHT_DECAY: "medium",
    Hyperparameter.NETWORK: "not rated",
    Hyperparameter.BATCH_SIZE: "low",
    Hyperparameter.EMBEDDING_DIMENSION: "medium",
    **dict.fromkeys(OPTIMIZER_PROPERTIES, "low"),
}
"""Sensitivity of the model to hyperparameters in the notes; the embedding dimension is a property of a layer."""
NATURAL_ENDS: Final = {
    Hyperparameter.LAYERS: (1.0, math.inf),
    Hyperparameter.DROPOUT: (0.0, math.inf),
    Hyperparameter.WEIGHT_DECAY: (0.0, math.inf),
    Hyperparameter.MOMENTUM: (0.0, math.inf),
}
"""Natural limits of ranges."""


def sensitivities(
    space: keras_tuner.HyperParameters, ranked: Sequence[Outcome], *, seed: int
) -> tuple[Sensitivity, ...]:
    """Measure the importance of each hyperparameter with several values, the most important first.

    space: search space; ranked: trials of the search, the best first.
    """
    importance, best = _importance(space, ranked, seed=seed), ranked[0].hyperparameters
    single = unvaried_hyperparameters(space, ranked)
    found = [
        Sensitivity(
            name=item.name,
            best=best[item.name],
            importance=importance.get(item.name),
            rating=RATINGS[Hyperparameter(item.name)],
            edge=_edge(item, best[item.name]),
        )
        for item in space.space
        if item.name not in single
    ]
    return tuple(sorted(found, key=lambda one: -(one.importance or 0)))


def unvaried_hyperparameters(space: keras_tuner.HyperParameters, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Hyperparameters of the space with a single value in all trials, because the search ended early."""
    return tuple(
        item.name
        for item in space.space
        if len({one.hyperparameters[item.name] for one in outcomes}) < 2  # noqa: PLR2004
    )


def missing_sensitivity(space: keras_tuner.HyperParameters, ranked: Sequence[Outcome]) -> str:
    """Why hyperparameter importance was not measured; empty where it was, or nothing was searched."""
    found = len(_of_one_length(ranked))
    if not space.space or found >= MIN_TRIALS_FOR_SENSITIVITY:
        return ""
    return (
        "Hyperparameter importance: not measured, because it needs "
        f"{MIN_TRIALS_FOR_SENSITIVITY} completed trials with the same number of planned epochs, and the search has "
        f"{found}."
    )


def _of_one_length(ranked: Sequence[Outcome]) -> list[Outcome]:
    """Completed trials with the most frequent number of planned epochs, so that scores are comparable."""
    completed = [outcome for outcome in ranked if outcome.score is not None and outcome.continues is None]
    lengths = [outcome.planned_epochs for outcome in completed]
    return [one for one in completed if one.planned_epochs == max(set(lengths), key=lengths.count)]


def _importance(space: keras_tuner.HyperParameters, ranked: Sequence[Outcome], *, seed: int) -> dict[str, float]:
    """Permutation importance of hyperparameters in a random forest over comparable trials, as shares (Breiman 2001)."""
    alike = _of_one_length(ranked)
    if len(alike) < MIN_TRIALS_FOR_SENSITIVITY:
        return {}
    cells = np.array([[_position(item, one.hyperparameters[item.name]) for item in space.space] for one in alike])
    scores = np.array([one.score for one in alike])
    forest = RandomForestRegressor(TREES, random_state=seed, min_samples_leaf=2).fit(cells, scores)
    grown = permutation_importance(forest, cells, scores, n_repeats=REPEATS, random_state=seed).importances_mean
    grown = np.maximum(grown, 0)
    total = float(grown.sum())
    if total == 0:
        return {}
    return {item.name: float(share) for item, share in zip(space.space, grown / total, strict=True)}


def _position(item: keras_tuner.engine.hyperparameters.HyperParameter, value: float | str) -> float:
    """Position of a value in its range, in [0, 1]; words by their index."""
    if _is_range(item):
        return float(item.value_to_prob(value))
    return float(item.values.index(value)) / max(1, len(item.values) - 1)


def _is_range(item: keras_tuner.engine.hyperparameters.HyperParameter) -> bool:
    """Whether the hyperparameter is continuous; keras-tuner also lists samples of these."""
    return hasattr(item, "min_value")


def _edge(item: keras_tuner.engine.hyperparameters.HyperParameter, best: float | str) -> str:
    """Recommendation where the best value is at the edge of its range; else empty."""
    if isinstance(best, str):
        return ""
    values = [item.min_value, item.max_value] if _is_range(item) else sorted(item.values)
    if values[0] == values[-1]:
        return ""
    position = float(item.value_to_prob(best)) if _is_range(item) else values.index(best) / (len(values) - 1)
    low, high = NATURAL_ENDS.get(Hyperparameter(item.name), (-math.inf, math.inf))
    end = "lower" if position <= EDGE and values[0] > low else "upper" if position >= 1 - EDGE else ""
    if not end or (end == "upper" and values[-1] >= high):
        return ""
    spoken = item.name.replace("_", " ")
    remedy = (
        f"pin the optimizer with a learning_rate of {best:.2g}, so that the next search is centred there"
        if item.name == Hyperparameter.LEARNING_RATE
        else f"try {'lower' if end == 'lower' else 'higher'} values with --pin 'tuner={{name: manual, configurations: "
        f"[{{{item.name}: …}}]}}' --reason WHY"
    )
    return f"The best {spoken}, {best:.3g}, is at the {end} edge of {values[0]:g} to {values[-1]:g}: {remedy}."
