"""A time limit is divided between the search and the stages after it."""

from __future__ import annotations

import math

import pytest

from recommender.time_plan import TimePlan, limit_for, plan_time, tf_idf_seconds


@pytest.mark.parametrize(
    ("limit", "encoding", "finishing"),
    [
        (600, 0.1, 30),  # 5 %
        (90, 0.1, 4.5),  # both rules agree
        (20, 0.1, 4.5),  # at least 4.5 s
        (100, 5, 20),  # four times as long as the rows took to encode
    ],
)
def test_time_is_reserved_for_saving_and_evaluating(limit: float, encoding: float, finishing: float) -> None:
    assert plan_time(limit, encoding=encoding).finishing == pytest.approx(finishing)


@pytest.mark.parametrize(("limit", "seconds"), [(1_000, 100), (80, 8), (79, 0), (None, 0)])
def test_a_tenth_of_a_longer_limit_is_reserved_for_retraining(limit: float | None, seconds: float) -> None:
    assert plan_time(limit).retraining == seconds


def test_the_reserve_is_the_sum_of_its_parts() -> None:
    # 1,000 s: 50 s for the rest, 100 s for retraining, 300 s to train again on all rows, 150 s for TF-IDF, and four
    # further networks of 0.3 s each; three predictions of 1 s each.
    plan = plan_time(1_000, refit_share=0.3, words=math.inf, networks=5, predictions=3)
    assert plan.reserve() == pytest.approx(500)  # never more than a half
    plan = plan_time(1_000, refit_share=0.15, words=math.inf, networks=5, predictions=3)
    assert plan.reserve(prediction_seconds=1.0) == pytest.approx(50 + 100 + 150 + 150 + 1.2 + 3)


@pytest.mark.parametrize(("limit", "encoding", "reserve"), [(4, 0.1, 2), (20, 5, 10)])
def test_at_most_half_of_a_limit_is_reserved(limit: float, encoding: float, reserve: float) -> None:
    assert plan_time(limit, encoding=encoding).reserve() == pytest.approx(reserve)


def test_without_a_limit_nothing_is_reserved_and_training_on_all_rows_may_take_any_time() -> None:
    plan = plan_time(None, encoding=5.0, refit_share=0.15, words=math.inf)
    assert (plan.reserve(9.0), plan.refit) == (0.0, math.inf)


def test_a_limit_leaves_time_for_what_follows_the_search() -> None:
    # Of 34.5 s 4.5 s are reserved, of 200 s 5 % and a tenth, of 8 s a half.
    assert limit_for(30, plan_time) == pytest.approx(34.5)
    assert limit_for(170, plan_time) == pytest.approx(200)
    assert limit_for(4, plan_time) == pytest.approx(8)


def test_what_follows_the_search_is_expected_to_take_no_more_than_is_reserved() -> None:
    # 1.5 s, four times 1 s of encoding, three predictions of 0.5 s.
    assert TimePlan(encoding=1.0, predictions=3).expected_after_search(10.0, 0.5) == pytest.approx(7)
    # Without a limit also two networks of 10 s each, and 3 s of gradient boosting.
    unlimited = TimePlan(encoding=1.0, predictions=3, refitted=2, boosting=3.0)
    assert unlimited.expected_after_search(10.0, 0.5) == pytest.approx(30)
    # With one, training again takes at most its reserve of 15 s; all together 6 s where no more is reserved.
    limited = TimePlan(limit=100, finishing=8, encoding=1.0, predictions=3, refit=15, refitted=2)
    assert limited.expected_after_search(10.0, 0.5) == pytest.approx(22)
    assert TimePlan(limit=12, finishing=8, encoding=2.0).expected_after_search(10.0) == pytest.approx(6)


def test_tf_idf_takes_a_share_of_a_long_limit() -> None:
    assert tf_idf_seconds(10) == 3
    assert tf_idf_seconds(60) == pytest.approx(9)
    assert tf_idf_seconds(None) == 60


def test_a_column_of_few_words_reserves_what_its_linear_model_takes() -> None:
    """10 million words times classes take 1.5 s on an idle machine; three times as much is reserved."""
    assert plan_time(60, words=2_000).tf_idf == 1
    assert plan_time(60, words=1e7).tf_idf == pytest.approx(4.5)
    assert plan_time(60, words=math.inf).tf_idf == pytest.approx(9)
    assert plan_time(60).tf_idf == 0
