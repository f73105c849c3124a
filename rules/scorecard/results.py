"""Trainings that `recommend rules measure` has made: their format and their files."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from rules.errors import MeasurementError
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from rules.vocabulary.choices import Choice

_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")


class Settings(BaseModel):
    """How datasets are measured; results of different settings are not compared."""

    model_config = _CLOSED

    seeds: int = Field(ge=1)
    """Trainings of each choice on each split, which differ in their initial weights."""
    splits: int = Field(default=1, ge=1)
    """Splits of the rows into training, validation and test; a split by time, or of the dataset itself, stays the
    same."""
    rows: int = Field(ge=1)
    """Rows of a dataset at most."""
    share: float = Field(gt=0, le=1)
    """Share of the epochs of a full training; the learning-rate schedule is laid over it."""
    pins: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    """Choices that replace those of the rules in all trainings: slot → name, or choice with its parameters."""

    @property
    def trainings(self) -> int:
        """Trainings of each choice."""
        return self.seeds * self.splits


class MeasuredDataset(BaseModel):
    """A dataset as it was measured, and what the rules decide for it."""

    model_config = _CLOSED

    kind: Literal["dataset"] = "dataset"
    format: Literal["pcwat/measurement/1"] = "pcwat/measurement/1"
    name: str
    digest: str
    task: str
    modality: str
    metric: str
    direction: Direction
    rows: int
    """Rows of training, validation and test, without the hold-out."""
    test_rows: int
    facts: dict[str, bool | float | int | str | None]
    """Measured facts by name; None where unknown or not applicable."""
    chosen: dict[str, str]
    """The recommended choice of each slot, as text."""
    rules: dict[str, tuple[str, ...]]
    """The rules that made it."""
    handbook: dict[str, str]
    """The choice of the handbook for each slot, as text."""
    settings: Settings
    version: str


class TrainingResult(BaseModel):
    """One training of one choice, all other choices being the recommended ones."""

    model_config = _CLOSED

    kind: Literal["training"] = "training"
    dataset: str
    slot: Slot
    choice: dict[str, Any]
    """The choice with its parameters."""
    seed: int
    """Number of the training, from 0 to `settings.trainings` - 1; its split is `seed // settings.seeds`."""
    score: float | None
    """Value of the metric on test rows; None if the training diverged or failed."""
    validation_score: float | None
    halves: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    """Metric → its value on each of two halves of the test rows; None where it is undefined."""
    top_share: dict[str, float] = Field(default_factory=dict)
    """Regression metric → share of the sum of its errors in the 1 % of test rows with the largest errors."""
    epochs: int
    best_epoch: int | None
    epoch_scores: tuple[float | None, ...] = ()
    """Validation score of each epoch of a configuration; empty for other trainings."""
    after_trainings: tuple[float | None, ...] = ()
    """Test score of the model of a replayed search after the epochs of 1, 2, … full trainings; None without one."""
    seconds: float
    message: str = ""
    """Reason of a failed training."""

    @cached_property
    def text(self) -> str:
        """The choice as text."""
        return str(self.parsed)

    @property
    def parsed(self) -> Choice:
        """The choice as an object of the vocabulary."""
        return parse_choice(self.slot, self.choice)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Dataset, slot, choice and seed, which identify a training."""
        return self.dataset, self.slot.value, self.text, self.seed


def choice_fields(choice: Choice) -> dict[str, Any]:
    """The name of a choice, and its parameters that are not the default."""
    return {"name": choice.model_dump()["name"], **choice.model_dump(mode="json", exclude_defaults=True)}


def error_of(score: float | None, dataset: MeasuredDataset) -> float:
    """The score as an error, 0 at best; inf where there is none.

    The error of a metric between 0 and 1 is at least half of that of one wrong test row, so that ratios of errors are
    finite, and the row that one training has right and another one wrong is a factor of two.
    """
    if score is None or not math.isfinite(score):
        return math.inf
    error = dataset.direction.error(score)
    return max(error, 0.5 * _error_of_one_row(dataset)) if dataset.direction is Direction.MAX else error


def _error_of_one_row(dataset: MeasuredDataset) -> float:
    """Error where one test row is wrong: for F1, one row of the rarest class."""
    rarest, rows = dataset.facts.get("minority_class_rows"), dataset.facts.get("rows")
    if not dataset.metric.startswith("f1") or not isinstance(rarest, int) or not isinstance(rows, int):
        return 1 / dataset.test_rows
    count = max(1.0, dataset.test_rows * rarest / rows)
    classes = dataset.facts.get("classes")
    averaged = classes if dataset.task == "multiclass" and isinstance(classes, int) else 1
    return 1 / (2 * count - 1) / averaged


class Results(BaseModel):
    """The content of files of results."""

    model_config = _CLOSED

    datasets: dict[str, MeasuredDataset]
    trainings: tuple[TrainingResult, ...]

    @cached_property
    def keys(self) -> frozenset[tuple[str, str, str, int]]:
        """Keys of all trainings that ended without an error; others are repeated."""
        return frozenset(training.key for training in self.trainings if not training.message)

    def without(self, names: Collection[str]) -> Results:
        """Results without some datasets."""
        return Results(
            datasets={name: dataset for name, dataset in self.datasets.items() if name not in names},
            trainings=tuple(training for training in self.trainings if training.dataset not in names),
        )


