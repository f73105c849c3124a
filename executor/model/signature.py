"""Inputs and outputs of a model: signature.json of a run."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from executor.components.threshold import Threshold
from executor.data.labels import LabelType, label_type
from executor.data.raw_table import ARRAYS, Form, RawTable, form_of
from executor.data.series.lag_table import Windows
from executor.layers.names import PREFIX
from executor.model.calibration.conformal_intervals import Intervals
from executor.model.calibration.conformal_quantiles import Quantiles
from executor.model.calibration.conformal_sets import ClassSets
from executor.model.calibration.temperature import Temperature
from executor.preprocessing.inputs import ImageInputs
from recommender.dataset.readers.types.reading import ColumnReading
from recommender.dataset.sql import chunks, is_number, quoted
from rules.decision.request import ImageFit, SequenceReading
from rules.vocabulary.choices import CustomArchitecture
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.preprocessing.examples import Parts
    from executor.preprocessing.preprocessing import Preprocessing
    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles

INPUT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]*")  # names of inputs that every version of Keras accepts
RESERVED_NAMES: Final = frozenset(
    {
        "class_name",
        "config",
        "module",
        "registered_name",
        "build_config",
        "tabular",
        "cnn",
        "forecaster",
        "inception",
        "recurrent",
        "texts",
        "ensemble",
    }
)
"""Keys of objects in Keras' JSON, and names of networks, which no input may have."""


