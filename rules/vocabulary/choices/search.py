"""H and T: what a search varies, and how it chooses what to try next."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from rules.vocabulary.choices.slot import Choice

# H ─ which hyperparameters are searched, by the sensitivity of the model to them ────────────────────────────────────


class Hyperparameter(StrEnum):
    """What a search may vary, the most sensitive first (the notes' table)."""

    LEARNING_RATE = "learning_rate"
    UNITS = "units"
    SCHEDULE = "schedule"
    LAYERS = "layers"
    DROPOUT = "dropout"
    WEIGHT_DECAY = "weight_decay"
    NETWORK = "network"
    """Which network reads a forecast's windows: not in the table, for the notes take the architecture as given."""
    BATCH_SIZE = "batch_size"
    EMBEDDING_DIMENSION = "embedding_dimension"
    BETA_1 = "beta_1"
    BETA_2 = "beta_2"
    RHO = "rho"
    MOMENTUM = "momentum"
    EPSILON = "epsilon"


OPTIMIZER_PROPERTIES: Final = (
    Hyperparameter.BETA_1,
    Hyperparameter.BETA_2,
    Hyperparameter.RHO,
    Hyperparameter.MOMENTUM,
    Hyperparameter.EPSILON,
)
"""Hyperparameters that only some optimizers have: a choice of the optimizer slot has a parameter of the same name."""


def _by_sensitivity(names: tuple[Hyperparameter, ...]) -> tuple[Hyperparameter, ...]:
    """Each of them once, the most sensitive first."""
    return tuple(name for name in Hyperparameter if name in names)


class Defaults(Choice):
    """Nothing is searched."""

    name: Literal["defaults"] = "defaults"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return ()


class MostSensitive(Choice):
    """Learning rate and units per layer."""

    name: Literal["most_sensitive"] = "most_sensitive"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter)[:2]


class HighSensitivity(Choice):
    """All that the notes rate high and the other slots leave open: learning rate, units, schedule."""

    name: Literal["high_sensitivity"] = "high_sensitivity"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter)[:3]


class HighAndMedium(Choice):
    """The high ones, then number of layers and both kinds of regularization."""

    name: Literal["high_and_medium"] = "high_and_medium"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter)[:6]


ForecastNetwork = Literal["linear", "mlp", "gru"]


class Networks(Choice):
    """Of a forecast: which network reads the windows, and the learning rate."""

    name: Literal["networks"] = "networks"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return (Hyperparameter.NETWORK, Hyperparameter.LEARNING_RATE)


class Custom(Choice):
    """The hyperparameters that are listed, among them those that no other choice searches.

    searched: their names, in any order; by default learning rate and batch size. Optimizer properties and the embedding
    dimension can be searched where the optimizer and the architecture have such a parameter.
    """

    name: Literal["custom"] = "custom"
    searched: Annotated[tuple[Hyperparameter, ...], Field(min_length=1), AfterValidator(_by_sensitivity)] = (
        Hyperparameter.LEARNING_RATE,
        Hyperparameter.BATCH_SIZE,
    )


Hyperparameters = Annotated[
    Defaults | MostSensitive | HighSensitivity | HighAndMedium | Networks | Custom, Field(discriminator="name")
]


# T ─ how the next combination is chosen ─────────────────────────────────────────────────────────────────────────────


class Grid(Choice):
    name: Literal["grid"] = "grid"


class Random(Choice):
    name: Literal["random"] = "random"


class Bayesian(Choice):
    name: Literal["bayesian"] = "bayesian"


class Hyperband(Choice):
    """Li et al. 2018: many short trials, of which the best 1 / factor go on, factor times longer."""

    name: Literal["hyperband"] = "hyperband"
    factor: Annotated[int, Field(ge=2, le=5)] = 3


class Manual(Choice):
    """A fixed list of configurations, the defaults first; an empty list means the defaults and a few neighbours."""

    name: Literal["manual"] = "manual"
    configurations: tuple[dict[Hyperparameter, float | int | str], ...] = ()


Tuner = Annotated[Grid | Random | Bayesian | Hyperband | Manual, Field(discriminator="name")]
