"""Sheets of workbooks are read with the types of their cells, or refused with the cell."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from recommender.dataset.dataset import Dataset
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime.date(2024, 1, 3)
LATER = datetime.datetime(2024, 1, 4, 6)  # noqa: DTZ001  workbooks have no time zones
ROWS: list[list[Any]] = [
    ["day", "count", "share", "paid", "code", "mixed", None, 2024],
    [DAY, 1, 0.5, True, "011", 5, None, 7],
    [None] * 8,
    [LATER, 2, None, False, "x", "many", None, 8],
]


def save(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_cells_keep_their_types_and_empty_rows_and_columns_are_left_out(tmp_path: Path) -> None:
    with Dataset.open(save(tmp_path / "a.xlsx", Sales=ROWS, Empty=[])) as dataset:
        found = dataset.connection.execute("FROM dataset").fetchall()
        assert dataset.columns == ("day", "count", "share", "paid", "code", "mixed", "2024")
        assert dataset.storage["count"] == "BIGINT"
    first = datetime.datetime.combine(DAY, datetime.time())
    assert found == [(first, 1, 0.5, True, "011", "5", 7), (LATER, 2, None, False, "x", "many", 8)]


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", First=[["a"], [1]], Second=[["b"], [2]])
    with Dataset.open(path, table="Second") as dataset:
        assert dataset.columns == ("b",)
    with pytest.raises(DatasetError, match=r"has 2 sheets with values: 'First', 'Second'\. Give one with --table"):
        Dataset.open(path)
    with pytest.raises(DatasetError, match=r"no sheet 'Secnd'\. Did you mean 'Second'\?"):
        Dataset.open(path, table="Secnd")


def test_merged_cells_titles_and_sheets_without_rows_are_refused_with_the_place(tmp_path: Path) -> None:
    path = save(tmp_path / "merged.xlsx", A=[["a", "b"], [1, 2], [None, 3]])
    book = openpyxl.load_workbook(path)
    book["A"].merge_cells("A2:A3")
    book.save(path)
    with pytest.raises(DatasetError, match=r"cells A2 to A3 of the sheet 'A' of .*merged\.xlsx are merged"):
        Dataset.open(path)
    path = save(tmp_path / "title.xlsx", A=[["Sales of 2024", None, None], ["a", "b", "c"], [1, 2, 3]])
    with pytest.raises(DatasetError, match=r"row 1 of the sheet 'A' .* has 1 of 3, such as 'Sales of 2024'"):
        Dataset.open(path)
    with pytest.raises(DatasetError, match=r"no visible sheet of .* has values"):
        Dataset.open(save(tmp_path / "empty.xlsx", A=[]))
    with pytest.raises(DatasetError, match=r"must have rows, but the sheet 'A' of .* has no values"):
        Dataset.open(tmp_path / "empty.xlsx", table="A")
    with pytest.raises(DatasetError, match="must have rows"):
        Dataset.open(save(tmp_path / "header.xlsx", A=[["a", "b"]]))


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04junk" * 9, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, b"a,b\n1,2\n"]
)
def test_a_damaged_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    for ending in (".xlsx", ".xls", ".ods", ".xlsb"):
        path = tmp_path / f"a{ending}"
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="must be a workbook of Excel or OpenDocument"):
            Dataset.open(path)
