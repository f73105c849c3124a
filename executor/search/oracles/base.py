"""Base of oracles: keras-tuner's without files and output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import keras_tuner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.configuration import Value
    from rules.vocabulary.direction import Direction

SEED_STRIDE: Final = 100_003
"""keras-tuner uses seed, seed + 1, …; with this stride runs of neighbouring seeds share no trials. A prime."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Objective of the search; keras-tuner infers wrong directions for several metrics."""

    name: str
    direction: Direction


def tuner_seed(seed: int) -> int:
    """Seed for keras-tuner, which treats 0 as random."""
    return 1 + seed * SEED_STRIDE


class InMemoryOracle(keras_tuner.Oracle):  # type: ignore[misc]  # keras-tuner ships no types
    """An oracle without files, whose first trial is the default configuration; its state is restored by replay.

    It must precede a keras-tuner oracle in the bases of a class.
    """

    total: int | None = None
    """Total number of trials, if known."""

    def __init__(
        self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int, **settings: object
    ) -> None:
        super().__init__(
            objective=keras_tuner.Objective(objective.name, objective.direction),
            hyperparameters=space,
            seed=tuner_seed(seed),
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=None,  # the search checks failed trials itself
            **settings,
        )
        self.verbose = 0

    def schedule(self, trials: int, *, epochs: int) -> list[int]:
        """Planned epochs of a number of trials in order, if none fails; epochs: of a full trial."""
        return [epochs] * trials

    def epochs_until_whole(self, ended: int) -> int:  # noqa: ARG002 - only some tuners schedule epochs
        """Planned epochs of the next trials, up to the first full one; 0 where every trial is full."""
        return 0

    def save(self, fname: str | None = None) -> None:
        """Write nothing: keras-tuner's files may be truncated by a crash, and do not restore a grid."""

    def _save_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Write nothing."""

    def _random_values(self) -> dict[str, Value] | None:
        """Defaults for the first trial, then unseen values; None without unseen ones."""
        if not self.start_order:
            return defaults(self.hyperparameters)
        values: dict[str, Value] | None = super()._random_values()
        return values


def defaults(space: keras_tuner.HyperParameters) -> dict[str, Any]:
    """Default of each active hyperparameter."""
    return active_values(space, {item.name: item.default for item in space.space})


def active_values(space: keras_tuner.HyperParameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values without those of hyperparameters that do not exist with the others, such as of another optimizer."""
    return {
        item.name: values[item.name]
        for item in space.space
        if all(condition.is_active(values) for condition in item.conditions)
    }
