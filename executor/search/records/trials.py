"""The trials of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from recommender.training_cost import EPOCHS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executor.search.records.outcome import Outcome
    from executor.search.records.training_size import TrainingSize
    from recommender.speed.device_speed import DeviceChoice

StoppedBy = Literal["budget", "trials", "exhausted", "interrupt"]


@dataclass(frozen=True, kw_only=True)
class Trials:
    """All trials of a search."""

    ranked: tuple[Outcome, ...]
    """Completed ones by P, the best first, of equals the one with the lowest C; then the others by number."""
    stopped_by: StoppedBy
    planned: int | None = None
    """The most that were allowed or there were to try; None where only time set a limit."""
    epochs: int = EPOCHS
    """Of a whole trial."""
    coming: int = 0
    """Planned epochs of the trials that were to come up to the first one of whole length, where the strategy gives
    some trials fewer."""
    seconds: float = 0.0
    """From the start of the run to the end of the search, with those of trials before it was resumed."""
    size: TrainingSize | None = None
    """Size of a full training that the time limit allows; None without a time limit."""
    started_late: bool = False
    """Whether the time limit was over before the search began."""
    workers: int | None = None
    """The most workers of a cluster that trained trials; None where this process trained them."""
    devices: DeviceChoice | None = None
    """The devices that trained the trials; None where there was nothing to choose."""

    @property
    def best(self) -> Outcome:
        return self.ranked[0]

    def reduction(self, limit: float, *, option: str = "") -> str:
        """What the time limit reduced in the best trial; empty if nothing. limit: seconds of the whole run.

        A trial that completed its epochs may have fewer than a full one because the tuner gave it fewer. option: as in
        `TrainingSize.sentence`.
        """
        if self.size is None:
            return ""
        best = self.best
        epochs = max(best.epochs, self.size.epochs) if best.ended_by == "completed" else best.epochs
        is_early = best.ended_by == "early_stopping"
        return self.size.sentence(limit, epochs=None if is_early else epochs, option=option)

    @property
    def completed(self) -> int:
        """Those with a score."""
        return sum(outcome.status == "completed" for outcome in self.ranked)

    @property
    def cut_short(self) -> int:
        """Of those, the ones that time or Ctrl-C ended."""
        return sum(outcome.status == "completed" and outcome.is_cut_short for outcome in self.ranked)


def continued_trials(outcome: Outcome, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """A trial, the one whose weights it continued, and so on, the latest first."""
    by_number = {one.number: one for one in outcomes}
    chain = [outcome]
    while (before := chain[-1].continues) is not None and before in by_number:
        chain.append(by_number[before])
    return chain
