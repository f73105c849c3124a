"""Bayesian oracle: seconds per proposal, and best of 30 trials compared with keras-tuner's oracle on test functions.

    python -m benchmarks.search.bayesian [--seeds 5] [--trials 30]

Seconds are measured for one proposal and for one of eight parallel proposals, in a space of 8 hyperparameters after 200
trials; the goal is below 0.1 s. The test functions are scaled to the unit cube. The table shows the median over the
seeds of the best trial's distance to the minimum. keras-tuner's oracle is asked sequentially, pcwat's sequentially and
for eight proposals at once. The goal is a distance that is not larger than keras-tuner's.
Branin and Hartmann: Dixon and Szegö 1978; Levy: Laguna and Martí 2005; each as in https://www.sfu.ca/~ssurjano.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from typing import TYPE_CHECKING, Final

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

import keras_tuner  # noqa: E402  after TensorFlow was silenced
import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from executor.search.oracle import ask, tell  # noqa: E402
from executor.search.oracles.base import Objective, tuner_seed  # noqa: E402
from executor.search.oracles.bayesian import BayesianOracle  # noqa: E402
from executor.search.oracles.fixed import RandomOracle  # noqa: E402
from executor.search.records.outcome import Outcome  # noqa: E402
from rules.vocabulary.direction import Direction  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from executor.search.records.proposal import Proposal

LOSS: Final = Objective(name="loss", direction=Direction.MIN)
AT_ONCE: Final = 8
THEIRS: Final = "keras-tuner's"
TOLD: Final = 200  # trials before the timed proposals
TIMED: Final = 5  # rounds of which the median is taken


def branin(point: np.ndarray) -> float:
    """Two dimensions, three minima."""
    x, y = 15 * point[0] - 5, 15 * point[1]
    b, c = 5.1 / (4 * math.pi**2), 5 / math.pi
    return float((y - b * x**2 + c * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


def hartmann(point: np.ndarray) -> float:
    """Six dimensions, six local minima."""
    weights = np.array([1.0, 1.2, 3.0, 3.2])
    scales = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    centres = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    return float(-weights @ np.exp(-(scales * (point - centres) ** 2).sum(axis=1)))


def levy(point: np.ndarray) -> float:
    """Four dimensions, many local minima around one bowl."""
    w = 1 + (20 * point - 10 - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    return float(math.sin(math.pi * w[0]) ** 2 + middle.sum() + last)


FUNCTIONS: Final[Mapping[str, tuple[Callable[[np.ndarray], float], int, float]]] = {
    "Branin": (branin, 2, 0.397887),
    "Levy, 4 dimensions": (levy, 4, 0.0),
    "Hartmann, 6 dimensions": (hartmann, 6, -3.32237),
}
"""Each with its dimensions and its minimum."""


class Theirs(keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]  # untyped base
    """keras-tuner's oracle as it comes, without its files."""

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        super().__init__(
            objective=keras_tuner.Objective(objective.name, objective.direction),
            max_trials=None,
            hyperparameters=space,
            seed=tuner_seed(seed) % 2**32,
        )
        self.verbose = 0

    def save(self, *_: object) -> None:
        """Write nothing."""

    def _save_trial(self, *_: object) -> None:
        """Write nothing."""


def cube(dimensions: int) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for index in range(dimensions):
        space.Float(f"x{index}", 0.0, 1.0, default=0.0)
    return space


def mixed() -> keras_tuner.HyperParameters:
    """Eight hyperparameters of the kinds that a search varies."""
    space = keras_tuner.HyperParameters()
    for name in ("learning_rate", "weight_decay"):
        space.Float(name, 1e-5, 1e-1, sampling="log", default=1e-3)
    for name in ("dropout", "label_smoothing", "momentum"):
        space.Float(name, 0.0, 0.9, default=0.1)
    space.Choice("units", [32, 64, 128, 256, 512], default=256)
    space.Choice("layers", [1, 2, 3, 4], default=3)
    space.Choice("schedule", ["constant", "cosine", "one_cycle"], default="constant")
    return space


def outcome(proposal: Proposal, score: float) -> Outcome:
    return Outcome(
        number=proposal.number,
        hyperparameters=dict(proposal.hyperparameters),
        status="completed",
        score=score,
        epochs=1,
        planned_epochs=1,
        ended_by="completed",
        seconds=1.0,
    )


def best(oracle: keras_tuner.Oracle, function: Callable[[np.ndarray], float], *, trials: int, at_once: int) -> float:
    """The lowest value of so many trials, asked for so many at once."""
    values: list[float] = []
    while len(values) < trials:
        proposals = ask(oracle, min(at_once, trials - len(values)))
        points = [np.array([float(value) for value in one.hyperparameters.values()]) for one in proposals]
        scores = [function(point) for point in points]
        tell(oracle, [outcome(one, score) for one, score in zip(proposals, scores, strict=True)])
        values += scores
    return min(values)


def seconds(*, at_once: int) -> float:
    """The median time of a proposal after many trials."""
    space, random = mixed(), np.random.default_rng(0)
    oracle = BayesianOracle(space=space, objective=LOSS, seed=0)

    def loss(proposal: Proposal) -> float:
        """A bowl whose middle differs from hyperparameter to hyperparameter, and noise."""
        shares = [item.value_to_prob(proposal.hyperparameters[item.name]) for item in space.space]
        middles = np.linspace(0.2, 0.8, len(shares))
        return float(((np.array(shares) - middles) ** 2).sum() + 0.05 * random.normal())

    oracle.populate_space = lambda _: oracle._random_populate_space()  # noqa: SLF001  random trials are told sooner
    proposals = ask(oracle, TOLD)
    del oracle.populate_space
    tell(oracle, [outcome(one, loss(one)) for one in proposals])
    took = []
    for _ in range(TIMED):
        start = time.perf_counter()
        proposals = ask(oracle, at_once)
        took.append((time.perf_counter() - start) / at_once)
        tell(oracle, [outcome(one, loss(one)) for one in proposals])
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--only-ours", action="store_true", help="leave keras-tuner's out, which takes minutes")
    given = parser.parse_args()
    print(f"seconds a proposal after {TOLD} trials: {seconds(at_once=1):.3f} one by one, ", end="")
    print(f"{seconds(at_once=AT_ONCE):.3f} with {AT_ONCE} at once", flush=True)
    kinds = {"ours": (BayesianOracle, 1), f"ours, {AT_ONCE} at once": (BayesianOracle, AT_ONCE)}
    kinds |= {"random": (RandomOracle, 1)}
    kinds |= {} if given.only_ours else {THEIRS: (Theirs, 1)}
    table = Table("lacks to the minimum", *kinds, "seconds a search", THEIRS)
    for name, (function, dimensions, minimum) in FUNCTIONS.items():
        cells, times = [], {}
        for kind, (oracle, at_once) in kinds.items():
            start = time.perf_counter()
            lacks = [
                best(
                    oracle(space=cube(dimensions), objective=LOSS, seed=seed),
                    function,
                    trials=given.trials,
                    at_once=at_once,
                )
                - minimum
                for seed in range(given.seeds)
            ]
            times[kind] = (time.perf_counter() - start) / given.seeds
            cells.append(f"{statistics.median(lacks):.3g} (mean {statistics.mean(lacks):.3g})")
        table.add_row(name, *cells, f"{times['ours']:.1f}", f"{times.get(THEIRS, math.nan):.1f}")
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
