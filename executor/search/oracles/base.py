"""What all our oracles have in common: keras-tuner's, without its files, its prints and its shortcuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import keras_tuner

if TYPE_CHECKING:
    from executor.components.configuration import Value
    from rules.vocabulary.direction import Direction

SEED_STRIDE: Final = 100_003
"""keras-tuner draws with seed, seed + 1, …: neighbouring seeds would share most of their trials. A prime."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What trials are compared by; keras-tuner guesses the direction of several metrics wrongly."""

    name: str
    direction: Direction


def tuner_seed(seed: int) -> int:
    """A seed for keras-tuner, which reads 0 as "at random"."""
    return 1 + seed * SEED_STRIDE


class InMemoryOracle(keras_tuner.Oracle):  # type: ignore[misc]  # keras-tuner ships no types
    """An oracle whose first trial is the default configuration and which keeps no files: state comes by replay.

    To be named before a keras-tuner oracle among the bases of a class.
    """

    total: int | None = None
    """Trials that it will propose in all, where that is known."""

    def __init__(
        self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int, **settings: object
    ) -> None:
        super().__init__(
            objective=keras_tuner.Objective(objective.name, objective.direction),
            hyperparameters=space,
            seed=tuner_seed(seed),
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=None,  # the search itself judges whether any trial can be completed
            **settings,
        )
        self.verbose = 0

    def schedule(self, trials: int, *, epochs: int) -> list[int]:
        """Planned epochs of so many trials in their order, if none fails; epochs: of a whole one."""
        return [epochs] * trials

    def epochs_until_whole(self, ended: int) -> int:  # noqa: ARG002 - only some strategies ration epochs
        """Planned epochs of the trials that come, up to the first that reaches all epochs; 0 where each does."""
        return 0

    def save(self, fname: str | None = None) -> None:
        """Write nothing: keras-tuner's files can be truncated by a crash, and do not restore a grid."""

    def _save_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Write nothing."""

    def _random_values(self) -> dict[str, Value] | None:
        """The defaults for the first trial, then unseen values; None when no unseen ones are found."""
        if not self.start_order:
            return defaults(self.hyperparameters)
        values: dict[str, Value] | None = super()._random_values()
        return values


def defaults(space: keras_tuner.HyperParameters) -> dict[str, Any]:
    """The default of every hyperparameter."""
    return {item.name: item.default for item in space.space}
