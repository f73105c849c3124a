"""The direction of a metric decides every comparison of scores."""

from __future__ import annotations

import math

import pytest

from rules.vocabulary.direction import Direction

MAX, MIN = Direction.MAX, Direction.MIN


def test_a_greater_score_is_better_where_a_metric_is_maximised_and_worse_where_it_is_minimised() -> None:
    assert MAX.better(0.9, 0.8)
    assert not MIN.better(0.9, 0.8)
    assert MIN.better(0.8, 0.9)


@pytest.mark.parametrize("direction", Direction)
def test_no_score_is_better_than_itself_and_nan_is_never_better(direction: Direction) -> None:
    assert not direction.better(0.5, 0.5)
    assert not direction.better(math.nan, 0.5)


def test_the_best_item_is_the_first_of_the_best_and_undefined_scores_come_last() -> None:
    scores = {"a": None, "b": 0.2, "c": 0.7, "d": 0.7, "e": math.nan}
    assert MAX.best(scores, key=scores.__getitem__) == "c"
    assert MIN.best(scores, key=scores.__getitem__) == "b"


def test_an_error_is_zero_at_best() -> None:
    assert MAX.error(1.0) == 0.0
    assert MAX.error(0.75) == 0.25
    assert MIN.error(0.75) == 0.75
