"""Rows of a JSON body, and their Arrow table."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from recommender.dataset.readers.bounds import check_columns
from rules.errors import ColumnError, ServingError, did_you_mean
from rules.text.wording import counted, excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BODY: Final = "the request"  # name of the rows in messages
SHAPE: Final = (
    'The body must be a list of rows such as [{"x": 1, "y": "a"}], or an object of columns such as '
    '{"x": [1, 2], "y": ["a", "b"]}'
)
HALF_OF_A_PAIR: Final = "\\ud"  # start of an escaped surrogate, which is text only as a pair


@dataclass(frozen=True, kw_only=True)
class JsonRows:
    """Rows of a request."""

    columns: Mapping[str, Sequence[object]]
    """Values by column, one per row."""
    count: int
    by_column: bool
    """Whether the request has columns, so that the response has columns, too."""


def parse_rows(body: bytes, *, max_rows: int) -> JsonRows:
    """Parse a JSON body. Raises ServingError, with column and row where there are some, if it has no valid rows."""
    document, has_constants = _parse(body)
    rows = _from_columns(document) if isinstance(document, dict) else _from_records(document)
    if rows.count > max_rows:
        raise ServingError(
            f"A request may have at most {counted(max_rows, 'row')}, but this one has {rows.count:,}. Send several "
            "requests, or start the server with a larger --max-rows."
        )
    if has_constants:
        _refuse_not_finite(rows)
    return rows


def _parse(body: bytes) -> tuple[object, bool]:
    """Parse a JSON text; return it, and whether it contains NaN or Infinity, which are not JSON."""
    constants: list[str] = []

    def constant(name: str) -> float:
        constants.append(name)
        return math.nan

    try:
        text = body.decode()
        document = json.loads(text, parse_constant=constant, object_pairs_hook=_distinct)
        if HALF_OF_A_PAIR in text.lower():
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise ServingError(
            f"The body must be UTF-8, but byte {error.start + 1:,} is not. Encode it as UTF-8."
        ) from None
    except UnicodeEncodeError:
        raise ServingError(
            "Text must be valid Unicode, but the body escapes half of a surrogate pair. Write the character itself."
        ) from None
    except json.JSONDecodeError as error:
        raise ServingError(
            f"The body must be JSON, but line {error.lineno:,} is not ({error.msg[0].lower()}{error.msg[1:]}, "
            f"character {error.colno:,}). Correct it."
        ) from None
    except RecursionError:
        raise ServingError(f"{SHAPE}, but it is nested too deeply.") from None
    except ValueError as error:
        if isinstance(error, _DuplicateKeyError):
            raise ServingError(
                f"The keys of an object must be distinct, but {str(error)!r} occurs twice. Remove one of them."
            ) from None
        raise ServingError(
            "A number may have at most 4,300 digits, but one in the body has more. Write it as text, or shorten it."
        ) from None
    return document, bool(constants)


class _DuplicateKeyError(ValueError):
    """A key that an object has twice."""


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _DuplicateKeyError(counts.most_common(1)[0][0])
    return found


def _from_records(document: object) -> JsonRows:
    if not isinstance(document, list):
        raise ServingError(f"{SHAPE}, but it is {excerpt(document)}.")
    if not document:
        raise ServingError(f"{SHAPE}, but it has no rows.")
    other = next((at for at, row in enumerate(document) if not isinstance(row, dict)), None)
    if other is not None:
        raise ServingError(f"{SHAPE}, but row {other + 1:,} is {excerpt(document[other])}.")
    names = document[0].keys()
    for number, row in enumerate(document, start=1):
        if row.keys() != names:
            _refuse_other_keys(number, row, document[0])
    if not names:
        raise ServingError(f"{SHAPE}, but row 1 has no columns.")
    return JsonRows(
        columns={name: [row[name] for row in document] for name in names}, count=len(document), by_column=False
    )


def _refuse_other_keys(number: int, row: Mapping[str, object], first: Mapping[str, object]) -> None:
    """Raise ColumnError about a row whose columns differ from those of the first row."""
    missing = next((name for name in first if name not in row), None)
    if missing is not None:
        raise ColumnError(
            f"All rows must have the same columns, but row {number:,} of {BODY} lacks {missing!r}, which row 1 has."
            f"{did_you_mean(missing, row.keys() - first.keys()).replace('Did you mean', 'Is it called')} "
            "Give null for an unknown value."
        )
    extra = next(name for name in row if name not in first)
    raise ColumnError(
        f"All rows must have the same columns, but row {number:,} of {BODY} also has {extra!r}, which row 1 lacks. "
        "Give null in the rows where it is unknown, or remove it."
    )


def _from_columns(document: Mapping[str, object]) -> JsonRows:
    columns: dict[str, Sequence[object]] = {}
    for name, values in document.items():
        if not isinstance(values, list):
            raise ServingError(f"{SHAPE}, but {name!r} is {excerpt(values)}. Put a single row into a list: [{{…}}].")
        columns[name] = values
    if not columns:
        raise ServingError(f"{SHAPE}, but it has no columns.")
    (first, own), *rest = columns.items()
    if other := next(((name, len(values)) for name, values in rest if len(values) != len(own)), None):
        raise ColumnError(
            f"All columns must have the same number of values, but {first!r} of {BODY} has {len(own):,} and "
            f"{other[0]!r} has {other[1]:,}. Give null for unknown values."
        )
    if not own:
        raise ServingError(f"{SHAPE}, but it has no rows.")
    return JsonRows(columns=columns, count=len(own), by_column=True)


def _refuse_not_finite(rows: JsonRows) -> None:
    """Raise ColumnError about the first NaN or infinity of a body."""
    for name, values in rows.columns.items():
        for number, value in enumerate(values, start=1):
            if isinstance(value, float) and math.isnan(value):
                raise ColumnError(
                    f"JSON numbers must be finite, but column {name!r} of {BODY} has NaN or Infinity in row "
                    f"{number:,}. Correct the value, or give null if it is unknown."
                )
    raise ServingError("JSON numbers must be finite, but the body has NaN or Infinity. Give null for unknown values.")


def to_arrow(rows: JsonRows) -> pa.Table:
    """The rows as an Arrow table, whose columns have the types of a pandas frame of the same values.

    Raises ColumnError if a value is a list or an object, or if there are too many columns.
    """
    check_columns(BODY, len(rows.columns))
    return pa.table({name: _arrow_column(name, values) for name, values in rows.columns.items()})


def _arrow_column(name: str, values: Sequence[object]) -> pa.Array:
    """A column of one type; text where the values have several types, or are integers of more than 64 bits."""
    kinds = {type(value) for value in values if value is not None}
    if nested := kinds & {list, dict}:
        at, value = next((at, value) for at, value in enumerate(values, start=1) if type(value) in nested)
        raise ColumnError(
            f"Every cell must be a single value, but column {name!r} of {BODY} has {excerpt(value)} in row {at:,}. "
            "Flatten it into columns of numbers or text, or remove it."
        )
    if len(kinds) <= 1 or kinds == {int, float}:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass  # integers beyond 64 bits or the precision of a double
    return pa.array([None if value is None else str(value) for value in values], pa.string())
