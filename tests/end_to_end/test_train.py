"""From a file to a judged model, on every kind of task."""

from __future__ import annotations

import csv
import datetime
import math
import re
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import mean_absolute_error, roc_auc_score

from executor import train
from executor.pipeline.prepare import prepare
from executor.runs.report.compare import comparison_page
from executor.runs.run import Run
from executor.runs.scoreboard import print_result
from executor.runtime.budget import Budget
from recommender.dataset.dataset import Dataset
from recommender.examples import example
from recommender.recommendation.recommend import open_dataset
from recommender.run_manifest import RECORD
from rules.decision.record import Record
from rules.decision.request import Request
from rules.decision.trace import Pin
from rules.errors import ChoiceError, DatasetError, RunError
from rules.vocabulary.choices import Slot, parse_choice
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from executor.pipeline.prepare import PreparedRun
    from rules.vocabulary.bundle import Bundle
    from tests.end_to_end.conftest import Time


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_table(path: Path, header: list[str], rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_a_notebook_shows_a_run_as_a_table_with_its_verdict(cancer_run: Run) -> None:
    html = cancer_run._repr_html_()
    assert html.startswith("<table><caption>roc_auc on 113 rows of the hold-out")
    assert "<td>gradient boosting</td>" in html
    assert f"<p>{escape(cancer_run.scores.verdict)}</p>" in html


def test_a_run_holds_everything_that_the_readme_names(cancer_run: Run) -> None:
    wanted = {"bundle.yaml", "record.json", "trials.jsonl", "model.keras", "scores.json", "predictions.csv"}
    assert wanted | {"guardrails.json"} <= {path.name for path in cancer_run.directory.iterdir()}
    assert cancer_run.bundle == cancer_run.record.to_bundle()


def test_the_runs_guardrails_are_the_records_with_drift_measured(cancer_run: Run) -> None:
    planned, found = ({one.name: one for one in each.guardrails} for each in (cancer_run.record, cancer_run))
    assert list(planned) == list(found)
    assert {name for name in planned if planned[name] != found[name]} == {"drift"}
    assert planned["drift"].value is None
    assert 0 < (found["drift"].value or 0) < 1


def test_the_score_can_be_recomputed_from_the_predictions(cancer_run: Run) -> None:
    rows = rows_of(cancer_run.directory / "predictions.csv")
    truth = [row["truth"] == "malignant" for row in rows]
    score = [float(row["probability of malignant"]) for row in rows]
    assert cancer_run.scores.metric == "roc_auc"
    assert roc_auc_score(truth, score) == pytest.approx(cancer_run.scores.hold_out.value)
    assert cancer_run.scores.hold_out.value > 0.95
    assert cancer_run.scores.has_signal
    assert len(cancer_run.signature.temperatures) == len(cancer_run.scores.remarks) == 1
    assert cancer_run.scores.remarks[0].startswith(("Probabilities are not calibrated", "Calibration by temperature"))


def test_no_feature_value_lies_in_a_record(cancer_run: Run) -> None:
    assert set(rows_of(cancer_run.directory / "predictions.csv")[0]) == {
        "row",
        "truth",
        "prediction",
        "probability of benign",
        "probability of malignant",
    }
    record = (cancer_run.directory / "record.json").read_text(encoding="utf-8")
    assert "122.8" not in record  # the first row's mean perimeter


def test_the_saved_model_answers_raw_rows_as_the_run_did(cancer_run: Run) -> None:
    again = Run(cancer_run.directory).predict(example("breast_cancer"))
    held_out = rows_of(cancer_run.directory / "predictions.csv")
    column = again["probability of malignant"].to_numpy()
    expected = [float(row["probability of malignant"]) for row in held_out]
    np.testing.assert_allclose(column[[int(row["row"]) for row in held_out]], expected, atol=1e-5)


@long_test
def test_the_same_seed_gives_the_same_scores(cancer_run: Run, tmp_path: Path) -> None:
    again = train(example("breast_cancer"), target="diagnosis", trials=3, directory=tmp_path / "again")
    assert again.scores == cancer_run.scores
    assert again.summary.best_hyperparameters == cancer_run.summary.best_hyperparameters


def test_a_regression_is_scored_in_the_targets_own_unit(tmp_path: Path) -> None:
    run = train(example("diabetes"), target="progression", trials=1, directory=tmp_path / "run")
    rows = rows_of(tmp_path / "run" / "predictions.csv")
    truth, said = ([float(row[name]) for row in rows] for name in ("truth", "prediction"))
    assert run.scores.metric == "rmse"
    assert run.scores.hold_out.value == pytest.approx(np.sqrt(np.mean(np.subtract(truth, said) ** 2)))
    assert run.scores.others["mae"] == pytest.approx(mean_absolute_error(truth, said))
    assert run.scores.has_signal
    low, high = (np.array([float(row[name]) for row in rows]) for name in ("low", "high"))
    assert run.scores.intervals is not None
    assert run.scores.intervals.coverage == (np.mean((low <= truth) & (truth <= high)),)
    assert 0.7 < run.scores.intervals.coverage[0] <= 1
    assert run.predict(example("diabetes")).column_names == ["prediction", "low", "high"]


@long_test
def test_a_target_is_learned_on_log1p_where_a_person_says_so(tmp_path: Path, one_split: Pin) -> None:
    loss = parse_choice(Slot.LOSS, {"name": "mse", "target": "log1p"})
    pins = [Pin(slot=Slot.LOSS, choice=loss, reason="ratios count"), one_split]
    run = train(example("diabetes"), target="progression", trials=1, pins=pins, directory=tmp_path / "run")
    assert str(run.bundle.loss) == "mse (target log1p)"
    assert run.scores.has_signal
    answers = run.predict(example("diabetes"))
    ratios = (1 + answers["high"].to_numpy()) / (1 + answers["prediction"].to_numpy())
    np.testing.assert_allclose(ratios, ratios[0])
    below = write_table(tmp_path / "t.csv", ["x", "y"], [[row % 7 / 2, row - 2.5] for row in range(40)])
    with pytest.raises(ChoiceError, match=r"must not be negative, but its smallest value is -2\.5"):
        train(below, target="y", task="regression", pins=pins, directory=tmp_path / "other")
    assert not (tmp_path / "other").exists()


@long_test
def test_several_classes_are_told_apart_by_a_network_of_a_hyperband_search(tmp_path: Path, one_split: Pin) -> None:
    pins = [Pin(slot=Slot.TUNER, choice=parse_choice(Slot.TUNER, "hyperband"), reason="a test"), one_split]
    run = train(example("wine"), target="cultivar", trials=4, pins=pins, directory=tmp_path / "run")
    assert run.bundle.tuner.name == "hyperband"
    assert run.summary.completed == run.summary.trials == 4
    assert run.scores.metric == "accuracy"
    assert run.scores.hold_out.value > 0.8
    assert set(run.predict(example("wine")).column("prediction").to_pylist()) == {
        "cultivar_1",
        "cultivar_2",
        "cultivar_3",
    }


def test_several_yes_or_no_targets_are_learned_together(tmp_path: Path, one_split: Pin) -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(200, 3)).round(3)
    rows = [[*row, int(row[0] > 0), int(row[1] + row[2] > 0)] for row in numbers]
    path = write_table(tmp_path / "t.csv", ["x", "y", "z", "first", "second"], rows)
    run = train(path, target=["first", "second"], trials=1, pins=[one_split], directory=tmp_path / "run")
    assert run.signature.task == "multilabel"
    assert run.scores.hold_out.value > 0.8


