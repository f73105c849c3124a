"""One model from raw rows to answers, which is the same after it was saved and loaded."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pyarrow as pa
import pytest

from executor import layers
from executor.components.metric import outcome_of
from executor.data.raw_table import RawTable
from executor.data.read_rows import read_rows
from executor.data.series.lag_plan import plan_windows
from executor.data.series.lag_table import lag_table
from executor.data.split import split
from executor.layers.output import Values
from executor.model.assemble import assemble, model_inputs
from executor.model.calibration.temperature import Temperature, rescale_probabilities
from executor.model.keras_file import load_model, predict_rows, save_model
from executor.model.signature import Signature, create_signature
from executor.preprocessing.encode import encode_hold_out, encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.preprocessing.inputs import WindowInputs
from recommender.dataset.dataset import Dataset
from recommender.roles.infer import Role
from recommender.roles.roles import Roles
from rules.errors import RunError, TrainingError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from executor.preprocessing.preprocessing import Preprocessing
    from rules.vocabulary.choices import TargetScale

ROWS = 120
HOSTILE = (
    "a/b",
    "é",
    "__class__",
    "class_name",
    "config",
    "a b",
    "A_B",
    "tabular",
    "pcwat.offset",
    "codes",
    "x\ny",
    "'; --",
)


def _roles(task: Task, targets: tuple[str, ...], kinds: dict[str, Kind], **apart: Any) -> Roles:
    return Roles(
        task=task,
        task_reason="",
        targets=targets,
        target_reason="",
        columns={name: Role(column=name, kind=kind, reason="") for name, kind in kinds.items()},
        **apart,
    )


def _network(parts: Parts, preprocessing: Preprocessing) -> keras.Model:
    """An untrained network of the shape that the search builds."""
    initializer = keras.initializers.GlorotUniform(seed=3)
    inputs = {"dense": keras.Input((preprocessing.width,), name="dense")}
    features = [inputs["dense"]]
    if preprocessing.vocabulary:
        inputs["codes"] = keras.Input((parts.train.codes.shape[1],), dtype="int32", name="codes")
        embedding = keras.layers.Embedding(preprocessing.vocabulary, 4, embeddings_initializer=initializer)
        features.append(keras.layers.Flatten()(embedding(inputs["codes"])))
    joined = keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
    output = keras.layers.Dense(parts.outputs, kernel_initializer=initializer, name="output")(joined)
    if isinstance(parts.inputs, WindowInputs):
        inputs["spread"] = keras.Input((parts.outputs,), name="spread")
        output = keras.layers.Multiply()([output, inputs["spread"]])
    return keras.Model(inputs, output, name="tabular")


def _put_together(
    columns: dict[str, Any],
    roles: Roles,
    temperatures: tuple[Temperature, ...] = (),
    target_on: TargetScale = "as_is",
) -> tuple[keras.Model, Signature, RawTable, Parts, np.ndarray]:
    """The model, its signature, the hold-out rows, the parts, and the outcome that the parts' arrays lead to."""
    with Dataset.open(pa.table(columns)) as dataset:
        table, windows = read_rows(dataset, roles), None
        if roles.task is Task.FORECASTING:
            windows = plan_windows(table, roles)
            table = lag_table(table, windows)
        rows = split(table, roles, seed=0)
        preprocessing = fit_preprocessing(table, roles, rows.train)
        parts = encode_parts(table, roles, rows, preprocessing, target_on=target_on)
        signature = create_signature(
            dataset, roles, table, preprocessing, parts, temperatures=temperatures, windows=windows
        )
    network = _network(parts, preprocessing)
    model = assemble(preprocessing, network, parts, signature)
    hold_out = encode_hold_out(table, rows, preprocessing, parts)
    encoded = {"dense": hold_out.dense} | ({"codes": hold_out.codes} if parts.vocabulary else {})
    if hold_out.spread is not None:
        encoded["spread"] = hold_out.spread
    outputs = network(encoded).numpy() + hold_out.offset
    return model, signature, table.take(rows.hold_out), parts, outcome_of(outputs, parts)


def _mixed() -> tuple[dict[str, Any], dict[str, Kind]]:
    random = np.random.default_rng(1)
    columns = {
        "size": np.where(random.random(ROWS) < 0.1, np.nan, random.normal(size=ROWS)).tolist(),
        "color": random.choice(["red", "blue", "", "\n"], ROWS).tolist(),
        "city": [f"city {number % 60}" for number in range(ROWS)],
        "note": random.choice(["good cat", "bad dog", "THE cat"], ROWS).tolist(),
        "when": np.arange(ROWS).astype("datetime64[D]").astype("datetime64[us]"),
    }
    kinds = dict(
        zip(columns, (Kind.NUMERIC, Kind.CATEGORICAL, Kind.CATEGORICAL, Kind.TEXT, Kind.DATETIME), strict=True)
    )
    return columns, kinds


