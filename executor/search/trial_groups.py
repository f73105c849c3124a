"""Trials grouped by their choices of slots: those of a group train together, in one graph where they can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rules.vocabulary.choices import SEARCHED_SLOTS, Hyperparameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal
    from executor.search.runners.parallel import Runner
    from executor.search.runners.speed import Speed
    from executor.search.runners.training_state import Epoch
    from executor.search.runners.workspace import Workspace

    Key = tuple[tuple[str, str], ...]


class TrialGroups:
    """Trials grouped by their loss, optimizer, activation and augmentation. at: the workspace of the search."""

    def __init__(self, at: Workspace) -> None:
        self._at = at
        self._stacked: dict[Key, bool] = {}

    def split(self, proposals: Sequence[Proposal]) -> list[tuple[Key, list[Proposal]]]:
        """Split trials into groups with their choices of slots; groups in one graph come first."""
        groups: dict[Key, list[Proposal]] = {}
        for proposal in proposals:
            own = self.in_stack(proposal)
            groups.setdefault(self.key(own), []).append(own)
        return sorted(groups.items(), key=lambda pair: not self.is_stacked(pair[0]))

    def key(self, proposal: Proposal) -> Key:
        """Choices of slots of a trial, without the initializer of a trial in a stack."""
        own = {name: value for name, value in proposal.hyperparameters.items() if name in SEARCHED_SLOTS}
        if proposal.initializer is not None:
            del own[Hyperparameter.INITIALIZER]
        return tuple((name, str(value)) for name, value in own.items())

    def in_stack(self, proposal: Proposal) -> Proposal:
        """The proposal with its own initializer, where initial weights are all that differs in a stack."""
        if Hyperparameter.INITIALIZER not in proposal.hyperparameters or not self.is_stacked(self.key(proposal)):
            return proposal
        return replace(proposal, initializer=self._at.bundle.of_trial(proposal.hyperparameters).initializer)

    def is_stacked(self, key: Key) -> bool:
        """Whether trials with these choices train at once in one graph."""
        if key not in self._stacked:
            self._stacked[key] = replace(self._at, bundle=self._at.bundle.of_trial(dict(key))).is_stacked
        return self._stacked[key]


class GroupedRunner:
    """Runs the trials of each loss, optimizer, activation and augmentation with a runner of their own.

    create: creates the runner of a workspace with these choices.
    """

    def __init__(self, at: Workspace, create: Callable[[Workspace], Runner]) -> None:
        self._at = at
        self._create = create
        self._groups = TrialGroups(at)
        self._runners: dict[Key, Runner] = {}

    def run(
        self, proposals: Sequence[Proposal], *, on_epoch: Callable[[Epoch], None] = lambda _: None, share: float = 1.0
    ) -> list[Outcome]:
        """Run trials; returns their outcomes in order.

        Groups in one graph come first, each with a share of the time.
        """
        outcomes: dict[int, Outcome] = {}
        left = len(proposals)
        for key, group in self._groups.split(proposals):
            if self._at.interrupt.requested:
                break
            found = self._runner(key).run(group, on_epoch=on_epoch, share=share * len(group) / left)
            outcomes |= {outcome.number: outcome for outcome in found}
            left -= len(group)
        return [outcomes[proposal.number] for proposal in proposals if proposal.number in outcomes]

    def measure(self, proposal: Proposal, *, trials: int = 1) -> Speed:
        """Measure the speed of a trial by a few steps, whose weights are discarded. trials: of its stack, all alike."""
        own = self._groups.in_stack(proposal)
        return self._runner(self._groups.key(own)).measure(own, trials=trials)

    def _runner(self, key: Key) -> Runner:
        if key not in self._runners:
            self._runners[key] = self._create(self._at.for_trial(dict(key)))
        return self._runners[key]
