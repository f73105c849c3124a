"""The vocabulary that rules may write: for each slot, the closed union of its choices and their parameters."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rules.errors import ChoiceError, did_you_mean
from rules.facts import exact

if TYPE_CHECKING:
    from collections.abc import Mapping


class Slot(StrEnum):
    """A place in the bundle, in the order of decision: an earlier choice is a fact for the later ones."""

    ACTIVATION = "activation"
    METRIC = "metric"
    LOSS = "loss"
    INITIALIZER = "initializer"
    OPTIMIZER = "optimizer"
    HYPERPARAMETERS = "hyperparameters"
    TUNER = "tuner"
    AUGMENTATION = "augmentation"
    TRANSFER = "transfer"
    ARCHITECTURE = "architecture"
    VALIDATION = "validation"

    @classmethod
    def named(cls, word: str) -> Slot | None:
        """The slot of a name or a letter; None if there is none.

        >>> Slot.named("p")
        <Slot.METRIC: 'metric'>
        """
        return next((slot for slot in cls if word in {slot.value, slot.letter, slot.letter.lower()}), None)

    @property
    def letter(self) -> str:
        """The letter that starts the ids of the slot's rules: P, C, W, A and T of the notes, H, N, D, X, M and V."""
        return LETTERS[self]

    @property
    def label(self) -> str:
        """The slot in words."""
        return LABELS[self]


LETTERS: Final = MappingProxyType(
    {
        Slot.ACTIVATION: "N",
        Slot.METRIC: "P",
        Slot.LOSS: "C",
        Slot.INITIALIZER: "W",
        Slot.OPTIMIZER: "A",
        Slot.HYPERPARAMETERS: "H",
        Slot.TUNER: "T",
        Slot.AUGMENTATION: "D",
        Slot.TRANSFER: "X",
        Slot.ARCHITECTURE: "M",
        Slot.VALIDATION: "V",
    }
)
LABELS: Final = MappingProxyType(
    {
        Slot.ACTIVATION: "Non-linearity",
        Slot.METRIC: "Performance metric",
        Slot.LOSS: "Cost function",
        Slot.INITIALIZER: "Weight initialization",
        Slot.OPTIMIZER: "Optimization algorithm",
        Slot.HYPERPARAMETERS: "Hyperparameters searched",
        Slot.TUNER: "Tuning strategy",
        Slot.AUGMENTATION: "Data augmentation",
        Slot.TRANSFER: "Transfer learning",
        Slot.ARCHITECTURE: "Network architecture",
        Slot.VALIDATION: "Validation",
    }
)


class Choice(BaseModel):
    """One option of a slot, with its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __str__(self) -> str:
        """The name, and the parameters that differ from their defaults.

        >>> str(Huber(delta=2.0))
        'huber (delta 2)'
        """
        changed = [
            _parameter(key.replace("_", " "), value)
            for key, value in self.model_dump(exclude={"name"}, exclude_defaults=True).items()
        ]
        name: str = self.name  # type: ignore[attr-defined]  # every member of a union has it
        return f"{name} ({', '.join(changed)})" if changed else name


def _parameter(words: str, value: object) -> str:
    """A parameter with its value; one that is on or off as a word alone."""
    if isinstance(value, bool):
        return words if value else f"no {words}"
    return f"{words} {exact(value) if isinstance(value, float) else value}"


# N ─ the non-linearity of the hidden layers ─────────────────────────────────────────────────────────────────────────


class Relu(Choice):
    name: Literal["relu"] = "relu"


class Tanh(Choice):
    name: Literal["tanh"] = "tanh"


class Selu(Choice):
    name: Literal["selu"] = "selu"


Activation = Annotated[Relu | Tanh | Selu, Field(discriminator="name")]

# P ─ what makes one model better than another on validation rows ────────────────────────────────────────────────────


class Accuracy(Choice):
    """Share of rows predicted right (for several labels: of cells)."""

    name: Literal["accuracy"] = "accuracy"


class RocAuc(Choice):
    """Area under the ROC curve; several classes one against the rest, several labels averaged."""

    name: Literal["roc_auc"] = "roc_auc"


class F1(Choice):
    """Harmonic mean of precision and recall, of the rare class or averaged over the classes."""

    name: Literal["f1"] = "f1"
    average: Literal["rare", "macro"] = "macro"
    threshold: Literal["tuned", "half"] = "tuned"
    """Where a probability becomes a yes: tuned on validation rows, or at 0.5."""


class Mse(Choice):
    name: Literal["mse"] = "mse"


class Rmse(Choice):
    name: Literal["rmse"] = "rmse"


class Mae(Choice):
    name: Literal["mae"] = "mae"


Metric = Annotated[Accuracy | RocAuc | F1 | Mse | Rmse | Mae, Field(discriminator="name")]

# C ─ what training minimises ────────────────────────────────────────────────────────────────────────────────────────

LabelSmoothing = Annotated[float, Field(ge=0, lt=0.5)]
OutputBias = Literal["zeros", "log_prior"]
TargetScale = Literal["as_is", "log1p"]
"""On which scale a loss sees a numeric target: as it is, or log(1 + y), which needs y ≥ 0; standardised either way.

