"""scikit-learn's own checks of estimators."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pytest
from sklearn.utils.estimator_checks import check_estimator

from executor import PcwatClassifier, PcwatRegressor
from executor.pipeline.estimators import estimator
from executor.pipeline.train import train
from executor.runs.run import Run
from recommender import training_cost
from tests.effort import EFFORT, long_test

if TYPE_CHECKING:
    from pathlib import Path

    from rules import Request

SKIPPED: Final = {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}
"""Need another array library, or a decision function."""
TRAININGS: Final = 100 if EFFORT > 1 else 6
"""Trainings of each estimator at most; all checks need 24. Checks that need more are left out."""


class LeftOutError(Exception):
    """A check needs more trainings than the test takes time for."""


@pytest.fixture
def train_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Copy the run of an earlier training of the same rows, because the same seed gives the same run."""
    runs: dict[bytes, Path] = {}

    def trained(table: pa.Table, request: Request, *, directory: Path, **options: Any) -> Run:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        key = sink.getvalue().to_pybytes() + repr((request, options)).encode()
        if key not in runs and len(runs) == TRAININGS:
            raise LeftOutError
        if key not in runs:
            runs[key] = tmp_path / str(len(runs))
            shutil.copytree(train(table, request, directory=directory, **options).directory, runs[key])
        else:
            shutil.copytree(runs[key], directory, dirs_exist_ok=True)
        return Run(directory)

    monkeypatch.setattr(estimator, "train", trained)
    monkeypatch.setattr(training_cost, "EPOCHS", 64)  # instead of 256


@pytest.mark.usefixtures("train_once")
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning:sklearn")  # NaN
@pytest.mark.parametrize("kind", [PcwatClassifier, pytest.param(PcwatRegressor, marks=long_test)])
def test_an_estimator_passes_the_checks_of_scikit_learn(kind: type[PcwatClassifier | PcwatRegressor]) -> None:
    quick = kind(budget=None, trials=1, validation="holdout", single=True, keep_evaluated=True)
    results = check_estimator(quick, on_skip=None, on_fail=None)
    done = [one for one in results if not isinstance(one["exception"], LeftOutError)]
    assert {one["check_name"]: str(one["exception"]) for one in done if one["status"] == "failed"} == {}
    assert {one["check_name"] for one in done if one["status"] != "passed"} <= SKIPPED
    assert len(done) > (40 if EFFORT > 1 else 20)
