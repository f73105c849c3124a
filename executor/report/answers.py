"""A run's answers for the hold-out, read from its file: they hold the truth beside them, and no feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from executor.catalog.performance import Predictions
from executor.run import PREDICTIONS
from rules.errors import RunError
from rules.facts import Task

if TYPE_CHECKING:
    from executor.run import Run
    from executor.signature import Signature

FILE, SERIES, TIME = "file", "series", "time"
"""Columns that say where a row stands: the file of an image, the series and the time of a forecast's first step."""
_WITH_LINES: Final = csv.ParseOptions(newlines_in_values=True)  # a class may be named over several lines


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the model said of the hold-out.

    said: truth, outcome and decision as `executor.catalog.performance` takes them.
    names: of the classes, of the labels, or of the outputs. rows: (rows,) numbers in the dataset, from 0.
    low, high: (rows, outputs) ends of the prediction intervals; None without them.
    """

    said: Predictions
    names: tuple[str, ...]
    rows: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    file: tuple[str, ...] | None = None
    series: tuple[str, ...] | None = None
    time: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def read_answers(run: Run) -> Answers:
    """The answers of a finished run. Raises RunError where their file is missing or damaged."""
    signature, path = run.signature, run.directory / PREDICTIONS
    words = ["truth", "prediction", FILE, SERIES, TIME]
    if not signature.task.is_classification:
        words = [FILE, SERIES, TIME]
    words += [name for target in signature.targets for name in (target, f"truth of {target}") if _has_labels(signature)]
    options = csv.ConvertOptions(column_types=dict.fromkeys(words, pa.string()), strings_can_be_null=False)
    try:
        table = csv.read_csv(path, parse_options=_WITH_LINES, convert_options=options)
        return _answers(signature, table)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        told = f"it lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0].rstrip(".")
        raise RunError(f"{path} cannot be read: {told}. Restore the file.") from None


def _has_labels(signature: Signature) -> bool:
    return signature.task is Task.MULTILABEL


def _answers(signature: Signature, table: pa.Table) -> Answers:
    low = high = None
    if signature.task in {Task.BINARY, Task.MULTICLASS}:
        names = signature.labels
        truth, decided = (_positions(table[name].to_pylist(), names) for name in ("truth", "prediction"))
        shares = _columns(table, [f"probability of {name}" for name in names])
        outcome = shares[:, 1:] if signature.task is Task.BINARY else shares
    elif _has_labels(signature):
        names = signature.targets
        outcome = _columns(table, [f"probability of {name}" for name in names])
        truth, decided = (
            np.column_stack([_positions(table[f"{word}{name}"].to_pylist(), signature.levels[name]) for name in names])
            for word in ("truth of ", "")
        )
    else:
        names = signature.answered
        truth, outcome = (_values(table, word, names) for word in ("truth", "prediction"))
        decided = outcome
        if signature.intervals is not None and signature.intervals.half_widths:
            low, high = (_values(table, word, names) for word in ("low", "high"))
    said = Predictions(
        task=signature.task, truth=truth, outcome=outcome, decided=decided, rare_class=signature.rare_class
    )
    places = (SERIES, TIME) if signature.windows is not None else (FILE,) if signature.image is not None else ()
    told = {name: tuple(table[name].to_pylist()) for name in places if name in table.column_names}
    return Answers(said=said, names=names, rows=table["row"].to_numpy(), low=low, high=high, **told)


def _positions(words: list[str], names: tuple[str, ...]) -> np.ndarray:
    """Where each word stands among the names, (rows,) int64."""
    place = {name: at for at, name in enumerate(names)}
    return np.array([place[word] for word in words], np.int64)


def _values(table: pa.Table, word: str, names: tuple[str, ...]) -> np.ndarray:
    """The columns of one word for all outputs, (rows, outputs)."""
    return _columns(table, [word] if len(names) == 1 else [f"{word} of {name}" for name in names])


def _columns(table: pa.Table, names: list[str]) -> np.ndarray:
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in names])
