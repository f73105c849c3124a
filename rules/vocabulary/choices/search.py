"""Choices of the searched hyperparameters and of the tuner."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rules.vocabulary.choices.hyperparameter import (
    NEED_VALUES,
    Hyperparameter,
    Values,
    check_values,
    values_text,
)
from rules.vocabulary.choices.slot import Choice

# Hyperparameters searched ───────────────────────────────────────────────────────────────────────────────────────────


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
        return (Hyperparameter.LEARNING_RATE, Hyperparameter.UNITS)


class HighSensitivity(Choice):
    """Searches the hyperparameters of high sensitivity: learning rate, units per layer and schedule.

    Examples:
        >>> [str(one) for one in HighSensitivity().searched]
        ['learning_rate', 'units', 'schedule']
    """

    name: Literal["high_sensitivity"] = "high_sensitivity"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return (Hyperparameter.LEARNING_RATE, Hyperparameter.UNITS, Hyperparameter.SCHEDULE)


class HighAndMedium(Choice):
    """Searches learning rate, units, schedule, number of layers, dropout and weight decay.

    Examples:
        >>> len(HighAndMedium().searched)
        6
    """

    name: Literal["high_and_medium"] = "high_and_medium"

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        return (
            *HighSensitivity().searched,
            Hyperparameter.LAYERS,
            Hyperparameter.DROPOUT,
            Hyperparameter.WEIGHT_DECAY,
        )


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
        values: Values or `Range` of some of them, by name; loss, initializer, optimizer, activation, augmentation,
            clip_norm and epochs need values. Values of a slot are names of choices, or mappings with their parameters.
            Default {}: the shipped values.

    Raises:
        pydantic.ValidationError: If a hyperparameter cannot have a value, or has values and is not searched.

    Examples:
        >>> str(Custom(searched=("units", "dropout")))
        'custom (searched units; dropout)'
        >>> Custom(searched=("units",), values={"units": (64, 512)}).values
        {<Hyperparameter.UNITS: 'units'>: (64, 512)}
        >>> str(Custom(searched=("units", "dropout"), values={"dropout": {"low": 0, "high": 0.5}}))
        'custom (units; dropout=0..0.5)'
    """

    name: Literal["custom"] = "custom"
    searched: Annotated[tuple[Hyperparameter, ...], Field(min_length=1), AfterValidator(_by_sensitivity)] = (
        Hyperparameter.LEARNING_RATE,
        Hyperparameter.BATCH_SIZE,
    )
    values: Annotated[dict[Hyperparameter, Values], Field(exclude_if=lambda values: not values)] = {}  # noqa: RUF012  pydantic copies it

    @property
    def varied(self) -> tuple[str, ...]:
        """Each hyperparameter, with its values if it has some, as the option --search takes it."""
        return tuple(
            f"{name}={values_text(self.values[name])}" if name in self.values else name.value for name in self.searched
        )

    def __str__(self) -> str:
        return f"{self.name} ({'; '.join(self.varied)})" if self.values else super().__str__()

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        for name, values in self.values.items():
            if name not in self.searched:
                raise ValueError(f"{name} has values, but is not searched; add it to searched")
            check_values(name, values)
        for name in self.searched:
            if name in NEED_VALUES and name not in self.values:
                raise ValueError(f"{name} has no shipped values; list its values")
        return self


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


def _listed(name: Hyperparameter) -> Hyperparameter:
    """A hyperparameter of a list of configurations."""
    if name in NEED_VALUES:
        raise ValueError(f"a list of configurations cannot set {name}; use hyperparameters=custom with its values")
    return name


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
    configurations: tuple[dict[Annotated[Hyperparameter, AfterValidator(_listed)], float | int | str], ...] = ()


Tuner = Annotated[Grid | Random | Bayesian | Hyperband | Manual, Field(discriminator="name")]
