"""Number of random features of sequences that the time limit allows, by the measured speed of this machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from executor.data.row_arrays import evenly_spaced
from executor.layers.minirocket import STEPS_AT_ONCE
from executor.layers.steps import KERNELS
from executor.preprocessing.preprocessing import matrix
from executor.preprocessing.sequence_encoder import MAX_FITTED, SEQUENCE_FORMS, sequence_layer, steps_of_longest
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.data.raw_table import RawTable
    from executor.data.split import Split
    from rules.vocabulary.choices import MiniRocket

ENCODING_SHARE: Final = 0.1  # of the time limit, for fitting random features and encoding all rows
HOLD_OUT_ENCODINGS: Final = 3
"""Times that rows of the hold-out are encoded: for the score, for the saved model and for feature importance."""
MEASUREMENTS: Final = 3  # of which the fastest counts
MAX_CELLS: Final = 2**29  # encoded values of all rows: 2 GiB


class FeaturePlan(BaseModel):
    """Random features of a run: how many were planned, how many are used, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    planned: int
    """Maximum number that the bundle names."""
    used: int
    """Maximum number that the run fits."""
    encodings: int
    """Rows that are fitted and encoded, repetitions included."""
    row_seconds: float | None = None
    """Measured seconds to encode a row with the planned features; None without a time limit."""
    allowed_seconds: float | None = None
    """Seconds for all encodings; None without a time limit."""

    @property
    def sentence(self) -> str:
        """The decision with its numbers."""
        if self.used == self.planned:
            return f"MiniRocket: {self.planned:,} features, as planned."
        if self.row_seconds is None or self.allowed_seconds is None:
            return f"MiniRocket: {self.used:,} instead of {self.planned:,} features, because more do not fit in memory."
        return (
            f"MiniRocket: {self.used:,} instead of {self.planned:,} features. All of them need about "
            f"{number(self.encodings * self.row_seconds)} s for {self.encodings:,} encodings of a row, but "
            f"{number(self.allowed_seconds)} s of the time limit are for encoding."
        )


def plan_features(
    table: RawTable, rows: Split, architecture: MiniRocket, *, seconds: float | None, now: Callable[[], float]
) -> FeaturePlan:
    """Measure the encoding of a few training rows, and choose the number of features.

    seconds: time limit of the run; without one the time is not measured. now: reading of a clock.
    """
    validation = 0 if rows.folds is not None else len(rows.validation)
    once = len(rows.train) + validation
    encodings = min(MAX_FITTED, len(rows.train)) + once + HOLD_OUT_ENCODINGS * len(rows.hold_out)
    planned = architecture.features
    fitting = max(len(KERNELS), MAX_CELLS // max(1, once))
    if seconds is None:
        return FeaturePlan(planned=planned, used=min(planned, fitting), encodings=encodings)
    allowed = ENCODING_SHARE * seconds
    row_seconds = _row_seconds(table.take(rows.train), architecture, now, enough=allowed / encodings)
    affordable = int(planned * allowed / max(encodings * row_seconds, allowed))
    return FeaturePlan(
        planned=planned,
        used=max(len(KERNELS), min(planned, fitting, affordable)),
        encodings=encodings,
        row_seconds=row_seconds,
        allowed_seconds=allowed,
    )


def _row_seconds(seen: RawTable, architecture: MiniRocket, now: Callable[[], float], *, enough: float) -> float:
    """Seconds to encode a row, measured on a batch that is encoded at once.

    The batch is measured again while it takes longer than `enough`, because other processes may have disturbed it.
    """
    name = next(name for name, form in seen.forms.items() if form in SEQUENCE_FORMS)
    few = max(1, STEPS_AT_ONCE // max(1, steps_of_longest(seen.features[name])))
    some = seen.take(evenly_spaced(len(seen), few))
    layer = sequence_layer(some, name, architecture)
    layer(matrix(some, (name,), slice(1)))  # the first call is slower
    fastest = math.inf
    for _ in range(MEASUREMENTS):
        start = now()
        layer(matrix(some, (name,)))
        fastest = min(fastest, (now() - start) / len(some))
        if fastest <= enough:
            break
    return fastest
