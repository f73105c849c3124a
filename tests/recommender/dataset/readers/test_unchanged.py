"""What was read is what is recorded."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from recommender.dataset.dataset import Dataset
from recommender.dataset.readers import table
from recommender.dataset.readers.unchanged import digest_while_reading
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEFORE, AFTER = b"a,b\n1,2\n", b"b,a\n1,2\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(BEFORE)
    return path


def test_a_file_is_digested_while_it_is_read(path: Path) -> None:
    with Dataset.open(path) as dataset:
        path.write_bytes(AFTER)
        assert dataset.digest == f"sha256:{hashlib.sha256(BEFORE).hexdigest()}"


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(AFTER)
    other.rename(path)


def replaced_and_put_back(path: Path) -> None:
    kept = path.rename(path.with_name("kept"))
    path.write_bytes(AFTER)
    kept.rename(path)


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(AFTER), replaced, replaced_and_put_back, lambda path: path.unlink()]
)
def test_a_file_that_changes_while_it_is_read_is_refused(path: Path, change: Callable[[Path], object]) -> None:
    with pytest.raises(DatasetError, match="was modified or replaced while it was read"), digest_while_reading(path):
        change(path)


def test_a_link_that_is_turned_elsewhere_and_back_is_refused(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "current.csv"
    link.symlink_to(path)

    def turn() -> None:
        for target in (tmp_path / "elsewhere", path):
            link.unlink()
            link.symlink_to(target)

    with pytest.raises(DatasetError, match="was modified or replaced while it was read"), digest_while_reading(link):
        turn()


def test_a_file_replaced_between_the_header_and_the_rows_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = table.read_delimited

    def replacing(*arguments: object, **options: object) -> object:
        replaced(path)
        return read(*arguments, **options)

    monkeypatch.setattr(table, "read_delimited", replacing)
    with pytest.raises(DatasetError, match="was modified or replaced while it was read"):
        Dataset.open(path)


def test_a_change_explains_a_file_that_cannot_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        path.write_bytes(b"")
        raise DatasetError("no table")

    monkeypatch.setattr(table, "read_delimited", broken)
    with pytest.raises(DatasetError, match="was modified or replaced while it was read"):
        Dataset.open(path)


def test_the_home_folder_is_put_in_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    (here / "~").mkdir(parents=True)
    home.mkdir()
    (home / "rows.csv").write_text("a,b\n1,2\n")
    (here / "~" / "other.csv").write_text("c,d\n3,4\n")
    (home / "other.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("HOME", os.fspath(home))
    monkeypatch.chdir(here)
    with Dataset.open("~/rows.csv") as dataset:
        assert (str(dataset.address), dataset.columns) == (str(home / "rows.csv"), ("a", "b"))
    with Dataset.open("~/other.csv") as dataset:  # a folder that is named "~" is there
        assert dataset.columns == ("c", "d")
