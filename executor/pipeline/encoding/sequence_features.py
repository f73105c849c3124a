"""The number of random features of sequences that the time limit allows, by the measured speed of this machine.

It is chosen once for a run, and kept when the run is resumed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from executor.data.row_arrays import evenly_spaced
from executor.layers.convolutions import KERNELS, STEPS_AT_ONCE
from executor.preprocessing.preprocessing import matrix
from executor.preprocessing.sequence_encoder import SEQUENCE_FORMS, sequence_layer, steps_of_longest
from executor.runs.feature_plan import FeaturePlan
from executor.runs.files import FEATURES, read_json, write_json
from executor.runtime.log import LOG
from recommender.training_cost import ENCODING_SHARE, HOLD_OUT_ENCODINGS, MAX_FITTED
from rules.vocabulary.choices import MiniRocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.data.raw_table import RawTable
    from executor.data.split import Split
    from executor.pipeline.prepare import PreparedRun
    from executor.runtime.clock import Clock
    from rules.vocabulary.choices import Choice

MEASUREMENTS: Final = 3  # of which the fastest counts
MAX_CELLS: Final = 2**29  # encoded values of all rows: 2 GiB


def scale_to_time(run: PreparedRun, clock: Clock) -> Choice:
    """Return the architecture with as many random features as the time limit allows.

    The number is measured when the run begins; a resumed run reads it, because its trials rest on it.
    """
    architecture, table = run.bundle.architecture, run.data.table
    if not isinstance(architecture, MiniRocket) or not SEQUENCE_FORMS & set(table.forms.values()):
        return architecture
    path = run.directory / FEATURES
    if path.exists():
        plan = read_json(path, FeaturePlan)
    else:
        plan = plan_features(table, run.data.rows, architecture, seconds=run.budget.seconds, now=clock.now)
        write_json(path, plan)
    LOG.info("%s", plan.sentence)
    return architecture.model_copy(update={"features": plan.used})


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
