"""Networks for texts: bag of terms, and TextCNN."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from executor.components.activation import activation
from executor.components.configuration import configuration
from executor.components.initializer import create_initializer
from executor.components.network_kind import NetworkKind, Sizes
from executor.data.images import IMAGES_PER_CALL
from executor.layers.dropout import RatedDropout
from executor.layers.terms import TermSum
from executor.networks.output_layer import output_layer
from executor.networks.starts.logistic_start import linear_start
from executor.preprocessing.inputs import TextInputs
from recommender.training_cost import TEXT_EPOCHS, text_batch_size
from rules.vocabulary.choices import BagOfNgrams, TextCnn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.components.configuration import Configuration, Value
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

KERNELS: Final = (3, 4, 5)  # kernel sizes in words (Kim 2014)
EMBEDDING_SCALE: Final = 0.1  # standard deviation of initial embeddings; 0.14 in Kim 2014
NO_WORD: Final = -1e9  # filter value without a word, so that it is never the maximum
LINEAR: Final = "linear"  # name of the layer from terms to outputs

UNITS: Final = 128  # units of a bag of terms, or filters per width; see DROPOUT
MAX_HIDDEN_TERMS: Final = 8_192
"""Ids that the hidden layer next to a linear layer reads, of the most frequent terms. A step updates the vectors of all
of them (docs/evidence.md#linear-start-of-texts)."""
UNITS_BESIDE_LINEAR: Final = 32
"""Units of a bag of terms next to a linear layer (docs/evidence.md#linear-start-of-texts)."""
LAYERS: Final = 1  # hidden layers; docs/evidence.md, section 3: one wide layer
DROPOUT: Final = 0.5  # the same source, and Kim 2014, after the filters
EMBEDDING: Final = 64  # dimensions of a word; the 300 of Kim 2014 are pretrained
DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType(
    {"units": UNITS, "layers": LAYERS, "dropout": DROPOUT, "embedding_dimension": EMBEDDING}
)


def build_network(
    *, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int, in_order: bool
) -> keras.Model:
    """Build a bag of terms, or a TextCNN.

    Inputs: {"dense": (rows, length) float32 weights of terms, or 1 where there is a word, "codes": (rows, length) int32
    ids}. Output: (rows, outputs) float32 logits, or values in standard deviations of the target.

    Bag of terms: weighted sum of a vector per term, activation, dropout, further hidden layers (Galke and Scherp 2022,
    arXiv 2109.03777). With a linear start, the outputs of logistic or ridge regression on the terms are added, by a
    layer that is not trained, and the output layer starts at zero, so that the network starts as that model. The hidden
    layer then reads the most frequent terms. TextCNN: embeddings, convolutions over 3, 4 and 5 words, global max
    pooling, dropout (Kim 2014, arXiv 1408.5882).

    Raises ChoiceError on an unknown hyperparameter, or a value out of its limits.
    """
    chosen = configuration(bundle, hyperparameters, defaults=DEFAULTS)
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * chosen.layers + len(KERNELS) + 2).tolist())
    length = parts.train.dense.shape[1]
    weights = keras.Input((length,), name="dense", dtype="float32")
    ids = keras.Input((length,), name="codes", dtype="int32")
    activated = activation(bundle.activation)
    if not in_order:
        kernel = create_initializer(bundle.initializer, seed=next(seeds))
        most = MAX_HIDDEN_TERMS if has_linear_start(bundle) else parts.vocabulary
        hidden = TermSum(
            places=min(parts.vocabulary, most), units=chosen.units, kernel_initializer=kernel, name="terms"
        )([weights, ids])
        hidden = keras.layers.Activation(activated, name="terms_activation")(hidden)
    else:
        hidden = _convolve(weights, ids, places=parts.vocabulary, chosen=chosen, bundle=bundle, seeds=seeds)
    hidden = RatedDropout(chosen.dropout, seed=next(seeds), name="dropout")(hidden)
    for layer in range(2, chosen.layers + 1):
        hidden = keras.layers.Dense(
            chosen.units,
            activation=activated,
            kernel_initializer=create_initializer(bundle.initializer, seed=next(seeds)),
            name=f"hidden_{layer}",
        )(hidden)
        hidden = RatedDropout(chosen.dropout, seed=next(seeds), name=f"dropout_{layer}")(hidden)
    if has_linear_start(bundle):
        start = linear_start(parts, bundle)
        linear = TermSum(  # its training does not pay: docs/evidence.md#linear-start-of-texts
            places=parts.vocabulary, units=parts.outputs, kernel_initializer="zeros", trainable=False, name=LINEAR
        )
        last = keras.layers.Dense(parts.outputs, kernel_initializer="zeros", dtype="float32", name="output")
        outputs = keras.layers.Add(name="both", dtype="float32")([linear([weights, ids]), last(hidden)])
        linear.set_weights([start.kernel, start.bias])
    else:
        kernel = create_initializer(bundle.initializer, seed=next(seeds))
        outputs = output_layer(hidden, parts=parts, bundle=bundle, kernel_initializer=kernel)
    return keras.Model({"dense": weights, "codes": ids}, outputs, name="texts")


