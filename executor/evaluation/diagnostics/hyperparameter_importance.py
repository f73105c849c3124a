"""Hyperparameter importance from a random forest over trials, and best values at the edge of their range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from executor.evaluation.scores import Sensitivity
from executor.search.records.trials import continued_trials
from recommender.recommendation.trial_budget import MIN_TRIALS_FOR_SENSITIVITY
from rules.vocabulary.choices import OPTIMIZER_PROPERTIES, Hyperparameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras_tuner

    from executor.search.records.outcome import Outcome

TREES: Final = 200  # each on a bootstrap sample of the trials; their range is the uncertainty
MIN_COMPARED: Final = 2  # hyperparameters; the share of a single one is always 1
LEVEL: Final = 0.95
EDGE: Final = 0.05
"""Share of a range that counts as its edge; of its logarithm where the search is logarithmic."""
RATINGS: Final = {
    Hyperparameter.LEARNING_RATE: "high",
    Hyperparameter.UNITS: "high",
    Hyperparameter.SCHEDULE: "high",
    Hyperparameter.LOSS: "high",
    Hyperparameter.INITIALIZER: "medium",
    Hyperparameter.LAYERS: "medium",
    Hyperparameter.DROPOUT: "medium",
    Hyperparameter.WEIGHT_DECAY: "medium",
    Hyperparameter.NETWORK: "not rated",
    Hyperparameter.OPTIMIZER: "low",
    Hyperparameter.BATCH_SIZE: "low",
    Hyperparameter.ACTIVATION: "low",
    Hyperparameter.EMBEDDING_DIMENSION: "medium",
    **dict.fromkeys(OPTIMIZER_PROPERTIES, "low"),
    Hyperparameter.CLIP_NORM: "low",
    Hyperparameter.EPOCHS: "not rated",
    Hyperparameter.AUGMENTATION: "not rated",
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
    best, single = ranked[0].hyperparameters, unvaried_hyperparameters(space, ranked)
    importance = _importance([item for item in space.space if item.name not in single], ranked, seed=seed)
    found = [
        Sensitivity(
            name=item.name,
            best=best[item.name],
            **importance.get(item.name, {"importance": None}),
            rating=RATINGS[Hyperparameter(item.name)],
            edge=_edge(item, best[item.name]),
        )
        for item in space.space
        if item.name not in single and item.name in best
    ]
    return tuple(sorted(found, key=lambda one: -(one.importance or 0)))


def unvaried_hyperparameters(space: keras_tuner.HyperParameters, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Hyperparameters of the space with a single value in all trials, because the search ended early."""
    return tuple(
        item.name
        for item in space.space
        if len({one.hyperparameters.get(item.name) for one in outcomes}) < 2  # noqa: PLR2004
    )


def missing_sensitivity(space: keras_tuner.HyperParameters, ranked: Sequence[Outcome]) -> str:
    """Why hyperparameter importance was not measured; empty where it was, or nothing was searched."""
    found = sum(one.score is not None for one in ranked)
    if not space.space or found >= MIN_TRIALS_FOR_SENSITIVITY:
        return ""
    return (
        f"Hyperparameter importance: not measured, because it needs {MIN_TRIALS_FOR_SENSITIVITY} completed trials, and "
        f"the search has {found}."
    )


def _importance(
    items: Sequence[keras_tuner.engine.hyperparameters.HyperParameter], ranked: Sequence[Outcome], *, seed: int
) -> dict[str, dict[str, float]]:
    """Share of each hyperparameter in the variance that a forest explains, with its range over the trees.

    A hyperparameter that a trial does not have, such as one of another optimizer, is at its default. The number of
    epochs is a variable of the trees, too, so that trials of all lengths can be compared; the shares are those of the
    variance that it does not explain (Breiman 2001; Hutter et al. 2014 for shares of variance).
    """
    completed = [one for one in ranked if one.score is not None]
    if len(items) < MIN_COMPARED or len(completed) < MIN_TRIALS_FOR_SENSITIVITY:
        return {}
    lengths = {one.number: sum(trial.epochs for trial in continued_trials(one, ranked)) for one in completed}
    cells = np.array(
        [
            [
                *(_position(item, one.hyperparameters.get(item.name, item.default)) for item in items),
                lengths[one.number],
            ]
            for one in completed
        ]
    )
    forest = RandomForestRegressor(TREES, random_state=seed).fit(cells, [one.score for one in completed])
    of_trees = np.array([tree.feature_importances_[:-1] for tree in forest.estimators_])  # (trees, items)
    total = of_trees.sum(axis=1, keepdims=True)
    shares = (of_trees / np.where(total > 0, total, 1.0))[total[:, 0] > 0]
    if len(shares) == 0:
        return {}
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    columns = zip(items, shares.mean(axis=0), low, high, strict=True)
    return {
        item.name: {"importance": float(mean), "low": float(least), "high": float(most)}
        for item, mean, least, most in columns
    }


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
        else f"try {'lower' if end == 'lower' else 'higher'} values with --search '{item.name}=[…]'"
    )
    return f"The best {spoken}, {best:.3g}, is at the {end} edge of {values[0]:g} to {values[-1]:g}: {remedy}."
