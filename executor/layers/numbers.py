"""Layers that scale raw numbers and encode time stamps; one layer for all columns of a kind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf

from executor.layers.constants import CLIP, FARTHEST_NUMBER, PERIODS
from executor.layers.quantiles import column_quantiles, known_values, piecewise_linear, quantiles_at

if TYPE_CHECKING:
    from collections.abc import Sequence

WAVES: Final = 2 * len(PERIODS)  # features per time stamp: sine and cosine of each period


def join_columns(columns: Any) -> tf.Tensor:  # noqa: ANN401 - a tensor, or a list of them from the inputs of a model
    """Concatenate one (rows, 1) tensor per column; a (rows, columns) tensor is returned as it is."""
    return tf.concat(columns, axis=1) if isinstance(columns, list | tuple) else tf.convert_to_tensor(columns)


class ColumnLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A layer without weights that reads raw columns; inputs are not cast, the output is float32 or int32."""

    output_width: int
    output_dtype = "float32"

    def __init__(self, *, name: str | None = None, dtype: Any = None) -> None:  # noqa: ANN401 - Keras' own loose type
        del dtype  # preprocessing has the same precision under any global policy
        super().__init__(name=name, dtype="float32", autocast=False, trainable=False)

    def compute_output_spec(self, *_: Any) -> keras.KerasTensor:  # noqa: ANN401 - symbolic tensors
        """Shape and type of the output, without tracing: a trace of 300 columns takes seconds."""
        return keras.KerasTensor((None, self.output_width), dtype=self.output_dtype)

    def own_config(self) -> dict[str, Any]:
        """Arguments of this layer except its name."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.own_config()}


@keras.saving.register_keras_serializable(package="pcwat")
class Numbers(ColumnLayer):
    """Robust scaling with a smooth clip, or normal quantiles, with optional missing indicators and bins.

    Reads (rows, columns) float64 with NaN for missing values; returns (rows, columns + indicators + bins) float32, 0
    for missing values. y = (x - center) · factor, then y / √(1 + (y/3)²): Holzmüller et al. 2024 (RealMLP), section 3.

    center, factor: (columns,). indicators: indices of columns with a missing indicator. ranked: indices of columns that
    are encoded as quantiles, with knots and quantiles as in `quantiles_at`. edges: bin edges of each scaled column, as
    in `piecewise_linear`; means: (bins,) means of its encoding, which are subtracted.
    """

    def __init__(
        self,
        *,
        center: list[float],
        factor: list[float],
        indicators: list[int],
        ranked: Sequence[int] = (),
        knots: Sequence[list[float]] = (),
        quantiles: Sequence[list[float]] = (),
        edges: Sequence[list[float]] = (),
        means: Sequence[float] = (),
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.center = tuple(center)
        self.factor = tuple(factor)
        self.indicators = tuple(indicators)
        self.ranked, self.knots, self.quantiles = [*ranked], [*knots], [*quantiles]
        self.edges, self.means = [*edges], [*means]
        self.output_width = len(center) + len(indicators) + len(self.means)

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        raw = join_columns(columns)
        scaled = (raw - tf.constant(self.center, tf.float64)) * tf.constant(self.factor, tf.float64)
        far = tf.clip_by_value(scaled, -FARTHEST_NUMBER, FARTHEST_NUMBER)
        bounded = far / tf.sqrt(1 + tf.square(far / CLIP))
        if self.ranked:
            own = tf.gather(raw, tf.constant(self.ranked, tf.int32), axis=1)
            both = tf.concat([bounded, quantiles_at(own, self.knots, self.quantiles)], axis=1)
            places = [*range(len(self.center))]
            for index, column in enumerate(self.ranked, start=len(self.center)):
                places[column] = index
            bounded = tf.gather(both, tf.constant(places, tf.int32), axis=1)
        # After the clip: in a constant column zero times infinity is NaN, too.
        features = tf.cast(tf.where(tf.math.is_nan(bounded), tf.zeros_like(bounded), bounded), tf.float32)
        found = [features]
        if self.indicators:
            missing = tf.gather(tf.math.is_nan(raw), tf.constant(self.indicators, tf.int32), axis=1)
            found.append(tf.cast(missing, tf.float32))
        if self.means:
            found.append(piecewise_linear(features, self.edges) - tf.constant(self.means, tf.float32))
        return tf.concat(found, axis=1) if len(found) > 1 else features

    def own_config(self) -> dict[str, Any]:
        scale = {"center": [*self.center], "factor": [*self.factor], "indicators": [*self.indicators]}
        ranks = {"ranked": self.ranked, "knots": self.knots, "quantiles": self.quantiles}
        return scale | ranks | {"edges": self.edges, "means": self.means}


@keras.saving.register_keras_serializable(package="pcwat")
class Calendar(ColumnLayer):
    """Sine and cosine of the time of day, of the week and of the year.

    Reads (rows, columns) float64 seconds since 1970 with NaN for missing; returns (rows, kept) float32, 0 for missing.

    kept: indices of waves, column · 6 + wave; the others are constant in training rows.
    """

    def __init__(
        self,
        *,
        kept: list[int],
        name: str | None = None,
        dtype: Any = None,  # noqa: ANN401 - Keras' own loose type
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.kept = tuple(kept)
        self.output_width = len(kept)

    def call(self, columns: Any) -> tf.Tensor:  # noqa: ANN401 - see joined
        seconds = join_columns(columns)
        # The week starts on Thursday, 1970-01-01; another origin only shifts the phase.
        angles = tf.stack([tf.math.floormod(seconds, period) / period for period in PERIODS], axis=2) * (2 * math.pi)
        waves = tf.reshape(tf.concat([tf.sin(angles), tf.cos(angles)], axis=2), (-1, seconds.shape[1] * WAVES))
        chosen = tf.gather(waves, tf.constant(self.kept, tf.int32), axis=1)
        return tf.cast(tf.where(tf.math.is_nan(chosen), tf.zeros_like(chosen), chosen), tf.float32)

    def own_config(self) -> dict[str, Any]:
        return {"kept": [*self.kept]}


def robust_scale(values: np.ndarray, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Fit center and factor of Numbers for each column: median, and 1 / interquartile range.

    Where the interquartile range is 0 the factor is 2 / range (RealMLP); for a constant or empty column it is 0.
    values: (rows, columns) float64 with NaN for missing. weight: (rows,); None where each row counts once.
    """
    center = np.zeros(values.shape[1])
    factor = np.zeros(values.shape[1])
    for column in range(values.shape[1]):
        known, own_weight = known_values(values[:, column], weight)
        if len(known) == 0:
            continue
        low, center[column], high = column_quantiles(known, (0.25, 0.5, 0.75), own_weight)
        width = high - low
        if width == 0:
            width = (known.max() - known.min()) / 2
        factor[column] = 1 / width if width > 0 and np.isfinite(1 / width) else 0.0
    return center, factor


def varying_waves(seconds: np.ndarray) -> list[int]:
    """Find the argument `kept` of Calendar: waves that vary among these rows by more than rounding."""
    waves = Calendar(kept=list(range(seconds.shape[1] * WAVES)))(seconds).numpy()
    missing = np.repeat(np.isnan(seconds), WAVES, axis=1)
    high = np.where(missing, -np.inf, waves).max(axis=0)
    low = np.where(missing, np.inf, waves).min(axis=0)
    return [int(wave) for wave in np.flatnonzero(high - low > MIN_WAVE)]


def spanned_waves(seconds: np.ndarray, kept: list[int]) -> list[int]:
    """Select waves whose period the rows span at least CYCLES_SPANNED times; seconds: (rows, columns)."""
    span = np.nanmax(seconds, axis=0) - np.nanmin(seconds, axis=0)
    periods = [*PERIODS, *PERIODS]  # sines, then cosines
    return [wave for wave in kept if span[wave // WAVES] >= CYCLES_SPANNED * periods[wave % WAVES]]


CYCLES_SPANNED: Final = 2.0  # of a wave, from which it is distinguishable from a trend
MIN_WAVE: Final = 1e-3  # of an amplitude of 1; the time of day of a daily series is below it
