"""Assignment of the trials of a round to tasks; it depends on the trials alone, not on workers or time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.search.create_runner import trains_alone
from executor.search.round_size import MAX_AT_ONCE, max_at_once
from executor.search.runners.stack_planning import plan_stacks, stack_seconds
from executor.search.runners.training_state import Member
from executor.search.trial_groups import TrialGroups
from rules.vocabulary.choices import Bayesian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.runtime.budget import Budget
    from executor.search.records.proposal import Proposal
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

TASK_SECONDS: Final = 10.0
"""Expected seconds of a stack from which it is split into tasks: a worker starts and compiles a graph in about as
many."""
MAX_ROUND: Final = 256  # trials of a round without a time limit; each keeps its weights
LEARNING_ROUNDS: Final = 4  # rounds of a Bayesian search at least, where only the number of trials is limited


@dataclass(frozen=True, kw_only=True)
class PlannedTask:
    """Trials that one worker trains at once."""

    proposals: Sequence[Proposal]
    need: float | None
    """Its maximum seconds by the cost model; None for a single trial without a stack, which takes what it needs."""


def round_size(bundle: Bundle, budget: Budget, *, trials: int | None, each: int, workers: int) -> int:
    """Maximum number of trials of a round.

    Without a time limit it is independent of the workers, so that a seed gives the same trials on every cluster.
    trials: that the search may run at most. each: networks per trial.
    """
    if budget.seconds is not None or trials is None:
        return max_at_once(bundle, devices=max(1, workers), each=each)
    if isinstance(bundle.tuner, Bayesian):
        trials = max(max_at_once(bundle, devices=1, each=each), trials // LEARNING_ROUNDS)
    return min(trials, MAX_ROUND)


def plan_tasks(proposals: Sequence[Proposal], at: Workspace, *, most: int | None = None) -> list[PlannedTask]:
    """Assign trials to tasks: one for each stack, of which long ones are split, or for each trial without a stack.

    most: trials of a task, 1 for training through Keras layers; None chooses the number.
    """
    groups, tasks = TrialGroups(at), []
    asked = {one.number: one for one in proposals}
    for key, group in groups.split(proposals):
        own = replace(at, bundle=at.bundle.of_trial(dict(key)))
        if trains_alone(own, one_by_one=most == 1):
            tasks += [PlannedTask(proposals=(asked[one.number],), need=None) for one in group]
            continue
        for part in _parts_of(group, own, most if own.is_stacked else 1):
            need = _seconds(part, own)
            tasks.append(PlannedTask(proposals=[asked[one.proposal.number] for one in part], need=need))
    return tasks


def _parts_of(group: Sequence[Proposal], at: Workspace, most: int | None) -> list[list[Member]]:
    """Stacks of a group, split into parts of at most `most` trials and of about TASK_SECONDS."""
    members = [Member(one, configuration(at.bundle, one.hyperparameters, defaults=at.kind.defaults)) for one in group]
    limit = max(1, min(most or MAX_AT_ONCE, MAX_AT_ONCE // at.parts.fold_count))
    parts = []
    for stack in plan_stacks(members, at.parts, rows=len(at.train)):
        count = max(ceil(len(stack) / limit), min(len(stack), ceil(_seconds(stack, at) / TASK_SECONDS)))
        parts += [stack[place::count] for place in range(count)]
    return parts


def _seconds(stack: Sequence[Member], at: Workspace) -> float:
    """Maximum seconds of a stack, by the cost model."""
    return stack_seconds([*stack] * at.parts.fold_count, at.parts, rows=len(at.train))
