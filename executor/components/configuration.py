"""H: what a search varies, within which limits, and the default configuration from which it starts."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

import keras_tuner
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.components.batch_size import batch_of
from executor.preprocessing.examples import Architecture
from recommender.training_cost import LAYERS, UNITS, trial_seconds
from rules.errors import ChoiceError, did_you_mean
from rules.vocabulary.choices import (
    OPTIMIZER_PROPERTIES,
    BatchSize,
    Decay,
    Epsilon,
    ForecastNetwork,
    Grid,
    Huber,
    Hyperparameter,
    LearningRate,
    MaeLoss,
    Manual,
    MseLoss,
    Schedule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.vocabulary.bundle import Bundle

Value = float | int | str

DEFAULT_DROPOUT: Final = 0.1
"""Share of units for classes; none for numbers. Measured on twelve tables with two seeds: without dropout the error of
regression falls by up to a quarter (airfoil_noise 1.65 against 2.22), with it that of classes in half of the tables."""
MOST_UNITS: Final = 8_192  # per layer; two such layers alone hold 67 million weights
MOST_LAYERS: Final = 32  # plain dense layers without skip connections do not train beyond some tens
IMAGE_UNITS: Final = 64  # channels of the last stage; docs/evidence.md, section 3
IMAGE_LAYERS: Final = 1  # blocks a stage; the same source
IMAGE_UNITS_TRIED: Final = (32, 128)
IMAGE_LAYERS_TRIED: Final = (2,)
"""Half and twice the default: a network of twice the channels costs four times as much, and images
leave few trials as it is."""
SOME_ROWS: Final = 5_000
"""Training rows; below it 512 units take four times as long as 256 and give little (page_blocks: F1 0.79 against
0.77). Above it the time is there: accuracy 0.982 against 0.977 on letter_recognition, RMSE 3.72 against 3.77 on
power_plant."""
FEW_ROWS: Final = 2_700
"""Training rows; below it 256 units give classes nothing. Measured on fourteen tables of 365 to 2,672 training rows:
64, 128 and 256 are level for classes, for numbers 256 are ahead (airfoil_noise: RMSE 1.47 against 1.61 and 1.86). With
more rows 256 are ahead for classes, too (page_blocks, 3,504 rows: F1 0.77 against 0.71)."""
TRIALS_IN_TIME: Final = 16  # trials of a size that the time must allow before it is searched
WIDE: Final = 5_000  # encoded columns; above it a wider first layer costs more than it gives
RATE_SPAN: Final = 10.0  # a search looks from a tenth of the default rate to ten times it
RATE_STEPS: Final = (10**0.5, 10**-0.5, 10.0, 0.1)  # multiples of the default rate on a grid, the nearest first
LARGEST_RATE: Final = 10.0  # the limit of rules.vocabulary.choices.LearningRate
SHRINKAGES: Final = (1e-4, 1e-5, 5e-4)  # share of each weight that decay takes in a step at the default rate
LARGEST_DECAY: Final = 0.5  # of a weight a step at rate 1; it keeps low rates from asking for decays above 1
FORECAST_UNITS: Final = 64
"""Units of a forecast's hidden layers: its windows are tens of numbers, and its rows few and alike."""
FORECAST_LAYERS: Final = 2  # hidden ones of a forecast's perceptron (TiDE: one or two)
SEQUENCE_UNITS: Final = 32  # filters of a branch (Ismail Fawaz et al. 2020), or recurrent units
SEQUENCE_LAYERS: Final = 1  # residual blocks of three modules (docs/evidence.md, section 3), or recurrent layers
NETWORKS: Final[tuple[Value, ...]] = ("mlp", "linear", "gru")
"""The first is the default: it holds the linear one, and what the notes say of W concerns its hidden layers."""
TEXT_UNITS: Final = 128  # of a bag's layers, or filters of each width; see TEXT_DROPOUT
TEXT_LAYERS: Final = 1  # hidden ones; docs/evidence.md, section 3, has one wide layer
TEXT_DROPOUT: Final = 0.5  # the same source, and Kim 2014, who has it after the filters
EMBEDDING: Final = 8  # dimensions of an embedded category (RealMLP-TD)
TEXT_EMBEDDING: Final = 64  # dimensions of a word; Kim's are 300, but come from texts of billions of words
BATCHES_TRIED: Final = (0.5, 2.0, 0.25)  # multiples of the default batch size
FEWEST_IN_A_BATCH: Final = 8  # rows of the smallest batch that a search tries
EMBEDDINGS_TRIED: Final = (2.0, 0.5, 4.0)  # multiples of the default dimension
PROPERTIES_TRIED: Final[Mapping[Hyperparameter, tuple[float, ...]]] = MappingProxyType(
    {
        Hyperparameter.BETA_1: (0.9, 0.95, 0.8),
        Hyperparameter.BETA_2: (0.999, 0.99, 0.95),
        Hyperparameter.RHO: (0.9, 0.99, 0.95),
        Hyperparameter.MOMENTUM: (0.9, 0.95, 0.5),
        Hyperparameter.EPSILON: (1e-7, 1e-8, 1e-5, 1e-3),
    }
)
"""Values of optimizer properties: Keras' defaults and values around them, RealMLP's beta_2 of 0.95 among them."""
NEIGHBOURS: Final = 2  # per hyperparameter in a manual search that has no list of its own


