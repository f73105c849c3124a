"""Networks whose training was cut off before their planned epochs, and the time that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from executor.evaluation.scores import CutOff
from executor.search.records.trials import continued_trials
from recommender.time_plan import SHORTENED_SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from executor.search.records.outcome import Outcome
    from executor.search.records.trials import Trials


def find_cut_off(members: Collection[int], trials: Trials, *, limit_for: Callable[[float], float]) -> CutOff | None:
    """Find whether a network of the model was cut off by time or Ctrl-C, and the time limit that it needs.

    A network also counts as cut off where time ended a strategy such as Hyperband before any trial had all epochs, or
    allowed less than SHORTENED_SHARE of the epochs, of which not every trial stopped early.

    members: numbers of the trials in the model. limit_for: function from additional seconds of search to the time limit
    of a run. Returns None where no network was cut off.
    """
    by_number = {one.number: one for one in trials.ranked}
    own = [by_number[number] for number in members]
    cut = [one for one in own if one.is_cut_short]
    size = trials.size
    is_short = size is not None and size.epochs < SHORTENED_SHARE * size.planned_epochs
    if size is not None and is_short and any(one.ended_by != "early_stopping" for one in own):
        longest = max(own, key=lambda one: one.epochs)
        return CutOff(
            trial=longest.number,
            epochs=longest.epochs,
            planned=size.planned_epochs,
            seconds=limit_for(size.full_seconds),
        )
    if cut:
        also = [one for one in trials.ranked if one.status == "completed" and one.is_cut_short]
        lacking = [(one.planned_epochs - one.epochs, one.epoch_seconds) for one in also]
    elif trials.stopped_by in {"budget", "interrupt"} and not any(_is_whole(one, trials) for one in trials.ranked):
        cut = own
        lacking = [(trials.coming, None)]
    else:
        return None
    known = [one.epoch_seconds for one in trials.ranked if one.epoch_seconds is not None]
    worst = max(cut, key=lambda one: one.planned_epochs - one.epochs)
    epochs = _trained_epochs(worst, trials)
    # The remedy for a smaller training and this one are the same.
    full = size.full_seconds if size is not None and size.is_smaller else 0.0
    return CutOff(
        trial=worst.number,
        epochs=epochs,
        planned=max(trials.epochs, epochs - worst.epochs + worst.planned_epochs),
        # Trials of a stack share its seconds, so that they add up.
        seconds=limit_for(max(full, sum(more * (each or float(np.mean(known))) for more, each in lacking)))
        if known
        else None,
    )


def _trained_epochs(outcome: Outcome, trials: Trials) -> int:
    """Epochs of a network, in this trial and in those that it continued."""
    return sum(one.epochs for one in continued_trials(outcome, trials.ranked))


def _is_whole(outcome: Outcome, trials: Trials) -> bool:
    """Whether a network was trained for all epochs, or stopped early."""
    if outcome.status != "completed" or outcome.is_cut_short:
        return False
    return outcome.epochs < outcome.planned_epochs or _trained_epochs(outcome, trials) >= trials.epochs
