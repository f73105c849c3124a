from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.scorecard.page import to_markdown
from rules.scorecard.results import Settings
from rules.scorecard.score import BOOK, HANDBOOK, LEFT_OUT, REGRESSION, configuration_of, score
from rules.vocabulary.choices import He, Lecun, Slot, Xavier

if TYPE_CHECKING:
    from rules.scorecard.results import Results
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
    (one,) = card.contested

    assert (one.rule, one.choice) == ("W002", "he")
    assert one.effect.ratio == pytest.approx((1.1 * 1.21 * 0.5) ** (1 / 3))
    assert not one.excludes_worse
    assert one.left_out == pytest.approx(0.5 ** (1 / 3))
    assert "| W002 | he | 0.873 (" in to_markdown(card)


def test_left_one_out_takes_the_handbook_where_the_other_datasets_speak_against_the_rule(card: Scorecard) -> None:
    """For a and b, 0.5 of the third one outweighs the other: errors 1.1 and 1.21. For c, the rule is kept: 1 / 0.5."""
    (slot,) = card.slots
    regrets = {one.policy: one.effect.ratio for one in slot.regrets}

    assert regrets[LEFT_OUT] == pytest.approx((1.1 * 1.21 * 2) ** (1 / 3))


def test_of_several_measurements_those_with_most_epochs_count_for_a_dataset(make_results: MakeResults) -> None:
    scores = {name: {He(): [1.0, 1.0], Xavier(): [1.1, 1.1]} for name in "abcd"}
    quick = make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier(), share=0.25)
    whole = make_results(
        Slot.INITIALIZER,
        {name: {He(): [1.0], Xavier(): [1.2]} for name in "abc"},
        chosen=He(),
        handbook=Xavier(),
    )
    card = score(quick, [whole])

    (one,) = card.contested
    assert [own.share for own in one.settings] == [1.0, 0.25]
    assert one.effect.ratio == pytest.approx((1.2**3 * 1.1) ** (1 / 4))
    assert (card.datasets, card.trainings) == (4, 16)
    page = to_markdown(card)
    assert (
        "- a: all epochs, 1,000 rows, 1 split, 1 seed\n- b: 25 % of the epochs, 1,000 rows, 1 split, 2 seeds\n" in page
    )
    assert "| 4 | 4 | 0 | 0 | yes | a, b |" in page


def test_a_rule_is_rejected_by_the_trainings_with_most_epochs(make_results: MakeResults) -> None:
    """A quarter of the epochs speaks against the rule on both datasets, all epochs for it."""

    def measured(error: float, share: float) -> Results:
        scores = {name: {He(): [1.0, 1.0], Xavier(): [error, error]} for name in "ab"}
        return make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier(), share=share)

    quick, whole = measured(0.8, 0.25), measured(1.2, 1.0)
    left_out = {policy: [] for policy in (BOOK, LEFT_OUT)}
    for card in (score(quick), score(quick, [whole])):
        for one in card.slots[0].regrets:
            if one.policy in left_out:
                left_out[one.policy].append(one.effect.ratio)

    assert left_out[BOOK] == pytest.approx([1.25, 1.25])
    assert left_out[LEFT_OUT] == pytest.approx([1.0, 1.25])


def test_a_rule_is_compared_with_the_pins_of_most_datasets(make_results: MakeResults) -> None:
    plain = make_results(Slot.INITIALIZER, {"a": {He(): [1.0], Xavier(): [2.0]}}, chosen=He(), handbook=Xavier())
    scores = {name: {He(): [1.0], Xavier(): [3.0]} for name in "bc"}
    pinned = make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier())
    settings = Settings(seeds=1, rows=1_000, share=1.0, pins={"metric": "mae"})
    datasets = {name: one.model_copy(update={"settings": settings}) for name, one in pinned.datasets.items()}
    (one,) = score(plain, [pinned.model_copy(update={"datasets": datasets})]).contested

    assert one.effect.ratio == pytest.approx(3)
    assert one.settings == (settings,)


def test_tie_does_not_include_worse(make_results: MakeResults) -> None:
    scores = {name: {He(): [1.0, 1.0], Xavier(): [0.991, 0.991]} for name in "abc"}
    (one,) = score(make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier())).contested

    assert (one.excludes_worse, one.verdict) == (True, "yes")


def test_rule_with_the_choice_of_the_handbook_is_not_compared_with_it(make_results: MakeResults) -> None:
    assert score(make_results(Slot.INITIALIZER, {"a": {He(): [1.0], Xavier(): [0.9]}}, chosen=He())).contested == ()


def test_interval_over_two_datasets_does_not_tell(make_results: MakeResults) -> None:
    scores = {name: {He(): [1.0, 1.0], Xavier(): [1.5, 1.5]} for name in "ab"}
    card = score(make_results(Slot.INITIALIZER, scores, chosen=He(), handbook=Xavier()))

    assert [one.verdict for one in card.contested] == ["too few datasets"]
