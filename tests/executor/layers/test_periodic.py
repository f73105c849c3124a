"""Periodic features and the learned scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from executor.layers.periodic import FEATURES, FREQUENCIES, Scale, Waves, cosine, initial_waves, periodic_features

if TYPE_CHECKING:
    from pathlib import Path


def test_features_are_sums_of_cosines() -> None:
    """By the formula, number by number and feature by feature."""
    numbers = np.array([[0.5, -1.0], [2.0, 0.0], [0.1, 3.0]], np.float32)
    frequency, phase, kernel, bias = initial_waves(2, seed=3)
    found = periodic_features(
        tf.constant(numbers), *(tf.constant(one[None]) for one in (frequency, phase, kernel, bias))
    )
    assert found.shape == (1, 3, 2 * FEATURES)
    for row, values in enumerate(numbers):
        for number, value in enumerate(values):
            waves = np.cos(2 * np.pi * (value * frequency[number] + phase[number]))
            mixed = waves @ kernel[number * FREQUENCIES : (number + 1) * FREQUENCIES] + bias[number]
            np.testing.assert_allclose(
                found[0, row, number * FEATURES : (number + 1) * FEATURES], mixed, rtol=1e-4, atol=1e-5
            )


def test_the_cosine_is_the_cosine_on_every_turn() -> None:
    turns = np.linspace(-3, 3, 1001).astype(np.float32)
    np.testing.assert_allclose(cosine(tf.constant(turns)), np.cos(2 * np.pi * turns), atol=5e-6)


def test_only_the_first_columns_get_waves() -> None:
    layer = Waves(numbers=2, seed=1)
    columns = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    changed = columns.copy()
    changed[:, 2:] += 1
    np.testing.assert_array_equal(layer(columns), layer(changed))


def test_a_seed_gives_the_waves_and_another_one_others() -> None:
    one, same, other = (initial_waves(3, seed=seed) for seed in (1, 1, 2))
    for first, again, another in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, another)


def test_the_scale_starts_at_one() -> None:
    columns = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    layer = Scale()
    np.testing.assert_array_equal(layer(columns), columns)
    layer.scale.assign([2.0, 0.0, 1.0, -1.0])
    np.testing.assert_array_equal(layer(columns), columns * np.array([2.0, 0.0, 1.0, -1.0], np.float32))


def test_they_are_saved_and_loaded(tmp_path: Path) -> None:
    columns = keras.Input((3,))
    model = keras.Model(columns, Scale()(Waves(numbers=2, seed=5)(columns)))
    model.save(tmp_path / "model.keras")
    rows = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(rows), model(rows))
