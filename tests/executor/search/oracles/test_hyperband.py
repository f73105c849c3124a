"""Brackets that fit the budget, and promotions that go on past failed trials."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import keras_tuner
import pytest

from executor.search.oracle import ask, tell
from executor.search.oracles.base import Objective
from executor.search.oracles.hyperband import HyperbandOracle
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from executor.search.records.proposal import Proposal
    from tests.executor.search.oracles.conftest import Drive, DriveRounds


@pytest.fixture
def make(loss: Objective):  # noqa: ANN201 - a function of the trials allowed
    def build(trials: int | None, *, objective: Objective = loss) -> HyperbandOracle:
        space = keras_tuner.HyperParameters()
        space.Float("rate", 0.0, 1.0, default=0.5)
        return HyperbandOracle(space=space, objective=objective, seed=0, factor=3, epochs=81, trials=trials)

    return build


def rate(proposal: Proposal) -> float:
    return float(proposal.hyperparameters["rate"])


def test_the_first_bracket_is_the_most_aggressive_that_fits_the_trials(make) -> None:
    # Bracket 1: 8 + 3 trials, 2: 15 + 5 + 2, 3: 34 + 12 + 4 + 2.
    first = {trials: make(trials)._current_bracket for trials in (1, 10, 11, 21, 22, 51, 52, None)}
    assert first == {1: 0, 10: 0, 11: 1, 21: 1, 22: 2, 51: 2, 52: 3, None: 2}


def test_a_bracket_of_22_trials_halves_twice_and_epochs_grow_threefold(make, drive: Drive) -> None:
    ended = drive(make(22), rate, trials=22)
    # The epochs of a promotion are those that it trains itself: 27 - 9 and 81 - 27.
    assert [proposal.epochs for proposal, _ in ended] == [9] * 15 + [18] * 5 + [54] * 2
    assert [proposal.may_continue for proposal, _ in ended] == [True] * 20 + [False] * 2


@pytest.mark.parametrize("trials", [1, 11, 22, 60])
def test_the_schedule_foretells_the_epochs_of_all_trials(make, drive: Drive, trials: int) -> None:
    assert make(trials).schedule(trials, epochs=81) == [
        one.epochs for one, _ in drive(make(trials), rate, trials=trials)
    ]


def test_the_epochs_until_a_whole_trial_are_those_of_the_rungs_below_it(make) -> None:
    # 15 trials of 9 epochs, 5 of 18 more, then the first of 54 more.
    assert make(22).epochs_until_whole(0) == 15 * 9 + 5 * 18 + 54
    assert make(22).epochs_until_whole(18) == 2 * 18 + 54
    assert make(22).epochs_until_whole(21) == 0
    assert make(1).epochs_until_whole(0) == 81


@pytest.mark.parametrize(("direction", "choose"), [("min", sorted), ("max", lambda rates: sorted(rates)[::-1])])
def test_the_best_of_a_rung_go_on(make, drive: Drive, direction, choose) -> None:
    ended = drive(make(22, objective=Objective(name="p", direction=Direction(direction))), rate, trials=22)
    rates = [rate(proposal) for proposal, _ in ended]
    assert rates[15:20] == choose(rates[:15])[:5]
    assert rates[20:] == choose(rates[:15])[:2]
    assert [rates[proposal.continues] for proposal, _ in ended[15:] if proposal.continues is not None] == rates[15:]


def test_failed_trials_do_not_starve_hyperband(make, drive: Drive) -> None:
    # 10 of the first 15 fail; keras-tuner would promote none of the other five: 5 <= 15 - 5.
    ended = drive(make(22), lambda proposal: None if 0 <= proposal.number - 5 < 10 else rate(proposal), trials=22)
    assert [proposal.continues for proposal, _ in ended[15:20]] == sorted(range(5), key=lambda n: rate(ended[n][0]))
    assert [proposal.epochs for proposal, _ in ended[20:]] == [54] * 2


def test_failed_promotions_are_not_tried_again_and_others_go_on(make, drive: Drive) -> None:
    ended = drive(make(22), lambda proposal: None if proposal.number in {15, 16} else rate(proposal), trials=22)
    past = Counter(proposal.continues for proposal, _ in ended if proposal.continues is not None)
    assert set(past.values()) == {1}
    assert [proposal.continues for proposal, _ in ended[20:]] == [17, 18]


def test_if_all_trials_of_a_rung_fail_the_next_bracket_begins(make, drive: Drive) -> None:
    ended = drive(make(22), lambda proposal: None if proposal.number < 15 else rate(proposal), trials=16)
    assert ended[15][0].epochs == 27
    assert ended[15][0].continues is None


def test_brackets_follow_each_other_until_the_budget_ends(make, drive: Drive) -> None:
    assert len(drive(make(11), rate, trials=60)) == 60


def test_asked_for_many_at_once_a_rung_runs_whole_and_then_its_survivors(make, drive_rounds: DriveRounds) -> None:
    rungs = drive_rounds(make(22), rate, at_once=32, trials=22)
    assert [[proposal.epochs for proposal in rung] for rung in rungs] == [[9] * 15, [18] * 5, [54] * 2]
    by_rate = sorted(rungs[0], key=rate)
    assert [proposal.continues for proposal in rungs[1]] == [proposal.number for proposal in by_rate[:5]]
    assert [proposal.continues for proposal in rungs[2]] == [proposal.number for proposal in rungs[1][:2]]


def test_in_rounds_smaller_than_a_rung_the_best_of_the_whole_rung_go_on(make, drive_rounds: DriveRounds) -> None:
    rounds = drive_rounds(make(22), rate, at_once=4, trials=22)
    # 15 trials, the 5 best of them, and of these the 2 best; no round spans two rungs.
    assert [len(asked) for asked in rounds] == [4, 4, 4, 3, 4, 1, 2]
    flat = [proposal for asked in rounds for proposal in asked]
    best = sorted(flat[:15], key=rate)
    assert [rate(proposal) for proposal in flat[15:20]] == [rate(proposal) for proposal in best[:5]]
    assert [rate(proposal) for proposal in flat[20:]] == [rate(proposal) for proposal in best[:2]]


def test_nothing_is_promoted_before_the_whole_rung_has_ended(make, outcome_of) -> None:
    oracle = make(22)
    rung = ask(oracle, 32)
    tell(oracle, [outcome_of(proposal, rate(proposal)) for proposal in rung[:-1]])
    assert oracle.create_trial("another slot").status == "IDLE"
    tell(oracle, [outcome_of(rung[-1], 0.0)])
    assert ask(oracle)[0].continues == rung[-1].number


def test_in_rounds_failed_trials_do_not_starve_the_rungs_above(make, drive_rounds: DriveRounds) -> None:
    rungs = drive_rounds(
        make(22),
        lambda proposal: None if proposal.number in {*range(11), 15} else rate(proposal),
        at_once=32,
        trials=22,
    )
    # Four of the first fifteen are left, of which one fails again: all that are left go on, and two of the last three.
    assert [len(rung) for rung in rungs[:3]] == [15, 4, 2]
    assert {proposal.continues for proposal in rungs[1]} == {11, 12, 13, 14}
    assert [proposal.continues for proposal in rungs[2]] == [16, 17]


@pytest.mark.parametrize("at_once", [4, 32])
def test_the_same_rounds_give_the_same_proposals(make, drive_rounds: DriveRounds, at_once: int) -> None:
    first, again = (drive_rounds(make(22), rate, at_once=at_once, trials=40) for _ in range(2))
    assert first == again
