from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.pipeline.measurement.alternatives import MEASURED, all_rates, alternatives, next_rates
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.decision.engine import check_bundle
from rules.vocabulary.choices import Adam, Sgd, Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.choices import Choice


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


def test_losses_that_no_rule_chooses_are_alternatives_only_if_they_are_named() -> None:
    advice = recommend(example("diabetes"), target="progression")
    named = {"poisson", "focal"}
    found = alternatives(Slot.LOSS, advice.bundle, advice.book.book, advice.strategy.facts, against=named)

    assert {one.model_dump()["name"] for one in found} == {"mse", "mae", "huber", "poisson"}


def test_networks_of_other_data_are_no_alternatives() -> None:
    advice = recommend(example("diabetes"), target="progression")
    found = alternatives(Slot.ARCHITECTURE, advice.bundle, advice.book.book, advice.strategy.facts)

    assert {one.model_dump()["name"] for one in found} == {"standard"}


def tried(choice: Choice, utility: Callable[[int], float]) -> list[int]:
    """Steps from the learning rate of a choice that are tried. utility: of a step, higher is better."""
    scores: dict[int, float] = {}
    while following := next_rates(choice, scores):
        steps = [step for step, one in all_rates(choice).items() if one in following]
        assert not set(steps) & set(scores)
        scores |= {step: utility(step) for step in steps}
    return sorted(scores)


@pytest.mark.parametrize(
    ("best", "steps"), [(0, [-1, 0, 1]), (3, [-1, 0, 1, 2, 3, 4]), (-2, [-3, -2, -1, 0, 1]), (9, [-1, 0, 1, 2, 3, 4])]
)
def test_rates_are_tried_until_the_best_is_no_extreme(best: int, steps: list[int]) -> None:
    assert tried(Adam(), lambda step: -abs(step - best)) == steps


def test_rates_end_at_the_largest_possible_one() -> None:
    assert tried(Sgd(learning_rate=1.0), float) == [-1, 0, 1, 2]
    assert tried(Sgd(learning_rate=8.0), float) == [-1, 0]


def test_the_first_rates_are_completed_after_an_interruption() -> None:
    assert next_rates(Adam(), {0: 1.0, 1: 2.0}) == [all_rates(Adam())[-1]]
