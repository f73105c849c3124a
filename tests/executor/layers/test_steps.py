"""Layers that read sequences."""

from __future__ import annotations

import numpy as np
import pytest

from executor.layers.convolutions import HIGH, KERNELS, TAPS
from executor.layers.steps import RandomKernels, SequenceLayer, Steps, convolve

NAN = np.nan
RAW = np.array([[[1.0], [NAN], [5.0]], [[3.0], [NAN], [NAN]]], np.float32)
"""Two sequences of a channel: three steps, the second not known, and one step."""


def test_numbers_are_standardised_and_a_step_before_the_end_is_one_though_unknown() -> None:
    numbers, goes_on = SequenceLayer(mean=[3.0], scale=[2.0]).read(RAW)
    np.testing.assert_allclose(numbers[..., 0], [[-1, 0, 1], [0, 0, 0]])
    np.testing.assert_allclose(goes_on[..., 0], [[1, 1, 1], [1, 0, 0]])


def test_letters_are_one_hot_and_unknown_ones_are_steps_without_a_letter() -> None:
    numbers, goes_on = SequenceLayer(mean=[], scale=[], letters="AC").read(np.array([["CA"], ["X"]]))
    np.testing.assert_allclose(numbers, [[[0, 1], [1, 0]], [[0, 0], [0, 0]]])
    np.testing.assert_allclose(goes_on[..., 0], [[1, 1], [1, 0]])


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (2, [[-1, 1, 0, 1], [0, 1, 0, 0]]),  # longer ones are cut off
        (4, [[-1, 1, 0, 1, 1, 1, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]]),
    ],
)
def test_steps_are_a_row_of_a_fixed_length(steps: int, expected: list[list[float]]) -> None:
    layer = Steps(steps=steps, mean=[3.0], scale=[2.0])
    assert layer.output_width == 2 * steps
    np.testing.assert_allclose(layer(RAW), expected)


def test_kernels_are_the_84_of_minirocket() -> None:
    assert len(KERNELS) == 84
    sums = convolve(np.ones((1, TAPS, 1), np.float32), [[0]] * len(KERNELS), dilation=1, channels=1)
    np.testing.assert_allclose(sums[0, TAPS // 2], 0)  # 2 · 3 - 6
    assert HIGH * 2 == TAPS - HIGH


def test_a_feature_is_the_share_of_steps_before_the_end_above_a_bias() -> None:
    layer = RandomKernels(
        dilations=[1],
        chosen=[[[0]] * len(KERNELS)],
        biases=[[[0.5]] * len(KERNELS)],
        center=[0.0] * len(KERNELS),
        spread=[1.0] * len(KERNELS),
        mean=[0.0],
        scale=[1.0],
    )
    spike = np.zeros((1, 20, 1), np.float32)
    spike[0, 10] = 1
    spike[0, 16:] = NAN
    # Each kernel meets the spike with three weights of 2, at three steps; sixteen steps are before the end.
    np.testing.assert_allclose(
        np.asarray(layer(spike))[0], [sum(10 + 4 - tap < 16 for tap in own) / 16 for own in KERNELS]
    )
