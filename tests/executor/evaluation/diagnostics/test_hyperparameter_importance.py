from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.evaluation.diagnostics.hyperparameter_importance import (
    missing_sensitivity,
    sensitivities,
    unvaried_hyperparameters,
)
from executor.search.records.outcome import Outcome
from executor.search.space import Scope, search_space
from rules.vocabulary.choices import HighAndMedium

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.bundle import Bundle


@pytest.fixture
def space(make_bundle: Callable[..., Bundle]):  # noqa: ANN201  keras-tuner ships no types
    return search_space(make_bundle(hyperparameters=HighAndMedium()), Scope(width=20, rows=4_000))


def outcome(number: int, score: float, **values: object) -> Outcome:
    plain = {"learning_rate": 0.001, "units": 128, "schedule": "cosine", "layers": 3, "dropout": 0.1}
    return Outcome.model_validate(
        {"number": number, "hyperparameters": plain | {"weight_decay": 0.0} | values, "status": "completed"}
        | {"score": score, "epochs": 100, "planned_epochs": 100, "seconds": 1.0, "ended_by": "completed"}
    )


def drawn(count: int) -> list[Outcome]:
    """Trials whose score is the learning rate's logarithm, and hangs on nothing else."""
    random = np.random.default_rng(0)
    rates = 10 ** random.uniform(-4, -2, count)
    found = [
        outcome(number, np.log10(rate), learning_rate=rate, units=int(random.choice([64, 128, 256])))
        for number, rate in enumerate(rates)
    ]
    return sorted(found, key=lambda one: -one.score)


def test_what_alone_decides_has_all_of_the_importance(space) -> None:
    first, *others = sensitivities(space, drawn(60), seed=0)
    assert (first.name, first.rating) == ("learning_rate", "high")
    assert first.importance > 0.95
    assert sum(one.importance for one in [first, *others]) == pytest.approx(1)


def test_a_hyperparameter_with_one_value_in_all_trials_was_not_varied(space) -> None:
    ranked = [outcome(0, 1.0, learning_rate=0.002), outcome(1, 0.5)]
    assert [one.name for one in sensitivities(space, ranked, seed=0)] == ["learning_rate"]
    assert set(unvaried_hyperparameters(space, ranked)) == {"units", "schedule", "layers", "dropout", "weight_decay"}


def test_few_trials_have_wide_ranges(space) -> None:
    few, many = (sensitivities(space, drawn(count), seed=0)[0] for count in (8, 60))
    assert few.low <= few.importance <= few.high
    assert few.high - few.low > many.high - many.low


def test_lengths_of_trials_are_not_counted_as_importance(space) -> None:
    """Scores of half of the trials are higher by 10, because they have four times as many epochs."""
    trials = [
        one.model_copy(update={"epochs": 400, "score": one.score + 10}) if one.number % 2 else one for one in drawn(40)
    ]
    first, *_ = sensitivities(space, sorted(trials, key=lambda one: -one.score), seed=0)
    assert first.name == "learning_rate"
    assert first.importance > 0.9


def test_three_trials_tell_no_importance(space) -> None:
    found = sensitivities(space, drawn(3), seed=0)
    assert {(one.importance, one.low, one.high) for one in found} == {(None, None, None)}
    assert missing_sensitivity(space, drawn(3)) == (
        "Hyperparameter importance: not measured, because it needs 4 completed trials, and the search has 3."
    )
    assert missing_sensitivity(space, drawn(4)) == ""


def test_single_hyperparameter_has_no_share(space) -> None:
    trials = [outcome(number, float(number), learning_rate=0.001 * (1 + number)) for number in range(8)]
    (found,) = sensitivities(space, sorted(trials, key=lambda one: -one.score), seed=0)
    assert (found.name, found.importance) == ("learning_rate", None)


def test_equal_scores_tell_no_importance(space) -> None:
    trials = [one.model_copy(update={"score": 1.0}) for one in drawn(8)]
    assert {one.importance for one in sensitivities(space, trials, seed=0)} == {None}


def edges(space, **best: object) -> dict[str, str]:
    other = {"learning_rate": 0.002, "units": 64, "schedule": "constant", "layers": 2, "dropout": 0.3}
    ranked = [outcome(0, 1.0, **best), outcome(1, 0.5, **other, weight_decay=0.01)]
    return {one.name: one.edge for one in sensitivities(space, ranked, seed=0) if one.edge}


def test_the_best_value_on_the_edge_of_its_range_comes_with_a_remedy(space) -> None:
    (said,) = edges(space, learning_rate=0.0099).values()
    assert said.startswith("The best learning rate, 0.0099, is at the upper edge of 0.0001 to 0.01: pin the optimizer")
    (said,) = edges(space, units=256).values()
    assert "--search 'units=[…]'" in said


@pytest.mark.parametrize("best", [{"layers": 1}, {"dropout": 0.0}, {"weight_decay": 0.0}, {"units": 128}, {}])
def test_a_natural_end_and_the_middle_are_no_edge(space, best: dict[str, object]) -> None:
    assert edges(space, **best) == {}
