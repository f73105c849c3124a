"""Hyperband on epochs, with a first bracket that fits the budget."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import keras_tuner

from executor.search.oracles.base import InMemoryOracle, Objective, defaults
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from keras_tuner.engine.trial import Trial

UNLIMITED_TRIALS: Final = 22
"""Trials of the first bracket without a limit: with factor 3 and 81 epochs, 15 of 9 epochs, 5 of them up to 27 and 2 up
to 81."""
COMPLETED, RUNNING = "COMPLETED", "RUNNING"  # keras_tuner.engine.trial.TrialStatus


class HyperbandOracle(InMemoryOracle, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]  # untyped base
    """Brackets of successive halving (Li et al. 2018), repeated without end.

    keras-tuner starts with the most aggressive bracket, 98 trials of 2 epochs for 100 epochs and factor 3, so that 30
    trials end before the first promotion. Here the first bracket is the most aggressive one that fits.

    epochs: of a full trial. trials: limit of the budget, or None. default_first: whether the default configuration is
    trained for all epochs before the brackets.
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
        default_first: bool = False,
    ) -> None:
        super().__init__(
            space=space, objective=objective, seed=seed, factor=factor, max_epochs=epochs, hyperband_iterations=None
        )
        self._default_first = default_first
        limit = UNLIMITED_TRIALS if trials is None else trials
        fitting = [number for number in range(self._get_num_brackets()) if self.bracket_trials(number) <= limit]
        first = max(fitting, default=0)
        self.min_epochs = epochs // factor**first
        self._current_bracket = self._first = first
        self._brackets: list[dict[str, Any]] = []
        self._start_new_bracket()

    def bracket_trials(self, number: int) -> int:
        """Trials of a bracket, promotions included."""
        return sum(self._get_size(number, rung) for rung in range(self._get_num_rounds(number)))

    def schedule(self, trials: int, *, epochs: int) -> list[int]:  # noqa: ARG002 - brackets determine epochs
        """Epochs of each trial; a promotion continues the trial before it."""
        found: list[int] = [self.max_epochs] * self._default_first
        number = self._first
        while len(found) < trials:
            upto = [0, *(self._get_epochs(number, rung) for rung in range(self._get_num_rounds(number)))]
            for rung, (first, last) in enumerate(itertools.pairwise(upto)):
                found += [last - first] * self._get_size(number, rung)
            number = (number or self._get_num_brackets()) - 1
        return found[:trials]

    def epochs_until_whole(self, ended: int) -> int:
        """Planned epochs of the trials after the finished ones, up to the first full one."""
        if self._default_first:
            return 0 if ended else int(self.max_epochs)
        whole = (
            self.bracket_trials(self._first) - self._get_size(self._first, self._get_num_rounds(self._first) - 1) + 1
        )
        return sum(self.schedule(whole, epochs=self.max_epochs)[ended:])

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose a promotion when one is due, else a new trial; wait while a rung is running."""
        if self._default_first and not self.start_order:
            return {"status": RUNNING, "values": defaults(self.hyperparameters) | {"tuner/epochs": self.max_epochs}}
        promotion = self._promotion(trial_id)
        if promotion is not None:
            return promotion
        is_full = all(len(one["rounds"][0]) >= self._get_size(one["bracket_num"], 0) for one in self._brackets)
        if is_full and self.ongoing_trials:
            return {"status": "IDLE", "values": None}  # wait before a new bracket is opened
        opened: dict[str, Any] = super().populate_space(trial_id)
        return opened

    def _promotion(self, trial_id: str) -> dict[str, Any] | None:
        """Promote the best trial of a rung, once all of its trials have ended.

        keras-tuner waits for enough completed trials, so that failed ones leave the next rung empty; here they count as
        eliminated.
        """
        for bracket in self._brackets:
            number, rungs = bracket["bracket_num"], bracket["rounds"]
            if len(rungs[0]) < self._get_size(number, 0):
                return None
            for rung in range(1, len(rungs)):
                below = [self.trials[entry["id"]] for entry in rungs[rung - 1]]
                if any(trial.status == RUNNING for trial in below):
                    break
                promoted = {entry["past_id"] for entry in rungs[rung]}
                waiting = [trial for trial in below if trial.trial_id not in promoted and trial.status == COMPLETED]
                if waiting and len(rungs[rung]) < self._get_size(number, rung):
                    best = self._best(waiting)
                    rungs[rung].append({"past_id": best.trial_id, "id": trial_id})
                    return {"status": RUNNING, "values": self._promoted(best, number, rung)}
        return None

    def _best(self, trials: list[Trial]) -> Trial:
        return Direction(self.objective.direction).best(trials, key=lambda trial: trial.score)

    def _promoted(self, trial: Trial, number: int, rung: int) -> dict[str, Any]:
        """Values of the trial, with the keys that keras-tuner adds to a promotion."""
        return {
            **trial.hyperparameters.values,
            "tuner/trial_id": trial.trial_id,
            "tuner/epochs": self._get_epochs(number, rung),
            "tuner/initial_epoch": self._get_epochs(number, rung - 1),
            "tuner/bracket": number,
            "tuner/round": rung,
        }
