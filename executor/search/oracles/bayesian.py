"""Bayesian optimization with fast proposals that never repeat."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import keras_tuner
import numpy as np
from scipy.stats import norm
from scipy.stats.qmc import LatinHypercube
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from threadpoolctl import ThreadpoolController

from executor.search.oracles.base import InMemoryOracle, Objective, active_values
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.gaussian_process.kernels import Kernel

    from executor.components.configuration import Value

CANDIDATES: Final = 512  # random points per proposal; keras-tuner optimizes from 50 points in 0.5 to 8 s
NEIGHBOURS: Final = 128  # points around the best candidates, per distance
CLIMBED: Final = 4  # best candidates with neighbours
DISTANCES: Final = (0.1, 0.03, 0.01)
"""Standard deviations of neighbours, in the unit interval of each hyperparameter."""
NEAREST: Final = 0.02  # minimum distance of two trials of a round in some column
MIN_RANDOM: Final = 4  # trials before the first fit
RANDOM_PER_DIMENSION: Final = 1  # further ones per hyperparameter; 3 in keras-tuner
RESTARTS: Final = 2  # of the fit of length scales; keras-tuner's 20 are slow
FITTED: Final = 64
"""Trials on which length scales are fitted; 200 take 0.5 s. The process itself includes all of them."""
MAX_KNOWN: Final = 400
"""Trials in the process, the best and the newest; its time is cubic in their number."""
TRIALS_PER_SCALE: Final = 10
"""Trials per encoded column from which each has its own length scale; with fewer they overfit (0.41 instead of 0.26
above the minimum of Hartmann's function in 6 dimensions after 30 trials)."""
SIGNAL: Final = (0.1, 20.0)  # variance of the process as a multiple of that of the trials
LENGTH_SCALES: Final = (0.05, 20.0)  # bounds, in unit intervals
NOISE: Final = (1e-4, 1.0)  # variance of a score as a share of that of the trials
WORTHWHILE: Final = 0.01  # minimum improvement, in standard deviations of the scores


@dataclass(frozen=True, kw_only=True)
class Known:
    """Finished trials and the fitted kernel.

    ended: number of finished trials. kernel: with fitted length scales. encoded: (trials, columns). losses: (trials,)
    in standard deviations.
    """

    ended: int
    kernel: Kernel
    encoded: np.ndarray
    losses: np.ndarray


class BayesianOracle(InMemoryOracle, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]  # untyped
    """Gaussian process over the completed trials; proposes the unseen candidate with the highest expected improvement.

    Jones et al. 1998, with a Matérn 5/2 kernel that has one length scale, and with enough trials one per encoded
    column.
    """

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        super().__init__(space=space, objective=objective, seed=seed, max_trials=None)
        self._threads = ThreadpoolController()
        self._known: Known | None = None

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002 - keras-tuner's signature
        """Propose the defaults, then a space-filling design, then the best candidate."""
        # Thread overhead dominates for small matrices: on two busy cores 1.7 s with two threads, 0.09 s with one.
        with self._threads.limit(limits=1, user_api="blas"):
            return self._propose()

    def _propose(self) -> dict[str, Any]:
        completed = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        if len(completed) < MIN_RANDOM + RANDOM_PER_DIMENSION * len(self.hyperparameters.space):
            return self._spread()
        # A new generator per proposal, so that it depends only on the seed and the trials before it.
        random = np.random.default_rng([self.seed, len(self.start_order)])
        known = self._fit()
        process = self._believe(known)
        best = float(process.predict(process.X_train_).min())
        cells = random.random((CANDIDATES, len(self.hyperparameters.space)))
        promise = _improvement(process, best, self._encode_cells(cells))
        for distance in DISTANCES:
            tops = cells[np.argsort(-promise)[:CLIMBED]]
            steps = random.normal(0, distance, (NEIGHBOURS, cells.shape[1]))
            near = 1 - np.abs(1 - np.abs(np.resize(tops, steps.shape) + steps))  # reflected at the bounds
            cells = np.concatenate([cells, near])
            promise = np.concatenate([promise, _improvement(process, best, self._encode_cells(near))])
        # Candidates near a running trial are skipped.
        running = process.X_train_[len(known.losses) :]
        encoded = self._encode_cells(cells)
        nearest = np.abs(encoded[:, None] - running[None]).max(axis=2).min(axis=1, initial=np.inf)
        for index in np.argsort(-np.where(nearest < NEAREST, -1.0, promise), kind="stable"):
            values = self._values(cells[index])
            if not self._duplicate(values):
                return {"status": "RUNNING", "values": values}
        unseen: dict[str, Any] = self._random_populate_space()
        return unseen

    def _spread(self) -> dict[str, Any]:
        """Propose a trial before the first fit: the defaults, a Latin hypercube, then random ones.

        Random trials alone leave gaps: 1.6 instead of 1.1 above the minimum of Levy's function in 4 dimensions.
        """
        dimensions = len(self.hyperparameters.space)
        points = MIN_RANDOM + RANDOM_PER_DIMENSION * dimensions
        number = len(self.start_order) - 1  # the defaults come before them
        if 0 <= number < points:
            values = self._values(LatinHypercube(dimensions, rng=self.seed).random(points)[number])
            if not self._duplicate(values):
                return {"status": "RUNNING", "values": values}
        proposal: dict[str, Any] = self._random_populate_space()
        return proposal

    def _fit(self) -> Known:
        """Fit the kernel on the finished trials, once for all proposals of a round.

        A failed trial counts as the worst, so that similar ones are not proposed again.
        """
        ended = [trial for trial in self.trials.values() if trial.status in {"COMPLETED", "FAILED"}]
        if self._known is not None and self._known.ended == len(ended):
            return self._known
        sign = Direction(self.objective.direction).sign
        losses = np.array([np.nan if trial.score is None else -sign * trial.score for trial in ended])
        losses = np.where(np.isnan(losses), np.nanmax(losses), losses)
        spread = losses.std()
        losses = (losses - losses.mean()) / (spread if spread > 0 else 1.0)
        encoded = self._encode([trial.hyperparameters.values for trial in ended])
        if len(ended) > MAX_KNOWN:
            best, newest = (
                np.argsort(losses, kind="stable")[: MAX_KNOWN // 2],
                np.arange(len(ended))[-MAX_KNOWN // 2 :],
            )
            kept = np.union1d(best, newest)
            encoded, losses = encoded[kept], losses[kept]
        # The best half, where accuracy matters, and some of the others.
        order = np.argsort(losses, kind="stable")
        others = np.random.default_rng([self.seed, len(ended)]).permutation(order[FITTED // 2 :])
        some = np.concatenate([order[: FITTED // 2], others[: FITTED - FITTED // 2]])
        columns = encoded.shape[1]
        scales = np.full(columns, 0.5) if len(losses) >= TRIALS_PER_SCALE * columns else 0.5
        signal = ConstantKernel(1.0, SIGNAL) * Matern(scales, LENGTH_SCALES, nu=2.5)
        kernel = signal + WhiteKernel(NOISE[0] * 10, NOISE)
        process = GaussianProcessRegressor(kernel, n_restarts_optimizer=RESTARTS, random_state=self.seed % 2**32)
        with warnings.catch_warnings():
            # A length scale at its bound means that a hyperparameter does not matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(encoded[some], losses[some])
        self._known = Known(ended=len(ended), kernel=process.kernel_, encoded=encoded, losses=losses)
        return self._known

    def _believe(self, known: Known) -> GaussianProcessRegressor:
        """Fit the process with expected losses for running trials: kriging believer (Ginsbourger et al. 2010)."""
        process = GaussianProcessRegressor(known.kernel, optimizer=None).fit(known.encoded, known.losses)
        running = [trial.hyperparameters.values for trial in self.trials.values() if trial.status == "RUNNING"]
        if not running:
            return process
        cells = self._encode(running)
        believed = process.predict(cells)
        return process.fit(np.concatenate([known.encoded, cells]), np.concatenate([known.losses, believed]))

    def _values(self, cell: np.ndarray) -> dict[str, Value]:
        """Decode a point of the unit cube to hyperparameter values."""
        space = self.hyperparameters.space
        values = {item.name: item.prob_to_value(share) for item, share in zip(space, cell.tolist(), strict=True)}
        return active_values(self.hyperparameters, values)

    def _encode(self, values: Sequence[dict[str, Value]]) -> np.ndarray:
        """Encode values in the unit interval: numbers on their scale, rates by their logarithm, words one-hot.

        A hyperparameter that a trial does not have is at its default.
        """
        space = self.hyperparameters.space
        return self._encode_cells(
            np.array([[item.value_to_prob(value.get(item.name, item.default)) for item in space] for value in values])
        )

    def _encode_cells(self, cells: np.ndarray) -> np.ndarray:
        """Encode points of the unit cube, (n, hyperparameters); choices at the middle of their interval."""
        columns = []
        for item, cell in zip(self.hyperparameters.space, cells.T, strict=True):
            if not isinstance(item, keras_tuner.engine.hyperparameters.Choice):
                columns.append(cell)
                continue
            choices = len(item.values)
            choice = np.minimum((cell * choices).astype(int), choices - 1)
            columns += [(choice + 0.5) / choices] if item.ordered else list(np.eye(choices)[choice].T)
        return np.array(columns).T


def _improvement(process: GaussianProcessRegressor, best: float, encoded: np.ndarray) -> np.ndarray:
    """Expected improvement of the noise-free loss over the lowest expected one, (n,).

    With noise it would promise an improvement near running trials (Picheny et al. 2013).
    """
    mean, deviation = process.predict(encoded, return_std=True)
    noise = process.kernel_.k2.noise_level
    deviation = np.sqrt(np.maximum(deviation**2 - noise, np.finfo(float).tiny))
    gain = best - WORTHWHILE - mean
    improvement: np.ndarray = gain * norm.cdf(gain / deviation) + deviation * norm.pdf(gain / deviation)
    return improvement
