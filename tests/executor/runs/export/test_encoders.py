"""Encoders in NumPy, which return what the preprocessing layers of the saved model return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from executor.layers.minirocket import MiniRocketFeatures, fit_features
from executor.layers.numbers import Calendar, Numbers
from executor.layers.pixels import Pixels
from executor.layers.steps import SequenceLayer, Steps
from executor.layers.terms import TermBag, WordSequence, hash_terms, letter_hashes, split_tokens, term_hashes
from executor.layers.words import Codes, OneHot, WordBag
from executor.runs.export.encoders import create_encoder
from executor.runs.export.keras_model import _describe
from executor.runs.export.tensorflow_files import PortableMiniRocket
from rules.errors import RunError

NAN = np.nan
TEXTS = ["It is a cat, it's THE cat!", "", "天气很好 Straße ÉTÉ", "a\u00a0b\x0bc\u2028d\x1fe 3.5", "x", "İstanbul ΟΔΟΣ"]


def encode(layer: Any, features: dict[str, Any]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Encode columns in NumPy, with the configuration of a layer."""
    arrays = {
        name: np.asarray(values, object if isinstance(values[0], str) else None) for name, values in features.items()
    }
    return create_encoder(_describe(layer, [*features])).encode(arrays)


def test_numbers_are_scaled_ranked_binned_and_marked_as_missing() -> None:
    layer = Numbers(
        center=[1.0, 0.0],
        factor=[0.5, 0.0],
        indicators=[0],
        ranked=[1],
        knots=[[0.0, 1.0, 1.0, 5.0]],
        quantiles=[[-1.0, 0.0, 0.5, 2.0]],
        edges=[[-1.0, 0.0, 1.0], []],
        means=[0.25, 0.5],
    )
    rows = np.array([[1.0, 0.5], [NAN, 1.0], [1e300, 9.0], [-3.0, NAN], [0.0, -7.0]])
    found, _ = encode(layer, {"a": rows[:, 0], "b": rows[:, 1]})
    np.testing.assert_allclose(found, layer(rows).numpy(), rtol=1e-6)


def test_times_are_waves() -> None:
    layer = Calendar(kept=[0, 1, 4, 11])
    seconds = np.array([[0.0, 1e9], [NAN, -5e8], [86_399.5, 1.7e9]])
    found, _ = encode(layer, {"a": seconds[:, 0], "b": seconds[:, 1]})
    np.testing.assert_allclose(found, layer(seconds).numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", [OneHot, Codes])
def test_rare_unknown_and_missing_categories_have_the_ids_of_the_layer(kind: Any) -> None:
    layer = kind(levels=[["red", ""], ["x"]], others=[True, kind is Codes])
    rows = [["red", "x"], ["", "?"], ["blue", ""], ["Red", "x"]]
    floats, ids = encode(layer, {"a": [one for one, _ in rows], "b": [two for _, two in rows]})
    found = floats if kind is OneHot else ids
    np.testing.assert_array_equal(found, layer(np.array(rows, object)).numpy())


def test_words_of_any_script_fall_into_the_buckets_of_the_layer() -> None:
    layer = WordBag(weights=[np.linspace(1, 2, 8).tolist()])
    found, _ = encode(layer, {"a": TEXTS})
    np.testing.assert_allclose(found, layer(np.array(TEXTS, object)[:, None]).numpy(), rtol=1e-6)


@pytest.mark.parametrize("rarity", [True, False])
def test_terms_and_character_ngrams_are_those_of_the_layer(rarity: bool) -> None:
    tokens = split_tokens(tf.constant([[text] for text in TEXTS]))
    hashes = np.unique(np.concatenate([term_hashes(tokens).values, letter_hashes(tokens).values]))[::2].tolist()
    weights = np.linspace(1, 3, len(hashes)).tolist() if rarity else []
    layer = TermBag(hashes=hashes, rarity=weights, letters=True, length=24)
    floats, ids = encode(layer, {"a": TEXTS})
    expected = layer(np.array(TEXTS, object)[:, None])
    np.testing.assert_array_equal(ids, expected[1].numpy())
    np.testing.assert_allclose(floats, expected[0].numpy(), rtol=1e-6)


def test_words_in_order_are_those_of_the_layer() -> None:
    hashes = np.unique(hash_terms(split_tokens(tf.constant([[TEXTS[0]]]))).values).tolist()
    layer = WordSequence(hashes=hashes, length=9)
    _, ids = encode(layer, {"a": TEXTS, "b": TEXTS[::-1]})
    np.testing.assert_array_equal(ids, layer(np.array([TEXTS, TEXTS[::-1]], object).T)[1].numpy())


def test_pixels_are_standardized() -> None:
    layer = Pixels(shape=[2, 3, 1], mean=[100.0], scale=[50.0])
    images = np.arange(12, dtype=np.uint8).reshape(2, 2, 3, 1)
    found, _ = encode(layer, {"a": images})
    np.testing.assert_array_equal(found, layer(images).numpy())


def test_steps_of_numbers_and_letters_end_with_their_sequence() -> None:
    numbers = np.array([[[1.0, 2.0], [NAN, 4.0], [NAN, NAN]], [[NAN, NAN]] * 3], np.float32)
    layer = Steps(steps=4, mean=[0.5, 1.0], scale=[2.0, 3.0])
    np.testing.assert_allclose(encode(layer, {"a": numbers})[0], layer(numbers).numpy(), rtol=1e-6)
    letters = ["ACG", "", "AAXCA"]
    layer = Steps(steps=4, mean=[], scale=[], letters="AC")
    np.testing.assert_array_equal(encode(layer, {"a": letters})[0], layer(np.array(letters, object)[:, None]).numpy())


@pytest.fixture(scope="module")
def rocket() -> tuple[MiniRocketFeatures, np.ndarray]:
    """Random convolutions of two channels, and sequences of several lengths."""
    random = np.random.default_rng(0)
    sequences = np.round(random.normal(size=(12, 30, 2)), 1).astype(np.float32)
    sequences[0, 20:] = NAN
    sequences[1, 3] = NAN
    reads = SequenceLayer(mean=[0.1, 0.2], scale=[1.3, 0.7])
    return fit_features(sequences, reads, features=84, name="kernels"), sequences


def test_random_convolutions_are_those_of_the_layer(rocket: tuple[MiniRocketFeatures, np.ndarray]) -> None:
    layer, sequences = rocket
    np.testing.assert_array_equal(encode(layer, {"a": sequences})[0], layer(sequences).numpy())


def test_random_convolutions_of_a_saved_model_have_the_same_ties(rocket: tuple[MiniRocketFeatures, np.ndarray]) -> None:
    layer, sequences = rocket
    portable = tf.function(PortableMiniRocket(**layer.own_config()).call)
    np.testing.assert_allclose(portable(sequences).numpy(), layer(sequences).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "unknown"},
        {"columns": []},
        {"center": [0.0]},
        {"factor": "x"},
        {"indicators": [7]},
        {"knots": [[1.0]]},
        {"edges": [[0.0, 1.0, 2.0], []]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_altered_encoder_is_refused(changes: dict[str, Any]) -> None:
    layer = Numbers(center=[0.0, 1.0], factor=[1.0, 1.0], indicators=[0])
    with pytest.raises(RunError, match=r"An encoder in encoding.json is not valid .* Export the run again"):
        create_encoder(_describe(layer, ["a", "b"]) | changes)
