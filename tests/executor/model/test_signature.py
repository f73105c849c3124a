"""What a model asks of rows, and how its answers read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from executor.components.threshold import Threshold
from executor.data.read_rows import read_rows
from executor.data.series.lag_plan import plan_windows
from executor.data.series.lag_table import future_rows, lag_table
from executor.data.split import split
from executor.model.prediction_columns import prediction_columns, prediction_names
from executor.model.signature import Signature, create_signature
from executor.model.validate_rows import read_new_rows
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from recommender.dataset.dataset import Dataset
from recommender.roles.infer import Role
from recommender.roles.roles import Roles
from rules.errors import ColumnError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 40
KINDS = {
    "id": Kind.IDENTIFIER,
    "size": Kind.NUMERIC,
    "color": Kind.CATEGORICAL,
    "code": Kind.INTEGER_CODE,
    "when": Kind.DATETIME,
    "y": Kind.CATEGORICAL,
}


def _columns(rows: int = ROWS) -> dict[str, Any]:
    return {
        "id": [f"id {number}" for number in range(rows)],
        "size": np.arange(rows) * 0.5,
        "color": ["red", "blue"] * (rows // 2),
        "code": [1, 2] * (rows // 2),
        "when": np.arange(rows).astype("datetime64[D]").astype("datetime64[us]"),
        "y": ["no", "yes"] * (rows // 2),
    }


def _signature(columns: dict[str, Any], roles: Roles) -> Signature:
    with Dataset.open(pa.table(columns)) as dataset:
        table, windows = read_rows(dataset, roles), None
        if roles.task is Task.FORECASTING:
            windows = plan_windows(table, roles)
            table = lag_table(table, windows)
        rows = split(table, roles, seed=0)
        preprocessing = fit_preprocessing(table, roles, rows.train)
        parts = encode_parts(table, roles, rows, preprocessing)
        return create_signature(dataset, roles, table, preprocessing, parts, windows=windows)


def _roles(task: Task, targets: tuple[str, ...], kinds: dict[str, Kind], **apart: Any) -> Roles:
    return Roles(
        task=task,
        task_reason="",
        targets=targets,
        target_reason="",
        columns={name: Role(column=name, kind=kind, reason="") for name, kind in kinds.items()},
        **apart,
    )


@pytest.fixture(scope="module")
def signature() -> Signature:
    return _signature(_columns(), _roles(Task.BINARY, ("y",), KINDS, labels=("no", "yes")))


@dataclass(frozen=True, kw_only=True)
class Answering:
    task: Task
    outcome: list[list[float]]
    read: dict[str, list[Any]]


def test_a_signature_is_the_same_after_its_file_was_read(signature: Signature) -> None:
    tuned = signature.model_copy(update={"thresholds": (Threshold(value=0.3, why="tuned"),)})
    assert Signature.model_validate_json(tuned.model_dump_json()) == tuned
    assert tuned.cuts == (0.3,)


def test_no_value_of_a_row_is_in_the_signature(signature: Signature) -> None:
    text = signature.model_dump_json()
    assert "id 7" not in text
    assert "blue" not in text


def test_new_rows_are_read_without_target_and_identifier(signature: Signature) -> None:
    columns = {name: values for name, values in _columns(4).items() if name not in {"y", "id"}}
    with Dataset.open(pa.table(columns)) as dataset:
        rows = read_new_rows(signature, dataset)
    assert rows.features["size"].tolist() == [0, 0.5, 1, 1.5]
    assert rows.features["code"].tolist() == ["1", "2", "1", "2"]
    assert len(rows) == 4
    assert rows.truth is None


def test_target_and_identifier_may_stay_and_the_order_does_not_matter(signature: Signature) -> None:
    columns = dict(reversed(_columns(4).items()))
    with Dataset.open(pa.table(columns)) as dataset:
        assert tuple(read_new_rows(signature, dataset).features) == ("size", "color", "code", "when")


def _changed(**columns: Any) -> Iterator[Dataset]:
    return iter([Dataset.open(pa.table({**_columns(4), **columns}))])


def test_a_missing_column_is_named_with_the_likely_new_name(signature: Signature) -> None:
    columns = _columns(4)
    columns["Sise"] = columns.pop("size")
    with (
        Dataset.open(pa.table(columns)) as dataset,
        pytest.raises(ColumnError, match=r"lacks 'size'\. Is it called 'Sise'\?"),
    ):
        read_new_rows(signature, dataset)


def test_many_missing_columns_are_counted() -> None:
    names = [f"n{number}" for number in range(8)]
    kinds = {**dict.fromkeys(names, Kind.NUMERIC), "y": Kind.NUMERIC}
    columns = {name: np.arange(ROWS) * 1.0 for name in (*names, "y")}
    wide = _signature(columns, _roles(Task.REGRESSION, ("y",), kinds))
    with (
        Dataset.open(pa.table({"n0": [1.0]})) as dataset,
        pytest.raises(ColumnError, match="'n1', 'n2', 'n3', 'n4', 'n5' and 2 more"),
    ):
        read_new_rows(wide, dataset)


def test_an_unknown_column_is_an_error_unless_it_is_passed_over(signature: Signature) -> None:
    with Dataset.open(pa.table({**_columns(4), "weight": [1, 2, 3, 4]})) as dataset:
        with pytest.raises(ColumnError, match=r"also has 'weight'.*--ignore-extra"):
            read_new_rows(signature, dataset)
        assert "weight" not in read_new_rows(signature, dataset, ignore_extra=True).features


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("size", ["1", "2", "tall", None], r"'size' must hold finite numbers.*'tall' in row 3"),
        ("code", ["1", "one", "2", "1"], r"'code' must hold finite numbers.*'one' in row 2"),
        ("color", [1, 2, 3, 4], r"'color' must hold words.*'1' in row 1"),
        ("when", ["1970-01-01", None, None, "soon"], r"'when' must hold dates or times.*'soon' in row 4"),
    ],
)
def test_a_retyped_column_is_named_with_value_and_row(
    column: str, values: list[Any], message: str, signature: Signature
) -> None:
    (dataset,) = _changed(**{column: values})
    with dataset, pytest.raises(ColumnError, match=message):
        read_new_rows(signature, dataset)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("size", ["1", "2.5", None, "4"]),
        ("size", [1, 2, 3, 4]),
        ("size", [None] * 4),
        ("code", [1.0, 2.0, None, 7.0]),
        ("color", ["green", None, "red", ""]),
        ("when", ["1970-01-01", None, "1970-01-02 10:00", None]),
    ],
)
def test_a_column_may_be_stored_in_another_way(column: str, values: list[Any], signature: Signature) -> None:
    (dataset,) = _changed(**{column: values})
    with dataset:
        assert len(read_new_rows(signature, dataset)) == 4


def test_levels_that_read_as_numbers_may_come_as_numbers() -> None:
    columns = {**_columns(), "color": ["1", "b"] * (ROWS // 2)}
    mixed = _signature(columns, _roles(Task.BINARY, ("y",), KINDS, labels=("no", "yes")))
    (dataset,) = _changed(color=[1, 1, 1, 1])
    with dataset:
        assert read_new_rows(mixed, dataset).features["color"].tolist() == ["1"] * 4


def test_a_series_asks_for_its_past() -> None:
    kinds = {"when": Kind.DATETIME, "y": Kind.NUMERIC, "x": Kind.NUMERIC}
    columns = {"when": _columns()["when"], "y": np.arange(ROWS) * 2.0, "x": np.arange(ROWS) * 1.0}
    roles = _roles(Task.FORECASTING, ("y",), kinds, time_column="when")
    series = _signature(columns, roles)
    assert [column.name for column in series.columns] == ["when", "y", "x"]
    with Dataset.open(pa.table({name: values[:10] for name, values in columns.items()})) as dataset:
        past = read_new_rows(series, dataset)
    assert series.windows is not None
    steps = future_rows(past, series.windows)
    assert steps.offset is not None
    assert steps.offset.tolist() == [[18] * series.windows.horizon]
    assert steps.features["time"].tolist() == [10 * 86_400]
    with (
        Dataset.open(pa.table({"when": columns["when"][:10], "x": columns["x"][:10]})) as dataset,
        pytest.raises(ColumnError, match="lacks 'y'"),
    ):
        read_new_rows(series, dataset)


@pytest.mark.parametrize(
    ("case", "more"),
    [
        (
            Answering(
                task=Task.BINARY,
                outcome=[[0.4], [0.2]],
                read={"prediction": ["yes", "no"], "probability of no": [0.6, 0.8], "probability of yes": [0.4, 0.2]},
            ),
            {"labels": ("no", "yes"), "rare_class": 1, "thresholds": (Threshold(value=0.3, why=""),)},
        ),
        (
            Answering(
                task=Task.MULTICLASS,
                outcome=[[0.2, 0.5, 0.3]],
                read={
                    "prediction": ["b"],
                    "probability of a": [0.2],
                    "probability of b": [0.5],
                    "probability of c": [0.3],
                },
            ),
            {"labels": ("a", "b", "c")},
        ),
        (
            Answering(
                task=Task.MULTILABEL,
                outcome=[[0.2, 0.5]],
                read={"k": ["F"], "l": ["1"], "probability of k": [0.2], "probability of l": [0.5]},
            ),
            {"targets": ("k", "l"), "levels": {"k": ("F", "T"), "l": ("0", "1")}},
        ),
        (Answering(task=Task.REGRESSION, outcome=[[2.5]], read={"prediction": [2.5]}), {}),
        (
            Answering(
                task=Task.MULTIOUTPUT_REGRESSION,
                outcome=[[2.5, 1.0]],
                read={"prediction of k": [2.5], "prediction of l": [1.0]},
            ),
            {"targets": ("k", "l")},
        ),
    ],
    ids=lambda case: case.task if isinstance(case, Answering) else "",
)
def test_answers_read_as_the_dataset_writes_them(case: Answering, more: dict[str, Any], signature: Signature) -> None:
    plain = {"task": case.task, "labels": (), "rare_class": None, "thresholds": ()}
    own = signature.model_copy(update=plain | more)
    read = prediction_columns(own, np.array(case.outcome), prediction_names(own))
    assert {name: values.tolist() for name, values in read.items()} == {
        name: pytest.approx(values) if isinstance(values[0], float) else values for name, values in case.read.items()
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"targets": ()}, "it names no target"),
        ({"labels": ("no",)}, "a binary task has 1 labels"),
        ({"labels": ("a", "b", "c")}, "a binary task has 3 labels"),
        ({"task": Task.REGRESSION}, "a regression task has 2 labels"),
        ({"task": Task.MULTILABEL, "labels": ()}, "a target has no labels"),
        ({"thresholds": (Threshold(value=0.5, why=""),) * 2}, "it has 2 thresholds where 1 are needed"),
        ({"rare_class": 2}, "the rare class is number 2 of 2"),
        (
            {"task": Task.FORECASTING, "labels": (), "rare_class": None},
            "windows belong to forecasts alone",
        ),
        ({"columns": ()}, "the model reads columns that are not listed"),
    ],
)
def test_a_signature_that_contradicts_itself_is_found(
    change: dict[str, Any], reason: str, signature: Signature
) -> None:
    assert signature.model_copy(update=change).contradiction() == reason
