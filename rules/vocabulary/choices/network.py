"""D, X, M and V: how rows are varied, which network reads them, and on which of them trials are compared."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from rules.vocabulary.choices.slot import Choice

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

EmbeddingDimension = Annotated[int, Field(ge=1, le=1_024)] | None
"""Numbers to which a network maps a category of a column with more than 50 of them, or a word; None for the default:
8 for categories, 64 for words."""


class Standard(Choice):
    """What the kind of rows asks for: hidden layers for columns, convolutions for images, windows for a forecast.

    bins: intervals of each number of a table, of which the network also reads how far the number has come through each
    (piecewise linear encoding, Gorishniy et al. 2022); 0 for none. Of more than 100 numbers there are none.
    ranks: whether numbers with heavy tails are read as normal quantiles of their ranks, not as scaled numbers.
    periodic_features: whether learned waves of each number of a table stand beside it (Gorishniy et al. 2022).
    input_scale: whether each input of a table is multiplied by a number that is learned.
    layer_rates: whether some layers of a table's or a forecast's network learn at a multiple of the learning rate.
    zero_output: whether the output kernel of a table's or a forecast's network starts at zero; else it starts by W.
    ridge_start: whether the linear layer of a forecast starts at the solution of ridge regression; else by W.
    clamp: whether predicted numbers stay within the range of the training rows, where rows have no time.
    """

    name: Literal["standard"] = "standard"
    bins: Annotated[int, Field(ge=0, le=128)] = 0
    ranks: bool = True
    periodic_features: bool = True
    input_scale: bool = True
    layer_rates: bool = True
    zero_output: bool = True
    ridge_start: bool = True
    clamp: bool = True
    embedding_dimension: EmbeddingDimension = None

    def __str__(self) -> str:
        """As of any choice; without all that the notes do not name, it has no extras.

        >>> str(Standard(bins=16)), str(Standard(**dict.fromkeys(EXTRAS, False)))
        ('standard (bins 16)', 'standard (no extras)')
        """
        if self == Standard(**dict.fromkeys(EXTRAS, False)):
            return "standard (no extras)"
        return super().__str__()


EXTRAS: Final = ("ranks", "periodic_features", "input_scale", "layer_rates", "zero_output", "ridge_start", "clamp")
"""Parameters of the standard network that add to it what the notes do not name."""


def parameters_of(architecture: Choice) -> Standard:
    """The parameters of a network of hidden layers; those of networks other than the standard one are the defaults."""
    return architecture if isinstance(architecture, Standard) else Standard()


class RandomKernels(Choice):
    """Frozen random convolutions describe a sequence, and hidden layers read what they say (Dempster et al. 2021).

    features: at most so many shares of the steps at which a convolution is above a bias.
    """

    name: Literal["random_kernels"] = "random_kernels"
    features: Annotated[int, Field(ge=84, le=50_000)] = 5_000
    embedding_dimension: EmbeddingDimension = None


class Inception(Choice):
    """Convolutions of several widths side by side, in residual blocks (Ismail Fawaz et al. 2020, InceptionTime)."""

    name: Literal["inception"] = "inception"
    embedding_dimension: EmbeddingDimension = None


class Recurrent(Choice):
    """Gated recurrent units that read a sequence step by step, their recurrent kernels orthogonal at first."""

    name: Literal["recurrent"] = "recurrent"
    embedding_dimension: EmbeddingDimension = None


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
    embedding_dimension: EmbeddingDimension = None


Architecture = Annotated[
    Standard | RandomKernels | Inception | Recurrent | BagOfTerms | TextCnn, Field(discriminator="name")
]


# V ─ on which rows trials are compared ───────────────────────────────────────────────────────────────────────────────


class RowsApart(Choice):
    """Some rows that are not hold-out do not train: they select the epoch, the trial and the threshold.

    early_stopping: whether a trial ends once its score on them no longer improves.
    ensemble: whether the model may be the mean of several trials, where that is better on them.
    refit: whether the best networks of texts and forecasts are trained again on them and the training rows together.
    temperature: whether probabilities are calibrated on them.
    """

    name: Literal["rows_apart"] = "rows_apart"
    early_stopping: bool = True
    ensemble: bool = True
    refit: bool = True
    temperature: bool = True

    def __str__(self) -> str:
        """As of any choice; where the rows only select, it has no extras.

        >>> str(RowsApart(refit=False)), str(RowsApart(ensemble=False, refit=False, temperature=False))
        ('rows_apart (no refit)', 'rows_apart (no extras)')
        """
        if self == RowsApart(ensemble=False, refit=False, temperature=False):
            return "rows_apart (no extras)"
        return super().__str__()


class Folds(Choice):
    """A trial is a network for each fold, trained without it and judged on it; the model is the mean of all.

    count: folds into which the rows are divided. repeats: how often they are divided anew.
    early_stopping, ensemble, temperature: as of rows that are kept apart.
    """

    name: Literal["folds"] = "folds"
    count: Annotated[int, Field(ge=2, le=10)] = 5
    repeats: Annotated[int, Field(ge=1, le=10)] = 1
    early_stopping: bool = True
    ensemble: bool = True
    temperature: bool = True


Validation = Annotated[RowsApart | Folds, Field(discriminator="name")]
