"""Bayesian optimisation whose proposals take hundredths of a second and never repeat."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import keras_tuner
import numpy as np
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from threadpoolctl import ThreadpoolController

from executor.oracles.memory import InMemoryOracle, Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.catalog.hyperparameters import Value

CANDIDATES: Final = 512  # random points scored a proposal; keras-tuner climbs from 50 points, 0.5 to 8 s a proposal
NEIGHBOURS: Final = 256  # further points around the best of them
CLIMBED: Final = 4  # points around which neighbours are drawn
NEIGHBOUR_DISTANCE: Final = 0.08  # standard deviation, of the unit interval that each hyperparameter spans
FEWEST_RANDOM: Final = 4  # trials before the first fit
RANDOM_PER_DIMENSION: Final = 2  # further ones for each hyperparameter; keras-tuner takes 3
RESTARTS: Final = 2  # of the fit of the length scales; keras-tuner's 20 are what makes it slow
LENGTH_SCALES: Final = (0.05, 20.0)  # of the unit interval: from wiggly to flat
NOISE: Final = (1e-4, 1.0)  # variance of a score as a share of the variance among trials
WORTHWHILE: Final = 0.01  # of a standard deviation of the scores; expected improvement counts from there


class BayesianOracle(InMemoryOracle, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]  # untyped
    """A Gaussian process over the completed trials; the unseen candidate with the highest expected improvement.

    Jones et al. 1998, with a Matérn 5/2 kernel whose length scale is fitted for each encoded column.
    """

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        super().__init__(space=space, objective=objective, seed=seed, max_trials=None)
        self._threads = ThreadpoolController()

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002 - keras-tuner's signature
        """The next trial: the defaults, then random ones, then the most promising candidate."""
        # The matrices are so small that threads only wait for each other: on two busy cores a proposal took 1.7 s
        # with two threads, 0.09 s with one.
        with self._threads.limit(limits=1, user_api="blas"):
            return self._propose()

    def _propose(self) -> dict[str, Any]:
        completed = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        if len(completed) < FEWEST_RANDOM + RANDOM_PER_DIMENSION * len(self.hyperparameters.space):
            answer: dict[str, Any] = self._random_populate_space()
            return answer
        # Drawn anew for each proposal, so that it depends on the seed and the trials before it alone.
        random = np.random.default_rng([self.seed, len(self.start_order)])
        process, best = self._fit()
        self._believe(process)
        cells = random.random((CANDIDATES, len(self.hyperparameters.space)))
        promise = self._improvement(process, best, cells)
        tops = cells[np.argsort(-promise)[:CLIMBED]]
        steps = random.normal(0, NEIGHBOUR_DISTANCE, (NEIGHBOURS, cells.shape[1]))
        near = 1 - np.abs(1 - np.abs(np.resize(tops, steps.shape) + steps))  # reflected at the ends
        cells = np.concatenate([cells, near])
        promise = np.concatenate([promise, self._improvement(process, best, near)])
        for index in np.argsort(-promise, kind="stable"):
            values = self._values(cells[index])
            if not self._duplicate(values):
                return {"status": "RUNNING", "values": values}
        unseen: dict[str, Any] = self._random_populate_space()
        return unseen

    def _fit(self) -> tuple[GaussianProcessRegressor, float]:
        """The process fitted to losses in standard deviations, and the lowest loss; a failed trial counts as the worst.

        Were failed trials left out, the process would propose their like again and again.
        """
        ended = [trial for trial in self.trials.values() if trial.status in {"COMPLETED", "FAILED"}]
        sign = -1.0 if self.objective.direction == "max" else 1.0
        losses = np.array([np.nan if trial.score is None else sign * trial.score for trial in ended])
        losses = np.where(np.isnan(losses), np.nanmax(losses), losses)
        spread = losses.std()
        losses = (losses - losses.mean()) / (spread if spread > 0 else 1.0)
        encoded = self._encode([trial.hyperparameters.values for trial in ended])
        kernel = Matern(np.ones(encoded.shape[1]), LENGTH_SCALES, nu=2.5) + WhiteKernel(NOISE[0] * 10, NOISE)
        process = GaussianProcessRegressor(kernel, n_restarts_optimizer=RESTARTS, random_state=self.seed % 2**32)
        with warnings.catch_warnings():
            # A length scale at its bound says that a hyperparameter does not matter, which is no trouble.
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(encoded, losses)
        return process, float(losses.min())

    def _believe(self, process: GaussianProcessRegressor) -> None:
        """Take the expected losses of running trials for their losses, so that a batch proposes no place twice.

        The kriging believer of Ginsbourger, Le Riche and Carraro 2010.
        """
        running = [trial.hyperparameters.values for trial in self.trials.values() if trial.status == "RUNNING"]
        if not running:
            return
        cells = self._encode(running)
        believed = process.predict(cells)
        process.kernel, process.optimizer = process.kernel_, None
        process.fit(np.concatenate([process.X_train_, cells]), np.concatenate([process.y_train_, believed]))

    def _improvement(self, process: GaussianProcessRegressor, best: float, cells: np.ndarray) -> np.ndarray:
        """Expected improvement on the lowest loss; cells: (n, hyperparameters) in the unit interval. Returns (n,)."""
        mean, deviation = process.predict(self._encode([self._values(cell) for cell in cells]), return_std=True)
        deviation = np.maximum(deviation, np.finfo(float).tiny)
        gain = best - WORTHWHILE - mean
        improvement: np.ndarray = gain * norm.cdf(gain / deviation) + deviation * norm.pdf(gain / deviation)
        return improvement

    def _values(self, cell: np.ndarray) -> dict[str, Value]:
        """Hyperparameter values at a point of the unit cube."""
        space = self.hyperparameters.space
        return {item.name: item.prob_to_value(share) for item, share in zip(space, cell.tolist(), strict=True)}

    def _encode(self, values: Sequence[dict[str, Value]]) -> np.ndarray:
        """Columns in the unit interval: numbers on their own scale, rates by their logarithm, words one-hot."""
        columns = []
        for item in self.hyperparameters.space:
            given = [value[item.name] for value in values]
            if getattr(item, "ordered", True):
                columns.append([item.value_to_prob(value) for value in given])
            else:
                columns += [[float(value == level) for value in given] for level in item.values]
        return np.array(columns).T
