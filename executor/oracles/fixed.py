"""Oracles whose proposals do not depend on scores: the grid, random draws, and a list made by hand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import keras_tuner

from executor.oracles.memory import InMemoryOracle, Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.catalog.hyperparameters import Value

RUNNING, STOPPED = "RUNNING", "STOPPED"  # keras_tuner.engine.trial.TrialStatus


class RandomOracle(InMemoryOracle, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]  # untyped base
    """Independent draws, none of them twice."""

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        super().__init__(space=space, objective=objective, seed=seed, max_trials=None)


class ManualOracle(InMemoryOracle):
    """A list of configurations, in its order.

    configurations: a value for every hyperparameter of the space in each.
    """

    def __init__(
        self,
        *,
        space: keras_tuner.HyperParameters,
        objective: Objective,
        seed: int,
        configurations: Sequence[dict[str, Value]],
    ) -> None:
        super().__init__(space=space, objective=objective, seed=seed)
        self._waiting = list(configurations)
        self.total = len(self._waiting)

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002 - keras-tuner's signature
        """The next configuration of the list."""
        if not self._waiting:
            return {"status": STOPPED, "values": None}
        return {"status": RUNNING, "values": self._waiting.pop(0)}


class GridOracle(ManualOracle):
    """Every combination of a space of choices, defaults first, the last hyperparameter varying fastest.

    keras-tuner's own reveals a combination only when the one before it has ended, so that none can run at once.
    """

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        names = [item.name for item in space.space]
        axes = [dict.fromkeys([item.default, *item.values]) for item in space.space]
        combinations = [dict(zip(names, point, strict=True)) for point in itertools.product(*axes)]
        super().__init__(space=space, objective=objective, seed=seed, configurations=combinations)
