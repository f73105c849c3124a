"""Labels of a classification: their type in the dataset, and their text in files."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from recommender.dataset.sql import category_text, columns_of, is_float, is_text, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset

ARROW_TYPES: Final = {
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "HUGEINT": pa.decimal128(38, 0),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_S": pa.timestamp("s"),
    "TIMESTAMP_MS": pa.timestamp("ms"),
    "TIMESTAMP_NS": pa.timestamp("ns"),
}
"""Labels of other DuckDB types are text, except decimals and times of day."""
MAX_UNSIGNED: Final = 2**64 - 1
"""Largest unsigned 64-bit integer; huge integers between 0 and it are stored as such."""


class LabelType(BaseModel):
    """Type of a target's labels in training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: str = "VARCHAR"
    """The DuckDB type of the target."""
    source: str = ""
    """The DuckDB type of the target in its file or frame; empty where it is the same."""
    zone: str | None = None
    """Time zone of labels that are times; None without one."""
    is_categorical: bool = False
    """Whether the column was categorical in the frame or Parquet file of the training."""
    texts: dict[str, str] = Field(default_factory=dict)
    """Text of each label in the file or frame of the training, where it was text and is read as another type."""
    booleans: tuple[str, str] | None = None
    """Text of false and true in a text file; None for other labels and typed files."""

    def to_arrow(self, labels: Sequence[str]) -> pa.Array:
        """Labels in their own type; labels: text of `recommender.dataset.sql.category_text`, empty for no value.

        They stay text where one of them, such as a new label, is not a value of that type.

        >>> LabelType(storage="DOUBLE").to_arrow(["0", "1.5"]).to_pylist()
        [0.0, 1.5]
        """
        text = pa.array([label or None for label in labels] if self.storage != "VARCHAR" else labels, pa.string())
        if self.source == "VARCHAR":
            return pa.array([self.texts.get(label, label) for label in labels], pa.string())
        try:
            if self.storage == "TIME":
                return pa.array([None if not label else dt.time.fromisoformat(label) for label in labels])
            if self.zone is not None:
                return text.cast(pa.timestamp("us")).cast(pa.timestamp("us", tz=self.zone))
            return text.cast(self._arrow_type(labels))
        except (pa.ArrowInvalid, ValueError):
            return text

    def _arrow_type(self, labels: Sequence[str]) -> pa.DataType:
        if decimals := self._decimals:
            return pa.decimal128(*decimals)
        own = self.source or self.storage
        if own == "HUGEINT" and all(0 <= int(label) <= MAX_UNSIGNED for label in labels if label):
            return pa.uint64()
        return ARROW_TYPES.get(own, pa.string())

    @property
    def _decimals(self) -> tuple[int, int] | None:
        """Precision and scale of a decimal; None for other types."""
        found = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", self.source or self.storage)
        return None if found is None else (int(found[1]), int(found[2]))

    def to_text(self, label: str) -> str:
        """Text of a label in a text file.

        >>> LabelType(storage="DOUBLE").to_text("0")
        '0.0'
        >>> LabelType(storage="DOUBLE", source="DECIMAL(4,2)").to_text("1.5")
        '1.50'
        >>> LabelType(storage="BOOLEAN", booleans=("False", "True")).to_text("true")
        'True'
        """
        if label in self.texts or self.source == "VARCHAR":
            return self.texts.get(label, label)
        if decimals := self._decimals:
            return f"{Decimal(label):.{decimals[1]}f}"
        if is_float(self.storage):
            return repr(float(label))
        if self.booleans is not None and label in {"false", "true"}:
            return self.booleans[label == "true"]
        return label


def label_type(dataset: Dataset, target: str) -> LabelType:
    """Determine the type of a target's labels, or of the names of series."""
    reading = dataset.readings.get(target)
    return LabelType(
        storage=dataset.storage[target],
        source="" if reading is None else reading.source,
        zone=None if reading is None or reading.time is None else reading.time.zone,
        is_categorical=target in dataset.categorical,
        texts=_texts(dataset, target),
        booleans=None if reading is None else reading.booleans,
    )


def _texts(dataset: Dataset, target: str) -> dict[str, str]:
    """Most frequent text of each label, where the target was text and is read as another type."""
    storage, connection = dataset.storage[target], dataset.connection
    if target not in dataset.kept or is_text(storage) or not is_text(columns_of(connection, "kept")[target]):
        return {}
    labels = f"SELECT rowid AS place, {category_text(target, storage)} AS label FROM dataset"  # noqa: S608  quoted
    texts = f"SELECT rowid AS place, {quoted(target)} AS written FROM kept"  # noqa: S608  quoted
    rows = connection.execute(
        f"SELECT label, written, count(*) FROM ({labels}) JOIN ({texts}) USING (place) "  # noqa: S608  as above
        "WHERE label IS NOT NULL AND written IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"
    ).fetchall()
    found: dict[str, str] = {}
    for name, written, _ in rows:
        found.setdefault(name, written.strip())
    return found