class Configuration(BaseModel):
    """One value for every hyperparameter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: LearningRate
    """The highest rate of the schedule."""
    units: Annotated[int, Field(ge=1, le=MOST_UNITS)] = UNITS
    """Per hidden layer; of a network for images, channels of its last stage."""
    schedule: Schedule
    layers: Annotated[int, Field(ge=1, le=MOST_LAYERS)] = LAYERS
    """Hidden ones; of a network for images, blocks of a stage."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decoupled: a step takes rate · decay of each weight."""
    network: ForecastNetwork = "mlp"
    """Which network reads the windows of a forecast; others have but one."""
    batch_size: BatchSize = None
    """Rows of a step at most; None chooses it by the number of training rows, as `batch_of` does."""
    embedding_dimension: Annotated[int, Field(ge=1)] = EMBEDDING
    """Numbers to which a category or a word is mapped, where the network has embeddings."""
    beta_1: Decay | None = None
    """None where the optimizer has no such property; likewise the following."""
    beta_2: Decay | None = None
    rho: Decay | None = None
    momentum: Decay | None = None
    epsilon: Epsilon | None = None


def configuration(
    bundle: Bundle, values: Mapping[str, Value], *, architecture: Architecture = Architecture.TABULAR
) -> Configuration:
    """The default configuration of a bundle, with some values replaced.

    Raises ChoiceError on a hyperparameter that does not exist, or a value out of its limits.
    """
    defaults = _default_values(bundle, architecture)
    for name in values:
        if name not in set(Hyperparameter):
            raise ChoiceError(
                f"A configuration may set {', '.join(Hyperparameter)}, but got {name!r}."
                f"{did_you_mean(name, Hyperparameter)}"
            )
        if name in OPTIMIZER_PROPERTIES and name not in defaults:
            raise ChoiceError(f"The optimizer {bundle.optimizer.name!r} has no {name}, but a configuration sets it.")
    try:
        return Configuration.model_validate({**defaults, **values})
    except ValidationError as error:
        first = error.errors()[0]
        raise ChoiceError(
            f"The hyperparameter {first['loc'][0]} got the value {first['input']!r}. {first['msg']}."
        ) from None


