"""Hyperparameters that a search may vary: their names, the type of their values, and ranges of values."""

from __future__ import annotations

import math
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from rules.vocabulary.choices.optimizer import MAX_BATCH, Decay, Epsilon, LearningRate, Schedule
from rules.vocabulary.choices.slot import Slot
from rules.vocabulary.facts import exact_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Hyperparameter(StrEnum):
    """A hyperparameter that a search may vary, the most sensitive first (the order of the strategy notes).

    Examples:
        >>> Hyperparameter("units")
        <Hyperparameter.UNITS: 'units'>
    """

    LEARNING_RATE = "learning_rate"
    UNITS = "units"
    SCHEDULE = "schedule"
    LOSS = "loss"
    INITIALIZER = "initializer"
    LAYERS = "layers"
    DROPOUT = "dropout"
    WEIGHT_DECAY = "weight_decay"
    NETWORK = "network"  # the network of a forecast; not in the strategy notes, which take the architecture as given
    OPTIMIZER = "optimizer"
    BATCH_SIZE = "batch_size"
    ACTIVATION = "activation"
    EMBEDDING_DIMENSION = "embedding_dimension"
    BETA_1 = "beta_1"
    BETA_2 = "beta_2"
    RHO = "rho"
    MOMENTUM = "momentum"
    EPSILON = "epsilon"
    CLIP_NORM = "clip_norm"
    EPOCHS = "epochs"  # the notes have no number of epochs; early stopping chooses it
    AUGMENTATION = "augmentation"


OPTIMIZER_PROPERTIES: Final = (
    Hyperparameter.BETA_1,
    Hyperparameter.BETA_2,
    Hyperparameter.RHO,
    Hyperparameter.MOMENTUM,
    Hyperparameter.EPSILON,
)
"""Hyperparameters that only some optimizers have, as a parameter of the same name."""
SEARCHED_SLOTS: Final[Mapping[Hyperparameter, Slot]] = MappingProxyType(
    {
        Hyperparameter.LOSS: Slot.LOSS,
        Hyperparameter.INITIALIZER: Slot.INITIALIZER,
        Hyperparameter.OPTIMIZER: Slot.OPTIMIZER,
        Hyperparameter.ACTIVATION: Slot.ACTIVATION,
        Hyperparameter.AUGMENTATION: Slot.AUGMENTATION,
    }
)
"""Hyperparameters whose values are choices of a slot."""
NEED_VALUES: Final = frozenset({*SEARCHED_SLOTS, Hyperparameter.CLIP_NORM, Hyperparameter.EPOCHS})
"""Hyperparameters that are searched only over values of the user."""

MAX_UNITS: Final = 8_192  # per layer; two such layers have 67 million weights
MAX_LAYERS: Final = 32  # deeper plain networks without skip connections do not train
MAX_EPOCHS: Final = 10_000
Units = Annotated[int, Field(ge=1, le=MAX_UNITS)]
Layers = Annotated[int, Field(ge=1, le=MAX_LAYERS)]
Share = Annotated[float, Field(ge=0, lt=1)]
"""A dropout rate, or a decoupled weight decay."""
Dimension = Annotated[int, Field(ge=1)]
Epochs = Annotated[int, Field(ge=1, le=MAX_EPOCHS)]
ForecastNetwork = Literal["linear", "mlp", "gru"]

