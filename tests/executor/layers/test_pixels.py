from __future__ import annotations

import keras
import numpy as np
import pytest

from executor.layers.pixels import FusedNormalization, Mirror, Pixels, Shift, byte_counts, pixel_statistics


def test_pixels_have_mean_0_and_variance_1_in_each_channel() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, [20, 200, 255], (50, 4, 6, 3)).astype(np.uint8)
    mean, scale = pixel_statistics(byte_counts(images))
    np.testing.assert_allclose(mean, images.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(scale, images.std(axis=(0, 1, 2)))
    flat = Pixels(shape=[4, 6, 3], mean=mean.tolist(), scale=scale.tolist())(images).numpy()
    assert flat.dtype == np.float32
    expected = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
    np.testing.assert_allclose(flat, expected.reshape(50, 72), rtol=1e-5, atol=1e-6)


def test_a_channel_of_one_value_is_centered_and_not_divided_by_zero() -> None:
    images = np.full((5, 2, 2, 1), 7, np.uint8)
    mean, scale = pixel_statistics(byte_counts(images))
    assert (mean.tolist(), scale.tolist()) == ([7.0], [1.0])


@pytest.mark.parametrize(
    "layer", [Pixels(shape=[2, 2, 1], mean=[3.0], scale=[2.0], name="a"), Shift(most=2, seed=5, name="b")]
)
def test_a_layer_is_the_same_after_it_was_written_and_read(layer: keras.layers.Layer) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()


def test_a_shift_moves_whole_images_in_training_only_and_repeats_their_edges() -> None:
    images = np.tile(np.arange(5, dtype=np.float32)[None, :, None, None] * 10, (64, 1, 5, 1))
    images += np.arange(5)[None, None, :, None]
    layer = Shift(most=1, seed=3)
    np.testing.assert_array_equal(layer(images, training=False), images)
    moved = np.asarray(layer(images, training=True))[..., 0]
    possible = {
        tuple(images[0][np.clip(np.arange(5) + down, 0, 4)][:, np.clip(np.arange(5) + across, 0, 4), 0].ravel())
        for down in (-1, 0, 1)
        for across in (-1, 0, 1)
    }
    assert {tuple(image.ravel()) for image in moved} == possible


def test_a_seed_gives_the_same_shifts() -> None:
    images = np.random.default_rng(0).normal(size=(32, 6, 6, 1)).astype(np.float32)
    first, same, other = (np.asarray(Shift(most=2, seed=seed)(images, training=True)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_half_of_the_images_are_turned_left_for_right_in_training_alone() -> None:
    images = np.tile(np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1), (1_000, 1, 1, 1))
    layer = Mirror(seed=1)
    np.testing.assert_array_equal(layer(images), images)
    found = np.asarray(layer(images, training=True))
    turned = (found == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (turned | (found == images).all(axis=(1, 2, 3))).all()
    assert 0.45 < turned.mean() < 0.55  # three standard errors of 1.6 %


def test_the_fused_normalisation_does_what_that_of_keras_does() -> None:
    images = np.random.default_rng(0).normal(3, 2, (64, 5, 4, 2)).astype(np.float32)
    fused, plain = FusedNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    for training in (True, True, False):
        np.testing.assert_allclose(
            fused(images, training=training), plain(images, training=training), rtol=1e-3, atol=1e-4
        )
    for one, other in zip(fused.weights, plain.weights, strict=True):
        assert one.path.split("/")[-1] == other.path.split("/")[-1]
        # Of 1,280 values, the fused variance is that of a population: 1280 / 1279 of theirs.
        np.testing.assert_allclose(one, other, rtol=1e-3)
