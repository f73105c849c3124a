"""The types of labels and how text files spell them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from executor.data.labels import LabelType, label_type
from recommender.dataset.dataset import Dataset
from recommender.dataset.sql import category_text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("storage", "labels", "values", "spelled"),
    [
        ("BIGINT", ["0", "12"], [0, 12], ["0", "12"]),
        ("DOUBLE", ["0", "1.5"], [0.0, 1.5], ["0.0", "1.5"]),
        ("DECIMAL(3,1)", ["0", "1.5"], [0.0, 1.5], ["0.0", "1.5"]),
        ("BOOLEAN", ["false", "true"], [False, True], ["false", "true"]),
        ("VARCHAR", ["0", "no"], ["0", "no"], ["0", "no"]),
        ("DATE", ["2024-02-29"], [datetime.date(2024, 2, 29)], ["2024-02-29"]),
        ("HUGEINT", ["89490000000000000001", "-5"], [89490000000000000001, -5], ["89490000000000000001", "-5"]),
        ("HUGEINT", ["9223372036854775808"], [2**63], ["9223372036854775808"]),
        ("TIMESTAMP", ["2024-02-29 12:00:00.5"], [datetime.datetime(2024, 2, 29, 12, 0, 0, 500_000)], None),  # noqa: DTZ001
        ("TIME", ["10:30:00", ""], [datetime.time(10, 30), None], None),
    ],
)
def test_labels_come_back_in_the_type_of_their_column(
    storage: str, labels: list[str], values: list[Any], spelled: list[str] | None
) -> None:
    kind = LabelType(storage=storage)
    assert kind.to_arrow(labels).to_pylist() == values
    assert [kind.to_text(label) for label in labels] == (spelled or labels)


def test_a_name_that_the_training_did_not_have_stays_text_where_it_is_no_value_of_the_type() -> None:
    assert LabelType(storage="BIGINT").to_arrow(["3", "1.5"]).to_pylist() == ["3", "1.5"]


@pytest.mark.parametrize(
    ("column", "labels", "kind", "spelled"),
    [
        (pa.array([Decimal("1.10"), Decimal("2.50")]), ["1.1", "2.5"], pa.decimal128(3, 2), ["1.10", "2.50"]),
        (pa.array([Decimal(10**30), Decimal(5)]), [str(10**30), "5"], pa.decimal128(31, 0), [str(10**30), "5"]),
        (pa.array([2**63, 5], pa.uint64()), [str(2**63), "5"], pa.uint64(), [str(2**63), "5"]),
        (pa.array([0.1, 2.0], pa.float32()), ["0.1", "2"], pa.float32(), ["0.1", "2.0"]),
    ],
    ids=["decimal", "huge", "unsigned", "single"],
)
def test_labels_of_a_parquet_file_come_back_in_its_type(
    tmp_path: Path, column: pa.Array, labels: list[str], kind: pa.DataType, spelled: list[str]
) -> None:
    parquet.write_table(pa.table({"y": column}), tmp_path / "rows.parquet")
    with Dataset.open(tmp_path / "rows.parquet") as dataset:
        own = label_type(dataset, "y")
        named = dataset.connection.execute(f"SELECT {category_text('y', dataset.storage['y'])} FROM dataset").fetchall()
    assert [name for (name,) in named] == labels
    assert own.to_arrow(labels).type == kind
    assert own.to_arrow(labels).to_pylist() == column.to_pylist()
    assert [own.to_text(label) for label in labels] == spelled


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_a_categorical_column_of_a_parquet_file_is_remembered_as_one(tmp_path: Path, library: str) -> None:
    path = tmp_path / "rows.parquet"
    if library == "pandas":
        pd.DataFrame({"y": pd.Categorical(["a", "b"]), "z": ["a", "b"]}).to_parquet(path)
    elif library == "polars":
        pl.DataFrame({"y": pl.Series(["a", "b"], dtype=pl.Categorical), "z": ["a", "b"]}).write_parquet(path)
    else:
        parquet.write_table(pa.table({"y": pa.array(["a", "b"]).dictionary_encode(), "z": ["a", "b"]}), path)
    with Dataset.open(path) as dataset:
        assert dataset.categorical == {"y"}


def test_booleans_are_spelled_as_the_file_spelled_them() -> None:
    kind = LabelType(storage="BOOLEAN", booleans=("False", "True"))
    assert [kind.to_text(label) for label in ("false", "true")] == ["False", "True"]


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


@pytest.mark.parametrize("kind", ["object", "category"])
def test_labels_that_are_texts_of_numbers_come_back_as_these_texts(kind: str) -> None:
    frame = pd.DataFrame({"y": pd.Series(["1.50", "2.25", "1.50"], dtype=kind)})
    with Dataset.open(frame, kept=("y",)) as dataset:
        own = label_type(dataset, "y")
    assert own.to_arrow(["1.5", "2.25"]).to_pylist() == ["1.50", "2.25"]
    assert [own.to_text(label) for label in ("1.5", "2.25")] == ["1.50", "2.25"]


def test_a_csv_file_has_numbers_that_text_files_spell_as_it_does(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1,1.50\n2,2.00\n3,1.50\n4,2.00\n")
    with Dataset.open(path, kept=("y",)) as dataset:
        own = label_type(dataset, "y")
    assert own.to_arrow(["1.5", "2"]).to_pylist() == [1.5, 2.0]
    assert [own.to_text(label) for label in ("1.5", "2")] == ["1.50", "2.00"]
