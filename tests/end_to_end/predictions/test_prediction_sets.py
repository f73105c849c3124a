"""Prediction sets, prediction intervals by group and partial dependence of a run."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

from executor import train
from executor.runs.report.hold_out_predictions import read_predictions
from executor.runs.report.page import page
from executor.runs.run import Run
from recommender.cli.main import group
from recommender.examples import example
from rules.errors import ColumnError, RunError

if TYPE_CHECKING:
    from pathlib import Path

    from rules.decision.trace import Pin


def test_the_column_of_sets_has_the_labels_of_predict_set(cancer_run: Run) -> None:
    rows = example("breast_cancer")
    members = cancer_run.predict_set(rows, coverage=0.99)
    found = cancer_run.predict(rows, coverage=0.99)["set"]
    assert found.type == pa.list_(pa.string())
    labels = cancer_run.signature.labels
    expected = [[label for label, own in zip(labels, row, strict=True) if own] for row in members]
    assert found.to_pylist() == expected
    assert members.any(axis=1).all()
    arguments = ["predict", str(cancer_run.directory), str(rows), "--sets", "--coverage", "0.99", "-q"]
    printed = CliRunner().invoke(group, arguments).stdout
    assert [json.loads(row["set"]) for row in csv.DictReader(io.StringIO(printed))] == expected


def test_the_score_of_sets_is_that_of_the_hold_out_predictions(cancer_run: Run) -> None:
    score, sets = cancer_run.scores.sets, cancer_run.signature.sets
    assert score is not None
    assert sets is not None
    predictions = read_predictions(cancer_run).predictions
    members = sets.sets(np.hstack([1 - predictions.outcome, predictions.outcome]))
    covered = members[np.arange(len(members)), predictions.truth]
    assert score.coverage == pytest.approx(covered.mean())
    assert score.mean_size == pytest.approx(members.sum(axis=1).mean())
    assert sum(one.rows for one in score.classes) == len(members)
    assert f"{score.coverage:.1%} of the hold-out" in page(cancer_run)


def test_wrong_coverages_and_models_without_sets_are_refused(cancer_run: Run) -> None:
    with pytest.raises(RunError, match=r"0\.5 to 0\.99 in steps of 0\.01, but got 0\.905"):
        cancer_run.predict_set(example("breast_cancer"), coverage=0.905)
    old = Run(cancer_run.directory)
    old.__dict__["signature"] = old.signature.model_copy(update={"sets": None})
    with pytest.raises(RunError, match=r"an older version of pcwat trained it\. Train it again"):
        old.predict(example("breast_cancer"), coverage=0.9)
    arguments = ["predict", str(cancer_run.directory), str(example("breast_cancer")), "--by-class"]
    assert "Add --sets" in CliRunner().invoke(group, arguments).output


def test_the_report_draws_partial_dependence(cancer_run: Run) -> None:
    importance = cancer_run.importance
    assert importance is not None
    helpful = [one.name for one in importance.columns if one.loss > 0]
    assert [one.name for one in importance.dependence] == helpful[:6]
    assert all(list(one.values) == sorted(one.values) for one in importance.dependence)
    assert '<h2 id="dependence">' in page(cancer_run)


def test_intervals_by_group_are_those_of_the_group_of_each_new_row(tmp_path: Path, one_split: Pin) -> None:
    random = np.random.default_rng(0)
    groups = np.array(["calm", "wild"] * 120, object)
    noise = random.normal(size=240) * np.where(groups == "wild", 10, 0.1)
    frame = pd.DataFrame({"x": random.normal(size=240).round(3), "weather": groups, "y": noise.round(3)})
    with pytest.raises(ColumnError, match=r"but got 'weathr', which is not a column\. Did you mean 'weather'"):
        train(frame, target="y", interval_groups="weathr", directory=tmp_path / "run")
    with pytest.raises(ColumnError, match=r"got 'x', which the model does not read as categories"):
        train(frame, target="y", interval_groups="x", directory=tmp_path / "run")
    with pytest.raises(ColumnError, match=r"intervals of a regression, but the task is binary"):
        train(frame, target="weather", interval_groups="x", directory=tmp_path / "run")
    run = train(
        frame,
        target="y",
        trials=1,
        pins=[one_split],
        interval_groups="weather",
        report=False,
        directory=tmp_path / "run",
    )
    found = run.predict(frame)
    widths = (found["high"] - found["low"]).groupby(groups).mean()
    assert widths["wild"] > 10 * widths["calm"]
    score = run.scores.intervals
    assert score is not None
    assert score.by == run.plan.interval_groups == "weather"
    assert {one.name: one.mean_width[0] for one in score.groups} == pytest.approx(dict(widths), rel=1e-6)
    assert "Prediction intervals by <bdi>weather</bdi>" in page(run)
