"""The user's settings of a forecast are validated, used and recorded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import advise
from recommender.roles.horizon import horizon_of
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.errors import ColumnError, TargetError
from rules.proof.proved_book import load_book
from rules.vocabulary.facts import Task

DAYS = np.arange("2020-01-01", "2020-07-19", dtype="M8[D]")  # 200 of them


def _daily() -> pa.Table:
    at = np.arange(len(DAYS))
    return pa.table({"day": DAYS, "sold": 10 + 3 * np.sin(at * 2 * np.pi / 7) + at / 50, "price": at % 5 + 0.5})


@pytest.mark.parametrize(
    ("seconds", "season", "length", "steps"),
    [
        (1_800, 336, 4_000, 48),
        (86_400, 7, 1_000, 14),
        (31 * 86_400, 12, 1_000, 18),
        (92 * 86_400, 4, 1_000, 8),
        (365 * 86_400, None, 1_000, 6),
        (None, 24, 1_000, 24),
        (None, 100, 1_000, 10),
        (None, None, 5, 1),
    ],
)
def test_the_horizon_is_that_of_the_m4_competition(
    seconds: float | None, season: int | None, length: int, steps: int
) -> None:
    assert horizon_of(seconds=seconds, season=season, length=length) == steps


def test_horizon_and_season_are_measured_and_become_facts() -> None:
    with Dataset.open(_daily()) as dataset:
        advice = advise(dataset, Request(target="sold", task=Task.FORECASTING), book=load_book(), budget=300)
    facts = {name: fact.value for name, fact in advice.record.facts.items()}
    assert (facts["horizon"], facts["season"], facts["series"], facts["series_length"]) == (14, 7, 1, 200)
    assert facts["season_strength"] > 0.95
    assert facts["gap_share"] == 0
    assert advice.bundle.hyperparameters.name == "high_and_medium"
    assert advice.bundle.optimizer.name == "rmsprop"


def test_given_values_override_inferred_ones_and_are_recorded() -> None:
    request = Request(target="sold", task=Task.FORECASTING, horizon=3, season=1, known=("price",))
    with Dataset.open(_daily()) as dataset:
        advice = advise(dataset, request, book=load_book())
    assert advice.record.facts["horizon"].value == 3
    assert advice.record.facts["season"].value == 1
    assert (advice.record.request.horizon, advice.record.request.season) == (3, 1)
    assert advice.record.request.known == ("price",)


def test_a_horizon_belongs_to_a_forecast_and_known_columns_exist() -> None:
    with Dataset.open(_daily()) as dataset:
        with pytest.raises(TargetError, match="--horizon, --season and --known apply to forecasts"):
            infer_roles(dataset, Request(target="sold", task=Task.REGRESSION, horizon=3))
        with pytest.raises(ColumnError, match="Did you mean 'price'"):
            infer_roles(dataset, Request(target="sold", task=Task.FORECASTING, known=("pricy",)))
