from __future__ import annotations

import pytest

from executor.measurement.alternatives import MEASURED, alternatives, first_rates, next_rate, step_of
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.decision.engine import check_bundle
from rules.vocabulary.choices import Adam, Sgd, Slot


@pytest.mark.parametrize("slot", MEASURED)
@pytest.mark.parametrize(("name", "target"), [("breast_cancer", "diagnosis"), ("diabetes", "progression")])
def test_all_alternatives_are_admissible_and_distinct(slot: Slot, name: str, target: str) -> None:
    advice = recommend(example(name), target=target)
    found = alternatives(slot, advice.bundle, advice.book.book, advice.strategy.facts)

    assert found[0] == advice.bundle.choice(slot)
    assert len({str(one) for one in found}) == len(found)
    for choice in found:
        check_bundle(advice.bundle.model_copy(update={slot.value: choice}), advice.book.book, advice.strategy.facts)


def test_losses_of_other_tasks_are_no_alternatives() -> None:
    advice = recommend(example("diabetes"), target="progression")
    found = alternatives(Slot.LOSS, advice.bundle, advice.book.book, advice.strategy.facts)

    assert {one.model_dump()["name"] for one in found} == {"mse", "mae", "huber"}


def test_networks_of_other_data_are_no_alternatives() -> None:
    advice = recommend(example("diabetes"), target="progression")
    found = alternatives(Slot.ARCHITECTURE, advice.bundle, advice.book.book, advice.strategy.facts)

    assert {one.model_dump()["name"] for one in found} == {"standard"}


def test_rates_are_tried_until_the_best_is_no_extreme() -> None:
    def utility(step: int) -> float:
        return -abs(step - 3)  # the best rate is three steps up

    tried = {step_of(Sgd(), one): one for one in first_rates(Sgd())}
    assert set(tried) == {0, -1, 1}
    while (further := next_rate(Sgd(), {step: utility(step) for step in tried})) is not None:
        tried[step_of(Sgd(), further)] = further

    assert sorted(tried) == [-1, 0, 1, 2, 3, 4]


def test_rates_end_a_factor_of_100_away() -> None:
    scores = {-1: 3.0, 0: 2.0, 1: 1.0}
    while (further := next_rate(Adam(), scores)) is not None:
        scores[step_of(Adam(), further)] = max(scores.values()) + 1

    assert sorted(scores) == [-4, -3, -2, -1, 0, 1]
