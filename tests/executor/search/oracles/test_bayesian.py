"""Proposals of the Bayesian oracle: good, quick, unseen, and the same for the same seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras_tuner
import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor

from executor.search.oracles.base import Objective
from executor.search.oracles.bayesian import BayesianOracle
from executor.search.oracles.fixed import RandomOracle
from rules.vocabulary.direction import Direction
from tests.effort import long_test

if TYPE_CHECKING:
    from executor.search.records.proposal import Proposal
    from tests.executor.search.oracles.conftest import Drive, DriveRounds


def space() -> keras_tuner.HyperParameters:
    """The learning rate on a log scale, a width and a word; the default is far from the best."""
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Float("rate", 1e-4, 1e-1, sampling="log", default=1e-4)
    hyperparameters.Choice("units", [64, 128, 256, 512], default=64)
    hyperparameters.Choice("schedule", ["constant", "cosine", "one_cycle"], default="constant")
    return hyperparameters


def bowl(proposal: Proposal) -> float:
    """A loss whose least is 0, at rate 0.01, 256 units, one_cycle."""
    values = proposal.hyperparameters
    distance = (math.log10(float(values["rate"])) + 2) ** 2 + 0.2 * (math.log2(float(values["units"])) - 8) ** 2
    return distance + (0 if values["schedule"] == "one_cycle" else 0.5)


def test_it_comes_closer_than_random_draws(drive: Drive, loss: Objective) -> None:
    def best(kind: type, seed: int) -> float:
        ended = drive(kind(space=space(), objective=loss, seed=seed), bowl, trials=30)
        return min(score for _, score in ended if score is not None)

    bayesian = np.median([best(BayesianOracle, seed) for seed in range(3)])
    assert bayesian < 0.01
    assert bayesian < np.median([best(RandomOracle, seed) for seed in range(3)]) / 5


def test_it_maximises_where_the_objective_says_so(drive: Drive) -> None:
    oracle = BayesianOracle(space=space(), objective=Objective(name="accuracy", direction=Direction.MAX), seed=0)
    ended = drive(oracle, lambda proposal: -bowl(proposal), trials=30)
    assert max(score for _, score in ended if score is not None) > -0.01


def test_bayesian_proposals_never_repeat_and_end_with_the_space(drive: Drive, loss: Objective) -> None:
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Choice("units", [64, 128, 256, 512])
    hyperparameters.Choice("layers", [1, 2, 3])
    ended = drive(BayesianOracle(space=hyperparameters, objective=loss, seed=0), lambda _: 1.0, trials=100)
    assert len(ended) == 12
    assert len({str(proposal.hyperparameters) for proposal, _ in ended}) == 12


@long_test
def test_a_failing_region_is_left(drive: Drive, loss: Objective) -> None:
    ended = drive(
        BayesianOracle(space=space(), objective=loss, seed=0),
        lambda proposal: None if float(proposal.hyperparameters["rate"]) > 0.02 else bowl(proposal),
        trials=40,
    )
    assert sum(score is None for _, score in ended[20:]) <= 3


def test_the_same_seed_gives_the_same_proposals(drive: Drive, loss: Objective) -> None:
    first, again, other = (
        [proposal for proposal, _ in drive(BayesianOracle(space=space(), objective=loss, seed=seed), bowl, trials=18)]
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("score", [0.0, 5.0])
def test_equal_scores_do_not_break_the_fit(drive: Drive, loss: Objective, score: float) -> None:
    assert len(drive(BayesianOracle(space=space(), objective=loss, seed=0), lambda _: score, trials=15)) == 15


@pytest.mark.parametrize("told", [0, 24])
def test_eight_at_once_are_spread_and_the_next_eight_are_others(
    drive: Drive, drive_rounds: DriveRounds, loss: Objective, told: int
) -> None:
    oracle = BayesianOracle(space=space(), objective=loss, seed=0)
    drive(oracle, bowl, trials=told)
    first, second = drive_rounds(oracle, bowl, at_once=8, trials=16)
    for batch in (first, second):
        cells = oracle._encode([dict(proposal.hyperparameters) for proposal in batch])
        apart = np.abs(cells[:, None] - cells[None]).max(axis=2) + np.eye(8)
        assert apart.min() >= 0.02
    assert len({str(proposal.hyperparameters) for proposal in (*first, *second)}) == 16


def test_eight_at_once_come_closer_than_random_draws(drive_rounds: DriveRounds, loss: Objective) -> None:
    def best(kind: type, seed: int) -> float:
        rounds = drive_rounds(kind(space=space(), objective=loss, seed=seed), bowl, at_once=8, trials=32)
        return min(bowl(proposal) for asked in rounds for proposal in asked)

    bayesian = np.median([best(BayesianOracle, seed) for seed in range(3)])
    assert bayesian < np.median([best(RandomOracle, seed) for seed in range(3)]) / 3


def test_the_same_rounds_give_the_same_proposals(drive_rounds: DriveRounds, loss: Objective) -> None:
    first, again = (
        drive_rounds(BayesianOracle(space=space(), objective=loss, seed=3), bowl, at_once=8, trials=32)
        for _ in range(2)
    )
    assert first == again


def test_the_length_scales_are_fitted_once_a_round(
    drive_rounds: DriveRounds, loss: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[int] = []
    fit = GaussianProcessRegressor.fit

    def counted(process: GaussianProcessRegressor, rows: np.ndarray, losses: np.ndarray) -> object:
        if process.optimizer is not None:
            fits.append(len(rows))
        return fit(process, rows, losses)

    monkeypatch.setattr(GaussianProcessRegressor, "fit", counted)
    drive_rounds(BayesianOracle(space=space(), objective=loss, seed=0), bowl, at_once=8, trials=96)
    # The first eight are random; of more than 64 trials 64 are fitted to, which bounds the time of a proposal.
    assert fits == [8, 16, 24, 32, 40, 48, 56, 64, 64, 64, 64]


def test_points_of_the_cube_are_encoded_as_their_values_are(loss: Objective) -> None:
    oracle = BayesianOracle(space=space(), objective=loss, seed=0)
    cells = np.array([[0.5, 0.3, 0.9], [0.0, 1.0, 0.0]])
    encoded = oracle._encode_cells(cells)
    # A rate by the logarithm, the second and the last of four widths, one-hot words.
    np.testing.assert_allclose(encoded, [[0.5, 0.375, 0, 0, 1], [0.0, 0.875, 1, 0, 0]])
    np.testing.assert_allclose(oracle._encode([oracle._values(cell) for cell in cells]), encoded)
