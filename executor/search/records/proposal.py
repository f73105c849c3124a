"""A trial that an oracle proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.training_cost import EPOCHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.configuration import Value


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A proposed trial."""

    number: int
    hyperparameters: Mapping[str, Value]
    """Searched hyperparameters."""
    epochs: int = EPOCHS
    first_epoch: int = 0
    """Epochs of the trial that this one continues."""
    continues: int | None = None
    """The trial whose weights and optimizer state this one continues."""
    may_continue: bool = False
    """Whether another trial may continue this one."""
