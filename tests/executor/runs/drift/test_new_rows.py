"""Drift of new rows against the training rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom, ks_2samp

from executor.data.raw_table import Form, RawTable
from executor.model.signature import Signature
from executor.runs.drift.new_rows import DriftReport, check_comparable, measure_drift
from executor.runs.drift.reference import create_reference
from executor.runs.files import read_json
from rules.errors import RunError
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[4]
FORMS = {"x": Form.NUMBER, "dice": Form.NUMBER, "color": Form.LEVEL, "code": Form.LEVEL}


def _signature(**changes: object) -> Signature:
    values = {
        "task": Task.REGRESSION,
        "targets": ("y",),
        "labels": (),
        "levels": {},
        "columns": (),
        "known": (),
        "inputs": (),
        "rare_class": None,
        "thresholds": (),
        "time_column": None,
        "entity_column": None,
        "windows": None,
    }
    return Signature.model_validate(values | changes)


def _rows(random: np.random.Generator, count: int) -> RawTable:
    """Rows of one distribution: continuous, discrete with missing values, few and very many categories."""
    dice = random.integers(1, 7, count).astype(float)
    dice[random.random(count) < 0.2] = np.nan
    features = {
        "x": random.lognormal(size=count),
        "dice": dice,
        "color": random.choice(["red", "blue", "green", ""], count).astype(object),
        "code": random.integers(0, 60, count).astype(str).astype(object),
    }
    return RawTable(features=features, forms=FORMS, rows=np.arange(count))


def _report(training: RawTable, rows: RawTable, *, outcome: np.ndarray | None = None, **changes: object) -> DriftReport:
    signature = _signature(**changes)
    reference = create_reference(training, {"prediction": training.features["x"]}, signature)
    return measure_drift(
        rows,
        rows.features["x"][:, None] if outcome is None else outcome,
        signature=signature,
        reference=reference,
        known={"color": ["", "red", "blue", "green"]},
        run="run-1",
        seal="",
    )


@pytest.fixture
def training() -> RawTable:
    return _rows(np.random.default_rng(0), 600)


def test_rows_of_the_same_distribution_give_a_false_alarm_less_often_than_the_level() -> None:
    random, trials = np.random.default_rng(1), 300
    alarms = 0
    for _ in range(trials):
        report = _report(_rows(random, 400), _rows(random, 150))
        found = [*report.columns, *report.predictions]
        assert len(found) == 5
        alarms += any(
            (one.distance or 0) > (one.bound or 0) or abs(one.missing - one.reference_missing) > one.missing_bound
            for one in found
        )
    assert alarms <= binom.ppf(0.999, trials, report.level)


def test_frequent_categories_that_were_selected_by_chance_give_no_false_alarm() -> None:
    random = np.random.default_rng(2)

    def many(count: int) -> RawTable:
        codes = random.integers(0, 900, count).astype(str).astype(object)
        return RawTable(features={"x": codes, "code": codes}, forms={"code": Form.LEVEL}, rows=np.arange(count))

    before = many(9_000)
    reference = create_reference(before, {"prediction": np.zeros(10)}, _signature())
    found = [
        measure_drift(
            rows, np.zeros((9_000, 1)), signature=_signature(), reference=reference, known={}, run="", seal=""
        ).columns[0]
        for rows in (many(9_000) for _ in range(3))
    ]
    assert all((one.distance or 0) < (one.bound or 0) for one in found)


def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov_up_to_a_bin(training: RawTable) -> None:
    rows = _rows(np.random.default_rng(3), 500)
    rows.features["x"][:] += 0.5
    found = {one.column: one for one in _report(training, rows).columns}
    exact = ks_2samp(training.features["x"], rows.features["x"]).statistic
    assert exact - 1 / 50 <= (found["x"].distance or 0) <= exact
    assert found["x"].is_drift
    assert not found["dice"].drifts


def test_the_distance_of_categories_is_half_the_sum_of_differences(training: RawTable) -> None:
    rows = _rows(np.random.default_rng(4), 400)
    rows.features["color"][:] = "red"
    shares = [(training.features["color"] == color).sum() for color in ("red", "blue", "green")]
    found = {one.column: one for one in _report(training, rows).columns}["color"]
    assert found.distance == pytest.approx((shares[1] + shares[2]) / sum(shares))
    assert (found.is_drift, found.is_missing_drift, found.missing) == (True, True, 0)


def test_categories_that_the_model_does_not_know_are_counted_and_quoted(training: RawTable) -> None:
    rows = _rows(np.random.default_rng(5), 100)
    rows.features["color"][:3] = ["pink", "pink", "gold"]
    found = {one.column: one.unknown for one in _report(training, rows).columns}
    assert found["color"] is not None
    assert (found["color"].rows, found["color"].share, found["color"].values) == (3, 0.03, ("pink", "gold"))
    assert found["code"] is None


def test_predictions_are_compared_with_those_on_the_hold_out(training: RawTable) -> None:
    report = _report(training, training, outcome=np.full((len(training), 1), 9.0), trained_on="all_rows")
    assert [one.is_drift for one in report.predictions] == [True]
    assert report.sentence.startswith("No drift in 4 columns against the training rows; the predictions differ from")
    assert "trained again on all rows" in report.remarks[0]


def test_columns_without_a_value_drift_by_their_missing_share(training: RawTable) -> None:
    rows = _rows(np.random.default_rng(6), 300)
    rows.features["x"][:] = np.nan
    report = _report(training, rows, outcome=np.ones((300, 1)))
    found = {one.column: one for one in report.columns}["x"]
    assert (found.distance, found.is_drift, found.is_missing_drift) == (None, False, True)
    assert "most in 'x' (missing share 1.000 instead of 0.000)" in report.sentence


def test_a_run_without_a_reference_says_that_it_is_not_available(training: RawTable) -> None:
    report = measure_drift(
        training, np.ones((600, 1)), signature=_signature(), reference=None, known={}, run="old", seal=""
    )
    assert (report.has_drift, report.columns) == (False, ())
    assert report.sentence.startswith("Drift was not measured. The training rows are not available")


def test_the_rows_of_a_forecast_are_refused() -> None:
    signature = read_json(ROOT / "tests" / "old_runs" / "forecast" / "run" / "signature.json", Signature)
    with pytest.raises(RunError, match="the rows of a forecast are the past of its series"):
        check_comparable(signature)


def test_the_published_schema_is_that_of_the_report(golden: Callable[[Path, str], None]) -> None:
    schema = json.dumps(DriftReport.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
    golden(ROOT / "docs" / "deploy" / "drift.schema.json", schema)
