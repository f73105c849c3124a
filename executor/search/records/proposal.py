"""A trial that an oracle proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.training_cost import EPOCHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.configuration import Value
    from rules.vocabulary.choices import Initializer


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
    seeded_as: int | None = None
    """Number of the trial whose seed it has; by default its own."""
    initializer: Initializer | None = None
    """Initializer of a trial in a stack; by default that of the bundle."""

    @property
    def seed_number(self) -> int:
        """Number that distinguishes its seed from those of other trials."""
        return self.number if self.seeded_as is None else self.seeded_as
