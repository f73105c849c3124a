"""Optimizer with its learning-rate schedule."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from rules.vocabulary.choices.slot import Choice

Schedule = Literal["constant", "cosine", "one_cycle"]
MAX_RATE: Final = 10.0
LearningRate = Annotated[float, Field(gt=0, le=MAX_RATE)]
MAX_BATCH: Final = 65_536  # rows per step
BatchSize = Annotated[int, Field(ge=1, le=MAX_BATCH)] | None
"""Rows per step, at most the number of training rows; None chooses it by the number of training rows."""
Decay = Annotated[float, Field(ge=0, lt=1)]
"""Decay of a moving average per step."""
Epsilon = Annotated[float, Field(gt=0, le=1)]
"""Constant added to a denominator."""
ClipNorm = Annotated[Annotated[float, Field(gt=0)] | None, Field(exclude_if=lambda value: value is None)]
"""Largest L2 norm of the gradient; None for no limit, which is not written to files, as in earlier versions."""


class Sgd(Choice):
    """Stochastic gradient descent.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.05.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

    Examples:
        >>> str(Sgd(learning_rate=0.1))
        'sgd (learning rate 0.1)'
    """

    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.05
    schedule: Schedule = "constant"
    batch_size: BatchSize = None
    clip_norm: ClipNorm = None


class SgdMomentum(Choice):
    """Stochastic gradient descent with momentum.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.05.
        momentum: Decay of the velocity per step, in (0, 1). Default 0.9.
        nesterov: Whether to use Nesterov momentum. Default False.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

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
    clip_norm: ClipNorm = None


class Adam(Choice):
    """Adam.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        beta_1: Decay of the mean gradient per step, in [0, 1). Default 0.9.
        beta_2: Decay of the mean squared gradient per step, in [0, 1). Default 0.999.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

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
    clip_norm: ClipNorm = None


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
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

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
    clip_norm: ClipNorm = None


class RmsProp(Choice):
    """RMSprop.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        rho: Decay of the mean squared gradient per step, in [0, 1). Default 0.9.
        momentum: Decay of the velocity per step, in [0, 1); 0 for none. Default 0.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

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
    clip_norm: ClipNorm = None


class Adagrad(Choice):
    """Adagrad.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.01.
        initial_accumulator_value: Initial sum of squared gradients, at least 0. Default 0.1.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

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
    clip_norm: ClipNorm = None


class Nadam(Choice):
    """Adam with Nesterov momentum.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        beta_1: Decay of the mean gradient per step, in [0, 1). Default 0.9.
        beta_2: Decay of the mean squared gradient per step, in [0, 1). Default 0.999.
        epsilon: Added to the denominator, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

    Examples:
        >>> str(Nadam(beta_2=0.99))
        'nadam (beta 2 0.99)'

    References:
        Dozat 2016, Incorporating Nesterov momentum into Adam.
    """

    name: Literal["nadam"] = "nadam"
    learning_rate: LearningRate = 0.001
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None
    clip_norm: ClipNorm = None


class Lion(Choice):
    """Lion: steps of equal size along the sign of a moving average of the gradient.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.0003, about a third of Adam's.
        weight_decay: Decay of the weights per step, multiplied by the learning rate, in [0, 1). Default 0.
        beta_1: Weight of the mean gradient in the direction of a step, in (0, 1). Default 0.9.
        beta_2: Decay of the mean gradient per step, in [0, 1). Default 0.99.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

    Examples:
        >>> str(Lion(weight_decay=0.01))
        'lion (weight decay 0.01)'

    References:
        Chen et al. 2023, Symbolic discovery of optimization algorithms.
    """

    name: Literal["lion"] = "lion"
    learning_rate: LearningRate = 0.0003
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    beta_1: Annotated[float, Field(gt=0, lt=1)] = 0.9
    beta_2: Decay = 0.99
    schedule: Schedule = "constant"
    batch_size: BatchSize = None
    clip_norm: ClipNorm = None


class Muon(Choice):
    """Muon: momentum whose matrix is orthogonalized, for kernels of hidden layers; AdamW for all other weights.

    Its trials train one after the other.

    Attributes:
        learning_rate: Step size, in (0, 10]. Default 0.001.
        weight_decay: Decay of the weights per step, multiplied by the learning rate, in [0, 1). Default 0.004.
        momentum: Decay of the velocity of kernels per step, in (0, 1). Default 0.95.
        nesterov: Whether to use Nesterov momentum. Default True.
        beta_1: Decay of the mean gradient of other weights per step, in [0, 1). Default 0.9.
        beta_2: Decay of the mean squared gradient of other weights per step, in [0, 1). Default 0.999.
        epsilon: Added to the denominator of other weights, in (0, 1]. Default 1e-7.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

    Examples:
        >>> str(Muon(momentum=0.9))
        'muon (momentum 0.9)'

    References:
        Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks.
        Liu et al. 2025, Muon is scalable for LLM training (the scale of a step).
    """

    name: Literal["muon"] = "muon"
    learning_rate: LearningRate = 0.001
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.004
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.95
    nesterov: bool = True
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    schedule: Schedule = "constant"
    batch_size: BatchSize = None
    clip_norm: ClipNorm = None


class Adafactor(Choice):
    """Adafactor: steps relative to the size of a weight, with a mean squared gradient for each row and column only.

    Its trials train one after the other.

    Attributes:
        learning_rate: Largest step relative to the root mean square of a weight, in (0, 10]. Default 0.01.
        beta_2_decay: Exponent of the step number in the decay of the mean squared gradient, in [-1, 0). Default -0.8.
        clip_threshold: Largest root mean square of an update before the learning rate, at least 1. Default 1.
        schedule: "constant", "cosine" or "one_cycle". Default "constant".
        batch_size: Rows per step, from 1 to 65,536. None chooses it from the number of training rows. Default None.
        clip_norm: L2 norm of the gradient of all weights to which larger ones are scaled. None for no limit. Default
            None.

    Examples:
        >>> str(Adafactor(learning_rate=0.02))
        'adafactor (learning rate 0.02)'

    References:
        Shazeer and Stern 2018, Adafactor: adaptive learning rates with sublinear memory cost.
    """

    name: Literal["adafactor"] = "adafactor"
    learning_rate: LearningRate = 0.01
    beta_2_decay: Annotated[float, Field(ge=-1, lt=0)] = -0.8
    clip_threshold: Annotated[float, Field(ge=1)] = 1.0
    schedule: Schedule = "constant"
    batch_size: BatchSize = None
    clip_norm: ClipNorm = None


Optimizer = Annotated[
    Sgd | SgdMomentum | Adam | AdamW | RmsProp | Adagrad | Nadam | Lion | Muon | Adafactor,
    Field(discriminator="name"),
]
