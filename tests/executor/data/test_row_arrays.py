"""Rows of dataclasses are taken, joined and thinned out field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from executor.data.row_arrays import evenly_spaced, join_rows, take_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Record:
    values: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    optional: np.ndarray | None = None
    size: tuple[int, int] = (1, 2)


RECORD = Record(values=np.array([[0, 1], [2, 3], [4, 5]]), columns={"a": np.array(["x", "y", "z"], dtype=object)})


def test_rows_are_taken_from_every_array_and_other_fields_stay() -> None:
    taken = take_rows(RECORD, np.array([2, 0]))
    assert taken.values.tolist() == [[4, 5], [0, 1]]
    assert taken.columns["a"].tolist() == ["z", "x"]
    assert (taken.optional, taken.size) == (None, (1, 2))


def test_a_mask_takes_the_rows_where_it_is_true() -> None:
    assert take_rows(RECORD, np.array([False, True, False])).values.tolist() == [[2, 3]]


def test_joined_rows_are_one_below_the_other_and_lack_what_one_record_lacks() -> None:
    upper = Record(values=np.zeros((1, 2)), columns={"a": np.array(["w"], dtype=object)}, optional=np.ones(1))
    joined = join_rows(upper, RECORD)
    assert joined.values.tolist() == [[0, 0], [0, 1], [2, 3], [4, 5]]
    assert joined.columns["a"].tolist() == ["w", "x", "y", "z"]
    assert joined.optional is None


def test_evenly_spaced_rows_have_the_first_and_the_last_and_never_more_than_there_are() -> None:
    assert evenly_spaced(11, 3).tolist() == [0, 5, 10]
    assert evenly_spaced(2, 5).tolist() == [0, 1]
    assert evenly_spaced(0, 5).tolist() == []
