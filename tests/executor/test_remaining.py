from __future__ import annotations

import pytest

from executor.remaining import Pace
from executor.trials.journal import Outcome

EPOCHS = 10


def test_without_an_earlier_round_the_first_epoch_which_compiles_tells_nothing() -> None:
    pace = Pace(began=0.0, running=4, before=())
    assert pace.left(now=5.0, epoch=1, epochs=EPOCHS, trials=8) is None


@pytest.mark.parametrize("epoch", [2, 5, 10])
def test_at_a_steady_pace_the_estimate_is_what_is_left(epoch: int) -> None:
    # A round compiles for 3 s and then takes 1 s an epoch: 13 s; two rounds of 4 trials take 26 s.
    pace = Pace(began=0.0, running=4, before=())
    pace.left(now=4.0, epoch=1, epochs=EPOCHS, trials=8)
    now = 3.0 + epoch
    assert pace.left(now=now, epoch=epoch, epochs=EPOCHS, trials=8) == pytest.approx(26.0 - now)


def ended(epochs: int, seconds: float) -> Outcome:
    return Outcome(
        number=0,
        hyperparameters={},
        status="completed",
        score=0.5,
        epochs=epochs,
        planned_epochs=EPOCHS,
        seconds=seconds,
    )


def test_rounds_before_tell_that_trials_end_before_their_last_epoch() -> None:
    # The longest trial so far took 4 of 10 epochs, so this round is expected to end after 4, too: 2 of 1 s are left;
    # then two trials more, which take 3 s each as those before.
    pace = Pace(began=100.0, running=2, before=(ended(4, 4.0), ended(3, 2.0)))
    assert pace.left(now=102.0, epoch=1, epochs=EPOCHS, trials=6) == pytest.approx(4.0 + 2 * 3.0)
    assert pace.left(now=103.0, epoch=2, epochs=EPOCHS, trials=6) == pytest.approx(2.0 + 2 * 3.0)


def test_a_round_that_goes_on_longer_than_those_before_has_nothing_left() -> None:
    pace = Pace(began=0.0, running=1, before=(ended(2, 1.0),))
    pace.left(now=5.0, epoch=1, epochs=EPOCHS, trials=2)
    assert pace.left(now=9.0, epoch=6, epochs=EPOCHS, trials=2) == 0.0