def _default_values(bundle: Bundle, architecture: Architecture) -> dict[str, Value | None]:
    """The values of the default configuration that differ from those of Configuration."""
    defaults: dict[str, Value | None] = {
        "learning_rate": bundle.optimizer.learning_rate,
        "schedule": bundle.optimizer.schedule,
        "dropout": 0.0 if _answers_numbers(bundle) else DEFAULT_DROPOUT,
        "weight_decay": getattr(bundle.optimizer, "weight_decay", 0.0),
        "batch_size": bundle.optimizer.batch_size,
    }
    for name in OPTIMIZER_PROPERTIES:
        if hasattr(bundle.optimizer, name):
            defaults[name.value] = getattr(bundle.optimizer, name)
    if architecture is Architecture.CNN:
        defaults |= {"units": IMAGE_UNITS, "layers": IMAGE_LAYERS}
    if architecture.reads_steps:
        defaults |= {"units": SEQUENCE_UNITS, "layers": SEQUENCE_LAYERS}
    if architecture is Architecture.FORECASTER:
        defaults |= {"units": FORECAST_UNITS, "layers": FORECAST_LAYERS}
    if architecture.reads_texts:
        defaults |= {"units": TEXT_UNITS, "layers": TEXT_LAYERS, "dropout": TEXT_DROPOUT}
        defaults["embedding_dimension"] = TEXT_EMBEDDING
    if (dimension := getattr(bundle.architecture, "embedding_dimension", None)) is not None:
        defaults["embedding_dimension"] = dimension
    return defaults


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a search is laid out for."""

    width: int
    """Encoded columns."""
    rows: int
    """Training rows."""
    folds: int = 1
    """Networks of a trial."""
    trials: int | None = None
    """The maximum number of trials; None for no limit."""
    seconds: float | None = None
    """Units that let fewer than TRIALS_IN_TIME trials end within them are not searched; None for no limit."""
    architecture: Architecture = Architecture.TABULAR
    has_embeddings: bool = True
    """Whether the network maps categories or words to numbers."""

    @property
    def batch_size(self) -> int:
        """Rows of a step where the bundle does not set them."""
        return batch_of(self.architecture, self.rows)

    def affords(self, units: int) -> bool:
        """Whether the time is enough to search layers of so many units."""
        if self.seconds is None:
            return True
        one = self.folds * trial_seconds(rows=self.rows, width=self.width, units=units)
        return TRIALS_IN_TIME * one <= self.seconds


def search_space(bundle: Bundle, scope: Scope) -> keras_tuner.HyperParameters:
    """The hyperparameters that the bundle's tuner varies; each default is the default configuration's value.

    The most sensitive hyperparameter stands last. For classes of few rows a search starts from narrower layers.
    """
    space = keras_tuner.HyperParameters()
    candidates = _candidates(bundle, scope)
    for name, values in reversed(candidates.items()):
        if name is Hyperparameter.LEARNING_RATE and not isinstance(bundle.tuner, Grid | Manual):
            rate = bundle.optimizer.learning_rate
            space.Float(name.value, rate / RATE_SPAN, min(rate * RATE_SPAN, LARGEST_RATE), sampling="log", default=rate)
        else:
            space.Choice(name.value, list(values), default=values[0])
    return space


def manual_configurations(bundle: Bundle, scope: Scope) -> list[dict[str, Value]]:
    """The list that a manual search works through: the defaults, then the bundle's own list or a few neighbours.

    Each item has a value for every hyperparameter of the bundle's search space. Raises ChoiceError on a bad value.
    """
    candidates = _candidates(bundle, scope)
    defaults: dict[str, Value] = {name.value: values[0] for name, values in candidates.items()}
    given = bundle.tuner.configurations if isinstance(bundle.tuner, Manual) else ()
    changes: list[dict[str, Value]] = [{name.value: value for name, value in item.items()} for item in given] or [
        {name.value: value} for name, values in candidates.items() for value in values[1 : 1 + NEIGHBOURS]
    ]
    listed = [defaults]
    for change in changes:
        chosen = configuration(bundle, defaults | change, architecture=scope.architecture).model_dump()
        item = {name: chosen[name] for name in defaults}
        if item not in listed:
            listed.append(item)
    return listed


def _candidates(bundle: Bundle, scope: Scope) -> dict[Hyperparameter, list[Value]]:
    """For each searched hyperparameter, the most sensitive first: its default, then values worth a trial.

    Raises ChoiceError where the network does not have one of them.
    """
    if isinstance(bundle.tuner, Manual) and bundle.tuner.configurations:
        candidates = _listed(bundle, bundle.tuner, scope)
    else:
        candidates = {name: _worth_trying(name, bundle, scope) for name in bundle.searched}
    if Hyperparameter.EMBEDDING_DIMENSION in candidates and not scope.has_embeddings:
        raise ChoiceError(
            "The embedding_dimension can be searched only where a network has embeddings, but no column has so many "
            "categories that it gets one. Leave it out of the searched hyperparameters."
        )
    return candidates


def _defaults(bundle: Bundle, scope: Scope) -> dict[str, Value]:
    """The default of each hyperparameter that the bundle's network and optimizer have."""
    defaults = configuration(bundle, {}, architecture=scope.architecture).model_dump(exclude_none=True)
    return {"batch_size": scope.batch_size} | defaults