def _targets(task: Task) -> tuple[dict[str, Any], dict[str, Kind], dict[str, Any]]:
    random = np.random.default_rng(2)
    if task is Task.BINARY:
        return {"y": random.choice(["no", "yes"], ROWS).tolist()}, {"y": Kind.BOOLEAN}, {"labels": ("no", "yes")}
    if task is Task.MULTICLASS:
        return {"y": random.integers(1, 4, ROWS)}, {"y": Kind.INTEGER_CODE}, {"labels": ("1", "2", "3")}
    if task is Task.MULTILABEL:
        labels = {name: random.integers(0, 2, ROWS) for name in ("k", "l")}
        return labels, dict.fromkeys(labels, Kind.BOOLEAN), {}
    names = ("y",) if task is Task.REGRESSION else ("y", "z")
    return (
        {name: 1e6 + 1e3 * random.normal(size=ROWS) for name in names},
        dict.fromkeys(names, Kind.NUMERIC),
        {"time_column": "when"} if task is Task.FORECASTING else {},
    )


@pytest.mark.parametrize("task", list(Task))
def test_the_model_answers_raw_rows_as_the_parts_do_and_again_after_loading(task: Task, tmp_path: Path) -> None:
    columns, kinds = _mixed()
    targets, target_kinds, apart = _targets(task)
    roles = _roles(task, tuple(targets), kinds | target_kinds, **apart)
    model, signature, hold_out, parts, outcome = _put_together(columns | targets, roles)
    answers = predict_rows(model, signature, hold_out)
    np.testing.assert_allclose(answers, outcome, rtol=1e-6)
    assert answers.shape == (len(hold_out), parts.outputs)
    save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    np.testing.assert_array_equal(predict_rows(load_model(tmp_path / "model.keras"), signature, hold_out), answers)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize(
    ("task", "values"), [(Task.BINARY, (2.0,)), (Task.MULTICLASS, (0.5,)), (Task.MULTILABEL, (0.5, 3.0))]
)
def test_a_saved_model_answers_at_its_temperatures(task: Task, values: tuple[float, ...], tmp_path: Path) -> None:
    columns, kinds = _mixed()
    targets, target_kinds, apart = _targets(task)
    roles = _roles(task, tuple(targets), kinds | target_kinds, **apart)
    cooling = tuple(Temperature(value=value, why="") for value in values)
    model, signature, hold_out, _, outcome = _put_together(columns | targets, roles, temperatures=cooling)
    save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    answers = predict_rows(load_model(tmp_path / "model.keras"), signature, hold_out)
    np.testing.assert_allclose(answers, rescale_probabilities(outcome, np.array(values), task), rtol=1e-5)


def test_a_saved_regression_on_log1p_answers_in_the_targets_own_unit(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    columns = {"x": random.normal(size=ROWS), "y": np.expm1(random.normal(size=ROWS) ** 2)}
    roles = _roles(Task.REGRESSION, ("y",), {"x": Kind.NUMERIC, "y": Kind.NUMERIC})
    model, signature, hold_out, _, outcome = _put_together(columns, roles, target_on="log1p")
    save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    answers = predict_rows(load_model(tmp_path / "model.keras"), signature, hold_out)
    np.testing.assert_allclose(answers, outcome, rtol=1e-5)
    assert columns["y"].min() <= answers.min() <= answers.max() <= columns["y"].max()


def test_a_saved_regression_never_leaves_the_range_of_its_training_rows(tmp_path: Path) -> None:
    columns = {"x": np.arange(ROWS) % 40.0}
    roles = _roles(Task.REGRESSION, ("y",), {"x": Kind.NUMERIC, "y": Kind.NUMERIC})
    model, signature, hold_out, parts, outcome = _put_together({**columns, "y": columns["x"] * 2}, roles)
    assert parts.target_range is not None
    low, high = (bound[0] for bound in parts.target_range)
    assert low <= outcome.min() <= outcome.max() <= high
    outputs = model.get_layer("pcwat.answer").input
    wild = Values(scale=[1e9], mean=[0.0], low=[low], high=[high])(outputs)
    save_model(keras.Model(model.input, wild), tmp_path / "model.keras", signature=signature, rows=hold_out)
    answers = predict_rows(load_model(tmp_path / "model.keras"), signature, hold_out)
    assert set(answers[:, 0].tolist()) <= {low, high}


def test_hostile_column_names_survive_saving(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=ROWS) for name in HOSTILE}
    kinds = {**dict.fromkeys(HOSTILE, Kind.NUMERIC), "y": Kind.NUMERIC}
    roles = _roles(Task.REGRESSION, ("y",), kinds)
    model, signature, hold_out, _, outcome = _put_together({**columns, "y": random.normal(size=ROWS)}, roles)
    save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predict_rows(again, signature, hold_out), outcome, rtol=1e-6)
    names = {entry.columns[0]: entry.name for entry in signature.inputs}
    assert names["a b"] == "a b"
    assert names["a/b"].startswith("pcwat.column_")
    assert len(set(names.values())) == len(HOSTILE)


