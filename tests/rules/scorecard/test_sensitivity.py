"""Shares of the variance of scores that hyperparameters explain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rules.scorecard.page import to_markdown
from rules.scorecard.results import Results, TrainingResult
from rules.scorecard.score import score
from rules.scorecard.sensitivity import variance_shares
from rules.scorecard.spread import variance_between
from rules.vocabulary.choices import Mae, Mse, Slot

if TYPE_CHECKING:
    from tests.rules.scorecard.conftest import MakeResults


def configuration(number: int, error: float, **values: object) -> TrainingResult:
    own = {"learning_rate": 0.001, "optimizer": "adam"} | values
    return TrainingResult(
        dataset="a",
        slot=Slot.HYPERPARAMETERS,
        choice={"name": "custom", "searched": [*own], "values": {name: [value] for name, value in own.items()}},
        seed=number,
        score=error,
        validation_score=error,
        epochs=1,
        best_epoch=1,
        seconds=1.0,
    )


def with_configurations(make_results: MakeResults, trainings: list[TrainingResult]) -> Results:
    """Results of a numeric target whose metric is an error."""
    results = make_results(Slot.LOSS, {"a": {Mse(): [1.0], Mae(): [1.1]}}, chosen=Mse(), handbook=Mae())
    return results.model_copy(update={"trainings": (*results.trainings, *trainings)})


def test_share_of_a_hyperparameter_by_hand(make_results: MakeResults) -> None:
    """Ranks 1, 2 | 3, 4: of a sum of squares of 5, 4 are between the values, and (5 - 4) / 2 of them by chance."""
    trainings = [configuration(one, one + 1.0, units=64 if one < 2 else 128) for one in range(4)]
    (dataset,) = with_configurations(make_results, trainings).datasets.values()

    shares = variance_shares(trainings, dataset)
    assert shares["Units per layer"] == pytest.approx((4 - 0.5) / 5)
    assert (shares["Learning rate"], shares["Choice of optimizer"]) == (0, 0)
    assert "Number of layers" not in shares


def test_learning_rates_are_relative_to_the_default_of_their_optimizer(make_results: MakeResults) -> None:
    """0.001 is the default of Adam and 0.05 that of SGD; a tenth of the default has a larger error with both."""
    rates = [("adam", 0.001), ("sgd", 0.05), ("adam", 0.0001), ("sgd", 0.005)]
    trainings = [configuration(n, n // 2, optimizer=name, learning_rate=rate) for n, (name, rate) in enumerate(rates)]
    (dataset,) = with_configurations(make_results, trainings).datasets.values()

    shares = variance_shares(trainings, dataset)
    assert shares["Learning rate"] == pytest.approx(1)
    # Nothing is between the optimizers: 0 less the variance within them, 4 / 2, of a sum of squares of 4.
    assert shares["Choice of optimizer"] == pytest.approx(-0.5)


def test_hyperparameter_without_effect_has_a_share_near_zero(make_results: MakeResults) -> None:
    random = np.random.default_rng(0)
    trainings = [
        configuration(one, layers + 0.1 * random.random(), layers=layers, units=int(random.choice([64, 128])))
        for one, layers in enumerate(np.resize([1, 2, 3], 60).tolist())
    ]
    card = score(with_configurations(make_results, trainings))

    assert [one.kind for one in card.sensitivities] == ["All datasets"]  # a kind needs three datasets
    layers, units = (
        next(one for one in card.sensitivities[0].hyperparameters if one.name == name)
        for name in ("Number of layers", "Units per layer")
    )
    assert layers.share > 0.85
    assert abs(units.share) < 0.05
    assert (layers.rating, units.rating) == ("medium", "high")
    assert "| Number of layers | medium |" in to_markdown(card)


def test_spread_is_the_deviation_between_alternatives_without_that_of_seeds(make_results: MakeResults) -> None:
    """Logarithms of the errors are 0, 0 and 1, 1: their variance is 0.5, and seeds do not differ."""
    scores = {name: {Mse(): [1.0, 1.0], Mae(): [math.e, math.e]} for name in "abc"}
    spreads = score(make_results(Slot.LOSS, scores, chosen=Mse())).spreads

    assert [(one.name, one.rating, one.kind) for one in spreads] == [
        ("Loss function", "high", "All datasets"),
        ("Loss function", "high", "Regression tables"),
    ]
    assert spreads[0].spread == pytest.approx(math.expm1(0.5**0.5))
    assert spreads[0].low == spreads[0].high == spreads[0].spread


def test_variance_of_seeds_is_no_spread() -> None:
    """Means of the logarithms are 0 and 1; the variance of a mean of two seeds is 2 / 2, so that 0.5 - 1 is left."""
    assert variance_between(np.exp([[-1.0, 1.0], [0.0, 2.0]])) == pytest.approx(-0.5)
