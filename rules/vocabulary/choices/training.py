"""Choices of activation, metric, loss, initializer and optimizer."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from rules.vocabulary.choices.slot import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping


# Activation of the hidden layers ────────────────────────────────────────────────────────────────────────────────────


class Relu(Choice):
    """Rectified linear units, max(0, x).

    Examples:
        >>> str(Relu())
        'relu'

    References:
        Nair and Hinton 2010, Rectified linear units improve restricted Boltzmann machines.
    """

    name: Literal["relu"] = "relu"


class Tanh(Choice):
    """Hyperbolic tangent.

    Examples:
        >>> str(Tanh())
        'tanh'
    """

    name: Literal["tanh"] = "tanh"


class Selu(Choice):
    """Scaled exponential linear units.

    Examples:
        >>> str(Selu())
        'selu'

    References:
        Klambauer et al. 2017, Self-normalizing neural networks.
    """

    name: Literal["selu"] = "selu"


Activation = Annotated[Relu | Tanh | Selu, Field(discriminator="name")]


# Metric, by which trials are compared on validation rows ────────────────────────────────────────────────────────────


class Accuracy(Choice):
    """Fraction of rows that are predicted correctly; for several labels, fraction of cells.

    Examples:
        >>> str(Accuracy())
        'accuracy'
    """

    name: Literal["accuracy"] = "accuracy"


class RocAuc(Choice):
    """Area under the ROC curve. Several classes are scored one against the rest, several labels are averaged.

    Examples:
        >>> str(RocAuc())
        'roc_auc'
    """

    name: Literal["roc_auc"] = "roc_auc"


class F1(Choice):
    """Harmonic mean of precision and recall.

    Attributes:
        average: "binary" scores the rarest class, "macro" averages over the classes or labels. Default "macro".
        threshold: Decision threshold of a probability: "tuned" on validation rows, or "fixed" for 0.5. Default "tuned".

    Examples:
        >>> str(F1(average="binary"))
        'f1 (average binary)'
    """

    name: Literal["f1"] = "f1"
    average: Literal["binary", "macro"] = "macro"
    threshold: Literal["tuned", "fixed"] = "tuned"


class Mse(Choice):
    """Mean squared error, in the squared unit of the target.

    Examples:
        >>> str(Mse())
        'mse'
    """

    name: Literal["mse"] = "mse"


class Rmse(Choice):
    """Root mean squared error, in the unit of the target.

    Examples:
        >>> str(Rmse())
        'rmse'
    """

    name: Literal["rmse"] = "rmse"


class Mae(Choice):
    """Mean absolute error, in the unit of the target.

    Examples:
        >>> str(Mae())
        'mae'
    """

    name: Literal["mae"] = "mae"


Metric = Annotated[Accuracy | RocAuc | F1 | Mse | Rmse | Mae, Field(discriminator="name")]


# Loss ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

LabelSmoothing = Annotated[float, Field(ge=0, lt=0.5)]
OutputBias = Literal["zeros", "log_prior"]
TargetScale = Literal["as_is", "log1p"]
"""Scale of a numeric target in the loss: unchanged, or log(1 + y), which needs y ≥ 0; standardised either way.