class Column(BaseModel):
    """A column that new rows must have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    form: Form
    storage: str
    """DuckDB type in training."""
    reading: ColumnReading | None = None
    """How its values were read; new rows are read in the same way. None for images and sequences."""
    had_numbers: bool = True
    """For words: whether some value reads as a number, so that new rows may have a numeric column."""
    shape: tuple[int, ...] = ()
    """Height, width and channels of images; steps of the longest training sequence and channels of sequences."""
    fit: ImageFit = "stretch"
    """How image files of another shape were resized."""
    value_range: tuple[float, float] | None = None
    """Values that became 0 and 255, of images with more than 8 bits per channel."""


class ModelInput(BaseModel):
    """An input of the Keras model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    form: Form
    columns: tuple[str, ...]
    """One column or feature of a window; all columns of one encoding for wide tables."""
    image: tuple[int, ...] = ()
    """Height, width and channels of images."""
    channels: int = 0
    """Channels of sequences of numbers."""

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Shape of a row; None for a variable number of steps."""
        return (None, self.channels) if self.channels else self.image or (len(self.columns),)

    @property
    def dtype(self) -> str:
        """Keras type of its values."""
        if self.form in ARRAYS:
            return "uint8" if self.form is Form.IMAGE else "float32"
        return "string" if self.form.is_words else "float64"


class Signature(BaseModel):
    """The file signature.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["pcwat/signature/1"] = "pcwat/signature/1"
    task: Task
    targets: tuple[str, ...]
    labels: tuple[str, ...]
    """Class names for binary and multiclass; empty otherwise."""
    levels: dict[str, tuple[str, str]]
    """For several labels: text of the negative and positive value of each."""
    label_types: dict[str, LabelType] = Field(default_factory=dict)
    """Type of the labels of each target of a classification; text in older versions."""
    columns: tuple[Column, ...]
    """Required columns, in the dataset's order."""
    known: tuple[str, ...]
    """Columns that rows may have but that are not read: targets, identifiers, constants."""
    inputs: tuple[ModelInput, ...]
    offset_input: str = f"{PREFIX}offset"
    """Input for the last values of a forecast, (rows, outputs) float64."""
    spread_input: str = f"{PREFIX}spread"
    """Input for the spread of the window of a forecast, (rows, outputs) float64."""
    rare_class: int | None
    thresholds: tuple[Threshold, ...]
    """One for binary, on the probability of rare_class; one per label; none otherwise."""
    costs: tuple[tuple[float, ...], ...] = ()
    """Costs of several classes by actual and predicted class, of which the predicted class has the least expected one;
    empty without costs. With two classes they determine the threshold."""
    temperatures: tuple[Temperature, ...] = ()
    """Divisors of the logits: one for all classes, or one per label; none for other tasks."""
    intervals: Intervals | None = None
    """Prediction intervals of regression and forecasts; None for other tasks."""
    quantiles: Quantiles | None = None
    """Quantiles of forecasts; None for other tasks, and in runs of older versions."""
    sets: ClassSets | None = None
    """Prediction sets of two or more classes; None for other tasks, and in runs of older versions."""
    architecture: CustomArchitecture | None = None
    """Own architecture of the network, which has the layers that Keras lacks; None for a shipped one."""
    trained_on: Literal["", "all_rows"] = ""
    """Whether all rows, including the hold-out, trained the model; empty where they did not. Thresholds, temperatures,
    intervals, quantiles and sets are always those of the evaluated model."""
    time_column: str | None
    entity_column: str | None
    windows: Windows | None
    sequences: SequenceReading | None = None
    """How rows of a long table are gathered into sequences; None where they are not."""

    @property
    def image(self) -> Column | None:
        """The column of images; None without one."""
        return next((column for column in self.columns if column.form is Form.IMAGE), None)

    @property
    def outputs(self) -> int:
        """Number of outputs of the model."""
        if self.task is Task.BINARY:
            return 1
        return len(self.labels) if self.task is Task.MULTICLASS else len(self.output_names)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of outputs: targets, or targets and steps of a forecast of several steps."""
        if self.windows is None or self.windows.horizon == 1:
            return self.targets
        return tuple(f"{target} +{step}" for target in self.targets for step in range(1, self.windows.horizon + 1))

    @property
    def model_inputs(self) -> dict[str, tuple[tuple[int | None, ...], str]]:
        """Name of each model input → shape of a row and type of its values."""
        of_window = dict.fromkeys((self.offset_input, self.spread_input), ((self.outputs,), "float64"))
        return {entry.name: (entry.shape, entry.dtype) for entry in self.inputs} | (
            {} if self.windows is None else of_window
        )

    def contradiction(self) -> str:
        """Description of an inconsistency in the file; empty if there is none."""
        classes = len(self.labels)
        has_labels = self.task in {Task.BINARY, Task.MULTICLASS}
        cuts = {Task.BINARY: 1, Task.MULTILABEL: len(self.targets)}.get(self.task, 0)
        widths = 0 if self.intervals is None else len(self.intervals.half_widths)
        names = {column.name for column in self.columns}
        read = {name for entry in self.inputs for name in entry.columns}
        checks = {
            "it names no target": not self.targets,
            f"a {self.task} task has {classes} labels": (classes >= 2) is not has_labels  # noqa: PLR2004  two make classes
            or (self.task is Task.BINARY and classes != 2),  # noqa: PLR2004
            "a target has no labels": self.task is Task.MULTILABEL and not self.levels.keys() >= {*self.targets},
            f"it has {len(self.thresholds)} thresholds where {cuts} are needed": len(self.thresholds) not in {0, cuts},
            f"the rare class is number {self.rare_class} of {classes}": self.rare_class is not None
            and not 0 <= self.rare_class < classes,
            "its costs are not those of its labels": bool(self.costs)
            and (
                self.task is not Task.MULTICLASS
                or {len(self.costs), *map(len, self.costs)} != {classes}
                or not all(0 <= cost < math.inf for row in self.costs for cost in row)
            ),
            "windows belong to forecasts alone": (self.windows is None) is (self.task is Task.FORECASTING),
            f"it has intervals for {widths} of {self.outputs} outputs": widths not in {0, self.outputs},
            "its quantiles are not those of its outputs": self.quantiles is not None
            and any(len(one.half_widths) not in {0, self.outputs} for one in self.quantiles.intervals),
            "its intervals have groups of a column that it does not read, or of other outputs": self.intervals
            is not None
            and (
                not read >= {self.intervals.by} - {""}
                or any(len(own) != self.outputs for own in self.intervals.groups.values())
            ),
            "its sets are not those of its labels": self.sets is not None and not self.sets.has_thresholds_for(classes),
            "the time or the series of a forecast is in no column": self.windows is not None
            and not names >= {self.time_column, self.entity_column} - {None},
            "a column is listed twice": len(names) < len(self.columns),
            "the model reads columns that are not listed": self.windows is None and not names >= read,
        }
        return next((reason for reason, holds in checks.items() if holds), "")

    @property
    def cuts(self) -> tuple[float, ...]:
        """Values of the thresholds."""
        return tuple(threshold.value for threshold in self.thresholds)


def create_signature(
    dataset: Dataset,
    roles: Roles,
    table: RawTable,
    preprocessing: Preprocessing,
    parts: Parts,
    *,
    temperatures: tuple[Temperature, ...] = (),
    windows: Windows | None = None,
    sequences: SequenceReading | None = None,
) -> Signature:
    """Create the signature of a model without thresholds. table: the training table, with lags for a forecast."""
    apart = {roles.time_column, roles.entity_column, *roles.targets} if windows is not None else set()
    read = {*roles.features, *apart}
    required = [name for name in dataset.columns if name in read]
    return Signature(
        task=roles.task,
        targets=roles.targets,
        labels=roles.labels if roles.task in {Task.BINARY, Task.MULTICLASS} else (),
        levels=dict(table.label_pairs),
        label_types={name: label_type(dataset, name) for name in roles.targets} if roles.task.is_classification else {},
        columns=_columns(dataset, roles, required),
        known=tuple(name for name in dataset.columns if name not in read),
        inputs=_inputs(preprocessing),
        rare_class=parts.rare_class,
        thresholds=(),
        temperatures=temperatures,
        time_column=roles.time_column,
        entity_column=roles.entity_column,
        windows=windows,
        sequences=sequences,
    )


def _columns(dataset: Dataset, roles: Roles, names: Sequence[str]) -> tuple[Column, ...]:
    """Describe the required columns."""
    forms = {name: form_of(roles.columns[name].kind, dataset.storage[name]) for name in names}
    forms |= {name: Form.NUMBER for name in names if name in roles.targets}
    if roles.time_column in forms:
        forms[roles.time_column] = Form.NUMBER if is_number(dataset.storage[roles.time_column]) else Form.TIME
    words = [name for name in names if forms[name].is_words and not is_number(dataset.storage[name])]
    with_numbers: set[str] = set()
    for some in chunks(words):
        tests = ", ".join(f"count(TRY_CAST({quoted(name)} AS DOUBLE)) > 0" for name in some)
        (found,) = dataset.connection.execute(f"SELECT {tests} FROM dataset").fetchall()  # noqa: S608  quoted
        with_numbers |= {name for name, has in zip(some, found, strict=True) if has}
    return tuple(
        Column(
            name=name,
            kind=roles.columns[name].kind,
            form=forms[name],
            storage=dataset.storage[name],
            reading=dataset.readings.get(name),
            had_numbers=name not in words or name in with_numbers,
            **_of_arrays(dataset, forms[name]),
        )
        for name in names
    )


def _of_arrays(dataset: Dataset, form: Form) -> dict[str, Any]:
    """Shape and value range of a column of images or sequences."""
    images, sequences = dataset.images, dataset.sequences
    if form is Form.SEQUENCE and sequences is not None:
        return {"shape": (sequences.steps, sequences.channels)}
    if form is not Form.IMAGE or images is None:
        return {}
    own = {"shape": images.shape, "value_range": images.value_range}
    return own | ({} if images.source is None else {"fit": images.source.fit})


def _inputs(preprocessing: Preprocessing) -> tuple[ModelInput, ...]:
    """Create an input for each group of columns, named like its column where Keras accepts the name."""
    taken: set[str] = set()
    inputs = []
    for number, group in enumerate(preprocessing.groups):
        own = group[0] if len(group) == 1 else ""
        is_usable = INPUT_NAME.fullmatch(own) and own not in RESERVED_NAMES | taken
        name = own if is_usable else f"{PREFIX}column_{number}"
        taken.add(name)
        inputs.append(
            ModelInput(
                name=name,
                form=preprocessing.forms[group[0]],
                columns=group,
                image=preprocessing.inputs.shape
                if isinstance(preprocessing.inputs, ImageInputs) and preprocessing.forms[group[0]] is Form.IMAGE
                else (),
                channels=preprocessing.channels if preprocessing.forms[group[0]] is Form.SEQUENCE else 0,
            )
        )
    return tuple(inputs)
