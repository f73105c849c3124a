"""Random convolutions of MiniRocket in NumPy, without TensorFlow, so that exported models use them as well."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TAPS: Final = 9  # weights of a kernel; Dempster et al. 2021 (MiniRocket), section 3.1, as the next two
HIGH: Final = 3  # weights of 2; the others are -1
KERNELS: Final = [*itertools.combinations(range(TAPS), HIGH)]  # positions of the weights of 2; 84 kernels
FARTHEST: Final = 3.0  # standard deviations to which features are clipped
STEPS_AT_ONCE: Final = 2**15
"""Steps of a batch of sequences: its arrays fit the second-level cache (docs/evidence.md#encoding-of-sequences)."""
BYTES_PER_WORD: Final = 8
WORDS_PER_SUM: Final = 248  # words of eight counters of one byte that are added without an overflow, at most 255


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """Convolutions at several dilations.

    dilations: (dilations,). channels: those that each kernel sums, (dilations, 84, some). biases: float32,
    (84, number of biases) for each dilation.
    """

    dilations: list[int]
    channels: list[list[list[int]]]
    biases: list[np.ndarray]

    @property
    def features(self) -> int:
        """Number of features."""
        return sum(one.size for one in self.biases)


def convolutions(
    numbers: np.ndarray, dilation: int, channels: list[list[int]], kernels: Sequence[tuple[int, ...]] = KERNELS
) -> Iterator[np.ndarray]:
    """Iterate over the outputs of kernels at a dilation, (rows, steps) float32 each; the next one overwrites it.

    numbers: (channels, rows, steps) as views of (rows, channels, steps). Sums are shared by kernels with the same first
    positions.
    """
    numbers = numbers.swapaxes(0, 1)
    low, high = -numbers, 3 * numbers  # the weights are -1, plus 3 at three positions
    shifted = np.zeros((TAPS, *numbers.shape), np.float32)
    every = low.copy()
    for tap in range(TAPS):
        if (by := (tap - TAPS // 2) * dilation) < 0:
            every[..., -by:] += low[..., :by]
            shifted[tap, ..., -by:] = high[..., :by]
        elif by > 0:
            every[..., :-by] += low[..., by:]
            shifted[tap, ..., :-by] = high[..., by:]
        else:
            shifted[tap] = high
    output, term = np.empty_like(numbers[0]), np.empty_like(numbers[0])
    one: dict[tuple[int, int], np.ndarray] = {}  # sums by channel and first position
    two: dict[tuple[int, int, int], np.ndarray] = {}
    for (first, second, third), chosen in zip(kernels, channels, strict=True):
        for channel in chosen:
            if (channel, first) not in one:
                one = {key: value for key, value in one.items() if key[1] == first}
                one[channel, first] = every[channel] + shifted[first, channel]
            if (channel, first, second) not in two:
                two = {key: value for key, value in two.items() if key[1:] == (first, second)}
                two[channel, first, second] = one[channel, first] + shifted[second, channel]
            into = output if channel == chosen[0] else term
            np.add(two[channel, first, second], shifted[third, channel], out=into)
            if into is term:
                output += term
        yield output


def exceeding_shares(numbers: np.ndarray, lengths: np.ndarray, kernels: Kernels) -> np.ndarray:
    """Compute features, (rows, features) float32, for all kernels of a dilation and all biases of a kernel.

    numbers: (rows, channels, steps) float32, 0 after the end of a sequence; lengths: (rows,).
    """
    found = np.empty((len(numbers), kernels.features), np.float32)
    longest = int(lengths.max(initial=1))
    most = max(1, STEPS_AT_ONCE // longest)
    for start in range(0, len(numbers), most):
        rows = slice(start, start + most)
        _exceeding_shares(numbers[rows, :, :longest], lengths[rows], kernels, found[rows])
    return found


def _exceeding_shares(numbers: np.ndarray, lengths: np.ndarray, kernels: Kernels, found: np.ndarray) -> None:
    """Write the features of a batch into `found`."""
    rows, _, steps = numbers.shape
    words = -(-steps // BYTES_PER_WORD)
    most = max(one.shape[1] for one in kernels.biases)
    # Boolean outputs, padded to whole words: of all steps, and of those that no weight of a kernel goes beyond.
    whole, inner = (np.zeros((most, rows, words * BYTES_PER_WORD), np.bool_) for _ in range(2))
    step = np.arange(steps)
    is_shorter = bool((lengths < steps).any())
    sums = np.arange(0, words, WORDS_PER_SUM)
    at = 0
    for index, (dilation, channels, biases) in enumerate(
        zip(kernels.dilations, kernels.channels, kernels.biases, strict=True)
    ):
        padding, count = dilation * (TAPS // 2), biases.shape[1]
        inner[:] = False
        for kernel, output in enumerate(convolutions(numbers, dilation, channels)):
            is_padded = (index + kernel) % 2 == 0
            first = 0 if is_padded else padding
            seen = slice(first, max(first, steps - first))
            above = (whole if is_padded else inner)[:count]
            np.greater(output[None, :, seen], biases[kernel][:, None, None], out=above[..., seen])
            if is_shorter:
                above[..., seen] &= step[seen] < (lengths - first)[:, None]
            # Eight counters of one byte are added in one word.
            counted = np.add.reduceat(above.view(np.uint64), sums, axis=2).view(np.uint8).sum(axis=2)
            found[:, at : at + count] = (counted / np.maximum(lengths - 2 * first, 1)).T
            at += count
