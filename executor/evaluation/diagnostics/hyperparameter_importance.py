"""How sensitive the model proved to each hyperparameter, and where the best value lies on the edge of its range."""

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
"""Share of a range, of its logarithm where that is searched, that counts as its edge."""
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
"""How the notes rate the model's sensitivity: the embedding dimension is a property of a layer."""
NATURAL_ENDS: Final = {
    Hyperparameter.LAYERS: (1.0, math.inf),
    Hyperparameter.DROPOUT: (0.0, math.inf),
    Hyperparameter.WEIGHT_DECAY: (0.0, math.inf),
    Hyperparameter.MOMENTUM: (0.0, math.inf),
}
"""Ends beyond which there is nothing to try."""


def sensitivities(
    space: keras_tuner.HyperParameters, ranked: Sequence[Outcome], *, seed: int
) -> tuple[Sensitivity, ...]:
    """Every hyperparameter of which the trials have several values, the most important first.

    space: what was searched; ranked: the search's trials, the best first.
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
    """The hyperparameters of the space of which all trials have one value: the search ended before a second one."""
    return tuple(
        item.name
        for item in space.space
        if len({one.hyperparameters[item.name] for one in outcomes}) < 2  # noqa: PLR2004
    )


def missing_sensitivity(space: keras_tuner.HyperParameters, ranked: Sequence[Outcome]) -> str:
    """Why the importance of hyperparameters was not measured; empty where it was, or nothing was searched."""
    found = len(_of_one_length(ranked))
    if not space.space or found >= MIN_TRIALS_FOR_SENSITIVITY:
        return ""
    return (
        "Sensitivity to the hyperparameters was not measured: it needs "
        f"{MIN_TRIALS_FOR_SENSITIVITY} completed trials with "
        f"the same number of planned epochs, and the search has {found}."
    )


def _of_one_length(ranked: Sequence[Outcome]) -> list[Outcome]:
    """The completed trials of the most frequent length; more epochs alone make a better P."""
    completed = [outcome for outcome in ranked if outcome.score is not None and outcome.continues is None]
    lengths = [outcome.planned_epochs for outcome in completed]
    return [one for one in completed if one.planned_epochs == max(set(lengths), key=lengths.count)]


def _importance(space: keras_tuner.HyperParameters, ranked: Sequence[Outcome], *, seed: int) -> dict[str, float]:
    """By how much a random forest's error grows when a hyperparameter's values are permuted, as shares of the whole.

    Breiman 2001; only trials of the most frequent length are compared.
    """
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
    """Where a value lies in its range, in [0, 1]; words by their place in the list."""
    if _is_range(item):
        return float(item.value_to_prob(value))
    return float(item.values.index(value)) / max(1, len(item.values) - 1)


def _is_range(item: keras_tuner.engine.hyperparameters.HyperParameter) -> bool:
    """Whether the values are all between two ends; keras-tuner lists samples of these."""
    return hasattr(item, "min_value")


def _edge(item: keras_tuner.engine.hyperparameters.HyperParameter, best: float | str) -> str:
    """What to do where the best value lies on the edge of its range."""
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
        f"pin the optimizer with a learning_rate of {best:.2g}, around which the next search looks"
        if item.name == Hyperparameter.LEARNING_RATE
        else f"try {'lower' if end == 'lower' else 'higher'} ones by --pin 'tuner={{name: manual, configurations: "
        f"[{{{item.name}: …}}]}}' --reason WHY"
    )
    return f"The best {spoken}, {best:.3g}, lies at the {end} edge of {values[0]:g} to {values[-1]:g}: {remedy}."
