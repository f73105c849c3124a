"""The types of labels and how text files spell them."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from executor.labels import LabelType, label_type
from recommender.dataset import Dataset


@pytest.mark.parametrize(
    ("storage", "labels", "values", "spelled"),
    [
        ("BIGINT", ["0", "12"], [0, 12], ["0", "12"]),
        ("DOUBLE", ["0", "1.5"], [0.0, 1.5], ["0.0", "1.5"]),
        ("DECIMAL(3,1)", ["0", "1.5"], [0.0, 1.5], ["0.0", "1.5"]),
        ("BOOLEAN", ["false", "true"], [False, True], ["false", "true"]),
        ("VARCHAR", ["0", "no"], ["0", "no"], ["0", "no"]),
        ("DATE", ["2024-02-29"], [datetime.date(2024, 2, 29)], ["2024-02-29"]),
        ("HUGEINT", ["89490000000000000001"], ["89490000000000000001"], ["89490000000000000001"]),
    ],
)
def test_labels_come_back_in_the_type_of_their_column(
    storage: str, labels: list[str], values: list[Any], spelled: list[str]
) -> None:
    kind = LabelType(storage=storage)
    assert kind.typed(labels).to_pylist() == values
    assert [kind.spelled(label) for label in labels] == spelled


def test_booleans_are_spelled_as_the_file_spelled_them() -> None:
    kind = LabelType(storage="BOOLEAN", booleans=("False", "True"))
    assert [kind.spelled(label) for label in ("false", "true")] == ["False", "True"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"y": pd.Categorical(["a", "b", "a"]), "z": ["a", "b", "a"]}),
        pl.DataFrame({"y": pl.Series(["a", "b", "a"], dtype=pl.Categorical), "z": ["a", "b", "a"]}),
        pa.table({"y": pa.array(["a", "b", "a"]).dictionary_encode(), "z": ["a", "b", "a"]}),
    ],
    ids=["pandas", "polars", "arrow"],
)
def test_a_categorical_column_of_a_frame_is_remembered_as_one(frame: object) -> None:
    with Dataset.open(frame) as dataset:
        assert label_type(dataset, "y").is_categorical
        assert not label_type(dataset, "z").is_categorical
