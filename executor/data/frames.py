"""Predictions as the kind of table that the rows came in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def frame_like(rows: object, table: pa.Table) -> Any:  # noqa: ANN401  pandas and polars are optional
    """Convert an Arrow table to the kind of frame of `rows`: pandas with their index, polars, or Arrow otherwise.

    The index of a pandas frame is kept if the table has a row for each of its rows.
    """
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(rows, pandas.DataFrame):
        frame = table.to_pandas(date_as_object=False)
        return frame.set_axis(rows.index) if len(frame) == len(rows) else frame
    if polars is not None and isinstance(rows, polars.DataFrame):
        return polars.from_arrow(table)
    return table
