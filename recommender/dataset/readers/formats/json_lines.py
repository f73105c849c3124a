"""JSON lines: one object per line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import duckdb

from recommender.dataset.readers.bounds import too_large
from recommender.dataset.readers.distinct_names import distinct_names, lower_ascii
from recommender.dataset.readers.text import check_text, not_utf8, open_bytes, refuse_unreadable
from recommender.dataset.sql import PLAIN_PATH, file_literal, identifier, literal, replace_dataset, stored_name
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

LINES: Final = "format='newline_delimited', sample_size=-1, map_inference_threshold=-1"
"""Types are inferred from all lines, and objects with 200 or more keys are rows, not maps."""
MAX_SHOWN: Final = 40  # characters of a value in an error message
WHOLE: Final = "json"  # DuckDB's name of the only column of a file whose lines are not objects


def read_json_lines(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, tuple[tuple[str, int], ...]]:
    """Read JSON lines into the table `dataset`, in file order.

    Returns the columns with values of several types, which are read as text: each type with its first row. Raises
    DatasetError, with the line, if a line is not a JSON object.
    """
    with refuse_unreadable(path):
        return _read(connection, path)


def _read(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, tuple[tuple[str, int], ...]]:
    check_text(path, must="rows")
    place = f"{file_literal(path)}, {PLAIN_PATH}"
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM read_json({place}, {LINES})")
        keys = _keys(connection, place)
        mixed = _mixed(connection)
        wanted = _as_written(connection)
        if wanted and keys != [*wanted]:
            _read_by_key(connection, place, keys, [*wanted.values()])
        elif wanted:
            columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in wanted.items())
            options = f"{place}, format='newline_delimited', columns={{{columns}}}"
            connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM read_json({options})")
    except duckdb.OutOfMemoryException:
        raise too_large(str(path)) from None
    except duckdb.Error as error:
        _explain(path)
        raise DatasetError(
            f"{_must(path)}, but {path} cannot be read: {str(error).splitlines()[0].strip()} Export the file again."
        ) from None
    if [*_described(connection)] == [WHOLE]:
        _explain(path)
    names = [*_described(connection)]
    _name_columns(connection, keys)
    return {name: mixed[own] for name, own in zip(distinct_names(keys), names, strict=True) if own in mixed}


def _mixed(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[tuple[str, int], ...]]:
    """Columns with plain values of several types: each type with its first row."""
    mixed = {}
    for name in [name for name, kind in _described(connection).items() if kind == "JSON" and name != WHOLE]:
        rows = connection.execute(
            f"SELECT json_type({identifier(name)}), min(rowid) + 1 FROM dataset "
            f"WHERE {identifier(name)} IS NOT NULL GROUP BY 1 ORDER BY 2"
        ).fetchall()
        first: dict[str, int] = {}
        for kind, row in rows:
            first.setdefault(JSON_TYPES.get(kind, kind), row)
        if len(first) > 1 and {*first} <= {*JSON_TYPES.values()}:
            mixed[name] = tuple(first.items())
    return mixed


JSON_TYPES: Final = {
    **dict.fromkeys(("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"), "a number"),
    "VARCHAR": "a text",
    "BOOLEAN": "true or false",
}
"""Text for DuckDB's names of plain JSON types."""


