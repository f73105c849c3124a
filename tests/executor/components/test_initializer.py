"""Each initializer's spread is the one that its paper asks for."""

from __future__ import annotations

import numpy as np
import pytest

from executor.components.initializer import create_initializer
from rules.errors import ChoiceError
from rules.vocabulary.choices import Adam, Choice, He, Lecun, RandomNormal, RandomUniform, Xavier

FAN_IN, FAN_OUT = 400, 200


@pytest.mark.parametrize(
    ("choice", "variance"),
    [
        (Xavier(distribution="uniform"), 2 / (FAN_IN + FAN_OUT)),
        (Xavier(distribution="normal"), 2 / (FAN_IN + FAN_OUT)),
        (He(distribution="uniform"), 2 / FAN_IN),
        (He(distribution="normal"), 2 / FAN_IN),
        (Lecun(distribution="uniform"), 1 / FAN_IN),
        (Lecun(distribution="normal"), 1 / FAN_IN),
        (RandomUniform(limit=0.3), 0.3**2 / 3),
        (RandomNormal(stddev=0.2), 0.2**2),
    ],
)
def test_weights_have_the_variance_of_the_paper(choice: Choice, variance: float) -> None:
    weights = np.asarray(create_initializer(choice, seed=1)((FAN_IN, FAN_OUT)))
    assert weights.var() == pytest.approx(variance, rel=0.02)  # 80,000 draws: a standard error of 0.5 %
    assert weights.mean() == pytest.approx(0, abs=4 * (variance / weights.size) ** 0.5)


def test_uniform_weights_stay_within_the_limit() -> None:
    weights = np.asarray(create_initializer(RandomUniform(limit=0.3), seed=1)((FAN_IN, FAN_OUT)))
    assert 0.29 < np.abs(weights).max() <= 0.3


def test_a_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, again, other = (np.asarray(create_initializer(He(), seed=seed)((3, 3))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_choice_of_another_slot_is_refused() -> None:
    with pytest.raises(ChoiceError, match="must be one of the slot's choices, but got adam"):
        create_initializer(Adam(), seed=1)
