"""The layers of levels and texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf

from executor.layers.words import Codes, OneHot, WordBag, split_words, word_counts

if TYPE_CHECKING:
    import keras


def _words(*rows: list[str]) -> tf.Tensor:
    return tf.constant(np.array(rows, dtype=object))


def test_each_column_has_its_own_places() -> None:
    layer = OneHot(levels=[["a", "b"], ["a"]], others=[False, True])
    assert layer(_words(["a", "a"], ["b", "z"])).numpy().tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]


def test_an_unseen_level_is_zeros_unless_there_is_a_place_for_others() -> None:
    layer = OneHot(levels=[["a"], ["a"]], others=[False, True])
    assert layer(_words(["new", "new"])).numpy().tolist() == [[0, 0, 1]]


def test_codes_share_one_vocabulary() -> None:
    layer = Codes(levels=[["a", "b"], ["a", "c"]], others=[True, True])
    assert layer(_words(["b", "a"], ["new", "c"], ["a", "b"])).numpy().tolist() == [[1, 3], [2, 4], [0, 5]]
    assert layer.places == 6


HOSTILE = ["", " ", "\n", "a\nb", "\x1f", "1\x1fa", "\x00", "é", "e\u0301", "🙂", '"', "NA", "a" * 5_000]


def test_hostile_levels_are_told_apart() -> None:
    layer = OneHot(levels=[HOSTILE, ["a"]], others=[False, True])
    places = layer(_words(*[[level, level] for level in HOSTILE])).numpy()
    assert places[:, : len(HOSTILE)].tolist() == np.eye(len(HOSTILE)).tolist()
    # No level of the first column is taken for the "a" of the second, whatever separators it holds.
    assert places[:, len(HOSTILE)].tolist() == [0] * len(HOSTILE)


def test_words_are_counted_in_lower_case_without_punctuation() -> None:
    counts = word_counts(
        _words(
            ["The cat, the CAT!"],
            [
                "",
            ],
            ["Äpfel äpfel"],
        ),
        64,
    ).numpy()
    assert sorted(counts[0][counts[0] > 0].tolist()) == [2, 2]
    assert counts[1].sum() == 0
    assert counts[2].max() == 2


def test_scripts_without_spaces_are_read_by_characters_and_their_pairs() -> None:
    texts = ["今天 abc 很好", "ภาษา", "日本語のテキスト", "It's 5 o'clock"]
    counts = word_counts(_words(*[[text] for text in texts]), 2**20).numpy()
    assert counts.sum(axis=1).tolist() == [len(split_words(text)) for text in texts]
    assert split_words(texts[0]) == ["abc", "今", "天", "很", "好", "今天", "天很", "很好"]
    for text, row in zip(texts, counts, strict=True):
        places = tf.strings.to_hash_bucket_fast(split_words(text), 2**20).numpy()
        assert set(np.flatnonzero(row)) == set(places.tolist())


def test_a_bag_weights_the_logarithm_of_counts_column_by_column() -> None:
    weights = np.ones((2, 32))
    weights[1] = 3
    bag = WordBag(weights=weights.tolist())(_words(["x x x", "x"])).numpy()[0]
    assert bag[:32].max() == pytest.approx(np.log(4))
    assert bag[32:].max() == pytest.approx(3 * np.log(2))
    assert np.count_nonzero(bag) == 2


@pytest.mark.parametrize(
    "layer",
    [
        OneHot(levels=[HOSTILE, []], others=[True, True]),
        Codes(levels=[HOSTILE, ["a"]], others=[True, True]),
        WordBag(weights=[[0.5] * 16, [1 / 3] * 16]),
    ],
    ids=["one_hot", "codes", "bag"],
)
def test_a_layer_is_the_same_after_its_configuration_went_through_json(layer: keras.layers.Layer) -> None:
    again = type(layer).from_config(layer.get_config())
    words = _words(*[[level, "a"] for level in HOSTILE])
    np.testing.assert_array_equal(again(words).numpy(), layer(words).numpy())
