"""Configuration of a network: hyperparameters with their limits and defaults."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.components.loss import predicts_numbers
from recommender.training_cost import LAYERS, UNITS
from rules.errors import ChoiceError, did_you_mean
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    BatchSize,
    Decay,
    Epsilon,
    ForecastNetwork,
    Hyperparameter,
    LearningRate,
    Schedule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.vocabulary.bundle import Bundle

Value = float | int | str

DEFAULT_DROPOUT: Final = 0.1
"""Dropout rate for classification; regression has no dropout: docs/evidence.md#dropout."""
MAX_UNITS: Final = 8_192  # per layer; two such layers have 67 million weights
MAX_LAYERS: Final = 32  # deeper plain networks without skip connections do not train
EMBEDDING: Final = 8  # dimensions of an embedded category (RealMLP-TD)

NO_DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({})


class Configuration(BaseModel):
    """One value for every hyperparameter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: LearningRate
    """Highest rate of the schedule."""
    units: Annotated[int, Field(ge=1, le=MAX_UNITS)] = UNITS
    """Units per hidden layer; channels of the last stage of a network for images."""
    schedule: Schedule
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)] = LAYERS
    """Hidden layers; blocks per stage of a network for images."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decoupled weight decay: a step subtracts rate · decay of each weight."""
    network: ForecastNetwork = "mlp"
    """Network of a forecaster."""
    batch_size: BatchSize = None
    """Maximum batch size; None chooses it by the number of training rows, see `choose_batch_size`."""
    embedding_dimension: Annotated[int, Field(ge=1)] = EMBEDDING
    """Dimension of embeddings of categories or words."""
    beta_1: Decay | None = None
    """None if the optimizer has no such parameter; likewise the following."""
    beta_2: Decay | None = None
    rho: Decay | None = None
    momentum: Decay | None = None
    epsilon: Epsilon | None = None


def configuration(
    bundle: Bundle, values: Mapping[str, Value], *, defaults: Mapping[str, Value] = NO_DEFAULTS
) -> Configuration:
    """Create the default configuration of a bundle, with some values replaced.

    defaults: of the kind of network, where they differ from those of a table's; as `NetworkKind.defaults`.

    Raises ChoiceError on a hyperparameter that does not exist, or a value out of its limits.
    """
    values_of_bundle = _default_values(bundle, defaults)
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
