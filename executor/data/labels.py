"""Labels of a classification as the dataset gave them: their type and how text files spell them."""

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
"""Labels of other DuckDB types, but for decimals and times of day, are text."""
MAX_UNSIGNED: Final = 2**64 - 1
"""Up to it, and from 0, integers beyond 64 bits with a sign are 64-bit integers without one."""


class LabelType(BaseModel):
    """The type of a target's labels in the training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: str = "VARCHAR"
    """The DuckDB type of the target."""
    source: str = ""
    """The DuckDB type that the target had in its file or frame; empty where it is the same."""
    zone: str | None = None
    """The zone in which times are written; None for times without one, and for other labels."""
    is_categorical: bool = False
    """Whether the frame or the Parquet file of the training held it as a categorical column."""
    texts: dict[str, str] = Field(default_factory=dict)
    """How the file or frame of the training wrote each label, where that was text and is read as something else."""
    booleans: tuple[str, str] | None = None
    """How a text file spelled false and true; None for other labels, and for files that hold booleans."""

    def to_arrow(self, labels: Sequence[str]) -> pa.Array:
        """Labels in their own type; labels: text of `recommender.dataset.sql.category_text`, empty for no value.

        Text where a label is no value of that type, as one that the training did not see may be.

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
        """The digits of a decimal in all, and after its point; None for other types."""
        found = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", self.source or self.storage)
        return None if found is None else (int(found[1]), int(found[2]))

    def to_text(self, label: str) -> str:
        """A label as a text file has it.

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
    """The type of a target's labels, or of the names of series."""
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
    """The most frequent text of each label, where the target was text and is read as something else."""
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
