"""A row of weight 2 is encoded as the row given twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from executor.data.images import ImageArray
from executor.data.raw_table import Form, RawTable
from executor.data.split import Split
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from recommender.roles.roles import Roles
from rules.vocabulary.choices import Standard
from rules.vocabulary.facts import Task

ROLES = Roles(task=Task.REGRESSION, task_reason="", targets=("y",), target_reason="", columns={})
ROWS = 600  # more than 500, so that no bound depends on their number


def weighted_table(forms: dict[str, Form], rows: int, *, seed: int, **features: Any) -> RawTable:
    random = np.random.default_rng(seed)
    return RawTable(
        features=features,
        forms=forms,
        rows=np.arange(rows),
        truth=random.normal(3, 2, (rows, 1)),
        weight=random.integers(1, 4, rows).astype(float),
    )


def given_several_times(table: RawTable) -> RawTable:
    """Each row as often as its weight says, with weight 1."""
    copies = table.take(np.repeat(np.arange(len(table)), table.weight.astype(int)))
    return replace(copies, rows=np.arange(len(copies)), weight=np.ones(len(copies)))


def fitted(table: RawTable) -> list[dict[str, Any]]:
    """Parameters of each layer, flat."""
    blocks = fit_preprocessing(table, ROLES, np.arange(len(table)), Standard(bins=16)).blocks
    return [block.layer.get_config() for block in blocks]


def flat(value: Any) -> list[Any]:
    return [one for part in value for one in flat(part)] if isinstance(value, list | tuple) else [value]


def assert_equal(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            mine, theirs = flat(one[name]), flat(other[name])
            assert mine == (theirs if any(isinstance(it, str) for it in mine) else pytest.approx(theirs, nan_ok=True))


@pytest.mark.parametrize("seed", range(5))
def test_numbers_of_a_row_of_weight_2_are_those_of_the_row_given_twice(seed: int) -> None:
    random = np.random.default_rng(seed)
    table = weighted_table(
        {"plain": Form.NUMBER, "heavy": Form.NUMBER, "mostly": Form.NUMBER},
        ROWS,
        seed=seed,
        plain=np.where(random.random(ROWS) < 0.1, np.nan, random.normal(size=ROWS)),
        heavy=np.exp(random.normal(0, 3, ROWS)),
        mostly=np.where(random.random(ROWS) < 0.8, 0.0, random.normal(size=ROWS)),
    )
    (numbers,) = fitted(table)
    assert_equal([numbers], fitted(given_several_times(table)))
    assert len(numbers["ranked"]) == 2
    assert any(numbers["edges"])
    assert numbers["center"] != fitted(replace(table, weight=None))[0]["center"]


def test_pixels_and_channels_of_a_row_of_weight_2_are_those_of_the_row_given_twice() -> None:
    random = np.random.default_rng(1)
    images = weighted_table(
        {"image": Form.IMAGE}, 9, seed=1, image=ImageArray(random.integers(0, 256, (9, 4, 3, 3), dtype=np.uint8))
    )
    steps = random.normal(size=(9, 5, 2))
    steps[:3, 3:] = np.nan  # shorter sequences
    sequences = weighted_table({"steps": Form.SEQUENCE}, 9, seed=2, steps=steps)
    for table in (images, sequences):
        assert_equal(fitted(table), fitted(given_several_times(table)))
    mean = fitted(images)[0]["mean"]
    pixels = np.asarray(images.features["image"]).reshape(9, -1, 3).mean(axis=1)
    assert mean == pytest.approx(np.average(pixels, axis=0, weights=images.weight))


def test_a_category_needs_two_rows_of_any_weight() -> None:
    levels = np.array(["one", "two", "two", "three", "three"], dtype=object)
    table = weighted_table({"level": Form.LEVEL}, 5, seed=1, level=levels)
    heavy = replace(table, weight=np.array([100.0, 1, 1, 2, 2]))
    assert fitted(heavy)[0]["levels"] == [["three", "two"]]


def test_a_numeric_target_is_standardized_as_standard_scaler_does_with_sample_weight() -> None:
    table = weighted_table({"x": Form.NUMBER}, 40, seed=3, x=np.arange(40.0))
    rows = np.arange(40)
    split = Split(train=rows[:30], validation=rows[30:], hold_out=rows[:0], sentence="")
    parts = encode_parts(table, ROLES, split, fit_preprocessing(table, ROLES, split.train))
    scaler = StandardScaler().fit(table.truth[:30], sample_weight=table.weight[:30])
    assert (parts.target_mean, parts.target_scale) == (pytest.approx(scaler.mean_), pytest.approx(scaler.scale_))
    assert parts.train.raw_target.shape == (30, 1)
