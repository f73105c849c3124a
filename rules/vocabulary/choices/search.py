"""Choices of the searched hyperparameters and of the tuner."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from rules.vocabulary.choices.slot import Choice

# Hyperparameters searched ───────────────────────────────────────────────────────────────────────────────────────────


class Hyperparameter(StrEnum):
    """A hyperparameter that a search may vary, the most sensitive first (the order of the strategy notes).

    Examples:
        >>> Hyperparameter("units")
        <Hyperparameter.UNITS: 'units'>
    """

    LEARNING_RATE = "learning_rate"
    UNITS = "units"
    SCHEDULE = "schedule"
    LAYERS = "layers"
    DROPOUT = "dropout"
    WEIGHT_DECAY = "weight_decay"
    NETWORK = "network"  # the network of a forecast; not in the strategy notes, which take the architecture as given
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
"""Hyperparameters that only some optimizers have, as a parameter of the same name."""


def _by_sensitivity(names: tuple[Hyperparameter, ...]) -> tuple[Hyperparameter, ...]:
    """Distinct names, the most sensitive first."""
    return tuple(name for name in Hyperparameter if name in names)


class Defaults(Choice):
    """No search: all hyperparameters keep their defaults.

    Examples:
        >>> Defaults().searched
        ()
    """

    name: Literal["defaults"] = "defaults"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return ()


class MostSensitive(Choice):
    """Searches learning rate and units per layer.

    Examples:
        >>> [str(one) for one in MostSensitive().searched]
        ['learning_rate', 'units']
    """

    name: Literal["most_sensitive"] = "most_sensitive"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter)[:2]


class HighSensitivity(Choice):
    """Searches the hyperparameters of high sensitivity: learning rate, units per layer and schedule.

    Examples:
        >>> [str(one) for one in HighSensitivity().searched]
        ['learning_rate', 'units', 'schedule']
    """

    name: Literal["high_sensitivity"] = "high_sensitivity"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter)[:3]


class HighAndMedium(Choice):
    """Searches learning rate, units, schedule, number of layers, dropout and weight decay.

    Examples:
        >>> len(HighAndMedium().searched)
        6
    """

    name: Literal["high_and_medium"] = "high_and_medium"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter)[:6]


ForecastNetwork = Literal["linear", "mlp", "gru"]


class Networks(Choice):
    """Searches the network of a forecast (linear, mlp or gru) and the learning rate.

    Examples:
        >>> [str(one) for one in Networks().searched]
        ['network', 'learning_rate']
    """

    name: Literal["networks"] = "networks"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return (Hyperparameter.NETWORK, Hyperparameter.LEARNING_RATE)


class Custom(Choice):
    """Searches the listed hyperparameters, including those that no other choice searches.

    Attributes:
        searched: Names of hyperparameters, in any order; at least one. Optimizer properties and the embedding dimension
            need an optimizer and an architecture with that parameter. Default learning rate and batch size.

    Examples:
        >>> str(Custom(searched=("units", "dropout")))
        'custom (searched units; dropout)'
    """

    name: Literal["custom"] = "custom"
    searched: Annotated[tuple[Hyperparameter, ...], Field(min_length=1), AfterValidator(_by_sensitivity)] = (
        Hyperparameter.LEARNING_RATE,
        Hyperparameter.BATCH_SIZE,
    )


Hyperparameters = Annotated[
    Defaults | MostSensitive | HighSensitivity | HighAndMedium | Networks | Custom, Field(discriminator="name")
]


# Tuner ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Grid(Choice):
    """Grid search: every combination of the listed values.

    Examples:
        >>> str(Grid())
        'grid'
    """

    name: Literal["grid"] = "grid"


class Random(Choice):
    """Random search.

    Examples:
        >>> str(Random())
        'random'

    References:
        Bergstra and Bengio 2012, Random search for hyper-parameter optimization.
    """

    name: Literal["random"] = "random"


class Bayesian(Choice):
    """Bayesian optimization with a Gaussian process.

    Examples:
        >>> str(Bayesian())
        'bayesian'

    References:
        Snoek et al. 2012, Practical Bayesian optimization of machine learning algorithms.
    """

    name: Literal["bayesian"] = "bayesian"


class Hyperband(Choice):
    """Hyperband: many short trials, of which the best continue with more epochs.

    Attributes:
        factor: 1 / factor of the trials continue, factor times longer, from 2 to 5. Default 3.

    Examples:
        >>> str(Hyperband(factor=4))
        'hyperband (factor 4)'

    References:
        Li et al. 2018, Hyperband: a novel bandit-based approach to hyperparameter optimization.
    """

    name: Literal["hyperband"] = "hyperband"
    factor: Annotated[int, Field(ge=2, le=5)] = 3


class Manual(Choice):
    """A list of configurations, tried after the default configuration.

    Attributes:
        configurations: Each maps hyperparameters to values. An empty list tries the defaults and a few neighbours.
            Default ().

    Examples:
        >>> str(Manual(configurations=({"units": 64}, {"units": 128})))
        'manual (configurations units 64; units 128)'
    """

    name: Literal["manual"] = "manual"
    configurations: tuple[dict[Hyperparameter, float | int | str], ...] = ()


Tuner = Annotated[Grid | Random | Bayesian | Hyperband | Manual, Field(discriminator="name")]
