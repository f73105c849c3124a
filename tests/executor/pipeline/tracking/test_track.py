"""Copies of a run in trackers: what they contain, and that a failure is a warning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow.core.util.event_pb2 import Event

from executor.pipeline import train as pipeline
from executor.pipeline.tracking import track as tracking
from executor.pipeline.tracking.track import Tracker, parse_trackers, track_run
from executor.runs.run import Run
from executor.search.records.journal import Journal
from recommender.cli.main import group
from recommender.examples import example
from rules.errors import ChoiceError, RunError
from tests.effort import long_test

if TYPE_CHECKING:
    from types import ModuleType

RUNS: Final = Path(__file__).parents[3] / "old_runs"


@pytest.fixture
def run() -> Run:
    return Run(RUNS / "intervals" / "run")


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and value of each scalar of a folder, by tag."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in folder.iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = Event.FromString(record.numpy())
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_tensorboard_gets_the_epochs_of_each_trial(run: Run, tmp_path: Path) -> None:
    said: list[str] = []
    track_run(run, parse_trackers(f"tensorboard:{tmp_path}"), warn=pytest.fail, say=said.append)
    assert said == [f"Tracked by tensorboard: {tmp_path / 'run'}"]
    outcomes = Journal(run.directory).outcomes
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "final",
        *(f"trial-{one.number:04d}" for one in outcomes),
    ]
    found = events(tmp_path / "run" / "trial-0000")
    assert [step for step, _ in found["validation rmse"]] == [*range(1, outcomes[0].epochs + 1)]
    assert [value for _, value in found["validation rmse"]] == pytest.approx(outcomes[0].epoch_scores)
    assert events(tmp_path / "run" / "final")["hold-out"] == [(1, pytest.approx(run.scores.hold_out.value))]


def test_an_unknown_tool_is_refused_before_the_training() -> None:
    done = CliRunner().invoke(group, ["train", "no such file.csv", "--track", "mlfow:x"])
    assert isinstance(done.exception, ChoiceError)
    assert str(done.exception) == (
        "--track must be mlflow[:URI] or tensorboard[:DIR], but got 'mlfow:x'. Did you mean 'mlflow'?"
    )


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "mlflow" else name)
    with pytest.raises(RunError, match=r"needs mlflow and pandas, but mlflow cannot be imported.*pcwat\[track\]"):
        parse_trackers("mlflow")


def test_a_tracker_that_fails_is_a_warning_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_name: str) -> ModuleType:
        raise OSError("https://me:secret@host refused the connection")

    monkeypatch.setattr(tracking, "import_module", fail)
    with pytest.warns(UserWarning, match="The run is complete, but") as caught:
        track_run(run, [Tracker(tool="mlflow", place="https://me:secret@host")])
    assert str(caught[0].message) == (
        "The run is complete, but --track mlflow:https://host failed: https://host refused the connection"
    )


def test_train_tracks_the_finished_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "prepare", lambda *_, **__: None)
    monkeypatch.setattr(pipeline, "execute", lambda *_, **__: run)
    assert pipeline.train(example("wine"), target="cultivar", track=f"tensorboard:{tmp_path}") is run
    assert (tmp_path / "run" / "final").is_dir()


@pytest.mark.parametrize("name", ["classes", pytest.param("intervals", marks=long_test)])
@pytest.mark.filterwarnings("ignore")  # of mlflow and its dependencies
def test_mlflow_gets_parameters_scores_files_and_a_model_that_predicts_equally(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "birds")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # creating the tables of a SQLite store takes 5 s
    monkeypatch.chdir(tmp_path)
    mlflow: Any = pytest.importorskip("mlflow", reason="pcwat[track] has mlflow, and .ci/run mlflow-skinny")
    run, said, uri = Run(RUNS / name / "run"), list[str](), (tmp_path / "store").as_uri()
    track_run(run, parse_trackers(f"mlflow:{uri}"), warn=pytest.fail, say=said.append)
    place = said[0].removeprefix("Tracked by mlflow: ")
    client = mlflow.MlflowClient(tracking_uri=uri)
    logged = client.get_run(place.removeprefix("runs:/"))
    metric, hold_out = str(run.scores.metric), run.scores.hold_out
    assert client.get_experiment(logged.info.experiment_id).name == "birds"
    assert logged.info.status == "FINISHED"
    assert logged.data.params["bundle.initializer"] == str(run.bundle.initializer.model_dump(mode="json"))
    assert logged.data.metrics[f"hold_out.{metric}"] == hold_out.value
    assert logged.data.metrics[f"hold_out.{metric}.low"] == hold_out.low
    best = Journal(run.directory).outcomes[run.summary.best_trial]
    history = client.get_metric_history(logged.info.run_id, f"validation.{metric}")
    assert [one.value for one in sorted(history, key=lambda one: one.step)] == [*best.epoch_scores]
    files = {file.path for file in client.list_artifacts(logged.info.run_id)}
    assert {"report.html", "record.json", "bundle.yaml", "model"} <= files
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"{place}/model")
    frame = pd.read_csv(RUNS / name / "data.csv").drop(columns=[*run.signature.targets])
    expected = run.predict(frame)
    pd.testing.assert_frame_equal(
        model.predict(frame), expected if isinstance(expected, pd.DataFrame) else expected.to_pandas()
    )
    assert [one.name for one in model.metadata.signature.inputs] == [*frame.columns]
    pickles = [path for path in tmp_path.rglob("*") if path.suffix in {".pkl", ".pickle"}]
    assert pickles == []
