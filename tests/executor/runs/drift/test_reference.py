"""Distributions of training rows that a run keeps."""

from __future__ import annotations

import numpy as np

from executor.data.raw_table import Form, RawTable
from executor.runs.drift.reference import CategoryDistribution, NumberDistribution, distribution, row_statistics


def test_numbers_are_counted_between_quantiles_without_the_extremes() -> None:
    values = np.array([*range(1, 41), np.nan, 1e9])
    found = distribution("x", "value", values)
    assert isinstance(found, NumberDistribution)
    # 41 numbers make four bins; the quarter of 41 rows ends with the 11th, 21st and 31st.
    assert (found.edges, found.counts, found.missing) == ((11, 21, 31), (11, 10, 10, 10), 1)


def test_zeros_and_ones_have_their_own_bins() -> None:
    found = distribution("x", "value", np.repeat([0.0, 1.0], [60, 40]))
    assert isinstance(found, NumberDistribution)
    assert (found.edges, found.counts) == ((0, 1), (60, 40, 0))


def test_rare_categories_are_counted_without_their_names() -> None:
    words = np.array(["red"] * 12 + ["blue"] * 10 + ["Zzyzx"] * 9 + ["Qux"] + [""] * 2, dtype=object)
    found = distribution("color", "value", words)
    assert found == CategoryDistribution(
        column="color", counts={"red": 12, "blue": 10}, others=10, distinct_others=2, missing=2
    )
    assert "Zzyzx" not in found.model_dump_json()


def test_texts_images_and_sequences_are_compared_by_summaries() -> None:
    pixels = np.zeros((2, 2, 2, 1), np.uint8)
    pixels[1] = [[[0], [255]], [[0], [255]]]
    steps = np.array([[[1.0, 3.0], [np.nan, np.nan]], [[2.0, 2.0], [2.0, 2.0]]], np.float32)
    rows = RawTable(
        features={"note": np.array(["four", ""], dtype=object), "image": pixels, "steps": steps},
        forms={"note": Form.TEXT, "image": Form.IMAGE, "steps": Form.SEQUENCE},
        rows=np.arange(2),
    )
    found = {f"{statistic} of {name}": values.tolist() for name, statistic, values in row_statistics(rows)}
    assert found.pop("length of note")[0] == 4
    assert found == {
        "brightness of image": [0, 127.5],
        "contrast of image": [0, 127.5],
        "length of steps": [1, 2],
        "mean of steps": [2, 2],
        "spread of steps": [1, 0],
    }