No rule chooses log1p (docs/evidence.md#log-scale-of-the-target).
"""


class BinaryCrossentropy(Choice):
    """Cross-entropy of two classes, or of each of several labels.

    Attributes:
        label_smoothing: Moves 0/1 targets by half of this value towards 0.5, in [0, 0.5). Default 0.
        output_bias: Initial bias of the output: "zeros", or "log_prior" for the log odds of the class. Default "zeros".

    Examples:
        >>> str(BinaryCrossentropy(output_bias="log_prior"))
        'binary_crossentropy (output bias log_prior)'
    """

    name: Literal["binary_crossentropy"] = "binary_crossentropy"
    label_smoothing: LabelSmoothing = 0.0
    output_bias: OutputBias = "zeros"


class CategoricalCrossentropy(Choice):
    """Cross-entropy of several classes.

    Attributes:
        label_smoothing: Share of each target that is spread evenly over the classes, in [0, 0.5). Default 0.
        output_bias: Initial bias of the output: "zeros", or "log_prior" for the log class shares. Default "zeros".

    Examples:
        >>> str(CategoricalCrossentropy(label_smoothing=0.1))
        'categorical_crossentropy (label smoothing 0.1)'

    References:
        Szegedy et al. 2016, Rethinking the Inception architecture, section 7 (label smoothing).
    """

    name: Literal["categorical_crossentropy"] = "categorical_crossentropy"
    label_smoothing: LabelSmoothing = 0.0
    output_bias: OutputBias = "zeros"


class WeightedCrossentropy(Choice):
    """Cross-entropy, binary or categorical by the task, with larger weights for rare classes.

    Attributes:
        weights: "balanced" weighs a class by n / (k · n_class), as scikit-learn does; "square_root" by its square root.
            Default "balanced".
        output_bias: Initial bias of the output: "zeros" or "log_prior". Default "zeros".

    Examples:
        >>> str(WeightedCrossentropy(weights="square_root"))
        'weighted_crossentropy (weights square_root)'
    """

    name: Literal["weighted_crossentropy"] = "weighted_crossentropy"
    weights: Literal["balanced", "square_root"] = "balanced"
    output_bias: OutputBias = "zeros"


class Huber(Choice):
    """Huber loss: quadratic up to delta, linear beyond.

    Attributes:
        delta: In standard deviations of the target. None takes 1.345 residual scales of a linear model, which is 95 %
            as efficient as squared error on normal errors. Default None.
        target: Scale of the target: "as_is", or "log1p" for log(1 + y). Default "as_is".

    Examples:
        >>> str(Huber(delta=2.0))
        'huber (delta 2)'

    References:
        Huber 1964, Robust estimation of a location parameter. Holland and Welsch 1977, for 1.345.
    """

    name: Literal["huber"] = "huber"
    delta: Annotated[float, Field(gt=0)] | None = None
    target: TargetScale = "as_is"


class MseLoss(Choice):
    """Mean squared error of the standardized target.

    Attributes:
        target: Scale of the target: "as_is", or "log1p" for log(1 + y). Default "as_is".

    Examples:
        >>> str(MseLoss())
        'mse'
    """

    name: Literal["mse"] = "mse"
    target: TargetScale = "as_is"


class MaeLoss(Choice):
    """Mean absolute error of the standardized target.

    Attributes:
        target: Scale of the target: "as_is", or "log1p" for log(1 + y). Default "as_is".

    Examples:
        >>> str(MaeLoss(target="log1p"))
        'mae (target log1p)'
    """

    name: Literal["mae"] = "mae"
    target: TargetScale = "as_is"


Loss = Annotated[
    BinaryCrossentropy | CategoricalCrossentropy | WeightedCrossentropy | Huber | MseLoss | MaeLoss,
    Field(discriminator="name"),
]


# Initializer ────────────────────────────────────────────────────────────────────────────────────────────────────────

Distribution = Literal["uniform", "normal"]
MAX_SCALE: Final = 0.5
"""Largest standard deviation or limit of random weights. A layer of n units multiplies the signal's variance by
n · stddev², so a layer of 64 units by 16 at this bound (docs/evidence.md#scale-of-random-weights)."""
MIN_STDDEV: Final = 0.01
"""Smallest standard deviation of random weights. Below it a layer of up to 640 units divides the signal's variance by
16 or more, and gradients vanish (docs/evidence.md#scale-of-random-weights)."""
MIN_LIMIT: Final = 0.02
"""Smallest limit of uniform weights, whose standard deviation is limit / √3: the same bound, rounded up."""


class Xavier(Choice):
    """Xavier (Glorot) initialization: variance 2 / (fan_in + fan_out).

    Attributes:
        distribution: "uniform" or "normal". Default "uniform".

    Examples:
        >>> str(Xavier())
        'xavier'

    References:
        Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.
    """

    name: Literal["xavier"] = "xavier"
    distribution: Distribution = "uniform"


class He(Choice):
    """He initialization: variance 2 / fan_in.

    Attributes:
        distribution: "uniform" or "normal". Default "normal".

    Examples:
        >>> str(He(distribution="uniform"))
        'he (distribution uniform)'

    References:
        He et al. 2015, Delving deep into rectifiers.
    """

    name: Literal["he"] = "he"
    distribution: Distribution = "normal"


class Lecun(Choice):
    """LeCun initialization: variance 1 / fan_in.

    Attributes:
        distribution: "uniform" or "normal". Default "normal".

    Examples:
        >>> str(Lecun())
        'lecun'

    References:
        LeCun et al. 1998, Efficient BackProp. Klambauer et al. 2017, Self-normalizing neural networks.
    """

    name: Literal["lecun"] = "lecun"
    distribution: Distribution = "normal"


class RandomUniform(Choice):
    """Uniform weights between -limit and limit.

    Attributes:
        limit: In [0.02, 0.5]. Default 0.05.

    Examples:
        >>> str(RandomUniform(limit=0.1))
        'random_uniform (limit 0.1)'
    """

    name: Literal["random_uniform"] = "random_uniform"
    limit: Annotated[float, Field(ge=MIN_LIMIT, le=MAX_SCALE)] = 0.05


class RandomNormal(Choice):
    """Normal weights with mean 0.

    Attributes:
        stddev: Standard deviation, in [0.01, 0.5]. Default 0.05.

    Examples:
        >>> str(RandomNormal(stddev=0.1))
        'random_normal (stddev 0.1)'
    """

    name: Literal["random_normal"] = "random_normal"
    stddev: Annotated[float, Field(ge=MIN_STDDEV, le=MAX_SCALE)] = 0.05


Initializer = Annotated[Xavier | He | Lecun | RandomUniform | RandomNormal, Field(discriminator="name")]


def cell_initializer(choice: Initializer) -> Initializer:
    """Initializer of recurrent cells, which always use tanh.

    He and LeCun initialization are derived for ReLU and SELU, Xavier for tanh (Glorot and Bengio 2010).

    >>> str(cell_initializer(He()))
    'xavier'
    """
    return Xavier() if isinstance(choice, He | Lecun) else choice


REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "zeros": "with equal weights all units of a layer stay identical, so the layer learns a single feature",
        "ones": "with equal weights all units of a layer stay identical, so the layer learns a single feature",
        "constant": "with equal weights all units of a layer stay identical, so the layer learns a single feature",
    }
)
"""Initializers that are never allowed, with the reason."""


