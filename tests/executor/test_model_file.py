"""A model file is opened only after its members, classes, shapes and size were checked."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import keras
import pytest

from executor.assemble import load
from executor.layers.answer import Probabilities
from executor.model_file import CONFIG, check_model_file
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    inputs = keras.Input((3,), name="a")
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


def test_a_compiled_model_of_own_classes_is_opened(model_file: Path) -> None:
    assert check_model_file(model_file) > 3 * 4 + 4
    assert load(model_file).get_layer("hidden").units == 4


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("keras.layers", "TorchModuleWrapper", None),
        ("keras.layers", "TFSMLayer", None),
        ("keras.src.saving", "Dense", None),
        ("os", "system", None),
        (None, "Own", "pcwat>Own"),
        ("keras.layers", "Dense", "other>Dense"),
    ],
)
def test_a_foreign_class_is_refused_by_name(
    module: str | None, name: str, registered: str | None, model_file: Path
) -> None:
    def change(document: dict[str, Any]) -> None:
        hidden(document).update(module=module, class_name=name, registered_name=registered)

    rewrite(model_file, configuration(change))
    with pytest.raises(RunError, match=f"model.keras is not a model that pcwat wrote: .*{name}.*Restore the original"):
        load(model_file)


def test_a_configuration_that_describes_huge_weights_allocates_nothing(model_file: Path) -> None:
    rewrite(model_file, configuration(lambda document: hidden(document)["config"].update(units=10**11)))
    with pytest.raises(RunError, match="describes more weights than the file holds"):
        load(model_file)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_a_deeply_nested_configuration_is_refused(depth: int, model_file: Path) -> None:
    nested = b"[" * depth + b"]" * depth
    rewrite(
        model_file,
        lambda name, content: content.replace(b"{", b'{"x": ' + nested + b",", 1) if name == CONFIG else content,
    )
    with pytest.raises(RunError, match="nested more than 64 levels deep"):
        load(model_file)


def test_another_member_is_refused(model_file: Path) -> None:
    rewrite(model_file, lambda _, content: content, more={"../evil": b""})
    with pytest.raises(RunError, match=r"not '\.\./evil'"):
        load(model_file)


def test_an_encrypted_file_is_refused(model_file: Path) -> None:
    content = bytearray(model_file.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 8] |= 1
    model_file.write_bytes(bytes(content))
    with pytest.raises(RunError, match="it is encrypted"):
        load(model_file)


@pytest.mark.parametrize("backbone", ["MobileNetV2", "EfficientNetB0", "ResNet50V2"])
def test_the_classes_of_each_backbone_are_known(backbone: str, tmp_path: Path) -> None:
    body = getattr(keras.applications, backbone)(include_top=False, weights=None, input_shape=(64, 64, 3))
    body.save(tmp_path / "model.keras")
    assert check_model_file(tmp_path / "model.keras") > 0
