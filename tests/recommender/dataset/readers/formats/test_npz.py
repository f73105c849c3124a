"""Arrays whose headers lie, and arrays of unusual types."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recommender.dataset.dataset import Dataset
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.zeros((3, 8, 8), np.uint8)


def written(path: Path, **arrays: Any) -> Path:
    np.savez(path, x=IMAGES, **arrays)
    return path


def with_header(path: Path, header: str, data: bytes = b"") -> Path:
    text = header.encode()
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member)
    return path


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 8000, 8000)}",
            "declares 64,000,000,000,000",
        ),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000000000000, 8, 8)}", "header declares"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 8, 7)}", "declares 56 bytes, but 64 follow"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 8, 8)}", r"its shape is \(-1, 8, 8\)"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': ('a', 8, 8)}", "damaged"),
        ("{'descr': '|u1', 'shape': (1, 8,", "its header is damaged"),
        ("(" * 5_000, "its header is damaged"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (8,)}", "Python objects"),
    ],
)
def test_a_header_is_compared_with_the_bytes_before_memory_is_taken(tmp_path: Path, header: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        Dataset.open(with_header(tmp_path / "a.npz", header, bytes(64)))


def test_numbers_in_another_byte_order_are_read(tmp_path: Path) -> None:
    arrays = {
        "i": np.array([1, 2, 3], ">i4"),
        "f": np.array([0.5, 1.5, 2.5], ">f8"),
        "u": np.array(["é", "b", "c"], ">U1"),
    }
    with Dataset.open(written(tmp_path / "a.npz", **arrays)) as dataset:
        found = dataset.connection.execute("SELECT i, f, u FROM dataset").fetchall()
    assert found == [(1, 0.5, "é"), (2, 1.5, "b"), (3, 2.5, "c")]


def test_images_in_another_byte_order_are_read(tmp_path: Path) -> None:
    images = np.arange(192, dtype=">u2").reshape(3, 8, 8)
    path = tmp_path / "a.npz"
    np.savez(path, x=images)
    with Dataset.open(path) as dataset:
        cells = dataset.connection.execute("SELECT x FROM dataset").fetchall()
    assert b"".join(cell for (cell,) in cells) == bytes(range(192))


@pytest.mark.parametrize(
    ("unit", "texts", "expected"),
    [
        ("Y", ["1970", "2024", "NaT"], [date(1970, 1, 1), date(2024, 1, 1), None]),
        ("M", ["1970-02", "2024-12", "NaT"], [date(1970, 2, 1), date(2024, 12, 1), None]),
        ("h", ["1970-01-01T05", "2024-02-29T23", "NaT"], [datetime(1970, 1, 1, 5), datetime(2024, 2, 29, 23), None]),  # noqa: DTZ001
    ],
)
def test_times_in_every_unit_are_read(tmp_path: Path, unit: str, texts: list[str], expected: list[object]) -> None:
    with Dataset.open(written(tmp_path / "a.npz", t=np.array(texts, f"datetime64[{unit}]"))) as dataset:
        assert [cell for (cell,) in dataset.connection.execute("SELECT t FROM dataset").fetchall()] == expected


def test_times_too_fine_or_too_far_away_are_refused(tmp_path: Path) -> None:
    for values in (
        np.array([1, 2, 3], "datetime64[as]"),
        np.array([2**62, 0, 0], "datetime64[Y]"),
        np.array([2**40, 0, 0], "datetime64[D]"),
    ):
        with pytest.raises(DatasetError, match=r"Times must be representable"):
            Dataset.open(written(tmp_path / "a.npz", t=values))


def test_texts_that_are_no_unicode_are_refused(tmp_path: Path) -> None:
    for values in (np.array(["a", "\ud800", "b"]), np.array([b"a", b"\xff", b"b"])):
        with pytest.raises(DatasetError, match="Text must be valid Unicode, but 'y'"):
            Dataset.open(written(tmp_path / "a.npz", y=values))


def test_a_small_archive_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros((2**11, 2**8, 2**8), np.uint8))
    with pytest.raises(DatasetError, match=r"may unpack to at most 67,108,864 bytes, but .* unpacks to 134,217,"):
        Dataset.open(path)


def test_files_of_an_archive_that_lie_over_one_another_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", bytes(5_000))
        for number in range(100):
            again = zipfile.ZipInfo(f"b{number}.npy")
            again.file_size = again.compress_size = 5_000
            again.header_offset = again.CRC = 0
            archive.filelist.append(again)
    path = tmp_path / "a.npz"
    path.write_bytes(file.getvalue())
    with pytest.raises(DatasetError, match="must not overlap"):
        Dataset.open(path)
