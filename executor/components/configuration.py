"""Configuration of a network: hyperparameters with their limits and defaults."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.components.loss import predicts_numbers
from recommender.training_cost import LAYERS, UNITS
from rules.errors import ChoiceError, did_you_mean
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    SEARCHED_SLOTS,
    BatchSize,
    ClipNorm,
    Decay,
    Dimension,
    Epochs,
    Epsilon,
    ForecastNetwork,
    Hyperparameter,
    Layers,
    LearningRate,
    Schedule,
    Share,
    Units,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.vocabulary.bundle import Bundle

Value = float | int | str

DEFAULT_DROPOUT: Final = 0.1
"""Dropout rate for classification; regression has no dropout: docs/evidence.md#dropout."""
EMBEDDING: Final = 8  # dimensions of an embedded category (RealMLP-TD)

NO_DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({})


class Configuration(BaseModel):
    """One value for every hyperparameter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: LearningRate
    """Highest rate of the schedule."""
    units: Units = UNITS
    """Units per hidden layer; channels of the last stage of a network for images."""
    schedule: Schedule
    layers: Layers = LAYERS
    """Hidden layers; blocks per stage of a network for images."""
    dropout: Share
    weight_decay: Share = 0.0
    """Decoupled weight decay: a step subtracts rate · decay of each weight."""
    network: ForecastNetwork = "mlp"
    """Network of a forecaster."""
    batch_size: BatchSize = None
    """Maximum batch size; None chooses it by the number of training rows, see `choose_batch_size`."""
    embedding_dimension: Dimension = EMBEDDING
    """Dimension of embeddings of categories or words."""
    beta_1: Decay | None = None
    """None if the optimizer has no such parameter; likewise the following."""
    beta_2: Decay | None = None
    rho: Decay | None = None
    momentum: Decay | None = None
    epsilon: Epsilon | None = None
    clip_norm: ClipNorm = None
    """Clipping that the search varies; None for that of the optimizer."""
    epochs: Epochs | None = None
    """Epochs that the search varies; None for those of the kind of network."""


def configuration(
    bundle: Bundle, values: Mapping[str, Value], *, defaults: Mapping[str, Value] = NO_DEFAULTS
) -> Configuration:
    """Create the default configuration of a bundle, with some values replaced.

    values: searched hyperparameters; those that are choices of a slot determine the defaults of the others. defaults:
    of the kind of network, where they differ from those of a table's; as `NetworkKind.defaults`.

    Raises ChoiceError on a hyperparameter that does not exist, or a value out of its limits.
    """
    bundle = bundle.of_trial(values)
    values_of_bundle = _default_values(bundle, defaults)
    values = {name: value for name, value in values.items() if name not in SEARCHED_SLOTS}
    for name in values:
        if name not in set(Hyperparameter):
            raise ChoiceError(
                f"A configuration may set {', '.join(Hyperparameter)}, but got {name!r}."
                f"{did_you_mean(name, Hyperparameter)}"
            )
        if name in OPTIMIZER_PROPERTIES and name not in values_of_bundle:
            raise ChoiceError(f"The optimizer {bundle.optimizer.name!r} has no {name}, but a configuration sets it.")
    try:
        return Configuration.model_validate({**values_of_bundle, **values})
    except ValidationError as error:
        first = error.errors()[0]
        raise ChoiceError(
            f"The hyperparameter {first['loc'][0]} got the value {first['input']!r}. {first['msg']}."
        ) from None


def _default_values(bundle: Bundle, own: Mapping[str, Value]) -> dict[str, Value | None]:
    """Default values of a bundle that differ from those of Configuration."""
    defaults: dict[str, Value | None] = {
        "learning_rate": bundle.optimizer.learning_rate,
        "schedule": bundle.optimizer.schedule,
        "dropout": DEFAULT_DROPOUT,
        "weight_decay": getattr(bundle.optimizer, "weight_decay", 0.0),
        "batch_size": bundle.optimizer.batch_size,
    }
    for name in OPTIMIZER_PROPERTIES:
        if hasattr(bundle.optimizer, name):
            defaults[name.value] = getattr(bundle.optimizer, name)
    defaults |= own
    if predicts_numbers(bundle.loss):
        defaults["dropout"] = 0.0
    if (dimension := getattr(bundle.architecture, "embedding_dimension", None)) is not None:
        defaults["embedding_dimension"] = dimension
    return defaults
