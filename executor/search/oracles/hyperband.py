"""Hyperband on epochs, laid to fit the trials that the budget allows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import keras_tuner

from executor.search.oracles.base import InMemoryOracle, Objective
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from keras_tuner.engine.trial import Trial

UNLIMITED_TRIALS: Final = 22
"""Trials that the first bracket may take when their number is not limited: with factor 3 and 81 epochs, 15 of 9
epochs, of which 5 go on to 27 and 2 to 81."""
COMPLETED, RUNNING = "COMPLETED", "RUNNING"  # keras_tuner.engine.trial.TrialStatus


class HyperbandOracle(InMemoryOracle, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]  # untyped base
    """Brackets of successive halving (Li et al. 2018), without end.

    keras-tuner starts with the bracket of the most and shortest trials, 98 of 2 epochs for 100 epochs and factor 3:
    a budget of 30 would end before its first promotion. Here the first bracket is the most aggressive that fits.

    epochs: of a trial that reaches the top. trials: what the budget allows, None for no limit.
    """

    def __init__(
        self,
        *,
        space: keras_tuner.HyperParameters,
        objective: Objective,
        seed: int,
        factor: int,
        epochs: int,
        trials: int | None,
    ) -> None:
        super().__init__(
            space=space, objective=objective, seed=seed, factor=factor, max_epochs=epochs, hyperband_iterations=None
        )
        limit = UNLIMITED_TRIALS if trials is None else trials
        fitting = [number for number in range(self._get_num_brackets()) if self.bracket_trials(number) <= limit]
        first = max(fitting, default=0)
        self.min_epochs = epochs // factor**first
        self._current_bracket = self._first = first
        self._brackets: list[dict[str, Any]] = []
        self._start_new_bracket()

    def bracket_trials(self, number: int) -> int:
        """Trials of a whole bracket, promotions included."""
        return sum(self._get_size(number, rung) for rung in range(self._get_num_rounds(number)))

    def schedule(self, trials: int, *, epochs: int) -> list[int]:  # noqa: ARG002 - a bracket says the epochs
        """Those that each trial trains itself: a promotion goes on where the trial before it ended."""
        found: list[int] = []
        number = self._first
        while len(found) < trials:
            upto = [0, *(self._get_epochs(number, rung) for rung in range(self._get_num_rounds(number)))]
            for rung, (first, last) in enumerate(itertools.pairwise(upto)):
                found += [last - first] * self._get_size(number, rung)
            number = (number or self._get_num_brackets()) - 1
        return found[:trials]

    def epochs_until_whole(self, ended: int) -> int:
        """Planned epochs of the trials after those that have ended, up to the first that reaches all epochs."""
        whole = (
            self.bracket_trials(self._first) - self._get_size(self._first, self._get_num_rounds(self._first) - 1) + 1
        )
        return sum(self.schedule(whole, epochs=self.max_epochs)[ended:])

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """A promotion when one is due, else a new trial; nothing for now while a rung is still running."""
        promotion = self._promotion(trial_id)
        if promotion is not None:
            return promotion
        is_full = all(len(one["rounds"][0]) >= self._get_size(one["bracket_num"], 0) for one in self._brackets)
        if is_full and self.ongoing_trials:
            return {"status": "IDLE", "values": None}  # a new bracket would be opened before this one is over
        opened: dict[str, Any] = super().populate_space(trial_id)
        return opened

    def _promotion(self, trial_id: str) -> dict[str, Any] | None:
        """The best trial of a rung that may go on to the next, once all of its rung have ended.

        keras-tuner promotes only once enough trials of a rung are completed, so that failed ones leave the rungs
        above empty; here they count as thrown out.
        """
        for bracket in self._brackets:
            number, rungs = bracket["bracket_num"], bracket["rounds"]
            if len(rungs[0]) < self._get_size(number, 0):
                return None
            for rung in range(1, len(rungs)):
                below = [self.trials[entry["id"]] for entry in rungs[rung - 1]]
                if any(trial.status == RUNNING for trial in below):
                    break
                gone_on = {entry["past_id"] for entry in rungs[rung]}
                waiting = [trial for trial in below if trial.trial_id not in gone_on and trial.status == COMPLETED]
                if waiting and len(rungs[rung]) < self._get_size(number, rung):
                    best = self._best(waiting)
                    rungs[rung].append({"past_id": best.trial_id, "id": trial_id})
                    return {"status": RUNNING, "values": self._promoted(best, number, rung)}
        return None

    def _best(self, trials: list[Trial]) -> Trial:
        return Direction(self.objective.direction).best(trials, key=lambda trial: trial.score)

    def _promoted(self, trial: Trial, number: int, rung: int) -> dict[str, Any]:
        """The trial's values, with what keras-tuner adds to those of a promotion."""
        return {
            **trial.hyperparameters.values,
            "tuner/trial_id": trial.trial_id,
            "tuner/epochs": self._get_epochs(number, rung),
            "tuner/initial_epoch": self._get_epochs(number, rung - 1),
            "tuner/bracket": number,
            "tuner/round": rung,
        }
