"""A run that continues another one with new rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from executor import continue_run, resume
from executor.pipeline.continuation import continue_run as continuation
from executor.pipeline.continuation.prepare import open_new_rows, prepare_continuation
from executor.pipeline.prepare import reopen
from executor.runs.files import PLAN, write_json
from executor.runs.plan import read_plan
from executor.runs.report.reproduce import reproduce_command
from executor.runs.run import Run
from executor.runtime.budget import Budget
from executor.search.records.weights import read_weights, weights_path
from recommender.cli.main import group
from recommender.examples import example
from rules.errors import ColumnError, RunError
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def new_rows() -> pd.DataFrame:
    rows = pd.read_csv(example("breast_cancer")).sample(160, random_state=0)
    return rows.assign(**{"mean area": rows["mean area"] * 1.5})


class KilledError(Exception):
    """Stands for the end of the process."""


def kill(*_: object, **_settings: object) -> None:
    raise KilledError


def test_a_continued_run_that_was_killed_after_its_training_is_resumed_and_reports_what_it_forgets(
    cancer_run: Run, new_rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuation, "EPOCHS_SHARE", 0.1)
    new_rows.to_csv(tmp_path / "new.csv", index=False)
    with monkeypatch.context() as killed:
        killed.setattr(continuation, "evaluate_on_hold_out", kill)
        with pytest.raises(KilledError):
            continue_run(cancer_run, tmp_path / "new.csv", directory=tmp_path / "run", report=False)
    monkeypatch.setattr(continuation, "fine_tune", kill)  # a second training would fail
    run = resume(tmp_path / "run")
    trained = read_weights(weights_path(run.directory, 0))
    assert all(np.array_equal(*both) for both in zip(trained, run.model.get_weights(), strict=True))
    found = run.summary.continuation
    assert found is not None
    assert (found.parent, run.plan.parent) == (cancer_run.seal, cancer_run.seal)
    assert str(cancer_run.directory) not in (run.directory / "summary.json").read_text()
    assert found.old_hold_out is not None
    assert (found.old_hold_out.rows, found.old_hold_out.before) == (113, cancer_run.scores.hold_out.value)
    assert (found.new_hold_out.rows, found.new_hold_out.after) == (32, run.scores.hold_out.value)
    assert "'mean area' most" in found.drift
    assert run.scores.validation is not None
    (outcome,) = (json.loads(line) for line in (run.directory / "trials.jsonl").read_text().splitlines())
    assert outcome["score"] >= outcome["start_score"]
    assert run.record.bundle["validation"]["name"] == "holdout"
    inputs = [one.columns for one in run.signature.inputs]
    assert inputs == [one.columns for one in cancer_run.signature.inputs]
    probability = run.predict_proba(new_rows)
    moved = np.abs(probability - cancer_run.predict_proba(new_rows)).max()
    assert bool(moved > 0) is (found.best_epoch > 0)
    assert f"--continue {cancer_run.directory} {tmp_path / 'new.csv'} --seed 0" in reproduce_command(run)
    with pytest.raises(RunError, match="is finished"):
        reopen(run.directory)


def test_a_continued_run_is_resumed_only_with_its_parent_as_it_was(
    cancer_run: Run, new_rows: pd.DataFrame, tmp_path: Path
) -> None:
    new_rows.to_csv(tmp_path / "new.csv", index=False)
    begun = tmp_path / "run"
    with open_new_rows(cancer_run, tmp_path / "new.csv") as dataset:
        prepare_continuation(cancer_run, dataset, budget=Budget(), directory=begun)
    plan = read_plan(begun)
    for change, message in (
        ({"parent_directory": str(tmp_path / "gone")}, r"gone is missing\. Restore it, or continue another run"),
        ({"parent_directory": ""}, "whose place an older version did not record is missing"),
        ({"parent": "sha256:0"}, "has changed"),
    ):
        write_json(begun / PLAN, plan.model_copy(update=change).sealed())
        with pytest.raises(RunError, match=message):
            reopen(begun)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="diagnosis"), "must have the target 'diagnosis'"),
        (lambda rows: rows.drop(columns="mean area"), "lacks 'mean area'"),
        (lambda rows: rows.assign(age=1), "also has 'age'. Remove them, or train a new model"),
        (lambda rows: rows.assign(diagnosis=["unsure", *rows["diagnosis"][1:]]), "has 'unsure' in row 1"),
        (lambda rows: rows.assign(**{"mean area": [*rows["mean area"][:-1], "big"]}), "'big' in row 160"),
    ],
)
def test_new_rows_must_fit_the_model(
    cancer_run: Run,
    new_rows: pd.DataFrame,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    message: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(ColumnError, match=message), open_new_rows(cancer_run, change(new_rows)) as dataset:
        prepare_continuation(cancer_run, dataset, budget=Budget(), directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_forecast_is_not_continued(cancer_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    forecast = Run(cancer_run.directory)
    monkeypatch.setitem(
        forecast.__dict__, "signature", cancer_run.signature.model_copy(update={"task": Task.FORECASTING})
    )
    with pytest.raises(RunError, match="is a forecast, which cannot be continued"):
        open_new_rows(forecast, "new.csv")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pin", "optimizer=sgd", "--reason", "x"], "keeps the target, the choices"),
        (["--target", "age"], "options about the dataset"),
        (["--resume", "run"], "either resumed or continued"),
    ],
)
def test_a_continued_run_keeps_its_options(words: list[str], message: str, cancer_run: Run) -> None:
    result = CliRunner().invoke(
        group, ["train", str(example("breast_cancer")), "--continue", str(cancer_run.directory), *words]
    )
    assert result.exit_code == 2
    assert message in result.output
