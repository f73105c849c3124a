"""Loss that training minimizes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rules.vocabulary.choices.custom import CustomLoss
from rules.vocabulary.choices.slot import Choice

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


class Focal(Choice):
    """Focal loss: cross-entropy, binary or categorical by the task, with smaller weights for well-classified rows.

    Attributes:
        gamma: The cross-entropy of a row is multiplied by (1 - p)^gamma, where p is the probability of its true class,
            in [0, 10]; 0 is the plain cross-entropy. Default 2.
        output_bias: Initial bias of the output: "zeros" or "log_prior". Default "zeros".

    Examples:
        >>> str(Focal(gamma=1.0))
        'focal (gamma 1)'

    References:
        Lin et al. 2017, Focal loss for dense object detection.
    """

    name: Literal["focal"] = "focal"
    gamma: Annotated[float, Field(ge=0, le=10)] = 2.0
    output_bias: OutputBias = "zeros"


class Quantile(Choice):
    """Pinball loss of the standardized target, which makes the network predict a quantile.

    Attributes:
        level: Probability that the target is below the prediction, in (0, 1). Default 0.5, the median.
        target: Scale of the target: "as_is", or "log1p" for log(1 + y). Default "as_is".

    Examples:
        >>> str(Quantile(level=0.9))
        'quantile (level 0.9)'

    References:
        Koenker and Bassett 1978, Regression quantiles.
    """

    name: Literal["quantile"] = "quantile"
    level: Annotated[float, Field(gt=0, lt=1)] = 0.5
    target: TargetScale = "as_is"


class LogCosh(Choice):
    """Logarithm of the hyperbolic cosine of the errors of the standardized target: quadratic near 0, linear far away.

    Attributes:
        target: Scale of the target: "as_is", or "log1p" for log(1 + y). Default "as_is".

    Examples:
        >>> str(LogCosh())
        'log_cosh'
    """

    name: Literal["log_cosh"] = "log_cosh"
    target: TargetScale = "as_is"


class Poisson(Choice):
    """Negative log-likelihood of a Poisson distribution with a log link, for counts and other targets of at least 0.

    The network predicts the logarithm of the mean, so predictions are positive.

    Examples:
        >>> str(Poisson())
        'poisson'
    """

    name: Literal["poisson"] = "poisson"


class Tweedie(Choice):
    """Negative log-likelihood of a Tweedie distribution with a log link, for targets with many zeros, such as claims.

    The network predicts the logarithm of the mean, so predictions are positive.

    Attributes:
        power: Power of the mean to which the variance is proportional, between that of the Poisson distribution, 1, and
            that of the gamma distribution, 2, both excluded. Default 1.5.

    Examples:
        >>> str(Tweedie(power=1.2))
        'tweedie (power 1.2)'

    References:
        Jørgensen 1987, Exponential dispersion models.
    """

    name: Literal["tweedie"] = "tweedie"
    power: Annotated[float, Field(gt=1, lt=2)] = 1.5


Loss = Annotated[
    BinaryCrossentropy
    | CategoricalCrossentropy
    | WeightedCrossentropy
    | Focal
    | Huber
    | MseLoss
    | MaeLoss
    | Quantile
    | LogCosh
    | Poisson
    | Tweedie
    | CustomLoss,
    Field(discriminator="name"),
]