@long_test
def test_several_numbers_are_learned_together(tmp_path: Path, one_split: Pin) -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(200, 2)).round(3)
    rows = [[*row, round(row[0] * 2, 4), round(row[0] - 3 * row[1], 4)] for row in numbers]
    path = write_table(tmp_path / "t.csv", ["x", "y", "first", "second"], rows)
    run = train(path, target=["first", "second"], trials=1, pins=[one_split], directory=tmp_path / "run")
    assert run.signature.task == "multioutput_regression"
    assert run.scores.has_signal
    assert run.predict(path).column_names == [
        f"{word} of {target}" for target in ("first", "second") for word in ("prediction", "low", "high")
    ]


def test_a_series_is_continued_by_its_next_months(tmp_path: Path) -> None:
    months = [f"{1990 + month // 12}-{month % 12 + 1:02d}-01" for month in range(180)]
    values = [round(100 + month / 2 + 20 * np.sin(month * np.pi / 6), 3) for month in range(180)]
    path = write_table(tmp_path / "t.csv", ["month", "value"], zip(months, values, strict=True))
    run = train(path, target="value", trials=1, directory=tmp_path / "run")
    assert run.signature.task == "forecasting"
    assert run.scores.has_signal
    known = {"constant", "seasonal naive", "exponential smoothing", "theta", "mean of forecasts", "linear"}
    assert known <= set(run.scores.baselines)
    ours, seasonal = run.scores.others["mase"], run.scores.baselines["seasonal naive"].mase
    assert ours is not None
    assert seasonal is not None
    assert ours < seasonal
    answers = run.predict(path)
    assert answers.column_names == ["month", "prediction", "low", "high"]
    with_quantiles = run.predict(path, quantiles=True)
    levels = [f"quantile 0.{tenth}" for tenth in range(1, 10)]
    assert with_quantiles.column_names == [*answers.column_names, *levels]
    every = np.column_stack([with_quantiles[name] for name in ("low", *levels, "high")])
    assert (np.diff(every, axis=1) >= 0).all()
    assert run.scores.quantiles is not None
    assert 0 < run.scores.others["scaled_quantile_loss"] < 2 * ours
    assert answers.column("month").to_pylist()[:2] == [datetime.date(2005, 1, 1), datetime.date(2005, 2, 1)]
    said = np.array([answers.column(name).to_pylist() for name in ("low", "prediction", "high")])
    later = np.arange(180, 198)
    assert said.shape == (3, 18)
    assert said[1] == pytest.approx(100 + later / 2 + 20 * np.sin(later * np.pi / 6), abs=8)
    assert (said[0] < said[1]).all()
    assert (said[1] < said[2]).all()


