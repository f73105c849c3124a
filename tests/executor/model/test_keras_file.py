"""A model file is opened only after its members, classes, shapes and size were checked."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import pytest

from executor.components.configuration import configuration as configuration_of
from executor.data.raw_table import Form, RawTable
from executor.layers.output import Probabilities
from executor.model.compile import compile_model
from executor.model.keras_file import CONFIG, _filler, check_model_file, load_model
from executor.model.signature import ModelInput, Signature
from executor.networks.build import build_network
from executor.runs.files import SIGNATURE
from rules.errors import RunError
from rules.vocabulary.choices import MseLoss, Slot, WeightedCrossentropy, names
from rules.vocabulary.facts import Task
from tests.executor.model.untrained import KINDS, save_untrained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    inputs = keras.Input((3,), dtype="float64", name="a")
    hidden = keras.layers.Dense(4, kernel_initializer=keras.initializers.HeNormal(seed=1), name="hidden")(inputs)
    model = keras.Model({"a": inputs}, Probabilities(activation="sigmoid", name="pcwat.answer")(hidden))
    model.compile(keras.optimizers.AdamW(0.1), keras.losses.BinaryCrossentropy(), [keras.metrics.AUC()])
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def rewrite(path: Path, change: Callable[[str, bytes], bytes], *, more: dict[str, bytes] | None = None) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | (more or {})).items():
            archive.writestr(name, content)


def configuration(change: Callable[[dict[str, Any]], None]) -> Callable[[str, bytes], bytes]:
    def changed(name: str, content: bytes) -> bytes:
        if name != CONFIG:
            return content
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return changed


def hidden(document: dict[str, Any]) -> dict[str, Any]:
    return next(layer for layer in document["config"]["layers"] if layer["config"]["name"] == "hidden")


def signature(**changed: Any) -> Signature:
    """The signature of the model of `model_file`, with some values changed."""
    own = {
        "task": Task.MULTICLASS,
        "targets": ("y",),
        "labels": ("p", "q", "r", "s"),
        "levels": {},
        "columns": (),
        "known": (),
        "inputs": (ModelInput(name="a", form=Form.NUMBER, columns=("a", "b", "c")),),
        "rare_class": None,
        "thresholds": (),
        "time_column": None,
        "entity_column": None,
        "windows": None,
    }
    return Signature.model_validate(own | changed)


NUMERIC: Final = frozenset(
    {"Mse", "Rmse", "Mae", "Mape", "Smape", "R2", "Pinball", "Huber", "MseLoss", "MaeLoss"}
    | {"Quantile", "LogCosh", "Poisson", "Tweedie"}
)


@pytest.mark.parametrize("slot", [Slot.ACTIVATION, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.METRIC, Slot.LOSS])
def test_the_classes_of_each_choice_are_known(
    slot: Slot, make_parts: MakeParts, make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    for choice in names(slot).values():
        numbers = choice.__name__ in NUMERIC
        several = choice.__name__ == "CategoricalCrossentropy"
        task = Task.REGRESSION if numbers else Task.MULTICLASS if several else Task.BINARY
        target = np.eye(3)[np.arange(30) % 3] if several else np.arange(30)[:, None] % 2
        parts = make_parts(random.normal(size=(30, 4)), target, task=task)
        parts = replace(parts, target_mean=parts.target_mean + 0.5)
        bundle = make_bundle(**({"loss": MseLoss() if numbers else WeightedCrossentropy()} | {slot.value: choice()}))
        network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 8, "layers": 1}, seed=0)
        model = keras.Model(network.input, Probabilities(activation="sigmoid")(network.output))
        compile_model(model, bundle, parts, configuration_of(bundle, {}))
        model.save(tmp_path / "model.keras")
        assert check_model_file(tmp_path / "model.keras") > 0, choice


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"inputs": (ModelInput(name="a", form=Form.NUMBER, columns=("a", "b")),)},
            r"its input 'a' has the shape \(None, 3\) and the type float64, but signature.json has \(None, 2\)",
        ),
        (
            {"inputs": (ModelInput(name="a", form=Form.LEVEL, columns=("a", "b", "c")),)},
            r"the type float64, but signature.json has \(None, 3\) and string",
        ),
        (
            {"inputs": (ModelInput(name="z", form=Form.NUMBER, columns=("a", "b", "c")),)},
            "it has no input 'z', which signature.json names",
        ),
        ({"inputs": ()}, "it has an input 'a', which signature.json does not name"),
        (
            {"task": Task.BINARY, "labels": ("no", "yes")},
            r"its output has the shape \(None, 4\), but signature.json has \(None, 1\)",
        ),
    ],
)
def test_inputs_and_outputs_must_be_those_of_the_signature(
    changed: dict[str, Any], reason: str, model_file: Path
) -> None:
    assert load_model(model_file, signature()).count_params() > 0
    with pytest.raises(
        RunError, match=f"model.keras is not a model that pcwat wrote: .*{reason}.*Restore the original"
    ):
        load_model(model_file, signature(**changed))


@pytest.mark.parametrize("layers", [None, {}, [1], [{"class_name": "InputLayer"}]])
def test_layers_that_cannot_be_read_are_refused(layers: Any, model_file: Path) -> None:
    rewrite(model_file, configuration(lambda document: document["config"].update(layers=layers)))
    with pytest.raises(RunError, match="is not a model that pcwat wrote"):
        load_model(model_file, signature())


def test_a_layer_that_gives_too_much_for_a_row_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 3), name="a")
    keras.Model(inputs, keras.layers.ZeroPadding2D(10_000)(inputs)).save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=r"layer 'zero_padding2d.*' gives more than 268,435,456 numbers for a row"):
        load_model(tmp_path / "model.keras")


def test_weights_of_other_shapes_are_refused(model_file: Path, tmp_path: Path) -> None:
    inputs = keras.Input((3,), name="a")
    other = keras.Model({"a": inputs}, keras.layers.Dense(9, name="hidden")(inputs))
    other.save(tmp_path / "other.keras")
    with zipfile.ZipFile(tmp_path / "other.keras") as archive:
        weights = archive.read("model.weights.h5")
    rewrite(model_file, lambda name, content: weights if name == "model.weights.h5" else content)
    with pytest.raises(RunError, match=r"cannot be read as a model of pcwat|describes more weights"):
        load_model(model_file)


@pytest.mark.parametrize("missing", ["metadata.json", CONFIG, "model.weights.h5"])
def test_a_missing_member_is_refused(missing: str, model_file: Path) -> None:
    with zipfile.ZipFile(model_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != missing}
    with zipfile.ZipFile(model_file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(RunError, match=r"it must hold metadata.json, config.json and model.weights.h5 once"):
        load_model(model_file)


def test_an_altered_signature_is_refused_by_its_name(tmp_path: Path) -> None:
    run = save_untrained(KINDS["multiclass table"], tmp_path)
    path = run.directory / SIGNATURE
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"targets": []}), encoding="utf-8")
    with pytest.raises(RunError, match=r"signature.json was altered: it names no target. Restore the original file"):
        run.predict(tmp_path / "table.csv")


def test_a_truncated_file_is_refused(model_file: Path) -> None:
    model_file.write_bytes(model_file.read_bytes()[:-200])
    with pytest.raises(RunError, match=r"is damaged: it is not a whole .keras file"):
        load_model(model_file)


def test_a_compiled_model_of_own_classes_is_opened(model_file: Path) -> None:
    assert check_model_file(model_file) > 3 * 4 + 4
    assert load_model(model_file).get_layer("hidden").units == 4


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("keras.layers", "TorchModuleWrapper", None),
        ("keras.layers", "TFSMLayer", None),
        ("keras.src.saving", "Dense", None),
        ("os", "system", None),
        (None, "Own", "pcwat>Own"),
        ({}, "Dense", None),
        ("keras.layers", ["Dense"], None),
        ("keras.layers", "Dense", {}),
        ("keras.layers", "Dense", "other>Dense"),
    ],
)
def test_a_foreign_class_is_refused_by_name(module: Any, name: Any, registered: Any, model_file: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        hidden(document).update(module=module, class_name=name, registered_name=registered)

    rewrite(model_file, configuration(change))
    with pytest.raises(RunError, match=rf"is not a model that pcwat wrote: .*{re.escape(str(name))}.*Restore the"):
        load_model(model_file)


def test_a_configuration_that_describes_huge_weights_allocates_nothing(model_file: Path) -> None:
    rewrite(model_file, configuration(lambda document: hidden(document)["config"].update(units=10**11)))
    with pytest.raises(RunError, match="describes more weights than the file holds"):
        load_model(model_file)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_a_deeply_nested_configuration_is_refused(depth: int, model_file: Path) -> None:
    nested = b"[" * depth + b"]" * depth
    rewrite(
        model_file,
        lambda name, content: content.replace(b"{", b'{"x": ' + nested + b",", 1) if name == CONFIG else content,
    )
    with pytest.raises(RunError, match="nested more deeply than 64"):
        load_model(model_file)


def test_another_member_is_refused(model_file: Path) -> None:
    rewrite(model_file, lambda _, content: content, more={"../evil": b""})
    with pytest.raises(RunError, match=r"not '\.\./evil'"):
        load_model(model_file)


def test_an_encrypted_file_is_refused(model_file: Path) -> None:
    content = bytearray(model_file.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 8] |= 1
    model_file.write_bytes(bytes(content))
    with pytest.raises(RunError, match="it is encrypted"):
        load_model(model_file)


@pytest.mark.parametrize("backbone", ["MobileNetV2", "EfficientNetB0", "ResNet50V2"])
def test_the_classes_of_each_backbone_are_known(backbone: str, tmp_path: Path) -> None:
    body = getattr(keras.applications, backbone)(include_top=False, weights=None, input_shape=(64, 64, 3))
    body.save(tmp_path / "model.keras")
    assert check_model_file(tmp_path / "model.keras") > 0


def test_a_batch_is_filled_with_the_row_of_the_shortest_texts() -> None:
    texts = np.array(["a long text", "b", "another text"], object)
    table = RawTable(features={"t": texts}, forms={"t": Form.TEXT}, rows=np.arange(3))
    assert _filler(table, np.array([0, 1, 2])) == 1
    assert _filler(table, np.array([0, 2])) == 0
    numbers = RawTable(features={"x": np.zeros(3)}, forms={"x": Form.NUMBER}, rows=np.arange(3))
    assert _filler(numbers, np.array([0, 1])) == 1
