"""The split: who trains, who selects, who judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.data.raw_table import Form, RawTable
from executor.data.split import Split, split
from recommender.roles.roles import Roles
from rules.errors import ColumnError, DatasetError
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence


def _table(rows: int, *, truth: np.ndarray | None = None, **columns: Any) -> RawTable:
    """Rows that all differ, unless "x" is given."""
    features = {"x": np.asarray(columns.pop("x", np.arange(rows)), np.float64)}
    return RawTable(
        features=features,
        forms={"x": Form.NUMBER},
        rows=np.arange(rows),
        truth=np.zeros((rows, 1)) if truth is None else truth,
        **columns,
    )


def _roles(task: Task = Task.REGRESSION, **apart: str) -> Roles:
    return Roles(task=task, task_reason="", targets=("y",), target_reason="", columns={}, **apart)  # type: ignore[arg-type]  # names of columns only


def _names(values: Sequence[str]) -> np.ndarray:
    return np.array(values, dtype=object)


def _in_each(values: np.ndarray, parts: Split) -> list[set[Any]]:
    return [set(values[rows].tolist()) for rows in (parts.train, parts.validation, parts.hold_out)]


@given(rows=st.integers(10, 400), classes=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_each_row_is_in_exactly_one_part_and_no_part_is_empty(rows: int, classes: int, seed: int) -> None:
    truth = np.random.default_rng(seed).integers(0, classes, rows)
    parts = split(_table(rows, truth=truth), _roles(Task.MULTICLASS), seed=seed)
    together = np.concatenate([parts.train, parts.validation, parts.hold_out])
    assert sorted(together) == list(range(rows))
    assert set(truth[parts.train]) == set(truth)


def test_the_shares_of_1000_rows_are_64_16_20_percent() -> None:
    parts = split(_table(1_000), _roles(), seed=0)
    assert (len(parts.train), len(parts.validation), len(parts.hold_out)) == (640, 160, 200)
    assert parts.sentence.startswith("640 rows for training, 160 for validation, 200 in the hold-out; split at random")


def test_each_part_has_the_classes_shares() -> None:
    truth = (np.arange(1_000) < 100).astype(np.int64)
    parts = split(_table(1_000, truth=truth), _roles(Task.BINARY), seed=1)
    assert [int(truth[rows].sum()) for rows in (parts.train, parts.validation, parts.hold_out)] == [64, 16, 20]


def test_a_class_of_two_rows_trains_and_judges_and_a_single_row_trains() -> None:
    truth = np.array([0] * 50 + [1] * 2 + [2] + [3] * 3)
    train, validation, hold_out = _in_each(truth, split(_table(56, truth=truth), _roles(Task.MULTICLASS), seed=0))
    assert train == {0, 1, 2, 3}
    assert validation == {0, 3}
    assert hold_out == {0, 1, 3}


def test_the_rarest_label_is_in_every_part() -> None:
    truth = np.zeros((200, 3), np.int64)
    truth[:100, 0] = 1
    truth[::40, 2] = 1
    parts = split(_table(200, truth=truth), _roles(Task.MULTILABEL), seed=0)
    assert [int(truth[rows, 2].sum()) for rows in (parts.train, parts.validation, parts.hold_out)] == [3, 1, 1]


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    first, again, other = (split(_table(100), _roles(), seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.hold_out, again.hold_out)
    assert first.hold_out.tolist() != other.hold_out.tolist()


def test_an_entity_lies_in_one_part() -> None:
    entity = _names([f"speaker {number % 15}" for number in range(300)])
    table = _table(300, truth=np.arange(300) % 11, entity=entity)
    parts = split(table, _roles(Task.MULTICLASS, entity_column="who"), seed=0)
    train, validation, hold_out = _in_each(entity, parts)
    assert not train & validation
    assert not train & hold_out
    assert not validation & hold_out
    assert len(hold_out) == 3
    assert "each of its 15 values in one part" in parts.sentence


def test_many_entities_are_stratified_by_their_class() -> None:
    entity = _names([str(number // 2) for number in range(400)])
    truth = (np.arange(400) // 2 % 10 == 0).astype(np.int64)
    parts = split(_table(400, truth=truth, entity=entity), _roles(Task.BINARY, entity_column="who"), seed=0)
    assert int(truth[parts.hold_out].sum()) == 8


def test_fewer_than_three_entities_are_an_error() -> None:
    table = _table(20, entity=_names(["a", "b"] * 10))
    with pytest.raises(ColumnError, match="at least 3 different values"):
        split(table, _roles(entity_column="who"), seed=0)


def test_time_is_cut_so_that_the_past_trains_for_the_future() -> None:
    time = np.random.default_rng(0).permutation(100).astype(np.float64)
    parts = split(_table(100, time=time), _roles(time_column="when"), seed=0)
    assert time[parts.train].max() < time[parts.validation].min()
    assert time[parts.validation].max() < time[parts.hold_out].min()
    assert len(parts.hold_out) == 20


def test_rows_of_one_time_are_not_cut_apart() -> None:
    time = np.repeat(np.arange(10.0), 7)
    parts = split(_table(70, time=time), _roles(time_column="when"), seed=0)
    train, validation, hold_out = _in_each(time, parts)
    assert (train & validation, validation & hold_out) == (set(), set())


def test_a_forecast_without_a_time_column_is_cut_in_file_order() -> None:
    parts = split(_table(50), _roles(Task.FORECASTING), seed=0)
    assert parts.hold_out.tolist() == list(range(40, 50))


def test_one_time_for_all_rows_is_an_error() -> None:
    with pytest.raises(ColumnError, match="two different times"):
        split(_table(20, time=np.zeros(20)), _roles(time_column="when"), seed=0)


def test_duplicate_rows_stay_together() -> None:
    values = np.repeat(np.arange(60), 2)
    parts = split(_table(120, x=values), _roles(), seed=0)
    train, validation, hold_out = _in_each(values, parts)
    assert len(train) + len(validation) + len(hold_out) == 60
    assert "60 duplicate rows" in parts.sentence


def test_copies_stay_together_even_where_a_few_of_them_have_another_class() -> None:
    values = np.repeat(np.arange(100), 3)
    truth = values % 2
    truth[::30] = 1 - truth[::30]
    parts = split(_table(300, x=values, truth=truth), _roles(Task.BINARY), seed=0)
    assert sum(map(len, _in_each(values, parts))) == 100
    assert parts.groups is not None
    np.testing.assert_array_equal(parts.groups, np.repeat(np.arange(0, 300, 3), 3))


def test_a_class_whose_rows_are_like_rows_of_others_is_still_in_every_part() -> None:
    values = np.concatenate([np.arange(200), np.arange(6)])
    truth = np.concatenate([np.arange(200) % 2, np.full(6, 2)])
    parts = split(_table(206, x=values, truth=truth), _roles(Task.MULTICLASS), seed=3)
    assert _in_each(truth, parts)[0] == _in_each(truth, parts)[2] == {0, 1, 2}


def test_cases_that_look_alike_but_differ_in_the_target_are_not_copies() -> None:
    truth = np.arange(120.0)[:, None]
    parts = split(_table(120, x=np.repeat(np.arange(60), 2), truth=truth), _roles(), seed=0)
    assert "duplicate" not in parts.sentence
    assert parts.groups is None


def test_common_cases_of_a_coarse_table_are_not_copies() -> None:
    parts = split(_table(100, x=np.arange(100) % 4), _roles(), seed=0)
    assert len(parts.hold_out) == 20
    assert "duplicate" not in parts.sentence


def test_the_datasets_own_split_is_kept_and_validation_drawn_from_its_training_rows() -> None:
    part = _names(["train"] * 60 + ["test"] * 40)
    parts = split(_table(100, part=part), _roles(split_column="_split"), seed=0)
    assert parts.hold_out.tolist() == list(range(60, 100))
    assert (len(parts.train), len(parts.validation)) == (48, 12)


def test_all_three_parts_can_be_given_in_any_spelling() -> None:
    part = _names(["Train"] * 10 + [" dev "] * 5 + ["HOLDOUT"] * 5)
    parts = split(_table(20, part=part), _roles(split_column="_split"), seed=0)
    assert (parts.train.tolist(), parts.validation.tolist()) == (list(range(10)), list(range(10, 15)))


def test_fewer_than_ten_rows_are_an_error() -> None:
    with pytest.raises(DatasetError, match="at least 10 rows"):
        split(_table(9), _roles(), seed=0)