TYPES: Final[Mapping[Hyperparameter, Any]] = MappingProxyType(
    {
        Hyperparameter.LEARNING_RATE: LearningRate,
        Hyperparameter.UNITS: Units,
        Hyperparameter.SCHEDULE: Schedule,
        Hyperparameter.LAYERS: Layers,
        Hyperparameter.DROPOUT: Share,
        Hyperparameter.WEIGHT_DECAY: Share,
        Hyperparameter.NETWORK: ForecastNetwork,
        Hyperparameter.BATCH_SIZE: Annotated[int, Field(ge=1, le=MAX_BATCH)],
        Hyperparameter.EMBEDDING_DIMENSION: Dimension,
        **dict.fromkeys(
            (Hyperparameter.BETA_1, Hyperparameter.BETA_2, Hyperparameter.RHO, Hyperparameter.MOMENTUM), Decay
        ),
        Hyperparameter.EPSILON: Epsilon,
        Hyperparameter.CLIP_NORM: Annotated[float, Field(gt=0)],
        Hyperparameter.EPOCHS: Epochs,
    }
)
"""Type of the values of each hyperparameter that is not a slot."""
WHOLE: Final = frozenset(
    {
        Hyperparameter.UNITS,
        Hyperparameter.LAYERS,
        Hyperparameter.BATCH_SIZE,
        Hyperparameter.EMBEDDING_DIMENSION,
        Hyperparameter.EPOCHS,
    }
)
"""Hyperparameters whose values are whole numbers."""
WORDS: Final = frozenset({Hyperparameter.SCHEDULE, Hyperparameter.NETWORK, *SEARCHED_SLOTS})
"""Hyperparameters whose values are words, and have no range."""
LINEAR: Final = frozenset(
    {
        Hyperparameter.LAYERS,
        Hyperparameter.DROPOUT,
        Hyperparameter.BETA_1,
        Hyperparameter.BETA_2,
        Hyperparameter.RHO,
        Hyperparameter.MOMENTUM,
    }
)
"""Hyperparameters whose ranges are searched on a linear scale; the others differ by factors."""


class Range(BaseModel):
    """A range of values of a hyperparameter, both ends included.

    Attributes:
        low: The lowest value.
        high: The highest value.
        scale: "linear" or "log". Default None: by the hyperparameter; linear where the lowest value is 0.

    Raises:
        pydantic.ValidationError: If the range is empty, or logarithmic with a lowest value that is not positive.

    Examples:
        >>> str(Range(low=0, high=0.5))
        '0..0.5'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    scale: Annotated[Literal["linear", "log"] | None, Field(exclude_if=lambda value: value is None)] = None

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"the range {self} is empty: its first value must be smaller than its second")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"the range {self} is logarithmic, so its first value must be greater than 0")
        return self

    def __str__(self) -> str:
        ends = f"{exact_text(self.low)}..{exact_text(self.high)}"
        return ends if self.scale is None else f"{ends}:{self.scale}"

    def is_log(self, name: Hyperparameter) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.scale == "log" or (self.scale is None and name not in LINEAR and self.low > 0)


Listed = float | int | str | dict[str, Any]
"""A value: a number, a word, or a mapping with the name and parameters of a choice."""
Values = tuple[Listed, ...] | Range


def values_text(values: Sequence[Listed] | Range) -> str:
    """Values as the option --search takes them.

    >>> values_text((64, 512)), values_text(({"name": "huber", "delta": 2},)), values_text(Range(low=1, high=9))
    ('[64,512]', '[{name: huber, delta: 2}]', '1..9')
    """
    return str(values) if isinstance(values, Range) else f"[{','.join(map(_text, values))}]"


def _text(value: Any) -> str:  # noqa: ANN401  whatever a parameter may be
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_text(own)}' for key, own in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return exact_text(value) if isinstance(value, float) else str(value)


def check_values(name: Hyperparameter, values: Sequence[Listed] | Range) -> None:
    """Raise ValueError if a hyperparameter cannot have a value; the names of choices are checked with their slot."""
    if isinstance(values, Range):
        if name in WORDS:
            raise ValueError(f"{name} has no range, because its values are words; list them: {name}=[…]")
        if name in WHOLE and not (values.low.is_integer() and values.high.is_integer()):
            raise ValueError(f"{name} takes whole numbers, but its range is {values}")
    elif not values:
        raise ValueError(f"{name} needs at least one value")
    for value in (values.low, values.high) if isinstance(values, Range) else values:
        _check_value(name, int(value) if isinstance(values, Range) and name in WHOLE else value)  # type: ignore[arg-type]
    written = [values] if isinstance(values, Range) else [repr(value) for value in values]
    if len(set(map(str, written))) < len(written):
        raise ValueError(f"{name} lists a value twice: {', '.join(map(str, written))}")


def _check_value(name: Hyperparameter, value: Listed) -> None:
    if name in SEARCHED_SLOTS:
        if not isinstance(value, str | dict):
            raise ValueError(f"{name} takes names of choices, but got {value!r}")
        return
    try:
        TypeAdapter(TYPES[name]).validate_python(value, strict=True)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ValueError(f"{name} got the value {value!r}: {reason[0].lower()}{reason[1:]}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} got the value {value!r}: input should be a finite number")
