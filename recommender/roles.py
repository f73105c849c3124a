"""What each column is and what is to be predicted, each with its reason; inferred, or said by the user."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rules.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """How a column is to be read."""

    NUMERIC = "numeric"
    INTEGER_CODE = "integer_code"
    """Whole numbers that name things: read as categories."""
    CATEGORICAL = "categorical"
    ORDINAL = "ordinal"
    """Whole numbers or graded words whose order may matter: whole numbers are read as numbers, words as categories."""
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"


UNUSED_KINDS = frozenset({Kind.IDENTIFIER, Kind.CONSTANT})


@dataclass(frozen=True, kw_only=True)
class Role:
    """One column's kind, with the measured value that led to it."""

    column: str
    kind: Kind
    reason: str


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
    """Class names in sorted order for binary and multiclass; empty otherwise. The rare class of a binary task is
    found from the counts, not from this order."""
    time_column: str | None = None
    entity_column: str | None = None
    """Rows that share its value belong together: they never lie on both sides of a split."""
    split_column: str | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that a model may read, in the dataset's order."""
        apart = {*self.targets, self.time_column, self.entity_column, self.split_column}
        return tuple(
            name for name, role in self.columns.items() if name not in apart and role.kind not in UNUSED_KINDS
        )
