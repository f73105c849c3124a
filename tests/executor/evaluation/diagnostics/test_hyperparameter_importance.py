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


def test_few_trials_tell_no_importance(space) -> None:
    found = sensitivities(space, drawn(15), seed=0)
    assert {one.importance for one in found} == {None}


def test_a_missing_sensitivity_says_how_many_trials_it_needs(space) -> None:
    assert missing_sensitivity(space, drawn(15)) == (
        "Hyperparameter importance: not measured, because it needs 16 completed trials with the same number of planned "
        "epochs, and the search has 15."
    )
    assert missing_sensitivity(space, drawn(16)) == ""
    shorter = [one.model_copy(update={"planned_epochs": 9}) for one in drawn(4)]
    assert missing_sensitivity(space, [*drawn(15), *shorter]).endswith("the search has 15.")


def edges(space, **best: object) -> dict[str, str]:
    other = {"learning_rate": 0.002, "units": 64, "schedule": "constant", "layers": 2, "dropout": 0.3}
    ranked = [outcome(0, 1.0, **best), outcome(1, 0.5, **other, weight_decay=0.01)]
    return {one.name: one.edge for one in sensitivities(space, ranked, seed=0) if one.edge}


def test_the_best_value_on_the_edge_of_its_range_comes_with_a_remedy(space) -> None:
    (said,) = edges(space, learning_rate=0.0099).values()
    assert said.startswith("The best learning rate, 0.0099, is at the upper edge of 0.0001 to 0.01: pin the optimizer")
    (said,) = edges(space, units=256).values()
    assert "configurations: [{units: …}]" in said


@pytest.mark.parametrize("best", [{"layers": 1}, {"dropout": 0.0}, {"weight_decay": 0.0}, {"units": 128}, {}])
def test_a_natural_end_and_the_middle_are_no_edge(space, best: dict[str, object]) -> None:
    assert edges(space, **best) == {}
