"""Choices of augmentation, transfer learning, network architecture and validation."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from rules.vocabulary.choices.custom import CustomArchitecture
from rules.vocabulary.choices.slot import Choice

# Augmentation ───────────────────────────────────────────────────────────────────────────────────────────────────────


class NoAugmentation(Choice):
    """No augmentation.

    Examples:
        >>> str(NoAugmentation())
        'none'
    """

    name: Literal["none"] = "none"


class RandomTranslation(Choice):
    """Random shifts: each image is moved by a whole number of pixels in each direction.

    Attributes:
        pixels: Largest shift, from 1 to 64. None takes 2, or 1 for images smaller than 16 pixels. Default None.

    Examples:
        >>> str(RandomTranslation(pixels=3))
        'random_translation (pixels 3)'

    References:
        Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks, section 4.1.
    """

    name: Literal["random_translation"] = "random_translation"
    pixels: Annotated[int, Field(ge=1, le=64)] | None = None


class RandomTranslationAndFlip(Choice):
    """Random shifts, and horizontal flips with probability one half.

    Attributes:
        pixels: Largest shift, from 1 to 64. None takes 2, or 1 for images smaller than 16 pixels. Default None.

    Examples:
        >>> str(RandomTranslationAndFlip())
        'random_translation_and_flip'

    References:
        Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks, section 4.1.
    """

    name: Literal["random_translation_and_flip"] = "random_translation_and_flip"
    pixels: Annotated[int, Field(ge=1, le=64)] | None = None


Augmentation = Annotated[NoAugmentation | RandomTranslation | RandomTranslationAndFlip, Field(discriminator="name")]


# Transfer learning ──────────────────────────────────────────────────────────────────────────────────────────────────


class NoTransfer(Choice):
    """No transfer learning: the whole network is trained from scratch.

    Examples:
        >>> str(NoTransfer())
        'none'
    """

    name: Literal["none"] = "none"


class Backbone(Choice):
    """A frozen backbone of keras.applications that was trained on other images.

    Nothing is downloaded: without a file of weights the network is trained from scratch, and the run reports it.

    Attributes:
        architecture: "mobilenet_v2", "efficientnet_b0" or "resnet50_v2". Default "mobilenet_v2".
        weights: Path of an .h5 file of weights without the top layer, as keras.applications reads it. Default None.

    Examples:
        >>> str(Backbone(architecture="resnet50_v2"))
        'backbone (architecture resnet50_v2)'
    """

    name: Literal["backbone"] = "backbone"
    architecture: Literal["mobilenet_v2", "efficientnet_b0", "resnet50_v2"] = "mobilenet_v2"
    weights: str | None = None


Transfer = Annotated[NoTransfer | Backbone, Field(discriminator="name")]


# Network architecture ───────────────────────────────────────────────────────────────────────────────────────────────

EmbeddingDimension = Annotated[int, Field(ge=1, le=1_024)] | None
"""Embedding size of words, and of categories in columns with more than 50 categories; None for the default: 8 for
categories, 64 for words."""


class Standard(Choice):
    """The standard network for the modality: hidden layers for tables, convolutions for images, lags for a forecast.

    Attributes:
        bins: Bins of each number of a table, for a piecewise linear encoding, from 0 to 128; 0 for none. Tables of
            more than 100 numbers get none. Default 0.
        quantile_transform: Whether heavy-tailed numbers are encoded as normal quantiles of their ranks. Default True.
        periodic_features: Whether learned periodic features of each number of a table are added. Default True.
        input_scale: Whether each input of a table is multiplied by a learned scale. Default True.
        layer_rates: Whether some layers for tables and forecasts have a multiple of the learning rate. Default True.
        zero_output: Whether the output kernel for tables and forecasts is initialized with zeros. Default True.
        ridge_start: Whether the linear layer of a forecast is initialized with ridge regression. Default True.
        linear_start: Whether the output for tables is the sum of the hidden layers and of a linear layer on the encoded
            columns, which is initialized with ridge regression; not with losses that predict a logarithm. Default
            False.
        clamp: Whether numeric predictions are clipped to the range of the training rows; not for forecasts and rows
            with a time column. Default True.
        embedding_dimension: Dimension of the embedding of a column with more than 50 categories, or of a word, from 1
            to 1,024. None takes 8 for categories and 64 for words. Default None.

    Examples:
        >>> str(Standard(bins=16))
        'standard (bins 16)'

    References:
        Gorishniy et al. 2022, On embeddings for numerical features in tabular deep learning (bins, periodic features).
    """

    name: Literal["standard"] = "standard"
    bins: Annotated[int, Field(ge=0, le=128)] = 0
    quantile_transform: bool = True
    periodic_features: bool = True
    input_scale: bool = True
    layer_rates: bool = True
    zero_output: bool = True
    ridge_start: bool = True
    linear_start: bool = False
    clamp: bool = True
    embedding_dimension: EmbeddingDimension = None

    def __str__(self) -> str:
        """The name and changed parameters; "no extras" if all parameters in EXTRAS are off.

        >>> str(Standard(bins=16)), str(Standard(**dict.fromkeys(EXTRAS, False)))
        ('standard (bins 16)', 'standard (no extras)')
        """
        if self == Standard(**dict.fromkeys(EXTRAS, False)):
            return "standard (no extras)"
        return super().__str__()


EXTRAS: Final = (
    "quantile_transform",
    "periodic_features",
    "input_scale",
    "layer_rates",
    "zero_output",
    "ridge_start",
    "clamp",
)
"""Parameters of the standard network for techniques that the strategy notes do not mention."""


def parameters_of(architecture: Choice) -> Standard:
    """Parameters of the standard network; other architectures use the defaults."""
    return architecture if isinstance(architecture, Standard) else Standard()


class MiniRocket(Choice):
    """Random convolutions with frozen weights, whose features are the inputs of a network, for sequences.

    Attributes:
        features: Maximum number of features, each the fraction of steps at which a convolution exceeds a bias, from 84
            to 50,000. A time limit may reduce it. Default 10,000.
        ridge_start: Whether the output is the sum of hidden layers and a linear layer that is initialized with ridge
            regression, whose penalty has the lowest leave-one-out error. Default True.
        embedding_dimension: Dimension of the embedding of categories, from 1 to 1,024. None takes 8. Default None.

    Examples:
        >>> str(MiniRocket(features=1000))
        'minirocket (features 1000)'

    References:
        Dempster et al. 2021, MiniRocket: a very fast (almost) deterministic transform for time series classification.
    """

    name: Literal["minirocket"] = "minirocket"
    features: Annotated[int, Field(ge=84, le=50_000)] = 10_000
    ridge_start: bool = True
    embedding_dimension: EmbeddingDimension = None


class InceptionTime(Choice):
    """Parallel convolutions of several widths in residual blocks, for sequences.

    Attributes:
        embedding_dimension: Dimension of the embedding of categories, from 1 to 1,024. None takes 8. Default None.

    Examples:
        >>> str(InceptionTime())
        'inception_time'

    References:
        Ismail Fawaz et al. 2020, InceptionTime: finding AlexNet for time series classification.
    """

    name: Literal["inception_time"] = "inception_time"
    embedding_dimension: EmbeddingDimension = None


class Gru(Choice):
    """Gated recurrent units with orthogonal initialization of the recurrent kernels, for sequences.

    Attributes:
        embedding_dimension: Dimension of the embedding of categories, from 1 to 1,024. None takes 8. Default None.

    Examples:
        >>> str(Gru())
        'gru'

    References:
        Cho et al. 2014, Learning phrase representations using RNN encoder-decoder.
        Saxe et al. 2014, Exact solutions to the nonlinear dynamics of learning (orthogonal initialization).
    """

    name: Literal["gru"] = "gru"
    embedding_dimension: EmbeddingDimension = None


class BagOfNgrams(Choice):
    """Bag of words and word pairs: a linear layer, and hidden layers over a learned vector for each term, for texts.

    Attributes:
        weighting: Weight of each vector: "tf_idf", or "mean" for equal weights. Default "tf_idf".
        character_ngrams: Whether three to five consecutive letters of a word are terms, too. Default False.
        linear_start: Whether the output is the sum of logistic or ridge regression on the terms and of hidden layers,
            which are then narrower and start at zero. Default True.

    Examples:
        >>> str(BagOfNgrams(character_ngrams=True))
        'bag_of_ngrams (character ngrams)'

    References:
        Joulin et al. 2017, Bag of tricks for efficient text classification (fastText).
    """

    name: Literal["bag_of_ngrams"] = "bag_of_ngrams"
    weighting: Literal["tf_idf", "mean"] = "tf_idf"
    character_ngrams: bool = False
    linear_start: bool = True


class TextCnn(Choice):
    """Convolutions over three, four and five consecutive words, for texts.

    Attributes:
        embedding_dimension: Dimension of the embedding of words, from 1 to 1,024. None takes 64. Default None.

    Examples:
        >>> str(TextCnn(embedding_dimension=32))
        'text_cnn (embedding dimension 32)'

    References:
        Kim 2014, Convolutional neural networks for sentence classification.
    """

    name: Literal["text_cnn"] = "text_cnn"
    embedding_dimension: EmbeddingDimension = None


Architecture = Annotated[
    Standard | MiniRocket | InceptionTime | Gru | BagOfNgrams | TextCnn | CustomArchitecture,
    Field(discriminator="name"),
]


# Validation ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Holdout(Choice):
    """A validation set: some rows do not train; they select the epoch, the trial and the decision threshold.

    Attributes:
        early_stopping: Whether a trial ends when its validation score no longer improves. Default True.
        ensemble: Whether the model may be the mean of several trials, if that is better on the validation rows.
            Default True.
        refit: Whether the best networks are trained again on more rows: those of texts and forecasts on training and
            validation rows before the evaluation, all but those of images on all rows after it. Default True.
        temperature_scaling: Whether probabilities are calibrated on the validation rows. Default True.

    Examples:
        >>> str(Holdout(refit=False))
        'holdout (no refit)'
    """

    name: Literal["holdout"] = "holdout"
    early_stopping: bool = True
    ensemble: bool = True
    refit: bool = True
    temperature_scaling: bool = True

    def __str__(self) -> str:
        """The name and changed parameters; "no extras" if validation rows are used for selection only.

        >>> str(Holdout(refit=False)), str(Holdout(ensemble=False, refit=False, temperature_scaling=False))
        ('holdout (no refit)', 'holdout (no extras)')
        """
        if self == Holdout(ensemble=False, refit=False, temperature_scaling=False):
            return "holdout (no extras)"
        return super().__str__()


class CrossValidation(Choice):
    """Cross-validation: a trial is one network per fold, scored on the rows that it was not trained on.

    The model is the mean of all networks of a trial.

    Attributes:
        folds: Number of folds, from 2 to 10. Default 5.
        repeats: Number of times that the rows are split anew, from 1 to 10. Default 1.
        early_stopping: Whether a network stops when its score no longer improves. Default True.
        ensemble: Whether the model may be the mean of several trials. Default True.
        temperature_scaling: Whether probabilities are calibrated on the folds. Default True.

    Examples:
        >>> str(CrossValidation(folds=10))
        'cross_validation (folds 10)'
    """

    name: Literal["cross_validation"] = "cross_validation"
    folds: Annotated[int, Field(ge=2, le=10)] = 5
    repeats: Annotated[int, Field(ge=1, le=10)] = 1
    early_stopping: bool = True
    ensemble: bool = True
    temperature_scaling: bool = True


Validation = Annotated[Holdout | CrossValidation, Field(discriminator="name")]
