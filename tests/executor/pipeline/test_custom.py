"""A run with a metric and a loss that are not shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from executor import train
from executor.pipeline.prepare import prepare, reopen
from executor.runtime.budget import Budget
from recommender import training_cost
from recommender.dataset.dataset import Dataset
from rules import ChoiceError, Defaults, Holdout, MetricFunction, Pin, Request, Slot, register_metric
from rules.vocabulary.choices import parse_choice
from tests.packages import write_package

if TYPE_CHECKING:
    from pathlib import Path


def largest_error(true: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.abs(true - predicted).max())


def test_a_model_with_an_own_metric_and_loss_predicts_without_their_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost, "EPOCHS", 2)
    frame = pd.DataFrame({"x": np.arange(60) * 7 % 60, "y": np.arange(60) * 7 % 60 * 2.5})
    with monkeypatch.context() as installed:
        write_package(tmp_path / "site", installed)
        metric = register_metric("largest_error", MetricFunction(largest_error, direction="min"))
        choices = {
            Slot.METRIC: metric,
            Slot.LOSS: parse_choice(Slot.LOSS, "my_fourth_power"),
            Slot.VALIDATION: Holdout(refit=False),
            Slot.HYPERPARAMETERS: Defaults(),
        }
        pins = [Pin(slot=slot, choice=choice, reason="test") for slot, choice in choices.items()]
        run = train(frame, target="y", task="regression", pins=pins, trials=1, directory=tmp_path / "run")
    assert (run.scores.metric, run.scores.direction) == ("largest_error", "min")
    rows = pd.read_csv(tmp_path / "run" / "predictions.csv")
    error = (rows["truth"] - rows["prediction"]).abs().max()
    assert run.scores.hold_out.value == pytest.approx(error)
    assert run.record.bundle["loss"]["distribution"] == "my-package"
    assert run.record.bundle["metric"] == metric.model_dump(mode="json")
    assert len(run.predict(frame[["x"]])) == 60


def test_a_run_is_resumed_only_with_the_package_of_its_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["a,y", *(f"{row * 7 % 11},{'yes' if row % 3 else 'no'}" for row in range(60)), ""]))
    with monkeypatch.context() as installed:
        write_package(tmp_path / "site", installed)
        pin = Pin(slot=Slot.METRIC, choice=parse_choice(Slot.METRIC, "my_brier"), reason="test")
        with Dataset.open(str(table)) as dataset:
            prepare(dataset, Request(target="y"), budget=Budget(trials=1), pins=[pin], directory=tmp_path / "run")
        reopen(tmp_path / "run").dataset.close()
    with pytest.raises(ChoiceError, match=r"my_brier \(my-package 1.2\) is not installed, but its function is needed"):
        reopen(tmp_path / "run")