def test_several_series_in_long_form_are_continued_as_far_as_a_person_asks(tmp_path: Path) -> None:
    days = [str(np.datetime64("2024-01-01") + day) for day in range(100)]
    rows = [[day, shop, round(10 * (shop == "b") + at % 7, 2)] for at, day in enumerate(days) for shop in "ab"]
    path = write_table(tmp_path / "t.csv", ["day", "shop", "sold"], rows)
    said = {"target": "sold", "task": "forecasting", "horizon": 3}
    run = train(path, **said, trials=1, directory=tmp_path / "run")
    answers = run.predict(path)
    assert answers.column("shop").to_pylist() == ["a"] * 3 + ["b"] * 3
    assert answers.column("day").to_pylist()[:3] == [datetime.date(2024, 4, day) for day in (10, 11, 12)]
    assert answers.column("prediction").to_pylist() == pytest.approx([2, 3, 4, 12, 13, 14], abs=0.5)


@long_test
def test_a_forecast_without_a_regular_time_says_how_far_ahead_it_is(tmp_path: Path) -> None:
    values = np.cumsum(np.random.default_rng(1).normal(size=120)).round(3)
    path = write_table(tmp_path / "t.csv", ["value"], ([value] for value in values))
    run = train(path, target="value", task="forecasting", trials=1, directory=tmp_path / "run")
    assert run.predict(path).column("steps after the last row").to_pylist() == [*range(1, 11)]
    short = write_table(tmp_path / "short.csv", ["value"], [[1.5], [2.5]])
    with pytest.warns(UserWarning, match=r"reads 24 past steps, but the series has 2 rows"):
        run.predict(short)


