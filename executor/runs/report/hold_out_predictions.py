"""Predictions for the hold-out, read from predictions.csv, which contains the truth and no features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from executor.components.metric import Predictions
from executor.model.prediction_columns import FILE, SERIES, TIME, label_positions, names_in_file
from executor.runs.files import PREDICTIONS
from rules.errors import RunError
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.model.prediction_columns import Names
    from executor.model.signature import Signature
    from executor.runs.run import Run

_WITH_LINES: Final = csv.ParseOptions(newlines_in_values=True)  # a class name may contain line breaks


@dataclass(frozen=True, kw_only=True)
class HoldOutPredictions:
    """Predictions of a run for its hold-out.

    predictions: truth, outcome and decision.
    names: of the classes, of the labels, or of the outputs. rows: (rows,) numbers in the dataset, from 0.
    low, high: (rows, outputs) ends of the prediction intervals; None without them.
    """

    predictions: Predictions
    names: tuple[str, ...]
    rows: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    file: tuple[str, ...] | None = None
    series: tuple[str, ...] | None = None
    time: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def read_predictions(run: Run) -> HoldOutPredictions:
    """Read the predictions of a finished run. Raises RunError where the file is missing or damaged."""
    signature, path = run.signature, run.directory / PREDICTIONS
    names = names_in_file(signature)
    words = [FILE] if signature.image is not None else [SERIES, TIME] if signature.windows is not None else []
    if signature.task.is_classification:
        words += [*names.truth, *names.prediction]
    options = csv.ConvertOptions(column_types=dict.fromkeys(words, pa.string()), strings_can_be_null=False)
    try:
        table = csv.read_csv(path, parse_options=_WITH_LINES, convert_options=options)
        return _parse(signature, names, table)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0].rstrip(".")
        raise RunError(f"{path} cannot be read: {reason}. Restore the file.") from None


def _parse(signature: Signature, names: Names, table: pa.Table) -> HoldOutPredictions:
    low = high = None
    if signature.task.is_classification:
        several = signature.task is Task.MULTILABEL
        of = signature.targets if several else signature.labels
        truth, decided = (
            np.column_stack(
                [
                    _positions(table[name].to_pylist(), label_positions(signature, target))
                    for name, target in zip(own, signature.targets, strict=True)
                ]
            )
            for own in (names.truth, names.prediction)
        )
        if not several:
            truth, decided = truth[:, 0], decided[:, 0]
        shares = _columns(table, names.probability)
        outcome = shares[:, 1:] if signature.task is Task.BINARY else shares
    else:
        of = signature.output_names
        truth, outcome = (_columns(table, own) for own in (names.truth, names.prediction))
        decided = outcome
        if signature.intervals is not None and signature.intervals.half_widths:
            low, high = (_columns(table, own) for own in (names.low, names.high))
    predictions = Predictions(
        task=signature.task, truth=truth, outcome=outcome, decided=decided, rare_class=signature.rare_class
    )
    places = (SERIES, TIME) if signature.windows is not None else (FILE,) if signature.image is not None else ()
    places_of = {name: tuple(table[name].to_pylist()) for name in places if name in table.column_names}
    return HoldOutPredictions(
        predictions=predictions, names=of, rows=table["row"].to_numpy(), low=low, high=high, **places_of
    )


def _positions(words: list[str], places: Mapping[str, int]) -> np.ndarray:
    """Index of each word, (rows,) int64."""
    return np.array([places[word] for word in words], np.int64)


def _columns(table: pa.Table, names: Sequence[str]) -> np.ndarray:
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in names])
