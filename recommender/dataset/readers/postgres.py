"""A table or query of a PostgreSQL server, read in a transaction that cannot write."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import duckdb

from recommender.dataset.readers.bounds import check_columns, too_large
from recommender.dataset.readers.distinct_names import distinct_names
from recommender.dataset.readers.formats.typed_columns import choose_table
from recommender.dataset.sql import columns_of, identifier, quoted
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from recommender.dataset.address import DatabaseTable

CONNECT_SECONDS: Final = 10
"""Seconds to wait for a connection, if neither the URL nor PGCONNECT_TIMEOUT sets them; libpq would wait forever."""
TYPE: Final = b"POSTGRESQL:type"
"""Key of the PostgreSQL type in the metadata of an Arrow column."""
CASTS: Final = {"numeric": "{}::float8", "money": "{}::numeric::float8", "oid": "{}::int8", "bpchar": "{}::text"}
"""Conversions of types that Arrow lacks, by the server; other types that Arrow lacks become text."""
TABLES: Final = """
SELECT c.oid::int8, n.nspname::text, c.relname::text, pg_table_is_visible(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 2, 3
"""
PRIMARY_KEY: Final = """
SELECT a.attname::text FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS own(number, place), pg_attribute a
WHERE i.indrelid = {} AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = own.number ORDER BY own.place
"""
FIXED_ORDER: Final = """
SELECT count(set_config(name, CASE vartype WHEN 'bool' THEN 'off' ELSE '0' END, true)) FROM pg_settings
WHERE name IN ('synchronize_seqscans', 'max_parallel_workers_per_gather')
"""
"""Settings of the transaction with which the server returns the rows of an unchanged table in the same order."""
DIGEST_ROWS: Final = 100_000  # rows digested at a time: 6.4 MB of text
MISSING_EXTRA: Final = (
    "A PostgreSQL URL needs adbc-driver-postgresql, which is not installed. Install it with pip install "
    "'pcwat[postgres]'."
)


def read_postgres(connection: duckdb.DuckDBPyConnection, address: DatabaseTable, table: str | None) -> str:
    """Read a table or the rows of a query into the table `dataset`, and return its name.

    A table is read in the order of its primary key, otherwise as it is stored. The rows are streamed. table: its name,
    if the URL has none; None for the only one.
    Raises DatasetError, without secrets, if they cannot be read.
    """
    if table is not None and (address.table or address.query):
        raise DatasetError(f"{address} already names a table or a query. Leave out --table.")
    try:
        from adbc_driver_manager import Error  # noqa: PLC0415  an extra
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415  an extra
    except ImportError:
        raise DatasetError(MISSING_EXTRA) from None
    try:
        with closing(dbapi.connect(_with_timeout(address.uri))) as server, closing(server.cursor()) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(FIXED_ORDER)
            name, query = _query(cursor, address, address.table or table)
            columns = cursor.adbc_execute_schema(query)
            if not len(columns):
                raise DatasetError(f"The query of {address} must return rows, but it has no columns. Give a SELECT.")
            check_columns(str(address), len(columns))
            cursor.execute(_converted(query, columns))
            _load(connection, cursor.fetch_record_batch(), [column.name for column in columns])
    except duckdb.OutOfMemoryException:
        raise too_large(str(address)) from None
    except (Error, duckdb.Error) as error:
        raise _unreadable(address, str(error)) from None
    return name


def _with_timeout(uri: str) -> str:
    if "connect_timeout=" in uri or "PGCONNECT_TIMEOUT" in os.environ:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}connect_timeout={CONNECT_SECONDS}"


def _query(cursor: Any, address: DatabaseTable, table: str | None) -> tuple[str, str]:  # noqa: ANN401  a driver's cursor
    """Name of the dataset and SQL of its rows."""
    if address.query is not None:
        return f"query of {address.database}", address.query.strip().rstrip(";")
    cursor.execute(TABLES)
    found = {(schema, name): (oid, visible) for oid, schema, name, visible in cursor.fetchall()}
    shown = {name if visible else f"{schema}.{name}": (schema, name) for (schema, name), (_, visible) in found.items()}
    full = {f"{schema}.{name}": (schema, name) for schema, name in found}
    if table is None and not shown:
        raise DatasetError(f"The dataset must be a table, but {address} has none that its user can see.")
    name = table if table in full else choose_table([*shown], address, table)
    place = full.get(name) or shown[name]
    cursor.execute(PRIMARY_KEY.format(found[place][0]))
    key = ", ".join(identifier(column) for (column,) in cursor.fetchall())
    return name, f"SELECT * FROM {'.'.join(map(identifier, place))}" + (f" ORDER BY {key}" if key else "")


def _converted(query: str, columns: pa.Schema) -> str:
    """A query whose columns have types that Arrow has."""
    wanted = []
    for place, column in enumerate(columns):
        kind = (column.metadata or {}).get(TYPE, b"").decode()
        cast = CASTS.get(kind, "{}::text" if "opaque" in str(column.type) else "{}")
        wanted.append(cast.format(f'"{place}"'))
    if wanted == [f'"{place}"' for place in range(len(columns))]:
        return query
    names = ", ".join(f'"{place}"' for place in range(len(columns)))
    return f"SELECT {', '.join(wanted)} FROM (\n{query}\n) AS dataset({names})"


def _load(connection: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader, names: Sequence[str]) -> None:
    """Stream record batches into the table `dataset`."""
    listed = ", ".join(map(quoted, distinct_names(names)))
    connection.register("rows_of_server", rows)
    try:
        connection.execute(f"CREATE OR REPLACE TABLE dataset AS FROM rows_of_server AS dataset({listed})")
    finally:
        connection.unregister("rows_of_server")


def digest_of_rows(connection: duckdb.DuckDBPyConnection) -> str:
    """SHA-256 of the columns, their types and the rows of the table `dataset`, as text in their order."""
    columns = columns_of(connection)
    digest = hashlib.sha256(repr(tuple(columns.items())).encode())
    for part in _digests(connection, ", ".join(map(quoted, columns))):
        digest.update(part.encode())
    return digest.hexdigest()


def _digests(connection: duckdb.DuckDBPyConnection, cells: str) -> Iterator[str]:
    """Digests of the rows, some at a time."""
    rows = connection.execute("SELECT count(*) FROM dataset").fetchall()[0][0]
    for start in range(0, rows, DIGEST_ROWS):
        yield connection.execute(
            f"SELECT string_agg(sha256(CAST(row({cells}) AS VARCHAR)), '' ORDER BY rowid) FROM dataset "
            "WHERE rowid >= ? AND rowid < ?",
            [start, start + DIGEST_ROWS],
        ).fetchall()[0][0]


def _unreadable(address: DatabaseTable, message: str) -> DatasetError:
    """Error with the reason of the server or driver, without its prefixes and secrets."""
    for secret in address.secrets:
        message = message.replace(secret, "***")
    lines = [line.strip() for line in message.split("Query was:")[0].splitlines() if line.strip()]
    reason = lines[0] if lines else "unknown error"
    for prefix in ("Failed to connect: ", "ERROR: ", "FATAL: "):
        reason = reason.partition(prefix)[2].strip() or reason
    reason = reason.partition(" SQLSTATE:")[0].rstrip(".")
    return DatasetError(f"{address} cannot be read: {reason}. {_remedy(reason)}")


def _remedy(reason: str) -> str:
    if "password" in reason:
        return "Set the password in PGPASSWORD or ~/.pgpass."
    if any(word in reason for word in ("refused", "translate host", "timeout", "expired", "No such file", "server")):
        return "Check the host and port, and whether the server accepts connections."
    if "read-only" in reason:
        return "Give a query that only reads."
    return "Correct the URL or the query."
