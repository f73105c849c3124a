"""Random features of sequences: those of aeon's MiniRocket, of sequences of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from executor.layers.convolutions import Kernels, exceeding_shares
from executor.layers.minirocket import MiniRocketFeatures, draw_kernels, fit_biases, fit_features
from executor.layers.steps import SequenceLayer

if TYPE_CHECKING:
    from pathlib import Path

NAN = np.nan
STEPS = np.arange(24)
PICKED = [0, 1, 40, 83, 84, 120, 167, 168, 200, 251]
"""Features of the tables below, out of 252."""

# From aeon 1.6.0 (numba 0.63.1): MiniRocket(n_kernels=252, random_state=0).fit(sequences(1 or 3 channels)), its
# `parameters` and `transform` of the same sequences.
DILATIONS, COUNTS = [1, 2], [2, 1]
CHANNELS = {0: [0, 2], 1: [1, 2], 10: [0, 2], 83: [2, 1], 84: [2, 1], 100: [0, 2]}
"""Channels of some of the 168 kernels, of three channels."""
BIASES = {
    1: [2.9104, -4.5691, -0.3996, 0.9875, 0.4817, 0.3581, 4.2926, -0.465, -3.1105, 0.5737],
    3: [3.798, -4.9765, -0.4308, 1.0624, 0.0716, 0.6746, 7.2996, -1.3574, -6.5279, 1.7286],
}
FEATURES = {
    1: [
        [0.375, 0.75, 0.6667, 0.125, 0.2917, 0.3333, 0.3125, 0.625, 0.75, 0.25],
        [0.3333, 0.8333, 0.5417, 0.125, 0.4583, 0.25, 0.25, 0.5, 0.875, 0.2917],
        [0.25, 1.0, 0.5, 0.1875, 0.4583, 0.375, 0.0, 0.875, 0.625, 0.2083],
    ],
    3: [
        [0.375, 0.75, 0.6667, 0.0625, 0.5, 0.25, 0.3125, 0.25, 0.5, 0.25],
        [0.2917, 0.8333, 0.5417, 0.0625, 0.5833, 0.25, 0.25, 0.625, 0.875, 0.3333],
        [0.125, 1.0, 0.5833, 0.0625, 0.4583, 0.3333, 0.0, 1.0, 0.5, 0.0],
    ],
}
TOTALS = {1: [126.271, 126.729, 126.708], 3: [127.479, 127.167, 126.583]}
"""Sum of all features of a sequence."""


def sequences(channels: int) -> np.ndarray:
    """Three sequences, (3, channels, 24)."""
    waves = [
        [np.sin(STEPS * (0.5 + 0.3 * row) + channel) + 0.1 * ((7 * STEPS + 3 * row + channel) % 5)
         for channel in range(channels)]
        for row in range(3)
    ]  # fmt: skip
    return np.asarray(waves, np.float32)


def kernels_of(numbers: np.ndarray, features: int) -> Kernels:
    lengths = np.full(len(numbers), numbers.shape[2])
    dilations, counts, channels = draw_kernels(numbers.shape[2], numbers.shape[1], features)
    biases = fit_biases(numbers, lengths, dilations, counts, channels)
    return Kernels(dilations=dilations, channels=channels, biases=biases)


@pytest.mark.parametrize("channels", [1, 3])
def test_kernels_biases_and_features_are_those_of_aeon(channels: int) -> None:
    numbers = sequences(channels)
    dilations, counts, own = draw_kernels(24, channels, 252)
    assert (dilations, counts) == (DILATIONS, COUNTS)
    flat = [one for part in own for one in part]
    assert {index: flat[index] for index in CHANNELS} == (CHANNELS if channels > 1 else {one: [0] for one in CHANNELS})
    kernels = kernels_of(numbers, 252)
    biases = np.concatenate([one.ravel() for one in kernels.biases])
    np.testing.assert_allclose(biases[PICKED], BIASES[channels], atol=1e-4)
    found = exceeding_shares(numbers, np.full(3, 24), kernels)
    np.testing.assert_allclose(found[:, PICKED], FEATURES[channels], atol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), TOTALS[channels], atol=2e-3)


@pytest.mark.parametrize(
    ("steps", "features", "dilations", "counts"),
    [
        (5, 252, [1], [3]),  # shorter than a kernel
        (9, 84, [1], [1]),
        (1_000, 84, [1], [1]),
        (33, 4 * 84 + 83, [1, 2, 4], [2, 1, 1]),  # 2 ** [0, 2 / 3, 4 / 3, 2] = 1, 1.59, 2.52, 4
    ],
)
def test_dilations_are_spread_up_to_the_length_of_a_sequence(
    steps: int, features: int, dilations: list[int], counts: list[int]
) -> None:
    found = draw_kernels(steps, 1, features)
    assert found[:2] == (dilations, counts)


def test_padded_sequences_have_the_features_of_unpadded_ones_in_any_batch() -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(5, 2, 40)).astype(np.float32)
    kernels = kernels_of(numbers, 500)
    alone = np.concatenate([exceeding_shares(one[None, :, :length], np.array([length]), kernels)
                            for one, length in zip(numbers, (40, 9, 3, 25, 1), strict=True)])  # fmt: skip
    padded = np.zeros((5, 2, 64), np.float32)
    for row, length in enumerate((40, 9, 3, 25, 1)):
        padded[row, :, :length] = numbers[row, :, :length]
    np.testing.assert_array_equal(exceeding_shares(padded, np.array([40, 9, 3, 25, 1]), kernels), alone)


def test_counts_of_long_sequences_do_not_overflow() -> None:
    """Every step of a constant sequence exceeds a bias below zero: 5,000 steps are more than a sum of bytes holds."""
    kernels = Kernels(dilations=[1], channels=[[[0]] * 84], biases=[np.full((84, 1), -100.0, np.float32)])
    np.testing.assert_array_equal(exceeding_shares(np.ones((1, 1, 5_000), np.float32), np.array([5_000]), kernels), 1)


def fitted() -> tuple[np.ndarray, MiniRocketFeatures]:
    train = np.random.default_rng(0).normal(size=(30, 40, 3)).astype(np.float32)
    reads = SequenceLayer(mean=[0.0] * 3, scale=[1.0] * 3)
    return train, fit_features(train, reads, features=500, name="kernels")


def test_features_are_standardised_and_bounded() -> None:
    train, layer = fitted()
    seen = np.asarray(layer(train))
    assert seen.shape[1] == layer.output_width == 420
    assert np.abs(seen).max() <= 3
    assert seen.std() == pytest.approx(1, abs=0.1)


def test_features_next_to_columns_have_the_weight_of_a_number_of_columns() -> None:
    train, layer = fitted()
    reads = SequenceLayer(mean=[0.0] * 3, scale=[1.0] * 3)
    lighter = fit_features(train, reads, features=500, name="kernels", weight=105)
    np.testing.assert_allclose(np.asarray(lighter.spread), 2 * np.asarray(layer.spread))  # √(420 / 105)


def test_a_saved_layer_reads_sequences_of_another_length(tmp_path: Path) -> None:
    _, layer = fitted()
    inputs = keras.Input((None, 3), dtype="float32")
    path = tmp_path / "model.keras"
    keras.Model(inputs, layer(inputs)).save(path)
    longer = np.random.default_rng(1).normal(size=(2, 70, 3)).astype(np.float32)
    model = keras.saving.load_model(path)
    np.testing.assert_array_equal(model.predict(longer, verbose=0), layer(longer))
    padded = np.concatenate([longer, np.full((2, 9, 3), NAN, np.float32)], axis=1)
    np.testing.assert_array_equal(layer(padded), layer(longer))


def test_the_same_rows_give_the_same_kernels() -> None:
    one, other = (fitted()[1].get_config() for _ in range(2))
    assert one == other
