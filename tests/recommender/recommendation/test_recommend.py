"""`recommend` in Python: every field of a request works as it does on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from recommender import recommend
from rules.decision.request import Request
from rules.errors import ChoiceError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from pathlib import Path

    from recommender.recommendation.recommendation import Recommendation

ROWS = 200


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Daily sales of two shops, 100 days each, with semicolons between the cells."""
    random = np.random.default_rng(0)
    days = (np.datetime64("2024-01-01") + np.arange(ROWS // 2)).astype(str)
    lines = [
        f"{day};{shop};{random.integers(2)};{random.normal():.3f};{np.sin(at / 3) + random.normal() / 10:.3f}"
        for shop in ("north", "south")
        for at, day in enumerate(days)
    ]
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(["day;shop;holiday;price;sold", *lines, ""]), encoding="utf-8")
    return path


def split_of(advice: Recommendation) -> object:
    return advice.record.facts["split"].value


def test_time_entity_split_and_delimiter_are_fields_of_the_python_function(sales: Path) -> None:
    request = Request(target="holiday", delimiter=";")
    assert split_of(recommend(sales, request)) == "random"
    assert split_of(recommend(sales, request, time="day")) == "time"
    assert split_of(recommend(sales, request, entity="shop")) == "entity"
    assert recommend(sales, request).record.request.delimiter == ";"


def test_a_forecast_has_the_horizon_season_and_known_columns_of_the_request(sales: Path) -> None:
    advice = recommend(
        sales, target="sold", task="forecasting", time="day", entity="shop", horizon=5, season=7, known=["holiday"],
        delimiter=";",
    )  # fmt: skip
    assert (advice.roles.task, advice.roles.time_column, advice.roles.entity_column) == (
        Task.FORECASTING,
        "day",
        "shop",
    )
    facts = advice.record.facts
    assert (facts["horizon"].value, facts["season"].value) == (5, 7)
    assert advice.record.request.known == ("holiday",)


def test_a_kind_of_the_request_replaces_the_inferred_one(sales: Path) -> None:
    advice = recommend(sales, target="sold", kinds={"holiday": "categorical"}, delimiter=";")
    assert advice.roles.columns["holiday"].kind is Kind.CATEGORICAL
    assert recommend(sales, target="sold", delimiter=";").roles.columns["holiday"].kind is not Kind.CATEGORICAL


def test_a_request_and_its_fields_give_the_same_recommendation(sales: Path) -> None:
    fields = {"target": "sold", "time": "day", "entity": "shop", "delimiter": ";"}
    records = [recommend(sales, Request(**fields)).record, recommend(sales, **fields).record]
    assert records[0].request == records[1].request
    assert records[0].decisions == records[1].decisions


def test_a_split_of_the_request_replaces_the_inferred_one() -> None:
    random = np.random.default_rng(0)
    parts = {name: random.permutation(["train", "test"] * 100) for name in ("first", "second")}
    table = pa.table({"x": random.normal(size=ROWS), "y": random.normal(size=ROWS), **parts})
    assert recommend(table, target="y").roles.split_column == "first"
    assert recommend(table, target="y", split="second").roles.split_column == "second"


def test_a_misspelt_field_is_refused_with_the_nearest_name(sales: Path) -> None:
    with pytest.raises(TypeError, match=r"recommend\(\) got an unexpected .* Did you mean 'entity'\?"):
        recommend(sales, target="sold", entty="shop")
    with pytest.raises(ChoiceError, match=r"task must be one of .*Did you mean 'forecasting'\?"):
        recommend(sales, target="sold", task="forcasting")
