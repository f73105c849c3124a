"""Images out of a NumPy archive, and what is no such archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

BYTES = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4)
SQUARE = np.arange(64.0).reshape(1, 8, 8)
LABELS = np.array(["cat", "dog", "cat"])


def written(tmp_path: Path, **arrays: Any) -> Path:
    path = tmp_path / "images.npz"
    np.savez(path, **arrays)
    return path


def pixels_of(dataset: Dataset) -> np.ndarray:
    assert dataset.images is not None
    cells = dataset.connection.execute(f'SELECT "{dataset.images.name}" FROM dataset').fetchall()
    return np.frombuffer(b"".join(cell for (cell,) in cells), np.uint8).reshape(-1, *dataset.images.shape)


def test_images_become_one_column_and_their_classes_another(tmp_path: Path) -> None:
    with Dataset.open(written(tmp_path, X=BYTES, y=LABELS, size=np.array([1.5, np.nan, 2.5], np.float16))) as dataset:
        assert dataset.format == "npz"
        assert dict(dataset.storage) == {"X": "BLOB", "y": "VARCHAR", "size": "DOUBLE"}
        assert dataset.images is not None
        assert (dataset.images.name, dataset.images.shape) == ("X", (2, 4, 1))
        assert (pixels_of(dataset)[..., 0] == BYTES).all()
        assert dataset.connection.execute("SELECT y, size FROM dataset").fetchall() == [
            ("cat", 1.5),
            ("dog", None),
            ("cat", 2.5),
        ]


def test_colours_are_kept_and_a_column_of_one_value_a_row_may_have_two_dimensions(tmp_path: Path) -> None:
    colours = np.arange(3 * 2 * 4 * 3, dtype=np.uint8).reshape(3, 2, 4, 3)
    with Dataset.open(written(tmp_path, y=np.array([[1], [2], [3]]), images=colours)) as dataset:
        assert dataset.images is not None
        assert dataset.images.shape == (2, 4, 3)
        assert (pixels_of(dataset) == colours).all()
        assert dataset.connection.execute("SELECT y FROM dataset").fetchall() == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.2, 1.0], [0, 51, 255]),  # shares of 255
        ([0.0, 16.0, 254.6], [0, 16, 255]),  # numbers up to 255, rounded
        ([0, 16, 255], [0, 16, 255]),
        ([False, True, True], [0, 1, 1]),
    ],
)
def test_pixels_of_other_types_become_bytes(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    with Dataset.open(written(tmp_path, X=np.array(values).reshape(3, 1, 1))) as dataset:
        assert pixels_of(dataset).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": LABELS}, r"must contain an array of images, \(rows, height, width\).*images.npz contains 'y' \(3,\)"),
        ({"X": BYTES.reshape(3, 8), "y": LABELS}, r"'X' \(3, 8\), 'y' \(3,\)\. Reshape the array"),
        ({"train": BYTES, "test": BYTES}, r"contains 2: 'train', 'test'\. Concatenate them, and add an array 'split'"),
        (
            {"X": BYTES, "y": LABELS[:2]},
            r"one value per row, with the shape \(3,\), but 'y' of .* has the shape \(2,\)",
        ),
        ({"X": BYTES, "y": np.eye(3)}, r"'y' of .* has the shape \(3, 3\)\. Correct or remove it"),
        ({"X": BYTES, "y": np.array(["a", 1, None], object)}, r"'y' of .* has Python objects.*y\.astype\(str\)"),
        ({"X": BYTES, "y": np.zeros(3, complex)}, r"plain values, but 'y' of .* is of type complex128"),
        ({"X": BYTES[:0], "y": LABELS[:0]}, r"'X' of .* is empty, with shape \(0, 2, 4\)"),
        ({"X": np.zeros((3, 2, 8, 8), np.uint8)}, r"'X' of .* is \(3, 2, 8, 8\)\. Use numpy\.moveaxis"),
        ({"X": BYTES.astype(str)}, r"Pixels must be numbers, but 'X' of .* is of type <U3"),
        ({"X": SQUARE - 1}, r"'X' of .* has values from -1\.0 to 62\.0\. Scale them and convert them to uint8"),
        ({"X": SQUARE * np.nan}, r"'X' of .* has values from nan to nan"),
        ({"X": BYTES, "x": LABELS}, r"differ in more than case, but .* has 'X' and 'x'\. Rename one"),
        ({}, r"images.npz contains no array"),
    ],
)
def test_arrays_that_are_not_images_with_their_columns_are_refused(
    tmp_path: Path, arrays: dict[str, Any], says: str
) -> None:
    with pytest.raises(DatasetError, match=says):
        Dataset.open(written(tmp_path, **arrays))


def test_what_is_no_whole_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images.npz"
    single = tmp_path / "single.npy"
    np.save(single, BYTES)
    whole = written(tmp_path, X=BYTES, y=LABELS).read_bytes()
    for content in (b"a,b\n1,2\n", single.read_bytes(), whole[:-40]):
        path.write_bytes(content)
        with pytest.raises(
            DatasetError, match=r"written by numpy\.savez, but .*images\.npz is not, or is truncated\. Copy it"
        ):
            Dataset.open(path)


def test_a_damaged_array_is_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, X=BYTES, y=LABELS)
    content = path.read_bytes()
    at = content.index(BYTES.tobytes())
    path.write_bytes(content[:at] + bytes(len(BYTES.tobytes())) + content[at + BYTES.size :])
    with pytest.raises(DatasetError, match=r"images\.npz cannot be read in 'X': "):
        Dataset.open(path)
