"""The mean of statistical forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from executor.evaluation.baselines.baseline import Baseline, create_predictions
from executor.evaluation.baselines.mean_forecast import mean_baseline
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from tests.executor.conftest import MakeParts


def test_each_forecast_has_the_same_weight_and_all_must_exist(make_parts: MakeParts) -> None:
    parts = make_parts(np.zeros((2, 1)), np.zeros((2, 1)), task=Task.FORECASTING)
    outcomes = (np.array([[1.0], [2]]), np.array([[2.0], [4]]), np.array([[6.0], [0]]))
    members = [
        Baseline(name="", says="", predictions=create_predictions(parts, parts.train, outcome, outcome))
        for outcome in outcomes
    ]
    found = mean_baseline(parts, parts.train, members)
    assert found is not None
    assert found.predictions.outcome.tolist() == [[3.0], [2.0]]
    assert mean_baseline(parts, parts.train, [*members, None]) is None
