"""Explained predictions: contributions of the parts of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from executor.data.raw_table import RawTable

PartKind = Literal["column", "words", "letters", "patch", "segment"]


@dataclass(frozen=True, kw_only=True)
class RowExplanation:
    """Explanation of the prediction of one row.

    Attributes:
        row: Number of the row in the data, from 1.
        name: File of an image, or name of a sequence; empty otherwise.
        parts: Names of the columns, or of the words, letters, patches or segments.
        values: Their values as text, one per part; empty where a value is missing or is no text.
        outputs: Names of the explained outputs: the probability of a class or label, or the predicted value.
        prediction: Output of the model, (outputs,).
        expected: Mean output for the background, (outputs,).
        contributions: SHAP values, (parts, outputs); they add up to prediction minus expected.
    """

    row: int
    name: str
    parts: tuple[str, ...]
    values: tuple[str, ...]
    outputs: tuple[str, ...]
    prediction: np.ndarray
    expected: np.ndarray
    contributions: np.ndarray

    def largest(self, most: int, output: int = 0) -> list[int]:
        """Numbers of the parts with the largest contributions to an output, the largest first."""
        order = np.argsort(-np.abs(self.contributions[:, output]), kind="stable")[:most]
        return [int(part) for part in order if self.contributions[part, output] != 0]


@dataclass(frozen=True, kw_only=True)
class Explanations:
    """Explained predictions of rows.

    Attributes:
        kind: What the parts of a row are: "column", "words", "letters", "patch" or "segment".
        rows: One explanation per row, in the order of the data.
        total: Number of rows of the data, of which only the first ones may be explained.
        background: Description of the rows or values that replace masked parts.
        raw: The explained rows, as the model reads them.
    """

    kind: PartKind
    rows: tuple[RowExplanation, ...]
    total: int
    background: str
    raw: RawTable

    def table(self) -> pa.Table:
        """The explanations as an Arrow table with one line per row, output and part.

        Its columns are row, name (if rows have names), output, prediction, expected_value, the kind of the parts,
        value (for columns) and contribution.
        """
        lines = [
            (one, part, output)
            for one in self.rows
            for output in range(len(one.outputs))
            for part in range(len(one.parts))
        ]
        columns: dict[str, pa.Array] = {"row": pa.array([one.row for one, _, _ in lines], pa.int64())}
        if any(one.name for one in self.rows):
            columns["name"] = pa.array([one.name for one, _, _ in lines], pa.string())
        columns["output"] = pa.array([one.outputs[output] for one, _, output in lines], pa.string())
        columns["prediction"] = pa.array([one.prediction[output] for one, _, output in lines], pa.float64())
        columns["expected_value"] = pa.array([one.expected[output] for one, _, output in lines], pa.float64())
        columns[self.kind] = pa.array([one.parts[part] for one, part, _ in lines], pa.string())
        if self.kind == "column":
            columns["value"] = pa.array([one.values[part] or None for one, part, _ in lines], pa.string())
        columns["contribution"] = pa.array([one.contributions[part, output] for one, part, output in lines])
        return pa.table(columns)
