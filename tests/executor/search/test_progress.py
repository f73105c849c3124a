"""How long a search still takes, by the planned epochs and sizes of its trials and by how long others took."""

from __future__ import annotations

import pytest

from executor.search.progress import MIN_EPOCHS_BEFORE_STOP, PRIOR_TRIALS, FinishedTrial, RemainingTime, TrialWork

SHORT = TrialWork(epochs=10, each=1.0)  # so short that it reaches its last epoch


def test_without_an_earlier_round_the_first_epoch_which_compiles_tells_nothing() -> None:
    pace = RemainingTime(began=0.0, running={0: SHORT, 1: SHORT}, before=(), coming=(10, 10))
    assert pace.left(now=5.0, epoch=1, stack={0: True, 1: True}) is None


@pytest.mark.parametrize("epoch", [2, 5, 10])
def test_at_a_steady_pace_the_estimate_is_what_is_left(epoch: int) -> None:
    # Two trials compile for 3 s and then take 1 s an epoch together; then two of 20 epochs: 10 s, and 20 s.
    pace = RemainingTime(began=0.0, running={0: SHORT, 1: SHORT}, before=(), coming=(20, 20))
    pace.left(now=4.0, epoch=1, stack={0: True, 1: True})
    now = 3.0 + epoch
    assert pace.left(now=now, epoch=epoch, stack={0: True, 1: True}) == pytest.approx(33.0 - now)


def test_the_stacks_of_a_round_that_have_not_begun_are_counted() -> None:
    pace = RemainingTime(began=0.0, running={0: SHORT, 1: SHORT, 2: SHORT}, before=(), coming=())
    pace.left(now=4.0, epoch=1, stack={0: True})
    # The first trial alone takes 1 s an epoch; 8 are left of it, and 10 of each of the other two.
    assert pace.left(now=5.0, epoch=2, stack={0: True}) == pytest.approx(28.0)
    # Where all of a stack have stopped before their last epoch, nothing of it is left.
    assert pace.left(now=6.0, epoch=3, stack={0: False}) == pytest.approx(20.0)


def test_larger_networks_take_longer() -> None:
    large = TrialWork(epochs=10, each=3.0)
    pace = RemainingTime(
        began=100.0, running={1: large}, before=[FinishedTrial(work=SHORT, epochs=10, seconds=5.0)], coming=()
    )
    # The one before took 0.5 s for a unit of work; of 30 units 27 are left, of which three took 1.5 s.
    assert pace.left(now=101.5, epoch=1, stack={1: True}) == pytest.approx(13.5)


def test_trials_of_many_epochs_are_expected_to_end_early_until_they_go_on() -> None:
    work = TrialWork(epochs=MIN_EPOCHS_BEFORE_STOP + 100, each=1.0)
    pace = RemainingTime(began=0.0, running={0: work}, before=(), coming=())
    assert [
        pace.epochs_left(work.epochs, done)
        for done in (0, MIN_EPOCHS_BEFORE_STOP, MIN_EPOCHS_BEFORE_STOP + 60, MIN_EPOCHS_BEFORE_STOP + 100)
    ] == [MIN_EPOCHS_BEFORE_STOP + 50, 50, 20, 0]


def test_where_long_trials_went_on_to_their_end_others_are_expected_to() -> None:
    work = TrialWork(epochs=MIN_EPOCHS_BEFORE_STOP + 100, each=1.0)
    before = [FinishedTrial(work=work, epochs=work.epochs, seconds=1.0)] * PRIOR_TRIALS
    assert (
        RemainingTime(began=0.0, running={9: work}, before=before, coming=()).epochs_left(work.epochs)
        == MIN_EPOCHS_BEFORE_STOP + 75
    )


def test_the_last_stack_of_a_round_is_foretold_by_its_own_epochs() -> None:
    quick = TrialWork(epochs=10, each=0.1)
    pace = RemainingTime(
        began=0.0, running={1: quick}, before=[FinishedTrial(work=quick, epochs=10, seconds=0.1)], coming=()
    )
    pace.left(now=1.0, epoch=1, stack={1: True})
    # By those before, an epoch would take 0.01 s; it takes 2 s.
    assert pace.left(now=5.0, epoch=3, stack={1: True}) == pytest.approx(14.0)
