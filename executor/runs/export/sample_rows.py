"""Rows on which an export is checked: those of a dataset, or random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.data.raw_table import Form, RawTable
from executor.data.series.lag_table import lag_table
from executor.data.series.regular_steps import fill_missing_steps
from executor.model.validate_rows import read_new_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset

MAX_ROWS: Final = 1_000  # rows of a check
RANDOM_ROWS: Final = 200  # random rows; every vocabulary is sampled
MISSING_SHARE: Final = 0.1  # of random values
STEPS: Final = 64  # of random sequences, where the encoder has no number of steps
SPREADS: Final = 2.0  # robust standard deviations of random numbers
WORDS: Final = ("the", "good", "Bad", "naïve", "C++", "don't", "天气", "3.5", "a-b", "unknownword")
YEARS: Final = 50 * 365.25 * 86_400.0  # seconds since 1970 of random times


def dataset_rows(signature: Signature, dataset: Dataset, hold_out: np.ndarray | None) -> tuple[RawTable, str]:
    """Read at most MAX_ROWS rows of a dataset that the model can predict, and describe them.

    hold_out: numbers of the rows of the hold-out, which are preferred; None where they are not known. Of a forecast
    these are origins whose next steps are known.
    """
    table = read_new_rows(signature, dataset, ignore_extra=True)
    if signature.windows is not None:
        table = lag_table(fill_missing_steps(table, signature.windows.regular), signature.windows)
    if hold_out is not None and (is_own := np.isin(table.rows, hold_out)).any():
        return table.take(is_own).evenly_spaced(MAX_ROWS), "rows of the hold-out"
    return table.evenly_spaced(MAX_ROWS), "rows of the dataset"


def random_rows(signature: Signature, encoders: Sequence[Mapping[str, Any]], *, seed: int) -> RawTable:
    """Draw rows that the encoders can read, with missing and unknown values.

    encoders: as in encoding.json.
    """
    random = np.random.default_rng(seed)
    features: dict[str, np.ndarray] = {}
    forms = {name: entry.form for entry in signature.inputs for name in entry.columns}
    for encoder in encoders:
        for place, name in enumerate(encoder["columns"]):
            if name not in features:
                features[name] = _draw(encoder, place, random, forms[name])
    wide = (RANDOM_ROWS, signature.outputs)
    is_series = signature.windows is not None
    return RawTable(
        features=features,
        forms=forms,
        rows=np.arange(RANDOM_ROWS),
        offset=random.normal(size=wide) if is_series else None,
        spread=random.uniform(0.5, 2, wide) if is_series else None,
    )


def _draw(encoder: Mapping[str, Any], place: int, random: np.random.Generator, form: Form) -> np.ndarray:
    """Draw a column; place: of the column in its encoder."""
    kind = encoder["kind"]
    if kind == "pixels":
        return random.integers(0, 256, (RANDOM_ROWS, *encoder["shape"])).astype(np.uint8)
    if kind in {"steps", "mini_rocket"}:
        return _draw_sequences(encoder, random)
    if form is Form.NUMBER or form is Form.TIME:
        if kind == "numbers":
            center, factor = encoder["center"][place], encoder["factor"][place]
            values = center + random.normal(0, SPREADS, RANDOM_ROWS) / (factor or 1.0)
        else:
            values = np.floor(random.uniform(0, YEARS, RANDOM_ROWS))
        return np.where(random.random(RANDOM_ROWS) < MISSING_SHARE, np.nan, values)
    if "categories" in encoder:
        known = [*encoder["categories"][place], "", "an unknown category"]
        return np.array(random.choice(np.array(known, object), RANDOM_ROWS), object)
    lengths = random.integers(0, 3 * len(WORDS), RANDOM_ROWS)
    return np.array([" ".join(random.choice(WORDS, length)) for length in lengths], object)


def _draw_sequences(encoder: Mapping[str, Any], random: np.random.Generator) -> np.ndarray:
    """Draw sequences of several lengths."""
    steps = encoder.get("steps", max(STEPS, 9 * max(encoder.get("dilations", (1,)))))
    lengths = random.integers(1, steps + 1, RANDOM_ROWS)
    if letters := encoder["letters"]:
        return np.array(["".join(random.choice([*letters, "?"], length)) for length in lengths], object)
    mean, scale = (np.asarray(encoder[name]) for name in ("mean", "scale"))
    values = mean + scale * random.normal(size=(RANDOM_ROWS, steps, len(mean)))
    values[np.arange(steps) >= lengths[:, None]] = np.nan
    return values.astype(np.float32)
