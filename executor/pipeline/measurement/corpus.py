"""The datasets of a corpus: a folder with a file catalogue.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rules.decision.request import Request
from rules.errors import ChoiceError, MeasurementError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CATALOGUE: Final = "catalogue.csv"
REQUIRED: Final = ("name", "file", "target")
SEPARATOR: Final = "|"  # between the targets of a dataset with several


@dataclass(frozen=True, kw_only=True)
class CorpusDataset:
    """A dataset of a corpus."""

    name: str
    path: Path
    request: Request


def read_corpus(folder: Path, names: Sequence[str] = ()) -> list[CorpusDataset]:
    """Read the catalogue of a folder.

    Its columns are name, file (relative to the folder), target (several joined by |) and, where a dataset has one,
    task, time, entity and split; other columns are ignored.

    Args:
        folder: The folder.
        names: The datasets to read; all by default.

    Returns:
        The datasets in the order of the catalogue.

    Raises:
        MeasurementError: If the catalogue is missing, lacks a column or a value, or has no dataset of a name.
    """
    path = folder / CATALOGUE
    if not path.is_file():
        raise MeasurementError(
            f"A corpus is a folder with a file {CATALOGUE}, but {folder} has none. Its columns are "
            f"{', '.join(REQUIRED)} and optionally task, time, entity and split."
        )
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
        if absent:
            raise MeasurementError(
                f"{path} must have the columns {', '.join(REQUIRED)}, but {', '.join(absent)} is missing. Add it."
            )
        found: dict[str, CorpusDataset] = {}
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if row["name"] in found:
                raise MeasurementError(
                    f"{place}: each dataset must have its own name, but {row['name']!r} is repeated."
                )
            found[row["name"]] = _dataset(row, folder, place)
    if not found:
        raise MeasurementError(f"{path} must list at least one dataset, but it has none. Add a row for each.")
    for name in names:
        if name not in found:
            raise MeasurementError(f"{path} has no dataset {name!r}.{did_you_mean(name, found)}")
    return [one for name, one in found.items() if not names or name in names]


def _dataset(row: dict[str, str], folder: Path, place: str) -> CorpusDataset:
    for name in REQUIRED:
        if not row[name]:
            raise MeasurementError(f"{place}: each dataset must have a {name}, but it is empty.")
    path = folder / row["file"]
    if not path.exists():
        raise MeasurementError(f"{place}: the file {path} does not exist. Correct the column 'file'.")
    fields = {name: row[name] for name in ("task", "time", "entity", "split") if row.get(name)}
    try:
        request = Request.of(None, {"target": tuple(row["target"].split(SEPARATOR)), **fields})
    except ChoiceError as error:
        raise MeasurementError(f"{place}: {error}") from None
    return CorpusDataset(name=row["name"], path=path, request=request)
