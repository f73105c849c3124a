"""Encoded rows, shared by all trials."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from executor.data.row_arrays import evenly_spaced, join_rows, take_rows
from executor.data.stored_rows import StoredArray
from executor.preprocessing.feature_ridge import LinearStart, fit_linear_starts
from executor.preprocessing.inputs import Inputs, TableInputs, TextInputs, WindowInputs
from executor.preprocessing.target_scale import to_learning_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.preprocessing.encoded_images import EncodedImages
    from rules.vocabulary.choices import TargetScale
    from rules.vocabulary.facts import Task


OUTPUT_COPIES: Final = 2  # of the outputs of networks while they are scored
FLOAT32_BYTES: Final = 4

T = TypeVar("T", bound=Inputs)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Encoded rows of one part of the split.

    dense: (rows, width) float32, scaled numbers and one-hot categories, or the pixels of an image in a row, which are
        encoded when they are read; for a network of texts, weights of terms. On disk where rows do not fit into
        memory, likewise codes.
    codes: (rows, coded) int32, ids of categories, in one vocabulary for all columns with many categories; for a network
        of texts, ids of terms, 0 where there is none.
    target: (rows, outputs) float32: 0 or 1 for binary (one output) and multilabel (one a label), one-hot for
        multiclass, standardised values for numeric targets.
    offset: (rows, outputs) float32, added to a forecast in standardized units; zeros for other tasks.
    raw_target: as evaluation reads it: class indices (rows,) int64 for binary and multiclass, (rows, labels) int64
        for multilabel, (rows, targets) float64 in the target's own unit for numeric targets.
    fold: (rows, repeats) int32, where training rows are the validation rows, too: a trial is then a network for each
        fold, trained without it. Folds are numbered through all repeats. None where they are not.
    weight: (rows,) float64 weights, whose mean over the training rows of a run is 1; None where each row counts once.
    """

    dense: np.ndarray | EncodedImages | StoredArray
    codes: np.ndarray | StoredArray
    target: np.ndarray
    offset: np.ndarray
    raw_target: np.ndarray
    fold: np.ndarray | None = None
    weight: np.ndarray | None = None
    spread: np.ndarray | None = None
    """(rows, outputs) float32 factor of the outputs of a forecaster; None for other networks."""
    theta_change: np.ndarray | None = None
    """(rows, outputs) float32, like `change`, of the forecast of a Theta model; NaN where it has none. None for other
    tasks and too many series."""
    column_features: np.ndarray | None = None
    """(rows, width) float32, numbers and one-hot categories next to images or sequences, which are `dense`; else
    None."""

    def __len__(self) -> int:
        return len(self.target)

    @property
    def total(self) -> float:
        """Number of rows, or the sum of their weights."""
        return len(self) if self.weight is None else float(self.weight.sum())

    def target_totals(self) -> np.ndarray:
        """Sum of each target, (outputs,) float64: for classes and labels, their rows or the weights of these."""
        if self.weight is None:
            return np.asarray(self.target.sum(axis=0, dtype=np.float64))
        return np.asarray(self.weight @ self.target.astype(np.float64))

    def take(self, rows: np.ndarray | slice) -> Examples:
        """Select rows; rows: (n,) indices, (len(self),) mask or a slice."""
        return take_rows(self, rows)

    def evenly_spaced(self, most: int) -> Examples:
        """Return at most `most` of the examples, evenly spaced."""
        return self.take(evenly_spaced(len(self), most))

    @property
    def in_memory(self) -> Examples:
        """All rows, or of rows on disk an evenly spaced sample that fits into memory."""
        return self.evenly_spaced(self.dense.cache.sample).loaded() if isinstance(self.dense, StoredArray) else self

    def loaded(self) -> Examples:
        """The same rows, read from disk."""
        return replace(self, dense=np.asarray(self.dense), codes=np.asarray(self.codes))

    def parts(self) -> Iterator[Examples]:
        """The rows in parts that fit into memory: all at once unless they are on disk."""
        if not isinstance(self.dense, StoredArray):
            yield self
            return
        size = self.dense.cache.rows_of(self.dense.row_bytes)
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size)).loaded()

    def joined(self, below: Examples) -> Examples:
        """Concatenate with other examples, without folds; not for images."""
        return join_rows(replace(self, fold=None), below)

    @property
    def network_inputs(self) -> dict[str, np.ndarray | EncodedImages | StoredArray]:
        """The inputs of a network by name, (rows, width) each."""
        others = {"codes": self.codes, "column_features": self.column_features, "spread": self.spread}
        return {"dense": self.dense} | {
            name: values for name, values in others.items() if values is not None and values.shape[1] > 0
        }

    @property
    def change(self) -> np.ndarray:
        """Target of a model, (rows, outputs): change from the offset, divided by the spread of the window."""
        change = self.target - self.offset
        return np.asarray(change if self.spread is None else change / self.spread)

    def restored(self, change: np.ndarray) -> np.ndarray:
        """Convert changes to standardized values, (rows, outputs)."""
        return np.asarray((change if self.spread is None else change * self.spread) + self.offset)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Training and validation rows of a search, without the hold-out."""

    task: Task
    train: Examples
    validation: Examples
    vocabulary: int
    """Number of ids of codes; 0 without codes."""
    outputs: int
    inputs: Inputs = field(default_factory=TableInputs)
    """Kind of inputs."""
    huber_delta: float | None = None
    """Delta of the Huber loss, in standard deviations of the target; None for other losses, and before it is chosen."""
    naive_error: np.ndarray | None = None
    """(outputs,) mean absolute error of the naive forecast on training rows, the unit of MASE; None unless a
    forecast."""
    rare_class: int | None = None
    """Index of the positive class of F1 with average "binary"; None unless the task is binary."""
    costs: np.ndarray | None = None
    """(classes, classes) cost of a row by its actual and its predicted class; None without costs."""
    network_costs: np.ndarray | None = None
    """The same for probabilities of the network, see `executor.components.loss.costs_of_outputs`."""
    target_mean: np.ndarray
    """(outputs,) float64; zeros for classification."""
    target_scale: np.ndarray
    """(outputs,) float64 standard deviation on training rows, for a forecast of the change; ones for classification."""

    target_on: TargetScale = "as_is"
    """Learning scale of numeric targets; mean, scale and range refer to it."""
    target_range: tuple[np.ndarray, np.ndarray] | None = None
    """Range of each target on training rows, (outputs,) each, to which predictions are clipped as in RealMLP (arXiv
    2407.04491); None where predictions may exceed it: docs/evidence.md#clipped-predictions."""

    @property
    def folds(self) -> np.ndarray | None:
        """Fold of each validation row in each repeat, (rows, repeats); None without folds."""
        return self.validation.fold

    @property
    def fold_count(self) -> int:
        """Networks per trial: one per fold, or one."""
        return 1 if self.folds is None else int(self.folds.max()) + 1

    @property
    def folds_of_a_repeat(self) -> int:
        """Folds per repeat; 1 without folds."""
        return self.fold_count // self.repeats

    @property
    def is_started(self) -> bool:
        """Whether a network starts at a solution, which is then a candidate before its first epoch."""
        if isinstance(self.inputs, TextInputs):
            return self.inputs.start is not None
        if isinstance(self.inputs, WindowInputs):
            return self.inputs.penalty is not None
        return isinstance(self.inputs, TableInputs) and self.inputs.ridge_start

    @cached_property
    def linear_starts(self) -> tuple[LinearStart, ...]:
        """Linear layers at which the networks of a trial start: one per fold, or one."""
        some = self.train.in_memory
        return fit_linear_starts(np.asarray(some.dense), some.change, self.task, folds=some.fold, weight=some.weight)

    @property
    def in_first_fold(self) -> np.ndarray | None:
        """Mask of training rows in the first fold of the first repeat, (rows,); None without folds."""
        return None if self.folds is None else self.folds[:, 0] == 0

    @property
    def repeats(self) -> int:
        """Repeats of the cross-validation; 1 without folds."""
        return 1 if self.folds is None else self.folds.shape[1]

    def first_repeat(self) -> Parts:
        """Keep the folds of the first repeat only."""
        if self.train.fold is None or self.validation.fold is None:
            return self
        train = replace(self.train, fold=self.train.fold[:, :1])
        return replace(self, train=train, validation=replace(self.validation, fold=self.validation.fold[:, :1]))

    def divided(self) -> Parts:
        """Replace folds by one split: the first fold of the first repeat validates, the others train."""
        if (first := self.in_first_fold) is None:
            return self
        train, validation = self.train.take(~first), self.train.take(first)
        return replace(self, train=replace(train, fold=None), validation=replace(validation, fold=None))

    @property
    def in_memory(self) -> Parts:
        """The same parts with samples of rows that are on disk."""
        return replace(self, train=self.train.in_memory, validation=self.validation.in_memory)

    def networks_at_once(self, most: int) -> int:
        """Number of networks whose outputs for the validation rows fit into memory, at least one and at most `most`."""
        dense = self.validation.dense
        if not isinstance(dense, StoredArray):
            return most
        each = OUTPUT_COPIES * FLOAT32_BYTES * len(self.validation) * self.outputs
        return max(1, min(most, dense.cache.outputs // each))

    def with_linear_start(self) -> Parts:
        """Add a linear layer, which starts at ridge regression, to the network of a table."""
        return replace(self, inputs=replace(self.inputs_as(TableInputs), ridge_start=True))

    def with_all_rows(self, hold_out: Examples) -> Parts:
        """Train on all rows: those of training, validation and hold-out, without folds."""
        train = self.train if self.folds is not None else self.train.joined(self.validation)
        train, bounds = train.joined(hold_out), self.target_range
        if bounds is not None:
            truth = to_learning_scale(train.raw_target, self.target_on)
            bounds = truth.min(axis=0), truth.max(axis=0)
        return replace(self, train=train, validation=replace(self.validation, fold=None), target_range=bounds)

    def inputs_as(self, kind: type[T]) -> T:
        """Return the inputs, which must be of one kind. Raises TypeError on others."""
        if not isinstance(self.inputs, kind):
            raise TypeError(f"a network for {kind.__name__} cannot read {type(self.inputs).__name__}")
        return self.inputs
