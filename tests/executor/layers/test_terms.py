"""The layers that read texts for networks of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from executor.evaluation.baselines.tf_idf import split_words as tokens_of
from executor.layers.terms import (
    TermBag,
    TermSum,
    Vocabulary,
    WordSequence,
    fit_vocabulary,
    hash_terms,
    letter_hashes,
    split_tokens,
    term_hashes,
)

if TYPE_CHECKING:
    from pathlib import Path


def _texts(*rows: str) -> np.ndarray:
    return np.array(rows, dtype=object)[:, None]


def _hash(term: str) -> int:
    return int(tf.strings.to_hash_bucket_fast([term], 2**53)[0])


def _fitted(*rows: str, in_order: bool = False, most: int = 1_000) -> Vocabulary:
    return fit_vocabulary([_texts(*rows)], hash_terms if in_order else term_hashes, most=most, in_order=in_order)


HOSTILE = [
    "",
    " ",
    "\n",
    "It's 5 o'clock",
    "今天 abc 很好",
    "ภาษา",
    "日本語のテキスト",
    "हिन्दी में",
    "Ä_B",
    "ÉÉ",
    "🙂",
    "a" * 5_000,
]


def _tokens(text: str) -> list[str]:
    return [one.decode() for one in split_tokens(tf.constant(_texts(text))).to_list()[0]]


def test_tokens_are_words_marks_and_characters_of_scripts_without_spaces() -> None:
    assert _tokens("It's  5\xa0o\u3000clock!!") == ["it", "'", "s", "5", "o", "clock", "!", "!"]
    assert _tokens("今天 abc 很好。") == ["今", "天", "abc", "很", "好", "。"]
    assert _tokens("Ä_B @You 🙂") == ["ä", "_", "b", "@", "you", "🙂"]
    assert _tokens("हिन्दी") == ["हिन्दी"]
    assert _tokens("") == []


@pytest.mark.parametrize("text", HOSTILE)
def test_letters_and_numbers_are_read_as_scikit_learn_is_told_to(text: str) -> None:
    assert [one for one in _tokens(text) if any(map(str.isalnum, one)) or one in "ภาษา"] == tokens_of(text)


def test_the_texts_of_a_row_are_read_one_after_the_other() -> None:
    (row,) = split_tokens(tf.constant([["One two", "three"]])).to_list()
    assert row == [b"one", b"two", b"three"]


def test_terms_are_words_and_pairs_of_neighbours() -> None:
    (row,) = term_hashes(split_tokens(tf.constant(_texts("not so good")))).to_list()
    assert row == [_hash(term) for term in ("not", "so", "good", "not so", "so good")]


def _letters(text: str) -> list[str]:
    """Letters as scikit-learn finds them, without words of one letter."""
    found = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False).build_analyzer()(text)
    return [one for one in found if len(one.strip()) > 1 or not one.startswith(" ") or not one.endswith(" ")]


def test_letters_are_those_of_words_with_the_spaces_around_them() -> None:
    texts = {
        "So good": "so good",
        "i": "",
        "ein Käse, bitte": "ein käse bitte",
        "हिन्दी": "हिन्दी",
        "今天 abc": "abc",
        "": "",
    }
    found = letter_hashes(split_tokens(tf.constant(_texts(*texts)))).to_list()
    for words, row in zip(texts.values(), found, strict=True):
        assert sorted(row) == sorted(_hash(f"\x1f{one}") for one in _letters(words))


def test_letters_are_weighed_beside_words_as_scikit_learn_weighs_two_tables() -> None:
    words, letters = _fitted(*CORPUS), fit_vocabulary([_texts(*CORPUS)], letter_hashes, most=1_000)
    assert not set(words.hashes) & set(letters.hashes)
    hashes = sorted((*words.hashes, *letters.hashes))
    rarity = dict(zip(words.hashes + letters.hashes, words.rarity + letters.rarity, strict=True))
    layer = TermBag(hashes=hashes, rarity=[rarity[one] for one in hashes], letters=True, length=120)
    weights, ids = (part.numpy() for part in layer(_texts(*CORPUS)))
    shared = {"lowercase": False, "min_df": 2, "sublinear_tf": True}
    of_words = TfidfVectorizer(tokenizer=tokens_of, token_pattern=None, ngram_range=(1, 2), **shared)
    of_letters = TfidfVectorizer(analyzer=_letters, **shared)
    lower = [" ".join(tokens_of(text)) for text in CORPUS]
    for mark, vectorizer in (("", of_words), ("\x1f", of_letters)):
        expected = vectorizer.fit_transform(lower).toarray()
        places = {term: hashes.index(_hash(mark + term)) + 1 for term in vectorizer.vocabulary_}
        for row in range(len(CORPUS)):
            own = dict(zip(ids[row].tolist(), weights[row].tolist(), strict=True))
            wanted = {places[term]: expected[row, at] for term, at in vectorizer.vocabulary_.items()}
            assert {place: own.get(place, 0.0) for place in wanted} == pytest.approx(wanted, rel=1e-5)


def test_a_vocabulary_holds_terms_of_two_rows_and_the_most_frequent_first() -> None:
    runs = [_texts("good film", "good food"), _texts("good film film", "bad")]
    known = fit_vocabulary(runs, term_hashes, most=1_000)
    assert set(known.hashes) == {_hash(term) for term in ("good", "film", "good film")}
    assert list(known.hashes) == sorted(known.hashes)
    # "good" stands in three of four rows, "film" and "good film" in two.
    rarity = dict(zip(known.hashes, known.rarity, strict=True))
    assert rarity[_hash("good")] == pytest.approx(math.log(5 / 4) + 1)
    assert rarity[_hash("film")] == pytest.approx(math.log(5 / 3) + 1)
    assert known.lengths == (3, 1, 3, 0)
    assert fit_vocabulary(runs, term_hashes, most=1).hashes == (_hash("good"),)
    assert fit_vocabulary(runs, hash_terms, most=1_000, in_order=True).lengths == (2, 2, 3, 1)  # words, known or not


def test_texts_without_a_term_in_two_rows_give_an_empty_vocabulary() -> None:
    assert len(_fitted("🙂", "", "once")) == 0


CORPUS = (
    "The film was good so good",
    "not a good film",
    "the food was not good",
    "bad food bad film",
    "今天很好",
    "很好",
)


def test_a_bag_is_what_scikit_learn_calls_tf_idf() -> None:
    known = _fitted(*CORPUS)
    layer = TermBag(hashes=[*known.hashes], rarity=[*known.rarity], length=max(known.lengths))
    weights, ids = (part.numpy() for part in layer(_texts(*CORPUS, "nothing else")))
    vectorizer = TfidfVectorizer(
        tokenizer=tokens_of, token_pattern=None, lowercase=False, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )
    expected = vectorizer.fit(CORPUS).transform([*CORPUS, "nothing else"]).toarray()
    places = {term: known.hashes.index(_hash(term)) + 1 for term in vectorizer.vocabulary_}
    for row, text in enumerate(expected):
        own = dict(zip(ids[row].tolist(), weights[row].tolist(), strict=True))
        own.pop(0, None)
        wanted = {places[term]: text[at] for term, at in vectorizer.vocabulary_.items() if text[at] > 0}
        assert own == pytest.approx(wanted, rel=1e-5)


def test_a_bag_without_rarity_weighs_all_terms_alike() -> None:
    known = _fitted("a a b", "a b")
    layer = TermBag(hashes=[*known.hashes], rarity=[], length=4)
    weights, ids = (part.numpy()[0] for part in layer(_texts("a a b")))
    own = {int(one): float(weight) for one, weight in zip(ids, weights, strict=True) if one}
    # Of a, a, b and the pair a b, which stands once; a a stands in one row alone.
    places = {term: known.hashes.index(_hash(term)) + 1 for term in ("a", "b", "a b")}
    assert own == pytest.approx({places["a"]: 0.5, places["b"]: 0.25, places["a b"]: 0.25})


def test_longer_rows_lose_their_last_terms_and_keep_their_weights() -> None:
    known = _fitted(*CORPUS)
    whole, cut = (TermBag(hashes=[*known.hashes], rarity=[*known.rarity], length=size) for size in (20, 2))
    assert whole(_texts(CORPUS[0]))[0].numpy()[0, :2].tolist() == cut(_texts(CORPUS[0]))[0].numpy()[0].tolist()


def test_a_sequence_keeps_the_order_and_one_id_for_words_that_are_not_known() -> None:
    known = _fitted("b a", "a b", in_order=True)
    layer = WordSequence(hashes=[*known.hashes], length=4)
    a, b = (known.hashes.index(_hash(word)) + 1 for word in "ab")
    is_word, ids = (part.numpy() for part in layer(_texts("b new a", "", "a a a b b")))
    assert ids.tolist() == [[b, 3, a, 0], [0, 0, 0, 0], [a, a, a, b]]
    assert is_word.tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    assert layer.places == 4


def test_a_sum_is_a_dense_layer_on_the_sparse_row() -> None:
    layer = TermSum(places=4, units=2, kernel_initializer="zeros")
    layer.kernel.assign([[9, 9], [1, 2], [3, 4], [5, 6]])
    layer.bias.assign([0.5, 0])
    found = layer([tf.constant([[0.5, 2.0], [0.0, 0.0]]), tf.constant([[3, 1], [0, 0]])]).numpy()
    assert found.tolist() == [[0.5 + 0.5 * 5 + 2, 0.5 * 6 + 2 * 2], [0.5, 0]]


def test_the_layers_are_saved_with_their_vocabulary(tmp_path: Path) -> None:
    known = _fitted(*CORPUS)
    texts = keras.Input((1,), dtype="string")
    weights, ids = TermBag(hashes=[*known.hashes], rarity=[*known.rarity], length=8)([texts])
    sums = TermSum(places=len(known) + 1, units=3, kernel_initializer=keras.initializers.HeNormal(seed=0))
    model = keras.Model(texts, sums([weights, ids]))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    asked = tf.constant(_texts(*CORPUS))
    np.testing.assert_allclose(again(asked).numpy(), model(asked).numpy())
