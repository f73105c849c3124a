"""N, P, C, W and A: what a network is trained with, and judged by."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from rules.vocabulary.choices.slot import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping


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
MAX_SCALE: Final = 0.5
"""Standard deviation or limit of a random weight. A layer of n units multiplies the signal's variance by n · stddev²:
at this bound by 16 in a layer of 64 units (docs/evidence.md#scale-of-random-weights)."""
MIN_STDDEV: Final = 0.01
"""Standard deviation of a random weight, below which a layer of 640 units or fewer divides the signal's variance by 16
or more, and gradients vanish (docs/evidence.md#scale-of-random-weights)."""
MIN_LIMIT: Final = 0.02
"""Limit of a uniform weight, whose standard deviation is limit / √3: the same bound, rounded up."""


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
    limit: Annotated[float, Field(ge=MIN_LIMIT, le=MAX_SCALE)] = 0.05


class RandomNormal(Choice):
    name: Literal["random_normal"] = "random_normal"
    stddev: Annotated[float, Field(ge=MIN_STDDEV, le=MAX_SCALE)] = 0.05


Initializer = Annotated[Xavier | He | Lecun | RandomUniform | RandomNormal, Field(discriminator="name")]


def cell_initializer(choice: Initializer) -> Initializer:
    """The initializer of recurrent cells, whose activation is tanh whatever the activation slot says.

    He and LeCun initialization fit ReLU and SELU; to tanh Xavier belongs (Glorot and Bengio 2010).

    >>> str(cell_initializer(He()))
    'xavier'
    """
    return Xavier() if isinstance(choice, He | Lecun) else choice


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
BatchSize = Annotated[int, Field(ge=1, le=65_536)] | None
"""Rows of a step; None chooses it by the number of training rows. A batch never has more rows
than there are."""
Decay = Annotated[float, Field(ge=0, lt=1)]
"""Of a moving average, for each step."""
Epsilon = Annotated[float, Field(gt=0, le=1)]
"""Added to a denominator."""


class Sgd(Choice):
    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.05
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class SgdMomentum(Choice):
    name: Literal["sgd_momentum"] = "sgd_momentum"
    learning_rate: LearningRate = 0.05
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9
    nesterov: bool = False
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class Adam(Choice):
    """Kingma and Ba 2015. beta_1, beta_2: decay of the means of the gradient and of its square."""

    name: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.001
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class AdamW(Choice):
    """Loshchilov and Hutter 2019: Adam with decoupled weight decay."""

    name: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 0.001
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.004
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class RmsProp(Choice):
    """Hinton 2012. rho: decay of the mean of the squared gradient. momentum: of the update, 0 for none."""

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: LearningRate = 0.001
    rho: Decay = 0.9
    momentum: Decay = 0.0
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class Adagrad(Choice):
    """Duchi et al. 2011. initial_accumulator_value: of the sum of squared gradients, before the first step."""

    name: Literal["adagrad"] = "adagrad"
    learning_rate: LearningRate = 0.01
    initial_accumulator_value: Annotated[float, Field(ge=0)] = 0.1
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


Optimizer = Annotated[Sgd | SgdMomentum | Adam | AdamW | RmsProp | Adagrad, Field(discriminator="name")]
