"""Hashes of strings, which are those of TensorFlow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from executor.runs.export.farm_hash import fingerprints

HASHES = 2**53


def test_strings_of_every_length_have_the_hash_of_tensorflow() -> None:
    random = np.random.default_rng(0)
    texts = ["".join(random.choice([*"abcé天 "], length)) for length in range(200)]
    found = fingerprints(texts) % np.uint64(HASHES)
    np.testing.assert_array_equal(found, tf.strings.to_hash_bucket_fast(texts, HASHES).numpy().astype(np.uint64))


def test_equal_strings_have_equal_hashes_wherever_they_are() -> None:
    first, second, third = fingerprints(["cat", "a longer string of letters", "cat"])
    assert first == third
    assert first != second