def has_linear_start(bundle: Bundle) -> bool:
    """Whether a network starts at the solution of a linear model on its terms."""
    return isinstance(bundle.architecture, BagOfNgrams) and bundle.architecture.linear_start


def _convolve(
    is_word: keras.KerasTensor,
    ids: keras.KerasTensor,
    *,
    places: int,
    chosen: Configuration,
    bundle: Bundle,
    seeds: Iterator[int],
) -> keras.KerasTensor:
    """Maximum of each filter along a text, (rows, 3 · units); is_word: 1 where there is a word."""
    embedded = keras.layers.Embedding(
        places,
        chosen.embedding_dimension,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=EMBEDDING_SCALE, seed=next(seeds)),
        name="words",
    )(ids)
    there = keras.layers.Reshape((-1, 1), name="is_word")(is_word)
    embedded = keras.layers.Multiply(name="words_alone")([embedded, there])
    nowhere = keras.layers.Rescaling(-NO_WORD, NO_WORD, name="nowhere")(there)  # 0 where there is a word
    found = []
    for kernel in KERNELS:
        filtered = keras.layers.Conv1D(
            chosen.units,
            kernel,
            padding="same",
            kernel_initializer=create_initializer(bundle.initializer, seed=next(seeds)),
            name=f"of_{kernel}_words",
        )(embedded)
        filtered = keras.layers.Add(name=f"of_{kernel}_words_alone")([filtered, nowhere])
        largest = keras.layers.GlobalMaxPooling1D(name=f"largest_of_{kernel}")(filtered)
        found.append(keras.layers.Activation(activation(bundle.activation), name=f"activated_{kernel}")(largest))
    return keras.layers.Concatenate(name="filters")(found)


TERM_BAG: Final = NetworkKind(
    name="term_bag",
    reads=TextInputs,
    build=partial(build_network, in_order=False),
    defaults=DEFAULTS,
    sizes=lambda _bundle, _limits: Sizes(units=(UNITS, 64, 256), layers=(2,)),
    epochs=lambda _steps: TEXT_EPOCHS,
    batch_size=text_batch_size,
    has_embeddings=False,
    pays_on_gpu=lambda _width: False,
    runs_on_gpu=False,  # sums of a bag of terms are not deterministic on a GPU
)
LINEAR_START_BAG: Final = replace(
    TERM_BAG,
    name="linear_start_bag",
    is_chosen=has_linear_start,
    defaults={**DEFAULTS, "units": UNITS_BESIDE_LINEAR},
    sizes=lambda _bundle, _limits: Sizes(units=(UNITS_BESIDE_LINEAR, 128, 16), layers=(2,)),
)
TEXT_CNN: Final = replace(
    TERM_BAG,
    name="text_cnn",
    build=partial(build_network, in_order=True),
    is_chosen=lambda bundle: isinstance(bundle.architecture, TextCnn),
    has_embeddings=True,
    rows_per_call=IMAGES_PER_CALL,
    pays_on_gpu=lambda _width: True,
    shares_batches=True,
    runs_on_gpu=True,
)
