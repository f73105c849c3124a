"""Oracles whose proposals do not depend on scores: the grid, random draws, and a list made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras_tuner

from executor.oracles.memory import InMemoryOracle, Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.catalog.hyperparameters import Value

RUNNING, STOPPED = "RUNNING", "STOPPED"  # keras_tuner.engine.trial.TrialStatus


class GridOracle(InMemoryOracle, keras_tuner.oracles.GridSearchOracle):  # type: ignore[misc]  # untyped base
    """Every combination of a space of choices, the last hyperparameter varying fastest."""


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

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002 - keras-tuner's signature
        """The next configuration of the list."""
        if not self._waiting:
            return {"status": STOPPED, "values": None}
        return {"status": RUNNING, "values": self._waiting.pop(0)}
