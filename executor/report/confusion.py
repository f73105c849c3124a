"""Which classes a model takes for which, counted from a run's predictions of the hold-out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyarrow import csv

from executor.run import PREDICTIONS
from rules.errors import RunError
from rules.facts import Task

if TYPE_CHECKING:
    from executor.run import Run

MOST_CLASSES: Final = 20  # a wider table cannot be taken in at a glance


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """counts: rows of the hold-out, by true class (first index) and predicted class."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def confusion(run: Run) -> Confusion | None:
    """The confusion matrix of a classification; None for another task, and for more than MOST_CLASSES classes.

    Raises RunError where the predictions are missing or damaged.
    """
    signature = run.signature
    labels = signature.labels
    if signature.task not in {Task.BINARY, Task.MULTICLASS} or len(labels) > MOST_CLASSES:
        return None
    words = dict.fromkeys(("truth", "prediction"), pa.string())
    wanted = csv.ConvertOptions(column_types=words, include_columns=[*words], strings_can_be_null=False)
    path = run.directory / PREDICTIONS
    try:
        read = csv.read_csv(path, parse_options=_WITH_LINES, convert_options=wanted)
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path} cannot be read: {str(error).splitlines()[0].rstrip('.')}. Restore the file.") from None
    pairs = Counter(zip(read["truth"].to_pylist(), read["prediction"].to_pylist(), strict=True))
    return Confusion(labels=labels, counts=tuple(tuple(pairs[true, said] for said in labels) for true in labels))


_WITH_LINES: Final = csv.ParseOptions(newlines_in_values=True)  # a class may be named over several lines