def _as_written(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Types for reading the file again so that all numbers keep their digits; empty if that is not needed.

    DuckDB reads a mix of large integers and decimals as doubles, and a mix of numbers and text as JSON.
    """
    found = _described(connection)
    kinds = {name: "VARCHAR" if _is_rewritten(kind) else kind for name, kind in found.items()}
    for name in [name for name, kind in found.items() if kind == "JSON"]:
        nested = f"SELECT count_if(json_type({identifier(name)}) IN ('OBJECT', 'ARRAY')) FROM dataset"
        kinds[name] = "JSON" if connection.execute(nested).fetchall()[0][0] else "VARCHAR"
    return kinds if kinds != found and [*found] != [WHOLE] else {}


def _described(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Columns under DuckDB's names, with their types."""
    described = connection.execute("SELECT * FROM dataset LIMIT 0").description or []
    return {column[0]: str(column[1]) for column in described}


def _keys(connection: duckdb.DuckDBPyConnection, place: str) -> list[str]:
    """Keys of the objects, in the order of the columns; DuckDB numbers columns whose keys differ only in case."""
    names = [*_described(connection)]
    bases = {lower_ascii(NUMBERED.sub("", name)) for name in names}
    if len(bases) == len(names) or names == [WHOLE]:
        return names
    objects = f"read_json_objects({place}, format='newline_delimited')"
    found = connection.execute(
        f"SELECT key FROM (SELECT unnest(json_keys(json)) AS key, generate_subscripts(json_keys(json), 1) AS place, "
        f"row_number() OVER () AS line FROM {objects}) GROUP BY key ORDER BY min((line, place))"
    ).fetchall()
    keys = [key for (key,) in found]
    is_same = len(keys) == len(names) and all(
        name == key or NUMBERED.fullmatch(lower_ascii(name).removeprefix(lower_ascii(key)))
        for name, key in zip(names, keys, strict=True)
    )
    return keys if is_same else names


def _read_by_key(connection: duckdb.DuckDBPyConnection, place: str, keys: list[str], kinds: list[str]) -> None:
    """Read each key of the objects separately, since DuckDB's reader does not find keys that differ only in case."""
    pointers = [literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys]
    listed = ", ".join(
        f"CAST(json {'->' if kind == 'JSON' else '->>'} {pointer} AS {kind}) AS {identifier(name)}"
        for name, pointer, kind in zip(_described(connection), pointers, kinds, strict=True)
    )
    objects = f"read_json_objects({place}, format='newline_delimited')"
    connection.execute(f"CREATE OR REPLACE TABLE dataset AS SELECT {listed} FROM {objects}")


def _name_columns(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> None:
    """Rename the columns to distinct names of the keys."""
    names = [*_described(connection)]
    wanted = [stored_name(name) for name in distinct_names(keys)]
    if names != wanted:
        listed = ", ".join(map(identifier, wanted))
        replace_dataset(connection, f"FROM dataset AS dataset({listed})")


NUMBERED: Final = re.compile(r"(?:_\d+)+$")
"""Suffix that DuckDB appends to duplicate names."""


def _is_rewritten(kind: str) -> bool:
    """Whether reading as a type that DuckDB inferred may have changed the values."""
    return kind in {"DOUBLE", "HUGEINT", "UBIGINT", "UHUGEINT", "DATE", "TIME", '"NULL"'} or kind.startswith(
        "TIMESTAMP"
    )


def _explain(path: Path) -> None:
    """Raise DatasetError with the first line that is not valid, which DuckDB does not report reliably."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                value = json.loads(line.decode("utf-8-sig").strip() or "{}")
            except UnicodeDecodeError as error:
                raise not_utf8(path, line=number, byte=line[error.start]) from None
            except json.JSONDecodeError as error:
                raise DatasetError(
                    f"{_must(path)}, but line {number:,} of {path} is not "
                    f"({error.msg[0].lower()}{error.msg[1:]}, character {error.colno:,}). Correct or remove that line."
                ) from None
            except (RecursionError, ValueError):
                raise DatasetError(
                    f"{_must(path)}, but line {number:,} of {path} is nested too deeply, or has a number with too many "
                    "digits. Flatten the objects, or remove that line."
                ) from None
            if not isinstance(value, dict):
                raise DatasetError(
                    f"{_must(path)}, but line {number:,} of {path} is {_value_text(value)}. Use objects with names."
                )
            if "" in value:
                raise DatasetError(
                    f"Columns must have names, but the object in line {number:,} of {path} has an empty key. "
                    "Rename the key in all lines."
                )


def _value_text(value: object) -> str:
    return "a list" if isinstance(value, list) else f"the value {json.dumps(value)[:MAX_SHOWN]}"


def _must(path: Path) -> str:
    return f"A file with the extension {path.suffix} must be JSON lines, one object per line"