def _listed(bundle: Bundle, tuner: Manual, scope: Scope) -> dict[Hyperparameter, list[Value]]:
    """The values that a manual search's own list names, each hyperparameter's default first."""
    defaults = _defaults(bundle, scope)
    found: dict[Hyperparameter, list[Value]] = {}
    for name in Hyperparameter:
        named = [
            configuration(bundle, {name.value: item[name]}, architecture=scope.architecture).model_dump()[name.value]
            for item in tuner.configurations
            if name in item
        ]
        if named:
            found[name] = list(dict.fromkeys([defaults[name.value], *named]))
    return found


def _worth_trying(name: Hyperparameter, bundle: Bundle, scope: Scope) -> list[Value]:
    """The default of one hyperparameter, then alternatives, the most promising first."""
    defaults = _defaults(bundle, scope)
    rate, default = bundle.optimizer.learning_rate, defaults[name]
    units, layers = [UNITS, 128, 512, 64], [2, 4, 1]
    if scope.architecture is Architecture.CNN:
        units, layers = [IMAGE_UNITS, *IMAGE_UNITS_TRIED], [*IMAGE_LAYERS_TRIED]
    elif scope.architecture.reads_steps:
        units, layers = [SEQUENCE_UNITS, 16, 64], [2]
    elif scope.architecture is Architecture.FORECASTER:
        units, layers = [FORECAST_UNITS, 128, 32], [1, 3]
    elif scope.architecture.reads_texts:
        units, layers = [TEXT_UNITS, 64, 256], [2]
    elif scope.rows < FEW_ROWS and not _answers_numbers(bundle):
        units = [128, 64, 32]
    elif scope.rows < SOME_ROWS:
        units = [UNITS, 128, 64]
    elif scope.width > WIDE:
        units = [UNITS, 128, 64, 32]
    if scope.architecture is Architecture.TABULAR:
        units = [units[0], *(size for size in units[1:] if size < units[0] or scope.affords(size))]
    decays: list[Value] = [min(share / rate, LARGEST_DECAY) for share in SHRINKAGES]
    batch, dimension = int(defaults["batch_size"]), int(defaults["embedding_dimension"])
    batches = (int(batch * times) for times in BATCHES_TRIED)
    others: Mapping[Hyperparameter, list[Value]] = {
        Hyperparameter.LEARNING_RATE: [min(rate * step, LARGEST_RATE) for step in RATE_STEPS],
        Hyperparameter.UNITS: [*units],
        Hyperparameter.SCHEDULE: ["cosine", "one_cycle", "constant"],
        Hyperparameter.LAYERS: [*layers],
        Hyperparameter.DROPOUT: [0.0, 0.1, 0.3, 0.5],
        Hyperparameter.WEIGHT_DECAY: [*decays, 0.0],
        Hyperparameter.NETWORK: [*NETWORKS],
        Hyperparameter.BATCH_SIZE: [size for size in batches if FEWEST_IN_A_BATCH <= size <= scope.rows],
        Hyperparameter.EMBEDDING_DIMENSION: [max(1, int(dimension * times)) for times in EMBEDDINGS_TRIED],
        **{name: [*values] for name, values in PROPERTIES_TRIED.items()},
    }
    return list(dict.fromkeys(others[name] if name is Hyperparameter.UNITS else [default, *others[name]]))


def _answers_numbers(bundle: Bundle) -> bool:
    return isinstance(bundle.loss, Huber | MseLoss | MaeLoss)