def test_what_cannot_be_split_leaves_no_directory(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", ["x", "y"], [[row * row, row % 2] for row in range(9)])
    with pytest.raises(DatasetError, match="at least 10 rows"):
        train(path, target="y", directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_noise_is_called_noise(tmp_path: Path, one_split: Pin) -> None:
    random = np.random.default_rng(3)
    rows = [[*random.normal(size=4).round(3), random.integers(2)] for _ in range(300)]
    path = write_table(tmp_path / "t.csv", ["a", "b", "c", "d", "coin"], rows)
    run = train(path, target="coin", trials=1, pins=[one_split], directory=tmp_path / "run")
    assert not run.scores.has_signal
    assert "no signal was found" in run.scores.verdict


def test_a_network_that_was_cut_off_is_said_to_need_more_time_everywhere(
    tmp_path: Path, run_time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_time, "step", 0.02)
    random = np.random.default_rng(3)
    rows = [[*random.normal(size=4).round(3), random.integers(2)] for _ in range(300)]
    path = write_table(tmp_path / "t.csv", ["a", "b", "c", "d", "coin"], rows)
    run = train(path, target="coin", budget=1, directory=tmp_path / "run")
    assert run.scores.cut_off is not None
    assert run.scores.cut_off.epochs < run.scores.cut_off.planned
    assert run.scores.cut_off.seconds is not None
    assert run.scores.cut_off.seconds > 1
    assert re.match(r"Train again with --budget \w+: training was cut off after ", run.scores.verdict)
    assert run.summary.next_steps is not None
    assert [step.name for step in run.summary.next_steps.steps] == ["time"]
    console = Console(record=True, width=200)
    print_result(run, console)
    files = [(run.directory / name).read_text(encoding="utf-8") for name in ("scores.json", "report.html", "log.txt")]
    for text in (console.export_text(), *files, comparison_page([run, run])):
        assert "Train again with --budget" in text
        for conclusion in ("no signal", "Use this model", "Use a", "Use the", "Do not use"):
            assert conclusion not in text


def test_the_handbook_trains_one_network_of_the_layers_that_the_notes_name(tmp_path: Path) -> None:
    run = train(example("wine"), target="cultivar", book=["handbook"], trials=1, directory=tmp_path / "run")
    chosen = run.record.decisions
    assert str(chosen[Slot.ARCHITECTURE].choice) == "standard (no extras)"
    assert str(chosen[Slot.VALIDATION].choice) == "holdout (no extras)"
    network = run.model.get_layer("tabular")
    assert {type(layer).__name__ for layer in network.layers} <= {"InputLayer", "Dense", "Dropout"}
    (numbers,) = (layer for layer in run.model.layers if type(layer).__name__ == "Numbers")
    assert numbers.ranked == []
    assert len(run.summary.members) == 1
    assert run.summary.members_why == "a single network was requested"
    assert [temperature.value for temperature in run.signature.temperatures] == [1.0]


def test_a_handbook_forecast_is_one_network_that_is_not_trained_again(tmp_path: Path) -> None:
    rows = [[f"2024-{1 + at // 28:02d}-{1 + at % 28:02d}", round(math.sin(at / 3) + at / 50, 3)] for at in range(120)]
    path = write_table(tmp_path / "t.csv", ["day", "sold"], rows)
    said = {"target": "sold", "task": "forecasting", "horizon": 3}
    run = train(path, **said, book=["handbook"], trials=1, directory=tmp_path / "run")
    assert len(run.summary.members) == 1
    assert "trained on training rows: the bundle does not retrain" in run.summary.members_why
    network = run.model.get_layer("forecaster")
    assert type(network.get_layer("linear").kernel_initializer).__name__ == "HeNormal"


def prepare_cancer(directory: Path, bundle: Bundle, *pins: Pin) -> PreparedRun:
    """The start of a run with a bundle of the user, before anything is trained."""
    request = Request(target="diagnosis")
    with open_dataset(example("breast_cancer"), request) as dataset:
        return prepare(dataset, request, budget=Budget(trials=1), bundle=bundle, pins=pins, directory=directory)


def test_a_changed_bundle_is_planned_and_named(tmp_path: Path, cancer_run: Run) -> None:
    changed = cancer_run.bundle.model_copy(update={"optimizer": parse_choice(Slot.OPTIMIZER, "rmsprop")})
    run = prepare_cancer(tmp_path / "run", changed)
    assert run.bundle.optimizer.name == "rmsprop"
    assert run.plan.changed["optimizer"] == "adam (learning rate 0.0025, schedule cosine)"
    assert Record.read(run.directory / RECORD).to_bundle() == run.bundle
    notes = " ".join((run.directory / "bundle.yaml").read_text(encoding="utf-8").split())
    assert "from the bundle; the rules choose adam (learning rate 0.0025, schedule cosine) (A101)" in notes
    assert "by user" not in notes


def test_a_pin_goes_before_the_bundle(tmp_path: Path, cancer_run: Run) -> None:
    changed = cancer_run.bundle.model_copy(update={"optimizer": parse_choice(Slot.OPTIMIZER, "rmsprop")})
    pin = Pin(slot=Slot.OPTIMIZER, choice=parse_choice(Slot.OPTIMIZER, "adagrad"), reason="a test")
    assert prepare_cancer(tmp_path / "run", changed, pin).bundle.optimizer.name == "adagrad"


def test_a_bundle_for_another_task_is_refused(tmp_path: Path, cancer_run: Run) -> None:
    with pytest.raises(ChoiceError, match="forbids"):
        train(example("diabetes"), target="progression", bundle=cancer_run.bundle, directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_directory_in_use_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(RunError, match="needs an empty directory"):
        train(example("wine"), target="cultivar", directory=tmp_path)


def test_hostile_names_and_values_and_a_class_of_two_rows_do_not_stop_a_training(
    tmp_path: Path, one_split: Pin
) -> None:
    random = np.random.default_rng(0)
    names = [
        'a"; DROP TABLE dataset; --',
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "[bold]x[/bold]",
        "__class__",
    ]
    rows = []
    for _ in range(150):
        x = random.normal(size=4).round(3)
        word = ["<b>", "'); --", "{{7*7}}"][random.integers(3)]
        rows.append([*x, word, "[red]yes" if x[0] + x[1] > 0 else "=cmd()"])
    rows[2][-1] = rows[3][-1] = "rare"
    path = write_table(tmp_path / "t.csv", [*names, "label/\\"], rows)
    run = train(path, target="label/\\", trials=1, pins=[one_split], directory=tmp_path / "run")
    assert run.signature.labels == ("=cmd()", "[red]yes", "rare")
    with Dataset.open(path) as dataset:
        assert run.predict(dataset).num_rows == 150