def read_measurements(paths: Iterable[Path]) -> list[Results]:
    """Read files of results, those with equal settings as one measurement, in the order of the first files.

    Raises MeasurementError as `read_results` does.
    """
    by_settings: dict[str, list[Path]] = {}
    for path in paths:
        datasets = read_results([path]).datasets
        settings = next(iter(datasets.values())).settings.model_dump_json() if datasets else ""
        by_settings.setdefault(settings, []).append(path)
    return [read_results(group) for group in by_settings.values()]


def read_results(paths: Iterable[Path]) -> Results:
    """Read files of results, JSON lines or Parquet; a last line that a kill cut off is ignored.

    Raises MeasurementError if a file is not of this format, or datasets were measured with different settings.
    """
    datasets: dict[str, MeasuredDataset] = {}
    trainings: dict[tuple[str, str, str, int], TrainingResult] = {}
    for path in paths:
        for one in _records(path):
            if isinstance(one, MeasuredDataset):
                if one.name in datasets:
                    check_same(datasets[one.name], one)
                datasets[one.name] = one
            else:
                trainings[one.key] = one
    settings = {one.settings.model_dump_json() for one in datasets.values()}
    if len(settings) > 1:
        raise MeasurementError(
            f"All datasets must be measured with the same settings, but found {' and '.join(sorted(settings))}. "
            "Measure them again into another file with -o."
        )
    known = tuple(training for training in trainings.values() if training.dataset in datasets)
    return Results(datasets=datasets, trainings=known)


def check_same(earlier: MeasuredDataset, now: MeasuredDataset) -> None:
    """Raise MeasurementError if a dataset was measured before as another file, or with other choices of the rules."""
    differing = [
        name for name in ("digest", "metric", "rows", "settings") if getattr(earlier, name) != getattr(now, name)
    ]
    differing += [slot for slot in TRAINED if earlier.chosen.get(slot) != now.chosen.get(slot)]
    if differing:
        raise MeasurementError(
            f"The results of {now.name!r} were measured with another {', '.join(differing)}. Measure into another file "
            "with -o."
        )


TRAINED: Final = tuple(slot.value for slot in Slot if slot not in {Slot.HYPERPARAMETERS, Slot.TUNER})
"""Slots on which a training without a search depends."""


def _records(path: Path) -> list[MeasuredDataset | TrainingResult]:
    if path.suffix == ".parquet":
        return _parquet_records(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    except UnicodeDecodeError:
        raise MeasurementError(
            f"{path} is not a file of 'recommend rules measure': it is not a text in UTF-8."
        ) from None
    return [_record(line, path, number) for number, line in enumerate(lines, 1)]


def _record(line: str, path: Path, number: int) -> MeasuredDataset | TrainingResult:
    kind: type[MeasuredDataset | TrainingResult] = (
        MeasuredDataset if line.startswith('{"kind":"dataset"') else TrainingResult
    )
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        problem = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        raise MeasurementError(
            f"{path}:{number} is not a result of 'recommend rules measure': {problem}. Measure into another file "
            "with -o."
        ) from None


DATASETS: Final = b"pcwat.datasets"
"""Key of the schema's metadata with the datasets, as a JSON array."""
AS_JSON: Final = frozenset({"choice", "halves", "top_share"})
"""Columns of JSON text, whose keys differ between rows."""


def write_parquet(results: Results, path: Path) -> None:
    """Write the trainings as a table with a row each, and the datasets as metadata of its schema."""
    import pyarrow as pa  # noqa: PLC0415  only files of results need Arrow
    from pyarrow import parquet  # noqa: PLC0415  as above

    rows = [
        {
            name: to_json(value).decode() if name in AS_JSON else value
            for name, value in one.model_dump(mode="json").items()
        }
        for one in results.trainings
    ]
    table = pa.Table.from_pylist(rows).replace_schema_metadata({DATASETS: to_json([*results.datasets.values()])})
    parquet.write_table(table, path, compression="zstd")


def _parquet_records(path: Path) -> list[MeasuredDataset | TrainingResult]:
    """Raises MeasurementError if the file was not written by `write_parquet`."""
    import pyarrow as pa  # noqa: PLC0415  as above
    from pyarrow import parquet  # noqa: PLC0415  as above

    try:
        table = parquet.read_table(path)
        datasets = from_json((table.schema.metadata or {})[DATASETS])
        trainings = [
            {name: from_json(value) if name in AS_JSON else value for name, value in row.items()}
            for row in table.to_pylist()
        ]
        return [
            *(MeasuredDataset.model_validate(one) for one in datasets),
            *(TrainingResult.model_validate(one) for one in trainings),
        ]
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise MeasurementError(f"{path} is not a file of 'recommend rules measure': {reason}.") from None