# Optimizer ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Schedule = Literal["constant", "cosine", "one_cycle"]
MAX_RATE: Final = 10.0
LearningRate = Annotated[float, Field(gt=0, le=MAX_RATE)]
BatchSize = Annotated[int, Field(ge=1, le=65_536)] | None
"""Rows per step, at most the number of training rows; None chooses it by the number of training rows."""
Decay = Annotated[float, Field(ge=0, lt=1)]
"""Decay of a moving average per step."""
Epsilon = Annotated[float, Field(gt=0, le=1)]
"""Constant added to a denominator."""


class Sgd(Choice):
    """Stochastic gradient descent.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.05.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.

    Examples:
        >>> str(Sgd(learning_rate=0.1))
        'sgd (learning rate 0.1)'
    """

    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.05
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class SgdMomentum(Choice):
    """Stochastic gradient descent with momentum.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.05.
        momentum: Decay of the velocity per step, in (0, 1). Default 0.9.
        nesterov: Whether to use Nesterov momentum. Default False.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.

    Examples:
        >>> str(SgdMomentum(nesterov=True))
        'sgd_momentum (nesterov)'

    References:
        Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.
    """

    name: Literal["sgd_momentum"] = "sgd_momentum"
    learning_rate: LearningRate = 0.05
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9
    nesterov: bool = False
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class Adam(Choice):
    """Adam.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        beta_1: Decay of the mean gradient per step, in [0, 1). Default 0.9.
        beta_2: Decay of the mean squared gradient per step, in [0, 1). Default 0.999.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.

    Examples:
        >>> str(Adam(schedule="cosine"))
        'adam (schedule cosine)'

    References:
        Kingma and Ba 2015, Adam: a method for stochastic optimization.
    """

    name: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.001
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class AdamW(Choice):
    """Adam with decoupled weight decay.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        weight_decay: Decay of the weights per step, multiplied by the learning rate, in [0, 1). Default 0.004.
        beta_1: Decay of the mean gradient per step, in [0, 1). Default 0.9.
        beta_2: Decay of the mean squared gradient per step, in [0, 1). Default 0.999.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.

    Examples:
        >>> str(AdamW(weight_decay=0.01))
        'adamw (weight decay 0.01)'

    References:
        Loshchilov and Hutter 2019, Decoupled weight decay regularization.
    """

    name: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 0.001
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.004
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class RmsProp(Choice):
    """RMSprop.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        rho: Decay of the mean squared gradient per step, in [0, 1). Default 0.9.
        momentum: Decay of the velocity per step, in [0, 1); 0 for none. Default 0.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.

    Examples:
        >>> str(RmsProp(rho=0.95))
        'rmsprop (rho 0.95)'

    References:
        Hinton 2012, Neural networks for machine learning, lecture 6.
    """

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: LearningRate = 0.001
    rho: Decay = 0.9
    momentum: Decay = 0.0
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


class Adagrad(Choice):
    """Adagrad.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.01.
        initial_accumulator_value: Initial sum of squared gradients, at least 0. Default 0.1.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.

    Examples:
        >>> str(Adagrad())
        'adagrad'

    References:
        Duchi et al. 2011, Adaptive subgradient methods for online learning and stochastic optimization.
    """

    name: Literal["adagrad"] = "adagrad"
    learning_rate: LearningRate = 0.01
    initial_accumulator_value: Annotated[float, Field(ge=0)] = 0.1
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None


Optimizer = Annotated[Sgd | SgdMomentum | Adam | AdamW | RmsProp | Adagrad, Field(discriminator="name")]
