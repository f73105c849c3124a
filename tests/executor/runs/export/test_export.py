"""Exports of each kind of data predict as the saved model."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from executor.layers.output import LogLink
from executor.model.keras_file import check_model_file
from executor.runs.export import export
from executor.runs.export.encoding import FILE, parse_encoding
from executor.runs.export.engines import litert_engine, onnx_engine
from executor.runs.export.export import describe
from executor.runs.export.graph import GRAPH_FILE, WEIGHTS_FILE
from executor.runs.export.keras_graph import graph_of
from executor.runs.export.keras_model import take_apart
from executor.runs.export.onnx_file import write_onnx
from executor.runs.export.predictor import Predictor, load_predictor
from executor.runs.export.sample_rows import random_rows
from executor.runs.export.tensorflow_files import write_litert
from executor.runs.files import MODEL
from executor.runs.run import Run
from recommender.run_manifest import RECORD, Manifest
from rules.errors import RunError
from tests.executor.model.untrained import KINDS, save_untrained

if TYPE_CHECKING:
    from pathlib import Path


def assert_equal_tables(found: pa.Table, expected: pa.Table) -> None:
    """Compare predictions: numbers within 1e-5, labels and times exactly."""
    assert found.schema == expected.schema
    for name in expected.column_names:
        own, other = (table[name].to_pylist() for table in (found, expected))
        if pa.types.is_floating(expected.schema.field(name).type):
            np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-5)
        else:
            assert own == other


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_each_architecture_is_opened_predicts_and_is_exported(kind: str, tmp_path: Path) -> None:
    run = save_untrained(KINDS[kind], tmp_path)
    assert check_model_file(run.directory / MODEL, run.signature) > 0
    assert run.model.output_shape == (None, run.signature.outputs)
    data = next(path for path in tmp_path.iterdir() if path.is_file())
    expected = run.predict(data)
    assert expected.num_rows == (3 if kind == "forecast" else 120)
    parts = take_apart(run.model, run.signature)
    graph, encoding = graph_of(parts.network), parse_encoding(describe(parts, run.signature, to="numpy", run=""))
    predictor = Predictor(encoding, graph.run)
    assert_equal_tables(predictor.predict(data), expected)
    rows = random_rows(run.signature, parts.encoders, seed=0).take(np.arange(9))
    outcome = predictor.outcome_of(rows)
    assert np.isfinite(outcome).all()
    write_onnx(graph, tmp_path)
    in_onnx = Predictor(encoding, onnx_engine(tmp_path, 1))
    np.testing.assert_allclose(in_onnx.outcome_of(rows), outcome, rtol=1e-5, atol=1e-5)
    if kind == "multiclass table":
        shares = np.column_stack([expected[f"probability of {label}"] for label in "pqr"])
        costs = np.array([[0, 1, 9], [1, 0, 1], [2, 0.5, 0]])
        least = [*"pqr"][int((shares[0] @ costs).argmin())]
        assert expected["prediction"][0].as_py() == least != [*"pqr"][int(shares[0].argmax())]
        parquet.write_table(csv.read_csv(data), tmp_path / "rows.parquet")
        assert predictor.predict_file(tmp_path / "rows.parquet", tmp_path / "out.parquet", rows=50) == 120
        assert_equal_tables(parquet.read_table(tmp_path / "out.parquet"), expected)
    if kind in {"forecast", "text CNN", "image CNN"}:
        write_litert(graph, tmp_path)
        in_litert = Predictor(encoding, litert_engine(tmp_path, 1))
        np.testing.assert_allclose(in_litert.outcome_of(rows), outcome, rtol=1e-5, atol=1e-5)


def test_a_log_link_is_exported_as_operators() -> None:
    logarithms = keras.Input((2,), name="x")
    network = keras.Model({"x": logarithms}, LogLink(ratio=[2.0, 0.5])(logarithms))
    inputs = {"x": np.array([[-20.0, -1.0], [0.0, 1e-3], [3.0, 20.0]], np.float32)}
    np.testing.assert_allclose(graph_of(network).run(inputs), network(inputs), rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def forecast(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return save_untrained(KINDS["forecast"], tmp_path_factory.mktemp("forecast"))


@pytest.fixture(scope="module")
def exported(forecast: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export to NumPy."""
    folder = tmp_path_factory.mktemp("exports") / "numpy"
    forecast.export(to="numpy", directory=folder)
    return folder


def test_an_export_records_its_check(exported: Path) -> None:
    check = json.loads((exported / FILE).read_bytes())["check"]
    assert check["rows"] == 184
    assert check["source"] == "rows of the dataset"
    assert 0 <= check["largest_difference"] <= check["tolerance"] == 1e-5


