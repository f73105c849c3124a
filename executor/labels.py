"""Labels of a classification as the dataset gave them: their type and how text files spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from recommender.sql import is_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset import Dataset

ARROW_TYPES: Final = {
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
}
"""Labels of other DuckDB types are text; a DECIMAL is a double."""


class LabelType(BaseModel):
    """The type of a target's labels in the training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: str = "VARCHAR"
    """The DuckDB type of the target."""
    is_categorical: bool = False
    """Whether the frame of the training held it as a categorical column."""
    booleans: tuple[str, str] | None = None
    """How a text file spelled false and true; None for other labels, and for files that hold booleans."""

    def typed(self, labels: Sequence[str]) -> pa.Array:
        """Labels in their own type; labels: as `recommender.sql.level_text` names them.

        >>> LabelType(storage="DOUBLE").typed(["0", "1.5"]).to_pylist()
        [0.0, 1.5]
        """
        own = pa.float64() if self.storage.startswith("DECIMAL") else ARROW_TYPES.get(self.storage, pa.string())
        return pa.array(labels, pa.string()).cast(own)

    def spelled(self, label: str) -> str:
        """A label as a text file has it.

        >>> LabelType(storage="DOUBLE").spelled("0")
        '0.0'
        >>> LabelType(storage="BOOLEAN", booleans=("False", "True")).spelled("true")
        'True'
        """
        if is_float(self.storage):
            return repr(float(label))
        if self.booleans is not None and label in {"false", "true"}:
            return self.booleans[label == "true"]
        return label


def label_type(dataset: Dataset, target: str) -> LabelType:
    """The type of a target's labels."""
    reading = dataset.readings.get(target)
    return LabelType(
        storage=dataset.storage[target],
        is_categorical=target in dataset.categorical,
        booleans=None if reading is None else reading.booleans,
    )