def test_a_plain_column_is_an_input_of_its_own_name(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    columns = {"age": random.normal(size=ROWS), "job": random.choice(["a", "b"], ROWS).tolist()}
    kinds = {"age": Kind.NUMERIC, "job": Kind.CATEGORICAL, "y": Kind.NUMERIC}
    roles = _roles(Task.REGRESSION, ("y",), kinds)
    model, signature, hold_out, _, _ = _put_together({**columns, "y": random.normal(size=ROWS)}, roles)
    save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    again = load_model(tmp_path / "model.keras")
    assert set(model_inputs(signature, hold_out)) == {"age", "job"}
    assert {tensor.name: tensor.shape for tensor in again.inputs} == {"age": (None, 1), "job": (None, 1)}


@long_test
def test_a_table_of_2000_columns_has_an_input_for_each_kind_only(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers = {f"n{number}": random.normal(size=40) for number in range(1_900)}
    levels = {f"c{number}": random.choice(["a", "b"], 40).tolist() for number in range(100)}
    kinds = {**dict.fromkeys(numbers, Kind.NUMERIC), **dict.fromkeys(levels, Kind.CATEGORICAL), "y": Kind.NUMERIC}
    roles = _roles(Task.REGRESSION, ("y",), kinds)
    model, signature, hold_out, _, outcome = _put_together({**numbers, **levels, "y": random.normal(size=40)}, roles)
    assert [len(entry.columns) for entry in signature.inputs] == [1_900, 100]
    save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predict_rows(again, signature, hold_out), outcome, rtol=1e-5)


def test_unseen_levels_and_missing_values_are_answered() -> None:
    columns, kinds = _mixed()
    targets, target_kinds, apart = _targets(Task.BINARY)
    roles = _roles(Task.BINARY, ("y",), kinds | target_kinds, **apart)
    model, signature, hold_out, _, _ = _put_together(columns | targets, roles)
    strange = {
        name: np.full(len(hold_out), np.nan) if values.dtype != object else np.full(len(hold_out), "new", dtype=object)
        for name, values in hold_out.features.items()
    }
    rows = RawTable(features=strange, forms=hold_out.forms, rows=hold_out.rows)
    answers = predict_rows(model, signature, rows)
    assert np.isfinite(answers).all()
    assert predict_rows(model, signature, rows.take(np.empty(0, np.int64))).shape == (0, 1)


def test_a_file_that_answers_differently_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, kinds = _mixed()
    targets, target_kinds, apart = _targets(Task.REGRESSION)
    roles = _roles(Task.REGRESSION, ("y",), kinds | target_kinds, **apart)
    model, signature, hold_out, _, _ = _put_together(columns | targets, roles)

    def load_another(path: Path, own: Signature) -> keras.Model:
        again = load_model(path, own)
        again.get_layer("tabular").get_layer("output").bias.assign([1.0])
        return again

    monkeypatch.setattr("executor.model.keras_file.load_model", load_another)
    with pytest.raises(TrainingError, match="must predict as the one in memory"):
        save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most", [0, 4_000, 20_000])
def test_a_model_that_a_full_disk_refuses_is_one_error_and_leaves_nothing(
    most: int, tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    columns, kinds = _mixed()
    targets, target_kinds, apart = _targets(Task.REGRESSION)
    roles = _roles(Task.REGRESSION, ("y",), kinds | target_kinds, **apart)
    model, signature, hold_out, _, _ = _put_together(columns | targets, roles)
    with (
        pytest.raises(RunError, match=r"Cannot write .*model\.keras: .*File too large.* Free disk space"),
        file_size_limit(most),
    ):
        save_model(model, tmp_path / "model.keras", signature=signature, rows=hold_out)
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_code_in_it_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda values: values + 1)(inputs))
    model.save(tmp_path / "model.keras")
    with pytest.raises(
        RunError, match=r"not a model that pcwat wrote: it has an object of the class 'keras.layers.Lambda'"
    ):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("content", [None, b"", b"not a zip"])
def test_a_file_that_is_not_a_model_is_an_error(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(RunError, match=r"cannot be read as a model|not a whole .keras file|does not exist"):
        load_model(tmp_path / "model.keras")


def test_every_layer_of_a_saved_model_is_known_in_a_process_that_did_not_train() -> None:
    modules = {f"{layers.__name__}.{module.name}" for module in pkgutil.iter_modules(layers.__path__)}
    script = "import sys, executor.model.keras_file, executor.runs.run; print(*(name for name in sys.modules))"
    known = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert modules <= set(known)