No rule chooses log1p, by 19 runs on 10 tables of skew above 2: squared error on it leaves the hold-out's RMSE as it is
(1.2 % lower, t = 0.7; 0.2 % higher without the best run). MAE falls by 12 %, but absolute error on the target as it is
does 9 % better still, and absolute error on log1p is within the noise of that (1.5 % lower, t = 1.0; 15 runs).
"""


class BinaryCrossentropy(Choice):
    name: Literal["binary_crossentropy"] = "binary_crossentropy"
    label_smoothing: LabelSmoothing = 0.0
    output_bias: OutputBias = "zeros"


class CategoricalCrossentropy(Choice):
    name: Literal["categorical_crossentropy"] = "categorical_crossentropy"
    label_smoothing: LabelSmoothing = 0.0
    output_bias: OutputBias = "zeros"


class WeightedCrossentropy(Choice):
    """Cross-entropy, binary or categorical by the task, in which rare classes weigh more.

    balanced: weight n / (k · n_class), as in scikit-learn; square_root: its square root.
    """

    name: Literal["weighted_crossentropy"] = "weighted_crossentropy"
    weights: Literal["balanced", "square_root"] = "balanced"
    output_bias: OutputBias = "zeros"


class Huber(Choice):
    """Quadratic up to delta, linear beyond; delta in standard deviations of the target.

    Without a delta it is 1.345 residual scales of a linear model: 95 % as efficient as squared error on normal errors
    (Huber 1964; Holland and Welsch 1977).
    """

    name: Literal["huber"] = "huber"
    delta: Annotated[float, Field(gt=0)] | None = None
    target: TargetScale = "as_is"


class MseLoss(Choice):
    name: Literal["mse"] = "mse"
    target: TargetScale = "as_is"


class MaeLoss(Choice):
    name: Literal["mae"] = "mae"
    target: TargetScale = "as_is"


Loss = Annotated[
    BinaryCrossentropy | CategoricalCrossentropy | WeightedCrossentropy | Huber | MseLoss | MaeLoss,
    Field(discriminator="name"),
]

# W ─ where the weights start ────────────────────────────────────────────────────────────────────────────────────────

Distribution = Literal["uniform", "normal"]
LARGEST_SCALE: Final = 0.5
"""Above it, in a layer of 64 units, the signal's variance grows at least 16-fold a layer: n · scale² = 16."""


class Xavier(Choice):
    """Glorot and Bengio 2010: variance 2 / (fan_in + fan_out)."""

    name: Literal["xavier"] = "xavier"
    distribution: Distribution = "uniform"


class He(Choice):
    """He et al. 2015: variance 2 / fan_in."""

    name: Literal["he"] = "he"
    distribution: Distribution = "normal"


class Lecun(Choice):
    """Klambauer et al. 2017, after LeCun et al. 1998: variance 1 / fan_in."""

    name: Literal["lecun"] = "lecun"
    distribution: Distribution = "normal"


