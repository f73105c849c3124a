"""A task of a search on a cluster, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.speed import Speed
    from rules.errors import PcwatError
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class SearchData:
    """What all tasks of a search share; each machine gets it once."""

    token: str
    """Distinguishes it from that of other searches."""
    bundle: Bundle
    parts: Parts
    seed: int
    one_by_one: bool
    on_gpu: bool
    versions: Mapping[str, str]
    """Versions of Python and packages of the search."""


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """Trials that one worker trains: those of a stack, or one."""

    index: int
    """Within its round."""
    proposals: Sequence[Proposal]
    states: Mapping[int, bytes] = field(default_factory=dict)
    """State file of each trial that one of them continues."""
    measures: bool = False
    """Whether only the speed of the trial is measured."""


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What a worker returns."""

    outcomes: Sequence[Outcome] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files of weights and states, by name."""
    prediction_seconds: float = 0.0
    """Seconds that a network took to predict the validation rows; 0 if unknown."""
    speed: Speed | None = None
    """The measured speed."""
    error: PcwatError | None = None
    """An error of the whole search."""
