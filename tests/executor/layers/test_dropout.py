"""Dropout whose rate changes without a new graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import tensorflow as tf

from executor.layers.dropout import RatedDropout

if TYPE_CHECKING:
    from pathlib import Path

ONES = np.ones((200, 50), np.float32)


def test_a_share_is_dropped_and_the_mean_stays() -> None:
    answers = np.asarray(RatedDropout(0.3, seed=0)(ONES, training=True))
    assert np.mean(answers == 0) == pytest.approx(0.3, abs=0.02)
    assert np.unique(answers) == pytest.approx([0, 1 / 0.7])
    assert answers.mean() == pytest.approx(1, abs=0.05)


def test_outside_training_and_at_rate_zero_nothing_changes() -> None:
    np.testing.assert_array_equal(RatedDropout(0.3, seed=0)(ONES), ONES)
    np.testing.assert_array_equal(RatedDropout(0.0, seed=0)(ONES, training=True), ONES)


def test_one_graph_serves_other_rates() -> None:
    layer, traces = RatedDropout(0.3, seed=0), []

    @tf.function
    def dropped(inputs: tf.Tensor) -> tf.Tensor:
        traces.append(inputs)
        return layer(inputs, training=True)

    for rate in (0.3, 0.0, 0.8):
        layer.rate.assign(rate)
        assert np.mean(dropped(tf.constant(ONES)).numpy() == 0) == pytest.approx(rate, abs=0.02)
    assert len(traces) == 1


def test_a_saved_layer_is_the_same(tmp_path: Path) -> None:
    inputs = keras.Input((50,))
    network = keras.Model(inputs, RatedDropout(0.3, seed=4, name="dropout")(inputs))
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(again(ONES, training=True), network(ONES, training=True))
    assert float(again.get_layer("dropout").rate) == pytest.approx(0.3)
