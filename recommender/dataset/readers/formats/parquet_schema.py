"""Arrow schema in a Parquet file, which marks categorical columns."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import duckdb

from recommender.dataset.sql import file_literal

if TYPE_CHECKING:
    from pathlib import Path


def arrow_schema(connection: duckdb.DuckDBPyConnection, path: Path) -> bytes:
    """Serialised schema of a Parquet file; b"" if there is none, or if the file is compressed."""
    try:
        found = connection.execute(
            f"SELECT value FROM parquet_kv_metadata({file_literal(path)}) WHERE key = 'ARROW:schema'"
        ).fetchall()
        return base64.b64decode(found[0][0], validate=True) if found else b""
    except (duckdb.Error, binascii.Error, ValueError):
        return b""


def categories_of(schema: bytes) -> frozenset[str]:
    """Dictionary columns of a serialised Arrow schema; none if it is damaged."""
    import pyarrow as pa  # noqa: PLC0415  only training needs it

    try:
        read = pa.ipc.read_schema(pa.BufferReader(schema))
        return frozenset(
            name for name, kind in zip(read.names, read.types, strict=True) if pa.types.is_dictionary(kind)
        )
    except (pa.ArrowException, OSError, ValueError):
        return frozenset()
