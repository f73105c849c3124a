"""Predictions from the command line and from Python: types, names, keys and the order of rows."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from executor import train
from executor.runs.drift.new_rows import DriftReport
from executor.runs.report.hold_out_predictions import read_predictions
from recommender.cli.main import group
from rules.errors import ColumnError
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path

    from executor.runs.run import Run
    from rules.decision.trace import Pin

ROWS = 120


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Rows with float labels 0.0 and 1.0 that hang together with x."""
    x = np.random.default_rng(0).normal(size=ROWS).round(3)
    return pd.DataFrame({"x": x, "y": (x > 0).astype(float)})


@pytest.fixture(scope="module")
def run(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory, one_split: Pin) -> Run:
    """A run of one trial on a CSV file, whose last row holds a value that is no number; tests must not change it."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "labels.csv").write_text(f"{frame.to_csv(index=False)}Zzyzx,1.0\n", encoding="utf-8")
    return train(folder / "labels.csv", target="y", trials=1, pins=[one_split], directory=folder / "run")


def test_float_labels_come_back_as_floats_and_as_the_file_wrote_them(run: Run, frame: pd.DataFrame) -> None:
    found = run.predict(frame)
    assert found["prediction"].dtype == np.float64
    assert set(found["prediction"]) == {0.0, 1.0}
    assert list(found.columns) == ["prediction", "probability of 0", "probability of 1"]
    kept = list(csv.DictReader((run.directory / "predictions.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["truth"] for row in kept} == {"0.0", "1.0"}
    said = read_predictions(run).predictions
    assert said.truth.tolist() == [int(float(row["truth"])) for row in kept]
    assert said.decided.tolist() == [int(float(row["prediction"])) for row in kept]


def test_no_file_of_a_run_holds_a_value_that_is_no_number_but_its_row(run: Run) -> None:
    reading = next(column.reading for column in run.signature.columns if column.name == "x")
    assert reading is not None
    assert (reading.exceptions, reading.exception_rows) == (1, (ROWS + 1,))
    files = [path for path in run.directory.rglob("*") if path.is_file()]
    assert run.directory / "plan.json" in files
    assert [path.name for path in files if b"Zzyzx" in path.read_bytes()] == []


def test_values_that_are_no_numbers_are_reported_where_the_training_had_some(run: Run) -> None:
    with pytest.warns(UserWarning, match=r"1 value of 'x' is not a number and counts as missing.* 'n\.a\.' in row 2\."):
        found = run.predict(pd.DataFrame({"x": ["0.5", "n.a."]}))
    assert len(found) == 2


def test_keys_are_written_first_and_rows_keep_their_order(run: Run, frame: pd.DataFrame, tmp_path: Path) -> None:
    rows = frame.iloc[::-1].assign(code=[f"{number:03d}" for number in range(ROWS)], prediction=7)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    done = CliRunner().invoke(
        group,
        ["predict", str(run.directory), str(tmp_path / "rows.csv"), "--key", "code", "--key", "prediction"],
    )
    assert done.exit_code == 0, done.output
    found = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(found[0])[:3] == ["code", "prediction", "prediction_2"]
    assert "is called 'prediction_2'" in done.stderr
    assert [row["code"] for row in found] == [f"{number:03d}" for number in range(ROWS)]
    alone = run.predict(frame)["prediction"].tolist()
    assert [float(row["prediction_2"]) for row in found] == alone[::-1]


def test_keys_are_written_as_the_rows_have_them(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('x,when,price,land\n0.5,03/10/2023,"$1,257",NA\n-0.5,04/10/2023,$9.50,\n', encoding="utf-8")
    keys = [part for key in ("when", "price", "land", "x") for part in ("--key", key)]
    done = CliRunner().invoke(group, ["predict", str(run.directory), str(path), *keys])
    assert done.exit_code == 0, done.output
    found = [list(row.values())[:4] for row in csv.DictReader(io.StringIO(done.stdout))]
    assert found == [["03/10/2023", "$1,257", "NA", "0.5"], ["04/10/2023", "$9.50", "", "-0.5"]]
    frame = pd.DataFrame({"x": [0.5], "when": pd.to_datetime(["2023-10-03 12:00"]).tz_localize("Europe/Berlin")})
    assert run.predict(frame, key="when")["when"].tolist() == frame["when"].dt.to_pydatetime().tolist()


def test_a_key_that_is_no_column_is_refused_with_the_nearest(run: Run, frame: pd.DataFrame) -> None:
    with pytest.raises(ColumnError, match=r"has no column 'cod'\. Did you mean 'code'\? Columns: x, code\."):
        run.predict(frame[["x"]].assign(code=1), key="cod")


def test_an_unknown_column_is_refused_with_both_ways_to_go_on(run: Run, frame: pd.DataFrame) -> None:
    with pytest.raises(ColumnError, match=r"also has 'code'\. .*--ignore-extra.*--key"):
        run.predict(frame.assign(code=1))


def test_the_rows_to_predict_are_not_overwritten(run: Run, frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    before = path.read_bytes()
    done = CliRunner().invoke(group, ["predict", str(run.directory), str(path), "-o", str(path)])
    assert "must not overwrite an input" in str(done.exception)
    assert path.read_bytes() == before


@long_test
def test_a_forecast_keeps_a_time_column_that_is_called_prediction(tmp_path: Path) -> None:
    days = pd.date_range("2022-01-01", periods=100).astype(str)
    values = (100 + 10 * np.sin(np.arange(100) * 2 * np.pi / 7)).round(2)
    promo = np.arange(100) % 2
    table = pd.DataFrame({"prediction": days, "promo": promo, "y": values})
    table.to_csv(tmp_path / "past.csv", index=False)
    options = ["--target", "y", "--task", "forecasting", "--time", "prediction", "--known", "promo", "--horizon", "2"]
    done = CliRunner().invoke(
        group, ["train", str(tmp_path / "past.csv"), *options, "--trials", "1", "-q", "-o", str(tmp_path / "run")]
    )
    assert done.exit_code == 0, done.output
    ahead = pd.DataFrame({"prediction": ["2022-04-11", "2022-04-12"], "promo": [0, None], "y": [None, None]})
    pd.concat([table, ahead.astype({"y": float})]).to_csv(tmp_path / "rows.csv", index=False)
    done = CliRunner().invoke(group, ["predict", str(tmp_path / "run"), str(tmp_path / "rows.csv")])
    assert done.exit_code == 0, done.output
    found = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["prediction"] for row in found] == ["2022-04-11", "2022-04-12"]
    assert all(80 < float(row["prediction_2"]) < 120 for row in found)
    assert "1 of its 2 values at the steps ahead is empty (row 102) and counts as missing" in done.stderr
    pd.concat([table, ahead.assign(promo=None).astype({"y": float})]).to_csv(tmp_path / "empty.csv", index=False)
    refused = CliRunner().invoke(group, ["predict", str(tmp_path / "run"), str(tmp_path / "empty.csv")])
    assert "Column 'promo' is known in advance" in str(refused.exception)
    assert "all 2 are empty (rows 101, 102). Fill them in, or train without --known promo." in str(refused.exception)
    refused = CliRunner().invoke(
        group, ["predict", str(tmp_path / "run"), str(tmp_path / "rows.csv"), "--key", "promo"]
    )
    assert "Leave --key out" in str(refused.exception)


def test_drift_is_written_for_a_shifted_column_and_not_for_the_training_rows(
    run: Run, frame: pd.DataFrame, tmp_path: Path
) -> None:
    assert run.drift(frame).has_drift is False
    frame.assign(x=frame["x"] + 2).to_csv(tmp_path / "new.csv", index=False)
    words = ["predict", str(run.directory), str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv")]
    ended = CliRunner().invoke(group, [*words, "--drift", str(tmp_path / "drift.json")])
    assert ended.exit_code == 0, ended.output
    report = DriftReport.model_validate_json((tmp_path / "drift.json").read_bytes())
    assert [one.column for one in report.columns if one.drifts] == ["x"]
    assert report.sentence in ended.stderr
    assert report.seal == run.seal
    again = CliRunner().invoke(group, [*words, "--force", "--drift", str(tmp_path / "out.csv")])
    assert "--drift must name another file than -o" in str(again.exception)
