"""`train` in Python takes the request that `recommend` takes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor import train
from recommender import recommend, training_cost
from rules.decision.request import Request

if TYPE_CHECKING:
    from pathlib import Path


def test_train_and_recommend_take_the_same_request() -> None:
    for function in (recommend, train):
        parameters = list(inspect.signature(function).parameters.values())
        assert [one.name for one in parameters[:2]] == ["data", "request"]
        assert not {one.name for one in parameters} & set(Request.model_fields)


def test_a_misspelt_field_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"train\(\) got an unexpected .* Did you mean 'entity'\?"):
        train(tmp_path / "sales.csv", target="sold", entty="shop")


def test_a_request_is_trained_as_it_is_asked_and_kept_in_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost, "EPOCHS", 2)
    random = np.random.default_rng(0)
    days = (np.datetime64("2024-01-01") + np.arange(80)).astype(str)
    lines = [
        f"{day};{shop};{random.integers(2)};{np.sin(at / 3) + random.normal() / 10:.3f}"
        for shop in ("north", "south")
        for at, day in enumerate(days)
    ]
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(["day;shop;holiday;sold", *lines, ""]), encoding="utf-8")
    request = Request(
        target="sold",
        task="forecasting",
        time="day",
        entity="shop",
        horizon=3,
        season=7,
        known="holiday",
        kinds={"holiday": "categorical"},
        delimiter=";",
    )
    run = train(path, request, budget=30, trials=1, book=["handbook"], keep_evaluated=True, directory=tmp_path / "run")
    assert run.plan.request == request
    assert run.plan.keep_evaluated
    assert run.summary.delivery.why == "it was requested by --keep-evaluated"
    assert run.record.request.known == ("holiday",)
    assert (run.record.facts["horizon"].value, run.record.facts["season"].value) == (3, 7)
    assert run.signature.time_column == "day"
