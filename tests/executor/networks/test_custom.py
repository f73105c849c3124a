"""Own architectures: their networks, their errors, and models with layers of a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from executor import Run, train
from executor.networks.build import build_network
from recommender import training_cost
from rules import ArchitectureFunction, ChoiceError, Pin, RunError, Slot, TrainingError, register_architecture
from rules.decision.engine import check_bundle, complete_facts
from rules.proof.proved_book import load_book
from rules.vocabulary.choices import parse_choice
from rules.vocabulary.facts import Measurement
from tests.packages import write_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

MODULE = """
import keras
from rules import ArchitectureFunction

@keras.saving.register_keras_serializable(package="my_package")
class Doubled(keras.layers.Layer):
    def call(self, values):
        return values * 2

def build(inputs, settings):
    maps = keras.layers.Conv2D(settings.units, 3, activation=settings.activation, name="maps")(inputs["image"])
    return Doubled()(keras.layers.LayerNormalization()(keras.layers.GlobalMaxPooling2D()(maps)))

my_network = ArchitectureFunction(build, reads="image")
"""
POINTS = "\n[pcwat.architectures]\nmy_network = my_package:my_network\n"


def two_layers(inputs: dict[str, keras.KerasTensor], settings: object) -> keras.KerasTensor:
    hidden = inputs["dense"]
    for _ in range(settings.layers):
        hidden = keras.layers.Dense(settings.units)(hidden)
    return hidden


def test_a_network_has_the_layers_of_its_function_and_depends_on_the_seed_alone(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts
) -> None:
    bundle = make_bundle(architecture=register_architecture("two_layers", ArchitectureFunction(two_layers)))

    def build(seed: int) -> keras.Model:
        values = {"units": 5, "layers": 2}
        return build_network(parts=breast_cancer, bundle=bundle, hyperparameters=values, seed=seed)

    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    one, same, other = build(1), build(1), build(2)
    assert np.random.random() == expected  # noqa: NPY002
    assert [weight.shape for weight in one.get_weights()] == [(30, 5), (5,), (5, 5), (5,), (5, 1), (1,)]
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda _, settings: settings.unit, "raised AttributeError"),
        (lambda inputs, _: keras.layers.Reshape((5, 6))(inputs["dense"]), r"returned \(None, 5, 6\). Flatten or pool"),
        (lambda _inputs, _settings: 3, "returned int"),
    ],
)
def test_what_a_function_does_wrong_is_named(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts, function: object, message: str
) -> None:
    bundle = make_bundle(architecture=register_architecture("wrong", ArchitectureFunction(function)))
    with pytest.raises(TrainingError, match=message):
        build_network(parts=breast_cancer, bundle=bundle, hyperparameters={}, seed=0)


@pytest.mark.parametrize(
    ("facts", "reads", "message"),
    [
        ({"task": "binary", "modality": "image"}, "tabular", "reads tabular data, but these are image data"),
        ({"task": "binary", "modality": "tabular"}, "image", "reads image data, but these are tabular data"),
        ({"task": "forecasting", "modality": "tabular"}, "tabular", "but these are forecasts"),
    ],
)
def test_an_architecture_fits_the_data(
    make_bundle: Callable[..., Bundle], facts: dict[str, str], reads: str, message: str
) -> None:
    own = register_architecture("two_layers", ArchitectureFunction(two_layers, reads=reads))
    known = complete_facts({name: Measurement(value=value) for name, value in facts.items()})
    with pytest.raises(ChoiceError, match=message):
        check_bundle(make_bundle(architecture=own), load_book().book, known)


def test_the_name_of_a_shipped_architecture_is_refused() -> None:
    with pytest.raises(ChoiceError, match="has the name of a shipped one"):
        register_architecture("gru", ArchitectureFunction(two_layers))
    with pytest.raises(ChoiceError, match='ArchitectureFunction\\(function, reads="tabular"\\)'):
        register_architecture("mine", two_layers)


def test_a_model_of_images_with_layers_of_a_package_is_trained_and_opens_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost, "IMAGE_STEPS", 8)
    images, classes = load_digits(n_class=2, return_X_y=True)
    images, classes = images[:80].reshape(-1, 8, 8).astype(np.uint8), classes[:80]
    np.savez(tmp_path / "digits.npz", pixels=images, digit=classes)
    np.savez(tmp_path / "new.npz", pixels=images)
    with monkeypatch.context() as installed:
        write_package(tmp_path / "site", installed, module=MODULE, more=POINTS)
        own = parse_choice(Slot.ARCHITECTURE, "my_network")
        pins = [Pin(slot=Slot.ARCHITECTURE, choice=own, reason="test")]
        settings = {"pins": pins, "trials": 1, "search": {"units": [4]}, "keep_evaluated": True, "report": False}
        run = train(tmp_path / "digits.npz", target="digit", directory=tmp_path / "run", **settings)
        predictions = run.predict(tmp_path / "new.npz")
        assert Run(run.directory).predict(tmp_path / "new.npz").equals(predictions)
        hold_out = np.genfromtxt(run.directory / "predictions.csv", delimiter=",", skip_header=1)
        probability = predictions["probability of 1"].to_numpy()[hold_out[:, 0].astype(int)]
        np.testing.assert_allclose(probability, hold_out[:, -1])
        assert run.model.get_layer("my_network").get_layer("maps").kernel.shape == (3, 3, 1, 4)
        assert run.summary.best_configuration["units"] == 4
        recorded = run.record.bundle["architecture"]
        assert (recorded["distribution"], recorded["version"], recorded["digest"][:7]) == (
            "my-package",
            "1.2",
            "sha256:",
        )
    with pytest.raises(ChoiceError, match=r"my_network \(my-package 1.2\) is not installed.*Install my-package 1.2"):
        Run(run.directory).predict(tmp_path / "new.npz")
    forged = Run(run.directory)
    monkeypatch.setitem(forged.__dict__, "signature", run.signature.model_copy(update={"architecture": None}))
    with pytest.raises(RunError, match="which pcwat does not use"):
        forged.predict(tmp_path / "new.npz")