class RandomUniform(Choice):
    name: Literal["random_uniform"] = "random_uniform"
    limit: Annotated[float, Field(gt=0, le=LARGEST_SCALE)] = 0.05


class RandomNormal(Choice):
    name: Literal["random_normal"] = "random_normal"
    stddev: Annotated[float, Field(gt=0, le=LARGEST_SCALE)] = 0.05


Initializer = Annotated[Xavier | He | Lecun | RandomUniform | RandomNormal, Field(discriminator="name")]

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "zeros": "with equal weights every unit of a layer computes and learns the same, so nothing is learned",
        "ones": "with equal weights every unit of a layer computes and learns the same, so nothing is learned",
        "constant": "with equal weights every unit of a layer computes and learns the same, so nothing is learned",
    }
)
"""Initializations that are known and never allowed, with the reason."""

# A ─ how weights follow the gradient ────────────────────────────────────────────────────────────────────────────────

Schedule = Literal["constant", "cosine", "one_cycle"]
LearningRate = Annotated[float, Field(gt=0, le=10)]


class Sgd(Choice):
    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.05
    schedule: Schedule = "constant"


class SgdMomentum(Choice):
    name: Literal["sgd_momentum"] = "sgd_momentum"
    learning_rate: LearningRate = 0.05
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9
    nesterov: bool = False
    schedule: Schedule = "constant"


class Adam(Choice):
    name: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.001
    schedule: Schedule = "constant"


class AdamW(Choice):
    name: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 0.001
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.004
    schedule: Schedule = "constant"


class RmsProp(Choice):
    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: LearningRate = 0.001
    schedule: Schedule = "constant"


class Adagrad(Choice):
    name: Literal["adagrad"] = "adagrad"
    learning_rate: LearningRate = 0.01
    schedule: Schedule = "constant"


Optimizer = Annotated[Sgd | SgdMomentum | Adam | AdamW | RmsProp | Adagrad, Field(discriminator="name")]

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