def test_a_saved_model_reads_raw_columns(forecast: Run, tmp_path: Path) -> None:
    exported = forecast.export(to="saved-model", directory=tmp_path / "out")
    assert exported.largest <= 1e-5
    document = json.loads((tmp_path / "out" / FILE).read_bytes())
    assert {name for entry in document["raw_inputs"] for name in entry["columns"]} >= {"price [-1]", "sold [-7] - [-1]"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_predictions_of_an_export_do_not_import_tensorflow(forecast: Run, exported: Path) -> None:
    data = forecast.directory.parent / "table.csv"
    code = (
        "import sys\n"
        "from executor.runs.export.predictor import load_predictor\n"
        "heavy = {'tensorflow', 'keras', 'duckdb', 'pyarrow', 'pydantic', 'scipy'}\n"
        "assert not heavy & {*sys.modules}, heavy & {*sys.modules}\n"
        f"predictor = load_predictor({str(exported)!r})\n"
        "assert not heavy & {*sys.modules}, heavy & {*sys.modules}\n"
        f"assert predictor.predict({str(data)!r}).num_rows == 3\n"
        "assert not {'tensorflow', 'keras'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rows_of_a_series_belong_together_and_are_read_whole(forecast: Run, exported: Path, tmp_path: Path) -> None:
    data = forecast.directory.parent / "table.csv"
    predictor = load_predictor(exported)
    assert predictor.predict_file(data, tmp_path / "out.parquet", rows=1) == 3
    assert parquet.read_table(tmp_path / "out.parquet").equals(predictor.predict(data))


def test_random_rows_check_an_export_whose_dataset_is_gone(
    forecast: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "plan", forecast.plan.model_copy(update={"dataset": str(tmp_path / "gone.csv")}))
    exported = forecast.export(to="numpy", directory=tmp_path / "out")
    assert exported.rows == 200
    assert exported.source.startswith("random rows, because ")
    assert "can no longer be read" in exported.source


def test_an_export_that_predicts_differently_is_not_written(
    forecast: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(RunError, match=r"must predict as the model within .* Nothing was written"):
        forecast.export(to="numpy", directory=tmp_path / "out")
    assert [*tmp_path.iterdir()] == []


def test_a_directory_with_files_is_not_overwritten(forecast: Run, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"needs a new or empty directory, but .* has files. .* with --force"):
        forecast.export(to="numpy", directory=exported)
    with pytest.raises(RunError, match=r"The files of a run are sealed, so .* cannot be in it"):
        forecast.export(to="numpy", directory=forecast.directory / "numpy")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"--force replaces an earlier export, but .* no encoding.json"):
        forecast.export(to="numpy", directory=tmp_path, force=True)
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    (copy / "old.bin").write_bytes(b"")
    forecast.export(to="numpy", directory=copy, force=True)
    assert sorted(path.name for path in copy.iterdir()) == [FILE, GRAPH_FILE, WEIGHTS_FILE]


def test_an_unknown_format_is_refused_with_the_known_ones(forecast: Run, tmp_path: Path) -> None:
    format_of_typo: Any = "onxx"
    with pytest.raises(RunError, match=r"to numpy, onnx, saved-model, litert, but got 'onxx'. Did you mean 'onnx'\?"):
        forecast.export(to=format_of_typo, directory=tmp_path / "out")


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    forecast: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(RunError, match=r"needs the package onnx, .* pip install 'pcwat\[export\]'"):
        forecast.export(to="onnx", directory=tmp_path / "out")


def test_an_altered_run_is_not_exported(forecast: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(forecast.directory, run)
    manifest = Manifest.of(record="", files={MODEL: b"another model", RECORD: b""})
    (run / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(RunError, match=r"model.keras was altered: it does not match the run's manifest"):
        Run(run).export(to="numpy", directory=tmp_path / "out")


def test_a_directory_that_is_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"with an encoding.json in it"):
        load_predictor(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "other"}, "its format is 'other'"),
        ({"to": "pickle"}, "it is for 'pickle'"),
        ({"inputs": {"dense": [99]}}, "names an encoder that does not exist"),
        ({"spread_factor": [1.0]}, "cannot reshape|could not be"),
        (
            {"answer": {"kind": "values", "scale": [1.0], "mean": None, "low": None, "high": None, "on": "as_is"}},
            "scale",
        ),
        ({"answer": {"kind": "code"}}, "its answer is of the kind 'code'"),
        ({"encoders": None}, "TypeError"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_altered_encoding_is_refused(exported: Path, tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    (copy / FILE).write_text(json.dumps(json.loads((copy / FILE).read_bytes()) | change))
    with pytest.raises(RunError, match=rf"encoding.json is damaged: .*({reason})"):
        load_predictor(copy)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda nodes: nodes[0].update(operator="PyFunc"), "the operator 'PyFunc', which pcwat does not use"),
        (lambda nodes: nodes[0].update(inputs=["nowhere", "w0"]), "reads 'nowhere', which no operator before it makes"),
        (lambda nodes: nodes.pop(), "no operator makes its output"),
    ],
    ids=["unknown operator", "unknown array", "no output"],
)
def test_an_altered_network_is_refused(exported: Path, tmp_path: Path, change: Any, reason: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    document = json.loads((copy / GRAPH_FILE).read_bytes())
    change(document["nodes"])
    (copy / GRAPH_FILE).write_text(json.dumps(document))
    with pytest.raises(RunError, match=reason):
        load_predictor(copy)


def test_weights_with_a_pickle_are_refused(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    np.savez(copy / WEIGHTS_FILE, w0=np.array([print], object))
    with pytest.raises(RunError, match=r"are not a network of pcwat: Object arrays cannot be loaded"):
        load_predictor(copy)
