"""Grids and lists give all that they hold at once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import keras_tuner
import pytest

from executor.search.oracle import ask, tell
from executor.search.oracles.fixed import GridOracle, ManualOracle, RandomOracle, grid_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.search.oracles.base import Objective
    from executor.search.records.outcome import Outcome
    from executor.search.records.proposal import Proposal


def space() -> keras_tuner.HyperParameters:
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Choice("units", [64, 128], default=128)
    hyperparameters.Choice("rate", [0.1, 0.2, 0.3], default=0.2)
    return hyperparameters


def test_a_grid_gives_all_combinations_at_once_the_defaults_first(loss: Objective) -> None:
    proposals = ask(GridOracle(space=space(), objective=loss, seed=0), 100)
    # The coarse grid of two units and two rates, fewest changes first; then the third rate.
    assert [tuple(proposal.hyperparameters.values()) for proposal in proposals] == [
        (128, 0.2), (128, 0.1), (64, 0.2), (64, 0.1), (128, 0.3), (64, 0.3),
    ]  # fmt: skip
    assert [proposal.number for proposal in proposals] == [*range(6)]


def test_a_grid_varies_every_hyperparameter_before_it_changes_two_at_once() -> None:
    points = list(grid_points([[0, 1, 2]] * 6))
    assert points[:7] == [(0,) * 6, *(tuple(int(axis == one) for axis in range(6)) for one in range(6))]
    assert set(points[:64]) == set(itertools.product([0, 1], repeat=6))  # the coarse grid comes first
    assert all(point[0] == 2 for point in points[64 : 64 + 32])  # the first axis becomes finer first
    assert len(points) == len(set(points)) == 3**6


@pytest.mark.parametrize("at_once", [1, 4, 6])
def test_a_grid_gives_the_same_combinations_in_rounds_of_any_size(
    loss: Objective, outcome_of: Callable[[Proposal, float | None], Outcome], at_once: int
) -> None:
    whole = ask(GridOracle(space=space(), objective=loss, seed=0), 100)
    oracle, found = GridOracle(space=space(), objective=loss, seed=0), []
    while asked := ask(oracle, at_once):
        tell(oracle, [outcome_of(proposal, 0.5) for proposal in asked])
        found += asked
    assert found == whole


def test_a_list_is_given_at_once_in_its_order(loss: Objective) -> None:
    listed: list[dict[str, float | int | str]] = [{"units": 64, "rate": 0.3}, {"units": 128, "rate": 0.1}]
    oracle = ManualOracle(space=space(), objective=loss, seed=0, configurations=listed, total=2)
    assert [dict(proposal.hyperparameters) for proposal in ask(oracle, 100)] == listed


def test_random_draws_at_once_never_repeat_and_end_with_the_space(loss: Objective) -> None:
    proposals = ask(RandomOracle(space=space(), objective=loss, seed=0), 100)
    assert len({str(proposal.hyperparameters) for proposal in proposals}) == len(proposals) <= 6
    assert dict(proposals[0].hyperparameters) == {"units": 128, "rate": 0.2}
