"""The roles of the columns of a dataset."""

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
    """Who plays which part in the task."""

    task: Task
    task_reason: str
    targets: tuple[str, ...]
    target_reason: str
    columns: Mapping[str, Role]
    """Every column of the dataset by name, targets included, in the dataset's order."""
    labels: tuple[str, ...] = ()
    """Class names in the classes' order (numbers by value, words alphabetically) for binary and multiclass; empty
    otherwise. The rare class of a binary task is found from the counts, not from this order."""
    time_column: str | None = None
    time_reason: str = ""
    entity_column: str | None = None
    """Rows that share its value belong together: they never lie on both sides of a split."""
    split_column: str | None = None
    request: Request = field(default_factory=Request)
    """What the user requested; horizon, season and columns known in advance of a forecast are used as requested."""
    doubt: str = ""
    """The other way in which the target can be read, where there is one."""

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that a model may read, in the dataset's order."""
        apart = {*self.targets, self.time_column, self.entity_column, self.split_column}
        kinds = {name: role.kind for name, role in self.columns.items() if name not in apart}
        return tuple(name for name, kind in kinds.items() if kind not in UNUSED_KINDS)

    @property
    def split(self) -> Literal["random", "entity", "time", "predefined"]:
        """What divides the rows into those that train and those that judge: the fact of that name."""
        if self.split_column is not None:
            return "predefined"
        if self.task is Task.FORECASTING or (self.time_column is not None and self.entity_column is None):
            return "time"
        return "random" if self.entity_column is None else "entity"

    @property
    def by_chance(self) -> bool:
        """Whether rows are drawn, alone or with those of their entity, not divided by time or the dataset itself."""
        return self.split in {"random", "entity"}

    @property
    def has_texts_alone(self) -> bool:
        """Whether texts are all that a model learns from, as networks of their own read them."""
        return {self.columns[name].kind for name in self.features} == {Kind.TEXT}

    @property
    def has_images(self) -> bool:
        """Whether images are what a model learns from."""
        return any(self.columns[name].kind is Kind.IMAGE for name in self.features)

    @property
    def sequence_column(self) -> str | None:
        """The column of sequences that a model learns from; None where there is none."""
        return next((name for name in self.features if self.columns[name].kind is Kind.SEQUENCE), None)

    @property
    def has_sequences(self) -> bool:
        """Whether sequences are what a model learns from."""
        return self.sequence_column is not None
