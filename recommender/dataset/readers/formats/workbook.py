"""Excel and OpenDocument workbooks: one sheet as a table."""

from __future__ import annotations

import datetime as dt
import zipfile
from typing import TYPE_CHECKING, Any, Final

from recommender.dataset.readers.bounds import check_cells, check_columns, check_unpacked
from recommender.dataset.readers.formats.typed_columns import Mixed, choose_table, load_columns
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

HEADER_SHARE: Final = 0.5
"""Smallest share of columns with a name in the first row; titles above a table have one cell."""


def read_workbook(connection: duckdb.DuckDBPyConnection, path: Path, sheet: str | None) -> Mixed:
    """Read a sheet into the table `dataset`; its first row has the names of the columns.

    sheet: name of the sheet; None for the only one with values. Empty rows are left out. A cell with an error, such as
    #N/A, is missing.
    Returns the columns with values of several types, which are read as text. Raises DatasetError if the workbook is
    damaged or protected, the sheet is not clear, or it is not a table.
    """
    import python_calamine  # noqa: PLC0415  for workbooks only

    _check_size(path)
    try:
        with python_calamine.load_workbook(str(path)) as book:
            chosen = _choose(book, path, sheet)
            where = f"the sheet {chosen.name!r} of {path}"
            _check_sheet(chosen, where, path)
            rows = chosen.to_python(skip_empty_area=True)
    except python_calamine.PasswordError:
        raise DatasetError(
            f"{path} is protected by a password. Remove the password, or save the sheet as CSV."
        ) from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _damaged(path, error) from None
    except BaseException as error:  # panics of the reader on damaged files are no Exception
        if type(error).__name__ == "PanicException":
            raise _damaged(path, "its content is not valid") from None
        raise
    return _load(connection, rows, where, first=chosen.start[0] + 1)


def _check_size(path: Path) -> None:
    """Check the size that the parts of a workbook unpack to, before they are read."""
    if not zipfile.is_zipfile(path):  # .xls, or damaged
        return
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(path, error) from None
    check_unpacked(path, sum(part.file_size for part in parts), sum(part.compress_size for part in parts))


def _damaged(path: Path, reason: object) -> DatasetError:
    return DatasetError(
        f"A file with the extension {path.suffix} must be a workbook of Excel or OpenDocument, but {path} cannot be "
        f"read: {reason}. Save it again, or save the sheet as CSV."
    )


def _choose(book: Any, path: Path, name: str | None) -> Any:  # noqa: ANN401  the package has no stubs
    """The sheet of a name, or the only visible one with values. Raises DatasetError if it is not clear."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415  as above

    sheets = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    if name is not None:
        return book.get_sheet_by_name(choose_table([one.name for one in sheets], path, name, kind="sheet"))
    visible = [book.get_sheet_by_name(one.name) for one in sheets if one.visible == SheetVisibleEnum.Visible]
    filled = {one.name: one for one in visible if one.start is not None}
    if not filled:
        raise DatasetError(f"The dataset must have rows, but no visible sheet of {path} has values.")
    return filled[choose_table(list(filled), path, None, what=" sheets with values")]


def _check_sheet(sheet: Any, where: str, path: Path) -> None:  # noqa: ANN401  as above
    """Refuse a sheet without values or too large, and merged cells of rows, of which only the first has a value."""
    if sheet.start is None:
        raise DatasetError(f"The dataset must have rows, but {where} has no values.")
    check_columns(str(path), sheet.width)
    check_cells(str(path), sheet.height, sheet.width, path.stat().st_size)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        raise DatasetError(
            f"Each row must have its own values, but cells {_cell(top, left)} to {_cell(bottom, right)} of {where} are "
            "merged. Unmerge them, and fill the empty cells."
        )


def _cell(row: int, column: int) -> str:
    """Name of a cell, from its position from 0.

    >>> _cell(0, 0), _cell(9, 27)
    ('A1', 'AB10')
    """
    letters, column = "", column + 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(ord("A") + place) + letters
    return f"{letters}{row + 1}"


def _load(connection: duckdb.DuckDBPyConnection, rows: Sequence[Sequence[object]], where: str, *, first: int) -> Mixed:
    """Load the rows below the header. first: number of the header's row in the sheet."""
    header = rows[0]
    named = [value for value in header if value != ""]
    if len(named) < HEADER_SHARE * len(header):
        raise DatasetError(
            f"The first row of a sheet must have the names of the columns, but row {first} of {where} has "
            f"{len(named)} of {len(header)}, such as {str(named[0])!r}. Delete the rows above the names."
        )
    columns: list[list[object]] = [[] for _ in header]
    for row in rows[1:]:
        if any(value != "" for value in row):
            for column, value in zip(columns, row, strict=True):
                column.append(_value(value))
    is_kept = [name != "" or any(value is not None for value in own) for name, own in zip(header, columns, strict=True)]
    names = [_name(value) for value, kept in zip(header, is_kept, strict=True) if kept]
    return load_columns(connection, names, [own for own, kept in zip(columns, is_kept, strict=True) if kept])


def _name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _value(value: object) -> object:
    """A cell: None if it is empty; times of day and durations as text."""
    if value == "":
        return None
    return str(value) if isinstance(value, dt.time | dt.timedelta) else value
