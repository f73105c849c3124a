from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.scorecard.effects import MAX_RATIO, SEARCHED, effect, errors_of_slot, hindsight, log_ratios
from rules.scorecard.results import error_of
from rules.scorecard.score import score
from rules.vocabulary.choices import Adam, Sgd, Slot, Xavier
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from tests.rules.scorecard.conftest import MakeResults

ERRORS = st.lists(st.floats(0.01, 100), min_size=2, max_size=5)


def test_ratio_is_the_geometric_mean_over_datasets() -> None:
    # Means by hand: dataset 1 has 2 and 2, dataset 2 has 1 and 0.5, so sqrt(2 * sqrt(0.5)).
    found = effect([np.log([2.0, 2.0]), np.log([1.0, 0.5])])

    assert found.ratio == pytest.approx(math.sqrt(2 * math.sqrt(0.5)))
    assert (found.datasets, found.wins, found.ties, found.losses) == (2, 1, 0, 1)


def test_errors_within_one_per_cent_tie() -> None:
    found = effect([np.log([1.009]), np.log([0.991]), np.log([1.011])])

    assert (found.wins, found.ties, found.losses) == (1, 2, 0)


@given(st.lists(ERRORS, min_size=1, max_size=6))
def test_interval_contains_the_ratio(ratios: list[list[float]]) -> None:
    found = effect([np.log(one) for one in ratios])

    assert found.low <= found.ratio * (1 + 1e-9)
    assert found.ratio <= found.high * (1 + 1e-9)


def test_interval_of_equal_ratios_is_a_point() -> None:
    found = effect([np.log([1.5, 1.5])] * 4)

    assert (found.low, found.high) == (pytest.approx(1.5), pytest.approx(1.5))


def test_interval_covers_the_true_ratio_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    true, hits, trials = 0.1, 0, 200
    for _ in range(trials):
        means = true + 0.2 * random.standard_normal((30, 1))
        found = effect(means + 0.05 * random.standard_normal((30, 3)))
        hits += found.low <= math.exp(true) <= found.high

    assert 0.88 <= hits / trials <= 0.99


def test_diverged_training_counts_as_the_largest_ratio() -> None:
    found = log_ratios(np.array([np.inf, 1.0, np.inf]), np.array([1.0, np.inf, np.inf]))

    assert found == pytest.approx([math.log(MAX_RATIO), -math.log(MAX_RATIO), 0.0])


def test_hindsight_chooses_on_other_seeds() -> None:
    # For seed 0, "a" is better on seeds 1 and 2, although "b" is better on seed 0 itself.
    found = hindsight({"a": np.array([3.0, 1.0, 1.0]), "b": np.array([1.0, 2.0, 2.0])})

    assert found == pytest.approx([3.0, 2.0, 2.0])


def test_hindsight_keeps_a_choice_that_diverges_on_the_seed_itself() -> None:
    found = hindsight({"a": np.array([0.1, 0.1, np.inf]), "b": np.array([0.2, 0.2, 0.2])})

    assert found.tolist() == [0.2, 0.2, np.inf]  # without seed 0 or 1, "a" has diverged


def test_accuracy_of_one_counts_as_half_a_wrong_row(make_results: MakeResults) -> None:
    results = make_results(Slot.INITIALIZER, {"d": {Xavier(): [1.0]}}, chosen=Xavier(), direction=Direction.MAX)

    assert error_of(1.0, results.datasets["d"]) == 0.5 / 20
    assert error_of(0.75, results.datasets["d"]) == 0.25
    assert error_of(None, results.datasets["d"]) == math.inf


@pytest.mark.parametrize(("task", "error"), [("binary", 1 / 9), ("multiclass", 1 / 9 / 3)])
def test_f1_of_one_counts_as_half_of_a_missed_row_of_the_rarest_class(
    task: str, error: float, make_results: MakeResults
) -> None:
    """A quarter of 20 test rows are of it: 4 of 5 found give 8/9; the mean over three classes loses a third of 1/9."""
    results = make_results(Slot.INITIALIZER, {"d": {Xavier(): [1.0]}}, chosen=Xavier(), direction=Direction.MAX)
    made = results.datasets["d"]
    facts = made.facts | {"minority_class_rows": 25, "classes": 3}
    dataset = made.model_copy(update={"metric": "f1", "task": task, "facts": facts})

    assert error_of(1.0, dataset) == pytest.approx(error / 2)
    assert error_of(0.5, dataset) == 0.5


def test_searched_rate_is_the_best_on_validation_rows(make_results: MakeResults) -> None:
    slow, usual, fast = (Adam(learning_rate=rate) for rate in (0.0003, 0.001, 0.003))
    scores = {"d": {slow: [3.0, 3.0], usual: [2.0, 2.0], fast: [1.0, 1.0], Sgd(): [4.0, 4.0]}}
    found = errors_of_slot(make_results(Slot.OPTIMIZER, scores, chosen=usual), Slot.OPTIMIZER)["d"]

    assert set(found.by_choice) == {"adam", "adam" + SEARCHED, "sgd" + SEARCHED}
    assert found.by_choice["adam"].tolist() == [2.0, 2.0]
    assert found.by_choice["adam" + SEARCHED].tolist() == [1.0, 1.0]


def test_optimizer_at_a_searched_rate_is_compared_with_that_of_the_rules_at_a_searched_rate(
    make_results: MakeResults,
) -> None:
    slow, fast, sgd = Adam(learning_rate=0.0003), Adam(learning_rate=0.003), Sgd()
    scores = {"d": {slow: [3.0], fast: [1.0], sgd: [2.0]}}
    (rule,) = score(make_results(Slot.OPTIMIZER, scores, chosen=slow, handbook=sgd)).rules

    ratios = {one.choice: one.effect.ratio for one in rule.alternatives}
    assert ratios == {"sgd": pytest.approx(2 / 3), "sgd" + SEARCHED: pytest.approx(2.0)}
