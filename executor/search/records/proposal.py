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
    """A trial that the oracle wants run."""

    number: int
    hyperparameters: Mapping[str, Value]
    """Those that the search varies."""
    epochs: int = EPOCHS
    first_epoch: int = 0
    """Epochs that the trial which this one continues was trained."""
    continues: int | None = None
    """The trial from whose weights and optimizer state this one goes on."""
    may_continue: bool = False
    """Whether another trial may continue this one."""
