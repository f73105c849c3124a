"""D, X, M and V: how rows are varied, which network reads them, and on which of them trials are compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rules.choices.slot import Choice

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
    """What the kind of rows asks for: hidden layers for columns, convolutions for images, windows for a forecast.

    bins: intervals of each number of a table, of which the network also reads how far the number has come through each
    (piecewise linear encoding, Gorishniy et al. 2022); 0 for none. Of more than 100 numbers there are none.
    """

    name: Literal["standard"] = "standard"
    bins: Annotated[int, Field(ge=0, le=128)] = 0


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


class BagOfTerms(Choice):
    """Texts as sets of their words and pairs of words, a learned vector for each, into wide hidden layers.

    weighting: of the vectors: tf_idf, or mean, which weighs all terms alike (Joulin et al. 2017, fastText).
    letters: whether three to five neighbouring letters of a word are terms too, with a weight of their own.
    """

    name: Literal["bag_of_terms"] = "bag_of_terms"
    weighting: Literal["tf_idf", "mean"] = "tf_idf"
    letters: bool = False


class TextCnn(Choice):
    """Convolutions over three, four and five words of a text in their order (Kim 2014)."""

    name: Literal["text_cnn"] = "text_cnn"


Architecture = Annotated[
    Standard | RandomKernels | Inception | Recurrent | BagOfTerms | TextCnn, Field(discriminator="name")
]


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