Hyperparameters = Annotated[
    Defaults | MostSensitive | HighSensitivity | HighAndMedium | Networks, Field(discriminator="name")
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

# D ─ how training rows are varied from epoch to epoch ───────────────────────────────────────────────────────────────


class NoAugmentation(Choice):
    """Each row is learned as it is."""

    name: Literal["none"] = "none"


class Shifts(Choice):
    """Each image is moved by a random whole number of pixels in each direction (Krizhevsky et al. 2012, 4.1).

    pixels: of the farthest shift; by default 2, of images under 16 pixels 1.
    """

    name: Literal["shifts"] = "shifts"
    pixels: Annotated[int, Field(ge=1, le=64)] | None = None


class ShiftsAndFlips(Choice):
    """As shifts, and each image is turned into its mirror image, left for right, with a chance of one half."""

    name: Literal["shifts_and_flips"] = "shifts_and_flips"
    pixels: Annotated[int, Field(ge=1, le=64)] | None = None


Augmentation = Annotated[NoAugmentation | Shifts | ShiftsAndFlips, Field(discriminator="name")]

# X ─ what of another network is taken over ─────────────────────────────────────────────────────────────────────────


class NoTransfer(Choice):
    """The whole network starts from W."""

    name: Literal["none"] = "none"


class Backbone(Choice):
    """A network of keras.applications that was trained on other images describes these, and stays as it is.

    weights: a file of them, without the top layer, that keras.applications reads (.h5). Nothing is downloaded: without
    such a file the network is trained from scratch, and that is said.
    """

    name: Literal["backbone"] = "backbone"
    architecture: Literal["mobilenet_v2", "efficientnet_b0", "resnet50_v2"] = "mobilenet_v2"
    weights: str | None = None


Transfer = Annotated[NoTransfer | Backbone, Field(discriminator="name")]

# M ─ which network reads the rows ───────────────────────────────────────────────────────────────────────────────────


class Standard(Choice):
    """What the kind of rows asks for: hidden layers for columns, convolutions for images, windows for a forecast."""

    name: Literal["standard"] = "standard"


class RandomKernels(Choice):
    """Frozen random convolutions describe a sequence, and hidden layers read what they say (Dempster et al. 2021).

    features: at most so many shares of the steps at which a convolution is above a bias.
    """

    name: Literal["random_kernels"] = "random_kernels"
    features: Annotated[int, Field(ge=84, le=50_000)] = 5_000


class Inception(Choice):
    """Convolutions of several widths side by side, in residual blocks (Ismail Fawaz et al. 2020, InceptionTime)."""

    name: Literal["inception"] = "inception"


class Recurrent(Choice):
    """Gated recurrent units that read a sequence step by step, their recurrent kernels orthogonal at first."""

    name: Literal["recurrent"] = "recurrent"


Architecture = Annotated[Standard | RandomKernels | Inception | Recurrent, Field(discriminator="name")]

# V ─ on which rows trials are compared ───────────────────────────────────────────────────────────────────────────────


class RowsApart(Choice):
    """Some rows that are not hold-out do not train: they select the epoch, the trial and the threshold."""

    name: Literal["rows_apart"] = "rows_apart"


class Folds(Choice):
    """A trial is a network for each fold, trained without it and judged on it; the model is the mean of all.

    count: folds into which the rows are divided. repeats: how often they are divided anew.
    """

    name: Literal["folds"] = "folds"
    count: Annotated[int, Field(ge=2, le=10)] = 5
    repeats: Annotated[int, Field(ge=1, le=10)] = 1


Validation = Annotated[RowsApart | Folds, Field(discriminator="name")]

UNIONS: Final[Mapping[Slot, Any]] = MappingProxyType(
    {
        Slot.ACTIVATION: Activation,
        Slot.METRIC: Metric,
        Slot.LOSS: Loss,
        Slot.INITIALIZER: Initializer,
        Slot.OPTIMIZER: Optimizer,
        Slot.HYPERPARAMETERS: Hyperparameters,
        Slot.TUNER: Tuner,
        Slot.AUGMENTATION: Augmentation,
        Slot.TRANSFER: Transfer,
        Slot.ARCHITECTURE: Architecture,
        Slot.VALIDATION: Validation,
    }
)


def names(slot: Slot) -> dict[str, type[Choice]]:
    """The choices of a slot by name."""
    members = UNIONS[slot].__origin__.__args__
    return {member.model_fields["name"].default: member for member in members}


def parse_choice(slot: Slot, value: object) -> Choice:
    """Read a choice from its name, or from a mapping with its name and parameters.

    Raises ChoiceError, which names the nearest choice, or the reason why an initialization is refused.

    >>> parse_choice(Slot.LOSS, {"name": "huber", "delta": 2}).delta
    2.0
    """
    fields: dict[str, Any] = dict(value) if isinstance(value, dict) else {"name": value}
    name = str(fields.get("name"))
    if slot is Slot.INITIALIZER and name in REFUSED:
        raise ChoiceError(
            f"The initializer {name!r} is refused: {REFUSED[name]}. Choose one of {', '.join(names(slot))}."
        )
    if name not in names(slot):
        raise ChoiceError(
            f"The {slot} must be one of {', '.join(names(slot))}, but got {name!r}.{did_you_mean(name, names(slot))}"
        )
    try:
        choice: Choice = TypeAdapter(names(slot)[name]).validate_python(fields)
    except ValidationError as error:
        raise ChoiceError(_explain(slot, name, error)) from None
    return choice


def _explain(slot: Slot, name: str, error: ValidationError) -> str:
    """One sentence for the first thing that pydantic found wrong."""
    first = error.errors()[0]
    parameter = str(first["loc"][-1]) if first["loc"] else "name"
    known = [key for key in names(slot)[name].model_fields if key != "name"]
    if first["type"] == "extra_forbidden":
        return (
            f"The {slot} {name!r} takes {', '.join(known) or 'no parameters'}, but got {parameter!r}."
            f"{did_you_mean(parameter, known)}"
        )
    overlarge = slot is Slot.INITIALIZER and first["type"] == "less_than_equal"
    why = ": a larger scale makes activations and gradients explode from layer to layer" if overlarge else ""
    return f"The {slot} {name!r} got {parameter} = {first['input']!r}. {first['msg']}{why}."
