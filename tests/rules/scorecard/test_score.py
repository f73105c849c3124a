from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.scorecard.page import to_markdown
from rules.scorecard.score import BOOK, HANDBOOK, REGRESSION, configuration_of, score
from rules.vocabulary.choices import He, Lecun, Slot, Xavier

if TYPE_CHECKING:
    from rules.scorecard.scorecard import Scorecard
    from tests.rules.scorecard.conftest import MakeResults


@pytest.fixture
def card(make_results: MakeResults) -> Scorecard:
    scores = {
        name: {He(): [1.0, 1.0], Xavier(): [other, other], Lecun(): [1.0, 1.0]}
        for name, other in (("a", 1.1), ("b", 1.21), ("c", 0.5))
    }
    return score(make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier()))


def test_rule_is_compared_with_each_alternative(card: Scorecard) -> None:
    rule = card.rule("W002")

    assert rule is not None
    assert rule.datasets == ("a", "b", "c")
    by_choice = {one.choice: one for one in rule.alternatives}
    assert by_choice["xavier"].effect.ratio == pytest.approx((1.1 * 1.21 * 0.5) ** (1 / 3))
    assert by_choice["lecun"].effect.ratio == 1.0


def test_datasets_where_a_rule_fails_are_named(card: Scorecard) -> None:
    rule = card.rule("W002")

    assert rule is not None
    by_choice = {one.choice: one for one in rule.alternatives}
    assert by_choice["xavier"].worst == (("c", 0.5),)
    assert by_choice["lecun"].worst == ()


def test_regret_is_relative_to_the_best_choice_of_each_dataset(card: Scorecard) -> None:
    (slot,) = card.slots
    regrets = {one.policy: one.effect.ratio for one in slot.regrets}

    assert regrets[BOOK] == pytest.approx(2 ** (1 / 3))  # 1, 1 and 1 / 0.5
    assert regrets[HANDBOOK] == pytest.approx((1.1 * 1.21) ** (1 / 3))
    assert regrets["lecun"] == regrets[BOOK]


def test_configurations_compare_the_notes_with_the_rules(card: Scorecard) -> None:
    (one,) = card.configurations

    assert (one.configuration, one.slot, one.choice) == (REGRESSION, Slot.INITIALIZER, "xavier")
    assert one.handbook.ratio == pytest.approx((1.1 * 1.21) ** (1 / 3))
    assert one.rules.ratio == pytest.approx(2 ** (1 / 3))


@pytest.mark.parametrize(
    ("facts", "metric", "configuration"),
    [
        ({"modality": "image", "task": "multiclass"}, "accuracy", "Image tasks"),
        ({"modality": "tabular", "task": "forecasting"}, "rmse", "Time series forecasting"),
        ({"modality": "tabular", "task": "binary", "imbalance_ratio": 4.0}, "roc_auc", "Classification"),
        ({"modality": "text", "task": "multilabel", "imbalance_ratio": 4.1}, "f1", "Imbalanced classification"),
        ({"modality": "tabular", "task": "regression"}, "mae", "Regression with outliers"),
        ({"modality": "tabular", "task": "multioutput_regression"}, "mse", "Regression"),
    ],
)
def test_each_dataset_has_a_configuration(facts: dict[str, object], metric: str, configuration: str) -> None:
    assert configuration_of(facts, metric) == configuration


def test_rule_that_decided_on_nothing_has_no_score(card: Scorecard) -> None:
    assert card.rule("W001") is None


def test_alternative_that_diverged_on_a_dataset_counts_there(make_results: MakeResults) -> None:
    results = make_results(Slot.INITIALIZER, {"a": {He(): [1.0], Xavier(): [None]}}, chosen=He())
    rule = score(results).rule("W002")

    assert rule is not None
    assert rule.alternatives[0].effect.ratio == pytest.approx(10.0)


def test_page_shows_each_rule_and_escapes_names(make_results: MakeResults) -> None:
    results = make_results(Slot.INITIALIZER, {"<b>|x": {He(): [2.0], Xavier(): [1.0]}}, chosen=He())
    page = to_markdown(score(results))

    assert "### W002 he" in page
    assert r"&lt;b&gt;\|x (0.50)" in page
    assert "<b>" not in page


def test_metric_that_ranks_models_equally_on_both_halves_is_stable(make_results: MakeResults) -> None:
    scores = {"a": {He(): [1.0, 2.0, 3.0], Xavier(): [4.0, 5.0, 6.0]}}
    results = make_results(Slot.INITIALIZER, scores, chosen=He())
    halves = [
        training.model_copy(
            update={
                "halves": {"rmse": (training.score, 2 * (training.score or 0)), "mae": (training.score, -number)},
                "top_share": {"rmse": 0.5},
            }
        )
        for number, training in enumerate(results.trainings)
    ]
    mae, rmse = score(results.model_copy(update={"trainings": tuple(halves)})).metrics

    assert (rmse.metric, rmse.top_share, mae.metric, mae.top_share) == ("rmse", 0.5, "mae", None)
    assert (rmse.stability, rmse.low, rmse.high, mae.stability) == pytest.approx((1.0, 1.0, 1.0, -1.0))


def test_rule_is_compared_with_the_handbook(card: Scorecard) -> None:
    """Without the rule, errors are 1.1, 1.21 and 0.5 times as large: the last one speaks against it on the others."""
    rule = card.rule("W002")

    assert rule is not None
    assert rule.handbook is not None
    assert rule.handbook.ratio == pytest.approx((1.1 * 1.21 * 0.5) ** (1 / 3))
    assert not rule.excludes_worse
    assert rule.left_out == pytest.approx(0.5 ** (1 / 3))
    assert "W002 has 12.7 % more error than the handbook" in to_markdown(card)


def test_tie_does_not_include_worse(make_results: MakeResults) -> None:
    scores = {name: {He(): [1.0, 1.0], Xavier(): [0.991, 0.991]} for name in "abc"}
    rule = score(make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier())).rule("W002")

    assert rule is not None
    assert (rule.excludes_worse, rule.verdict) == (True, "yes")


def test_rule_with_the_choice_of_the_handbook_is_not_compared_with_it(make_results: MakeResults) -> None:
    rule = score(make_results(Slot.INITIALIZER, {"a": {He(): [1.0], Xavier(): [0.9]}}, chosen=He())).rule("W002")

    assert rule is not None
    assert (rule.handbook, rule.left_out) == (None, None)


def test_interval_over_two_datasets_does_not_tell(make_results: MakeResults) -> None:
    scores = {name: {He(): [1.0, 1.0], Xavier(): [1.5, 1.5]} for name in "ab"}
    card = score(make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier()))

    assert [one.verdict for one in card.contested] == ["too few datasets"]
