"""Roles of the columns of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from recommender.roles.infer_kind import UNUSED_KINDS, Role
from rules.decision.request import Request
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Task of a dataset, and the roles of its columns."""

    task: Task
    task_reason: str
    targets: tuple[str, ...]
    target_reason: str
    columns: Mapping[str, Role]
    """All columns of the dataset by name, including targets, in the dataset's order."""
    labels: tuple[str, ...] = ()
    """Class names for binary and multiclass tasks, sorted (numbers by value, text alphabetically); empty otherwise. The
    rare class of a binary task is determined by counts, not by this order."""
    time_column: str | None = None
    time_reason: str = ""
    entity_column: str | None = None
    """Rows with the same value are in the same part of the split."""
    split_column: str | None = None
    weight_column: str | None = None
    """Weight of each row, above 0; rows with weight 0 are left out."""
    costs: tuple[tuple[float, ...], ...] = ()
    """Cost of a row by its actual and its predicted class, in the order of the labels; empty without costs."""
    request: Request = field(default_factory=Request)
    """The user's request, with horizon, season and known columns of a forecast."""
    doubt: str = ""
    """Another possible task of the target, as text; empty if there is none."""

    @property
    def features(self) -> tuple[str, ...]:
        """Feature columns, in the dataset's order."""
        apart = {*self.targets, self.time_column, self.entity_column, self.split_column, self.weight_column}
        kinds = {name: role.kind for name, role in self.columns.items() if name not in apart}
        return tuple(name for name, kind in kinds.items() if kind not in UNUSED_KINDS)

    @property
    def split(self) -> Literal["random", "entity", "time", "predefined"]:
        """How rows are split: the value of the fact `split`."""
        if self.split_column is not None:
            return "predefined"
        if self.task is Task.FORECASTING or (self.time_column is not None and self.entity_column is None):
            return "time"
        return "random" if self.entity_column is None else "entity"

    @property
    def outputs(self) -> int:
        """Outputs of a network, for one step of a forecast."""
        return {Task.BINARY: 1, Task.MULTICLASS: len(self.labels)}.get(self.task, len(self.targets))

    @property
    def by_chance(self) -> bool:
        """Whether the split is random, by rows or entities."""
        return self.split in {"random", "entity"}

    @property
    def has_texts_alone(self) -> bool:
        """Whether all features are text, which has its own networks."""
        return {self.columns[name].kind for name in self.features} == {Kind.TEXT}

    @property
    def has_images(self) -> bool:
        """Whether a feature contains images."""
        return any(self.columns[name].kind is Kind.IMAGE for name in self.features)

    @property
    def sequence_column(self) -> str | None:
        """The feature with sequences; None if there is none."""
        return next((name for name in self.features if self.columns[name].kind is Kind.SEQUENCE), None)

    @property
    def has_sequences(self) -> bool:
        """Whether a feature contains sequences."""
        return self.sequence_column is not None
