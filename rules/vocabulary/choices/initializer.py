"""Initializer of the weights."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from rules.vocabulary.choices.slot import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping


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
