"""Rows as a model reads them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from executor.data.raw_table import Form, form_of
from executor.data.read_rows import read_rows
from recommender.dataset.dataset import Dataset
from recommender.roles.infer import Role
from recommender.roles.roles import Roles
from rules.errors import TargetError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task


def _roles(task: Task, targets: tuple[str, ...], kinds: dict[str, Kind], **apart: Any) -> Roles:
    return Roles(
        task=task,
        task_reason="",
        targets=targets,
        target_reason="",
        columns={name: Role(column=name, kind=kind, reason="") for name, kind in kinds.items()},
        **apart,
    )


@pytest.mark.parametrize(
    ("kind", "storage", "form"),
    [
        (Kind.NUMERIC, "DOUBLE", Form.NUMBER),
        (Kind.ORDINAL, "BIGINT", Form.NUMBER),
        (Kind.ORDINAL, "VARCHAR", Form.LEVEL),
        (Kind.BOOLEAN, "BOOLEAN", Form.NUMBER),
        (Kind.BOOLEAN, "VARCHAR", Form.LEVEL),
        (Kind.INTEGER_CODE, "BIGINT", Form.LEVEL),
        (Kind.CATEGORICAL, "VARCHAR", Form.LEVEL),
        (Kind.TEXT, "VARCHAR", Form.TEXT),
        (Kind.DATETIME, "TIMESTAMP", Form.TIME),
    ],
)
def test_a_kind_and_its_storage_give_the_form(kind: Kind, storage: str, form: Form) -> None:
    assert form_of(kind, storage) is form


def test_each_kind_is_read_in_its_form_and_missing_values_are_marked() -> None:
    table = pa.table(
        {
            "size": [1.5, None, 3.0],
            "yes": [True, None, False],
            "code": pa.array([3.0, None, 2.5], pa.float64()),
            "color": ["red", None, ""],
            "when": [dt.datetime(1970, 1, 2), None, dt.datetime(1970, 1, 1, 0, 0, 1)],  # noqa: DTZ001  naive, as files hold them
            "y": ["b", "a", "b"],
        }
    )
    kinds = {
        "size": Kind.NUMERIC,
        "yes": Kind.BOOLEAN,
        "code": Kind.INTEGER_CODE,
        "color": Kind.CATEGORICAL,
        "when": Kind.DATETIME,
        "y": Kind.CATEGORICAL,
    }
    with Dataset.open(table) as dataset:
        rows = read_rows(dataset, _roles(Task.BINARY, ("y",), kinds, labels=("a", "b")))
    np.testing.assert_array_equal(rows.features["size"], [1.5, np.nan, 3.0])
    np.testing.assert_array_equal(rows.features["yes"], [1, np.nan, 0])
    assert rows.features["code"].tolist() == ["3", "", "2.5"]
    assert rows.features["color"].tolist() == ["red", "", ""]
    np.testing.assert_array_equal(rows.features["when"], [86_400, np.nan, 1])
    assert rows.truth is not None
    assert rows.truth.tolist() == [1, 0, 1]


def test_rows_without_a_target_are_left_out_and_the_others_keep_their_numbers() -> None:
    table = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [10.0, None, 30.0, None]})
    with Dataset.open(table) as dataset:
        rows = read_rows(dataset, _roles(Task.REGRESSION, ("y",), {"x": Kind.NUMERIC, "y": Kind.NUMERIC}))
    assert rows.rows.tolist() == [0, 2]
    assert rows.features["x"].tolist() == [1, 3]
    assert rows.truth is not None
    assert rows.truth.tolist() == [[10], [30]]


def test_a_target_that_is_never_known_is_an_error() -> None:
    table = pa.table({"x": [1.0], "y": pa.array([None], pa.float64())})
    kinds = {"x": Kind.NUMERIC, "y": Kind.NUMERIC}
    with Dataset.open(table) as dataset, pytest.raises(TargetError, match="empty in all 1 rows"):
        read_rows(dataset, _roles(Task.REGRESSION, ("y",), kinds))


@pytest.mark.parametrize(
    ("written", "no", "yes"),
    [
        ([0, 1, 1], "0", "1"),
        ([2, 10, 10], "2", "10"),
        (["no", "Yes", "Yes"], "no", "Yes"),
        ([False, True, True], "false", "true"),
    ],
)
def test_of_a_labels_two_values_the_greater_is_the_yes(written: list[Any], no: str, yes: str) -> None:
    table = pa.table({"x": [1.0, 2.0, 3.0], "l": written, "m": [0, 1, 0]})
    kinds = {"x": Kind.NUMERIC, "l": Kind.BOOLEAN, "m": Kind.BOOLEAN}
    with Dataset.open(table) as dataset:
        rows = read_rows(dataset, _roles(Task.MULTILABEL, ("l", "m"), kinds))
    assert rows.label_pairs["l"] == (no, yes)
    assert rows.truth is not None
    assert rows.truth.tolist() == [[0, 0], [1, 1], [1, 0]]


def test_a_label_with_three_values_is_an_error() -> None:
    table = pa.table({"x": [1.0, 2.0, 3.0], "l": [0, 1, 2]})
    roles = _roles(Task.MULTILABEL, ("l",), {"x": Kind.NUMERIC, "l": Kind.BOOLEAN})
    with Dataset.open(table) as dataset, pytest.raises(TargetError, match="more than two"):
        read_rows(dataset, roles)


HOSTILE = ('a"b', "a/b", "é", "x; DROP TABLE dataset", "__class__", "a b", "%s", "'")


def test_hostile_column_names_and_labels_are_only_names() -> None:
    columns = {name: [float(at), 1.0] for at, name in enumerate(HOSTILE)}
    table = pa.table({**columns, "y'": ["it's", '"; --']})
    kinds = {**dict.fromkeys(HOSTILE, Kind.NUMERIC), "y'": Kind.CATEGORICAL}
    with Dataset.open(table) as dataset:
        rows = read_rows(dataset, _roles(Task.BINARY, ("y'",), kinds, labels=('"; --', "it's")))
    assert tuple(rows.features) == HOSTILE
    assert [rows.features[name][0] for name in HOSTILE] == list(range(len(HOSTILE)))
    assert rows.truth is not None
    assert rows.truth.tolist() == [1, 0]


def test_a_quarter_is_a_time_and_a_word_is_a_place_in_the_file() -> None:
    table = pa.table({"when": ["1970 Q1", "1970 Q2"], "step": ["first", "second"], "y": [1.0, 2.0]})
    kinds = {"when": Kind.CATEGORICAL, "step": Kind.CATEGORICAL, "y": Kind.NUMERIC}
    with Dataset.open(table) as dataset:
        by_quarter = read_rows(dataset, _roles(Task.FORECASTING, ("y",), kinds, time_column="when"))
        by_word = read_rows(dataset, _roles(Task.FORECASTING, ("y",), kinds, time_column="step"))
    assert by_quarter.time is not None
    assert by_quarter.time.tolist() == [0, 90 * 86_400]
    assert by_quarter.has_clock
    assert by_word.time is not None
    assert by_word.time.tolist() == [0, 1]
    assert not by_word.has_clock
