"""Sequences out of arrays and out of long tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.formats.sequences import numbers_of
from rules.decision.request import SequenceReading
from rules.errors import ColumnError, DatasetError

if TYPE_CHECKING:
    from pathlib import Path

NAN = np.nan
TWO = np.array([[[1.0, -1.0], [2.0, NAN], [NAN, NAN]], [[3.0, -3.0], [NAN, NAN], [5.0, -5.0]]])
"""Two sequences of two channels: one of two steps, and one of three whose second step is not known."""
LONG = "person,time,x,y,site\nann,2,2,20,north\nbob,1,5,50,south\nann,1,1,,north\nbob,2,6,60,south\nbob,3,7,70,south\n"


def written(tmp_path: Path, **arrays: Any) -> Path:
    path = tmp_path / "steps.npz"
    np.savez(path, **arrays)
    return path


def numbers_in(dataset: Dataset) -> np.ndarray:
    assert dataset.sequences is not None
    cells = dataset.connection.execute(f'SELECT "{dataset.sequences.name}" FROM dataset').fetchall()
    return numbers_of([cell for (cell,) in cells], dataset.sequences.channels)


def long_table(tmp_path: Path, text: str = LONG) -> Path:
    path = tmp_path / "long.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sequence_ends_with_its_last_known_step(tmp_path: Path) -> None:
    with Dataset.open(written(tmp_path, X=TWO, y=np.array(["a", "b"]))) as dataset:
        sequences = dataset.sequences
        assert sequences is not None
        assert (sequences.shortest, sequences.steps, sequences.channels) == (2, 3, 2)
        assert str(sequences) == "2 to 3 steps with 2 channels"
        np.testing.assert_array_equal(numbers_in(dataset), TWO.astype(np.float32))
        assert dataset.columns == ("X", "y")


def test_lengths_say_where_sequences_end_and_are_no_column(tmp_path: Path) -> None:
    flat = np.arange(6.0).reshape(2, 3)
    with Dataset.open(written(tmp_path, X=flat, lengths=np.array([1, 3]))) as dataset:
        assert dataset.columns == ("X",)
        np.testing.assert_array_equal(numbers_in(dataset)[..., 0], [[0, NAN, NAN], [3, 4, 5]])


@pytest.mark.parametrize(
    ("array", "is_sequence"),
    [
        (np.zeros((2, 5, 3)), True),  # no image is three pixels wide
        (np.full((2, 5, 8), -1.0), True),
        (np.full((2, 5, 8), 300), True),
        (np.zeros((2, 5, 8)), False),
        (np.zeros((2, 5, 3), np.uint8), False),
    ],
)
def test_an_array_that_can_be_images_is_one(tmp_path: Path, array: np.ndarray, *, is_sequence: bool) -> None:
    with Dataset.open(written(tmp_path, X=array)) as dataset:
        assert (dataset.sequences is not None) == is_sequence
        assert (dataset.images is None) == is_sequence


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"X": -np.ones((2, 3, 2)), "lengths": [1, 4]}, r"from 0 to 3, one for each of 2 sequences, but 'lengths' of"),
        (
            {"X": -np.ones((2, 3, 2)), "lengths": [0, 1]},
            r"must have at least one step, but row 1 of 'X' in .* has none",
        ),
        ({"X": [[[NAN, NAN]], [[-1.0, 0]]]}, r"must have at least one step, but row 1 of 'X' in .* has none"),
        ({"X": [[[-1.0, 0]], [[0, np.inf]]]}, r"infinite in row 2, step 1"),
    ],
)
def test_what_is_no_sequence_is_named(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        Dataset.open(written(tmp_path, **{name: np.asarray(array) for name, array in arrays.items()}))


def test_rows_that_share_a_name_are_gathered_in_the_order_of_a_column(tmp_path: Path) -> None:
    with Dataset.open(long_table(tmp_path), reading=SequenceReading(by="person", order="time")) as dataset:
        assert dataset.columns == ("person", "site", "sequence")
        assert dataset.connection.execute("SELECT person, site FROM dataset").fetchall() == [
            ("ann", "north"),
            ("bob", "south"),
        ]
        expected = [[[1, NAN], [2, 20], [NAN, NAN]], [[5, 50], [6, 60], [7, 70]]]
        np.testing.assert_array_equal(numbers_in(dataset), expected)
        assert dataset.sequences is not None
        assert dataset.sequences.names == ("x", "y")


def test_channels_that_are_named_are_read_though_they_stand_still(tmp_path: Path) -> None:
    text = "person,x,y,z\nann,1,7,1\nann,2,7,2\n"
    reading = SequenceReading(by="person", channels=("x", "y"))
    with Dataset.open(long_table(tmp_path, text), reading=reading) as dataset:
        assert dataset.columns == ("person", "sequence")
        assert numbers_in(dataset).tolist() == [[[1, 7], [2, 7]]]


def test_without_an_order_steps_come_as_in_the_file(tmp_path: Path) -> None:
    with Dataset.open(long_table(tmp_path), reading=SequenceReading(by="person")) as dataset:
        assert numbers_in(dataset)[0, :, 0].tolist()[:2] == [2, 1]


@pytest.mark.parametrize(
    ("text", "reading", "says"),
    [
        (LONG, SequenceReading(by="persn"), r"there is no 'persn'\. Did you mean 'person'\? Columns: person"),
        (LONG, SequenceReading(by="person", order="when"), r"there is no 'when'\."),
        ("id,a\n1,2\n1,2\n", SequenceReading(by="id"), "no column of long.csv varies within a value of 'id'"),
        ("id,word\n1,a\n1,b\n", SequenceReading(by="id"), "'word' of long.csv has the type VARCHAR and varies"),
    ],
)
def test_what_cannot_be_gathered_is_named(tmp_path: Path, text: str, reading: SequenceReading, says: str) -> None:
    with pytest.raises(ColumnError, match=says):
        Dataset.open(long_table(tmp_path, text), reading=reading)
