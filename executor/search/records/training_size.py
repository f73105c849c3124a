"""The size of a full training: networks of a trial and epochs, as planned and as the time limit allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recommender.time_plan import USED_SHARE
from rules.errors import RunError
from rules.text.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

SIZE: Final = "training_size.json"
MINUTE: Final = 60.0


class TrainingSize(BaseModel):
    """Networks of a trial and epochs of a full training, as planned and as the time limit allows."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    networks: int
    """Networks of a trial: one per fold and repeat, or one."""
    repeats: int = 1
    epochs: int
    """Those that are expected to fit, at most the planned ones."""
    hyperparameters: dict[str, float | int | str] = Field(default_factory=dict)
    """Of a smaller network than the default one; empty for that one."""
    linear_start: bool = False
    """Whether the network starts at ridge regression because few epochs fit; see `Standard.linear_start`."""
    reserves_refit: bool = True
    """Whether the search leaves time for training on all rows."""
    is_augmented: bool = True
    """False where the bundle has an augmentation for images that so few epochs do not use."""
    seconds: float
    """Expected seconds of one full training of this size on this machine."""
    planned_networks: int
    planned_repeats: int = 1
    planned_epochs: int
    planned_seconds: float
    """Expected seconds of one full training as planned."""
    slowdown: float
    """Measured seconds per epoch, relative to those that the cost model assumes."""
    step_slowdown: float | None = None
    """The same for the steps of an epoch, without validation; None if unknown, as in runs of earlier versions."""
    compile_seconds: float | None = None
    """Measured seconds to build a network and to compile its graph; None if unknown."""

    @property
    def is_smaller(self) -> bool:
        """Whether it has fewer networks, or a smaller one, than planned."""
        return self.networks < self.planned_networks or bool(self.hyperparameters)

    @property
    def full_seconds(self) -> float:
        """Seconds of search that the full training needs more than this one."""
        return self.planned_seconds / USED_SHARE - self.seconds

    def sentence(self, limit: float, *, epochs: int | None, option: str = "") -> str:
        """What was reduced, what the full plan needs, and the budget for it; empty if nothing was reduced.

        limit: seconds of the whole run. epochs: of the best trial; None if it stopped early. option: the option for a
        longer training that the next steps name; "" without one.
        """
        parts = []
        if self.networks == 1 and self.planned_networks > 1:
            parts.append("on one split instead of by cross-validation")
        elif self.networks < self.planned_networks:
            parts.append("by cross-validation without repeats")
        if self.hyperparameters:
            values = ", ".join(f"{name} {value}" for name, value in self.hyperparameters.items())
            parts.append(f"with a smaller network ({values})")
        if self.linear_start:
            parts.append("from the solution of ridge regression")
        if not self.is_augmented:
            parts.append("without augmentation")
        if epochs is not None and epochs < self.planned_epochs:
            parts.append(f"for {epochs} instead of {self.planned_epochs} epochs")
        if not parts:
            return ""
        minutes = max(math.ceil((limit + self.full_seconds) / MINUTE), math.floor(limit / MINUTE) + 1)
        listed = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
        return (
            f"Trained {listed}: the full training needs about {self.planned_seconds:.0f} s here. "
            f"Use {option or f'--budget {minutes}m'}."
        )


def read_size(directory: Path) -> TrainingSize | None:
    """The size that a run was started with; None where none was chosen. Raises RunError if the file is damaged."""
    path = directory / SIZE
    if not path.exists():
        return None
    try:
        return TrainingSize.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise RunError(f"{path} is damaged. Restore it from a copy, or start a new run.") from None


def write_size(directory: Path, size: TrainingSize) -> None:
    """Write the size, with which the run is resumed. Raises RunError on failure."""
    write_text(directory / SIZE, size.model_dump_json(indent=2) + "\n", error=RunError)
