"""Figures of groups of rows, against fairlearn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score

from executor.components.metric import Predictions, create_metric
from executor.evaluation.fairness import measure_groups
from rules.vocabulary.choices import Accuracy, Mae
from rules.vocabulary.facts import Task

ROWS = 240


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    return np.random.default_rng(1).choice(["a", "b", "c"], ROWS, p=[0.5, 0.3, 0.2]).astype(object)


@pytest.fixture(scope="module")
def binary(groups: np.ndarray) -> Predictions:
    random = np.random.default_rng(2)
    outcome = np.clip(random.random((ROWS, 1)) + 0.2 * (groups == "a")[:, None], 0, 1)
    truth = (random.random(ROWS) < 0.2 + 0.6 * outcome[:, 0]).astype(np.int64)
    return Predictions(
        task=Task.BINARY, truth=truth, outcome=outcome, decided=(outcome[:, 0] >= 0.5).astype(np.int64), rare_class=1
    )


def test_rates_differences_and_ratios_are_those_of_fairlearn(binary: Predictions, groups: np.ndarray) -> None:
    found = measure_groups(binary, groups, metric=create_metric(Accuracy()), outcomes={"yes": 1}, targets=())
    (yes,) = found.outcomes
    arrays = {"y_true": binary.truth, "y_pred": binary.decided, "sensitive_features": groups}
    metrics = {
        "selection_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
    }
    frame = MetricFrame(metrics=metrics, **arrays).by_group
    for own in yes.groups:
        for name in metrics:
            assert getattr(own, name).value == pytest.approx(frame.loc[own.name, name])
    scores = MetricFrame(metrics=accuracy_score, **arrays).by_group
    assert {one.name: one.score and one.score.value for one in found.groups} == pytest.approx(scores.to_dict())
    parity = yes.disparities[0]
    assert parity.measure == "selection_rate"
    assert parity.difference.value == pytest.approx(demographic_parity_difference(**arrays))
    assert parity.ratio.value == pytest.approx(demographic_parity_ratio(**arrays))
    assert yes.equalized_odds_difference == pytest.approx(equalized_odds_difference(**arrays))
    assert yes.equalized_odds_ratio == pytest.approx(equalized_odds_ratio(**arrays))


def test_the_interval_of_a_rate_is_about_two_standard_errors_wide(binary: Predictions, groups: np.ndarray) -> None:
    found = measure_groups(binary, groups, metric=create_metric(Accuracy()), outcomes={"yes": 1}, targets=())
    one = found.outcomes[0].groups[0]
    rate, rows = one.selection_rate, found.groups[0].rows
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    assert rows == (groups == "a").sum()
    error = np.sqrt(rate.value * (1 - rate.value) / rows)
    assert rate.high - rate.low == pytest.approx(2 * 1.96 * error, rel=0.2)
    own = binary.take(np.flatnonzero(groups == "a"))
    assert one.calibration_gap.value == pytest.approx(own.outcome.mean() - own.truth.mean())


def test_small_groups_are_suppressed_with_their_number_of_rows() -> None:
    truth = np.array([0, 1] * 20 + [1] * 3)
    rows = Predictions(task=Task.BINARY, truth=truth, outcome=truth[:, None] * 1.0, decided=truth, rare_class=1)
    groups = np.array(["many"] * 40 + ["few"] * 3, dtype=object)
    found = measure_groups(rows, groups, metric=create_metric(Accuracy()), outcomes={"1": 1}, targets=())
    assert [(one.name, one.rows, one.score is None) for one in found.groups] == [
        ("many", 40, False),
        ("few", None, True),
    ]
    assert [one.name for one in found.outcomes[0].groups] == ["many"]
    assert (found.disparities, found.outcomes[0].disparities) == ((), ())
    # All 20 positives are found: the exact lower end is 0.025^(1/20).
    rate = found.outcomes[0].groups[0].true_positive_rate
    assert (rate.value, rate.low, rate.high) == (1, pytest.approx(0.025 ** (1 / 20)), 1)


def test_errors_of_numbers_are_compared_by_group() -> None:
    truth = np.zeros((50, 1))
    outcome = np.concatenate([np.full((25, 1), 2.0), np.tile([[1.0], [-1.0]], (13, 1))[:25]])
    rows = Predictions(task=Task.REGRESSION, truth=truth, outcome=outcome, decided=outcome)
    groups = np.array(["x"] * 25 + ["y"] * 25, dtype=object)
    found = measure_groups(rows, groups, metric=create_metric(Mae()), outcomes={}, targets=("price",))
    (price,) = found.targets
    values = {one.name: (one.mean_absolute_error.value, one.mean_error.value) for one in price.groups}
    assert values == {"x": (2, 2), "y": (1, pytest.approx(0.04))}
    assert (price.disparities[0].difference.value, price.disparities[0].ratio.value) == (1, 0.5)
    assert (found.disparities[0].largest, found.disparities[0].smallest) == ("x", "y")


def test_rows_of_one_entity_are_drawn_together() -> None:
    truth = np.repeat([0, 1, 0, 1], 20)
    decided = np.repeat([0, 1, 1, 1], 20)
    rows = Predictions(task=Task.BINARY, truth=truth, outcome=decided[:, None] * 1.0, decided=decided, rare_class=1)
    groups, units = np.full(80, "all", dtype=object), np.repeat(np.arange(4), 20)
    wide, narrow = (
        measure_groups(rows, groups, metric=create_metric(Accuracy()), outcomes={}, targets=(), units=own)
        .groups[0]
        .score
        for own in (units, None)
    )
    assert wide is not None
    assert narrow is not None
    assert (wide.high or 0) - (wide.low or 0) > 2 * ((narrow.high or 0) - (narrow.low or 0))
