"""What each network starts from, applies and learns by is read back from its graph, and equals what the bundle names.

Where a choice does not reach a layer, `recommender.audit.reach` names that layer.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final, Protocol

import keras
import numpy as np
import pytest

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.components.optimizer import create_optimizer
from executor.layers.dropout import RatedDropout
from executor.networks.build import build_network
from executor.preprocessing.inputs import ImageInputs, SequenceInputs, TableInputs, TextInputs, WindowInputs
from executor.search.runners.compiled import compile_step
from executor.search.runners.workspace import create_workspace
from recommender.audit.reach import choice_scope
from rules.vocabulary.choices import (
    EXTRAS,
    Adagrad,
    Adam,
    AdamW,
    Backbone,
    BagOfNgrams,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Gru,
    He,
    Huber,
    InceptionTime,
    Lecun,
    MaeLoss,
    MiniRocket,
    MseLoss,
    RandomNormal,
    RandomUniform,
    Relu,
    RmsProp,
    Selu,
    Sgd,
    SgdMomentum,
    Slot,
    Standard,
    Tanh,
    TextCnn,
    WeightedCrossentropy,
    Xavier,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice
    from tests.executor.conftest import MakeParts

ROWS: Final = 20
FORECASTS: Final = ("linear", "mlp", "gru")
CHOICES: Final[dict[str, dict[str, Choice]]] = {
    "minirocket": {"architecture": MiniRocket()},
    "inception": {"architecture": InceptionTime()},
    "recurrent": {"architecture": Gru()},
    "term_bag": {"architecture": BagOfNgrams()},
    "text_cnn": {"architecture": TextCnn()},
}
MODALITIES: Final = {
    "tabular": "tabular", "cnn": "image", "backbone": "image", "term_bag": "text", "text_cnn": "text",
}  # fmt: skip
"""Others read sequences."""
NETWORKS: Final = ("tabular", "cnn", *CHOICES, *FORECASTS)
NAMED: Final[dict[str, dict[str, str]]] = {
    "tabular": {
        "output": "the output layer is initialized with zeros",
        "levels": "embeddings and periodic features have their own distributions",
        "waves": "embeddings and periodic features have their own distributions",
        "scale": "the learned input scale with ones",
    },
    "minirocket": {
        "output": "the output layer is initialized with zeros",
        "levels": "embeddings and periodic features have their own distributions",
        "waves": "embeddings and periodic features have their own distributions",
        "scale": "the learned input scale with ones",
    },
    "cnn": {"levels": "embeddings of categories use a normal distribution"},
    "backbone": {
        "levels": "embeddings of categories use a normal distribution",
        "body": "the backbone has the pretrained weights",
    },
    "inception": {"levels": "embeddings of categories use a normal distribution"},
    "recurrent": {
        "levels": "embeddings of categories use a normal distribution",
        "recurrent_1": "recurrent cells use",
        "recurrent_2": "recurrent cells use",
    },
    "term_bag": {
        "linear": "the linear layer keeps the solution of logistic or ridge regression",
        "output": "the output layer is initialized with zeros",
    },
    "text_cnn": {"words": "embeddings of words use a normal distribution"},
    "linear": {
        "linear": "the linear layer is initialized with the solution of ridge regression",
        "of_levels": "output layers are initialized with zeros",
        "levels": "embeddings of categories use a normal distribution",
    },
}
"""The layers of each network whose weights do not start from the initializer, and what `choice_scope` says of them."""
NAMED["mlp"] = {**NAMED["linear"], "output": "output layers are initialized with zeros"}
NAMED["gru"] = {**NAMED["mlp"], "recurrent": "recurrent cells use"}
KEPT: Final = {
    "recurrent": "Recurrent cells always use tanh",
    "gru": "Recurrent cells always use tanh",
    "linear": "the linear network has no hidden layers",
    "backbone": "The backbone has its own activations",
}
"""What `choice_scope` says of networks with layers that do not apply the activation."""
STARTS: Final = (
    (Xavier(), Tanh()), (He(), Relu()), (Lecun(), Selu()), (RandomUniform(limit=0.3), Relu()),
    (RandomNormal(stddev=0.2), Tanh()), (Xavier(distribution="normal"), Selu()), (He(distribution="uniform"), Relu()),
)  # fmt: skip
RATE: Final = 0.01
IMAGES: Final = ImageInputs(shape=(8, 8, 1), mean=(128.0,), scale=(60.0,))


def make(name: str, make_parts: MakeParts) -> Parts:
    """Rows of a network that also have two columns of categories, unless they are texts."""
    random = np.random.default_rng(0)
    classes, dense = (np.arange(ROWS) % 2)[:, None], random.normal(size=(ROWS, 12))
    coded: dict[str, Any] = {"codes": random.integers(0, 9, (ROWS, 2)), "vocabulary": 9}
    if name in FORECASTS:
        made = make_parts(dense, random.normal(size=(ROWS, 2)), task=Task.FORECASTING, **coded)
        train, validation = (
            dataclasses.replace(one, spread=np.ones_like(one.target)) for one in (made.train, made.validation)
        )
        return dataclasses.replace(made, inputs=WindowInputs(lags=6, targets=2), train=train, validation=validation)
    if name in {"term_bag", "text_cnn"}:
        codes = random.integers(0, 9, (ROWS, 12))
        made = make_parts(np.ones((ROWS, 12)), classes, task=Task.BINARY, codes=codes, vocabulary=9)
        return dataclasses.replace(made, inputs=TextInputs())
    if name in {"cnn", "backbone"}:
        made = make_parts(random.normal(size=(ROWS, 64)), classes, task=Task.BINARY, **coded)
        return dataclasses.replace(_with_numbers(made, random), inputs=IMAGES)
    made = make_parts(dense, classes, task=Task.BINARY, **coded)
    if name in {"inception", "recurrent"}:
        made = _with_numbers(made, random)
        return dataclasses.replace(made, inputs=SequenceInputs(steps=4, channels=3))
    return dataclasses.replace(made, inputs=TableInputs(numbers=3))


def _with_numbers(parts: Parts, random: np.random.Generator) -> Parts:
    """The parts with three further columns of numbers."""
    train, validation = (
        dataclasses.replace(one, column_features=random.normal(size=(len(one), 3)).astype(np.float32))
        for one in (parts.train, parts.validation)
    )
    return dataclasses.replace(parts, train=train, validation=validation)


def hyperparameters(name: str) -> dict[str, Any]:
    if name in FORECASTS:
        return {"network": name}
    return {"layers": 2} if name in {"tabular", "minirocket", "recurrent", "term_bag"} else {}


class Build(Protocol):
    def __call__(self, name: str, **choices: Choice) -> tuple[keras.Model, Bundle, Parts]: ...


class Step(Protocol):
    def __call__(
        self, network: keras.Model, bundle: Bundle, parts: Parts
    ) -> tuple[keras.optimizers.Optimizer, dict[str, np.ndarray]]: ...


@pytest.fixture
def build(make_parts: MakeParts, make_bundle: Callable[..., Bundle]) -> Build:
    """Builds the network of a name as a trial does, with some choices of the bundle."""

    def built(name: str, **choices: Choice) -> tuple[keras.Model, Bundle, Parts]:
        loss = {"loss": MseLoss()} if name in FORECASTS else {}
        bundle, parts = make_bundle(**CHOICES.get(name, {}), **loss, **choices), make(name, make_parts)
        return build_network(parts=parts, bundle=bundle, hyperparameters=hyperparameters(name), seed=0), bundle, parts

    return built


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    """Takes a training step as a trial does, and gives the optimizer and the change of each weight by its path."""
    monkeypatch.setattr(
        "executor.search.runners.compiled.compile_graph", lambda function, *_, **_settings: function
    )  # a graph takes a second

    def taken(
        network: keras.Model, bundle: Bundle, parts: Parts
    ) -> tuple[keras.optimizers.Optimizer, dict[str, np.ndarray]]:
        for layer in network.layers:  # behind kernels of zeros no gradient arrives in the first step
            if layer.name in {"output", "of_levels"}:
                layer.kernel.assign(np.random.default_rng(1).normal(size=layer.kernel.shape))
        at = create_workspace(
            bundle,
            parts,
            metric=create_metric(bundle.metric),
            seed=0,
            directory=tmp_path,
        )
        optimizer = create_optimizer(bundle.optimizer, configuration(bundle, {}))
        optimizer.build(network.trainable_variables)
        before = [np.asarray(one) for one in network.trainable_variables]
        rows = np.arange(len(parts.train), dtype=np.int32)[None]
        step = compile_step(network, optimizer, at, batch=rows.size)
        step(at.train.columns, rows, np.array([RATE], np.float32), 0.0, 0)
        moved = zip(network.trainable_variables, before, strict=True)
        return optimizer, {one.path: np.asarray(one) - old for one, old in moved}

    return taken


def said(slot: Slot, name: str, bundle: Bundle) -> str:
    task = Task.FORECASTING if name in FORECASTS else Task.BINARY
    return choice_scope(slot, bundle, task=task, modality=MODALITIES.get(name, "sequence"))


def first_weights(network: keras.Model) -> Iterator[tuple[keras.layers.Layer, np.ndarray, Any]]:
    """Each layer with its matrix and what initializes it, None where it draws its weights itself.

    Normalizations, whose scale starts at one, and layers of dropout, which keep their rate, are left out.
    """
    names = ("kernel_initializer", "embeddings_initializer", "initializer")
    for layer in network.layers:
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization | RatedDropout):
            found = next((getattr(layer, name) for name in names if hasattr(layer, name)), None)
            yield layer, np.asarray(layer.weights[0]), found


def settings(initializer: keras.initializers.Initializer | None) -> tuple[str, dict[str, Any]]:
    """Class and parameters, without the seed and what is left to Keras."""
    if initializer is None:
        return "", {}
    own = {name: value for name, value in initializer.get_config().items() if name != "seed" and value is not None}
    return type(initializer).__name__, own


WANTED: Final = {
    "xavier": ("GlorotUniform", {}),
    "xavier (distribution normal)": ("GlorotNormal", {}),
    "he": ("HeNormal", {}),
    "he (distribution uniform)": ("HeUniform", {}),
    "lecun": ("LecunNormal", {}),
    "random_uniform (limit 0.3)": ("RandomUniform", {"minval": -0.3, "maxval": 0.3}),
    "random_normal (stddev 0.2)": ("RandomNormal", {"mean": 0.0, "stddev": 0.2}),
}
"""What Keras calls each initializer."""


def variance(choice: Choice, shape: tuple[int, ...]) -> float:
    """The variance of a kernel by the formulas of the papers; shape: (…, inputs, outputs)."""
    field = math.prod(shape[:-2])
    fan_in, fan_out = field * shape[-2], field * shape[-1]
    match choice:
        case Xavier():
            return 2 / (fan_in + fan_out)
        case He():
            return 2 / fan_in
        case Lecun():
            return 1 / fan_in
        case RandomUniform():
            return 0.3**2 / 3
    return 0.2**2


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("initializer", "activation"), STARTS[:5], ids=str)
def test_kernels_start_from_the_initializer_of_the_bundle(
    build: Build, name: str, initializer: Choice, activation: Choice
) -> None:
    network, bundle, _ = build(name, initializer=initializer, activation=activation)
    check_starts(network, NAMED[name], initializer, said(Slot.INITIALIZER, name, bundle))


@pytest.mark.parametrize(("initializer", "activation"), STARTS[5:], ids=str)
def test_both_distributions_of_an_initializer_are_drawn(build: Build, initializer: Choice, activation: Choice) -> None:
    network, bundle, _ = build("tabular", initializer=initializer, activation=activation)
    check_starts(network, NAMED["tabular"], initializer, said(Slot.INITIALIZER, "tabular", bundle))


def check_starts(network: keras.Model, others: dict[str, str], initializer: Choice, named: str) -> None:
    """All kernels start from the initializer, save those of the other layers, of which `named` says it; and no other.

    others: layers with the words that name them.
    """
    elsewhere = set()
    for layer, kernel, found in first_weights(network):
        if isinstance(layer, keras.layers.GRU) or settings(found) != WANTED[str(initializer)]:
            elsewhere.add(layer.name)
            continue
        # Five standard errors of a variance; the kurtosis of the distributions is at most that of the normal one.
        assert kernel.var() == pytest.approx(variance(initializer, kernel.shape), rel=5 * (2 / kernel.size) ** 0.5)
    assert elsewhere == set(others)
    assert {words for words in others.values() if words not in named} == set()
    assert bool(named) is bool(elsewhere)


@pytest.mark.parametrize("name", ["tabular", *FORECASTS])
def test_without_extras_the_output_starts_from_the_initializer_and_all_layers_learn_at_one_rate(
    step: Step, make_parts: MakeParts, make_bundle: Callable[..., Bundle], name: str
) -> None:
    loss = {"loss": MseLoss()} if name in FORECASTS else {}
    plain = Standard(**dict.fromkeys(EXTRAS, False))
    bundle = make_bundle(architecture=plain, initializer=Lecun(), optimizer=Adam(learning_rate=RATE), **loss)
    parts = make(name, make_parts)
    if isinstance(parts.inputs, TableInputs):
        parts = dataclasses.replace(parts, inputs=TableInputs(input_scale=False))
    network = build_network(parts=parts, bundle=bundle, hyperparameters=hyperparameters(name), seed=0)
    others = {"levels": "embeddings", **({"recurrent": "recurrent cells use"} if name == "gru" else {})}
    check_starts(network, others, Lecun(), said(Slot.INITIALIZER, name, bundle))
    _, changes = step(network, bundle, parts)
    assert {name: np.abs(change).max() for name, change in changes.items()} == {
        name: pytest.approx(RATE, rel=0.01) for name in changes
    }
    assert said(Slot.OPTIMIZER, name, bundle) == ""


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("activation", [Relu(), Tanh(), Selu()], ids=str)
def test_hidden_layers_apply_the_activation_of_the_bundle(build: Build, name: str, activation: Choice) -> None:
    network, bundle, _ = build(name, activation=activation)
    used = {one for layer in network.layers if (one := function_of(layer)) not in {None, "linear"}}
    wanted = {"linear": set(), "gru": {"tanh"}, "recurrent": {"tanh", str(activation)}}
    assert used == wanted.get(name, {str(activation)})
    assert KEPT.get(name, "") in said(Slot.ACTIVATION, name, bundle)
    assert bool(said(Slot.ACTIVATION, name, bundle)) is (name in KEPT or name in FORECASTS)


def function_of(layer: keras.layers.Layer) -> str | None:
    return layer.activation.__name__ if hasattr(layer, "activation") else None


@pytest.mark.parametrize(("name", "cells"), [("gru", 1), ("recurrent", 2)])
@pytest.mark.parametrize(
    ("initializer", "wanted"),
    [
        (He(), "GlorotUniform"),
        (Lecun(), "GlorotUniform"),
        (Xavier(distribution="normal"), "GlorotNormal"),
        (RandomNormal(stddev=0.2), "RandomNormal"),
    ],
    ids=str,
)
def test_recurrent_cells_are_tanh_and_start_from_what_fits_tanh(
    build: Build, name: str, cells: int, initializer: Choice, wanted: str
) -> None:
    network, _, _ = build(name, initializer=initializer)
    found = [layer for layer in network.layers if isinstance(layer, keras.layers.GRU)]
    assert len(found) == cells
    for layer in found:
        assert (layer.activation.__name__, layer.recurrent_activation.__name__) == ("tanh", "sigmoid")
        assert type(layer.kernel_initializer).__name__ == wanted
        recurrent = np.asarray(layer.cell.recurrent_kernel, np.float64)
        rows = recurrent @ recurrent.T  # (units, 3 * units), of which the rows are orthonormal
        np.testing.assert_allclose(rows, np.eye(len(rows)), atol=1e-5)


def test_a_backbone_is_frozen_and_the_layers_after_it_follow_the_bundle(
    make_parts: MakeParts, make_bundle: Callable[..., Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(*, input_shape: tuple[int, ...], **_: object) -> keras.Model:
        return keras.Sequential([keras.Input(input_shape), keras.layers.Conv2D(4, 32, strides=32)], name="body")

    monkeypatch.setattr("executor.networks.pretrained.BACKBONES", {"mobilenet_v2": small})  # theirs take seconds
    small(input_shape=(96, 96, 3)).save_weights(tmp_path / "trained.weights.h5")
    backbone = Backbone(weights=str(tmp_path / "trained.weights.h5"))
    bundle = make_bundle(transfer=backbone, initializer=Lecun(), activation=Selu())
    network = build_network(parts=make("backbone", make_parts), bundle=bundle, hyperparameters={}, seed=0)
    check_starts(network, NAMED["backbone"], Lecun(), said(Slot.INITIALIZER, "backbone", bundle))
    assert function_of(network.get_layer("joined")) == "selu"
    assert KEPT["backbone"] in said(Slot.ACTIVATION, "backbone", bundle)
    assert network.get_layer("body").trainable_weights == []
    assert "weights of the backbone are frozen" in said(Slot.OPTIMIZER, "backbone", bundle)
    assert said(Slot.TRANSFER, "backbone", bundle) == ""


def test_a_backbone_without_weights_is_named_as_none(build: Build, make_bundle: Callable[..., Bundle]) -> None:
    network, bundle, _ = build("cnn", transfer=Backbone())
    assert [layer for layer in network.layers if isinstance(layer, keras.Model)] == []
    assert "without a backbone" in said(Slot.TRANSFER, "cnn", bundle)
    assert said(Slot.TRANSFER, "cnn", make_bundle()) == ""


FASTER: Final = {
    "tabular": {"scale": 20.0, "waves": 1.6, "hidden_1/kernel": (256 / (12 + 3 * 3 + 2 * 8)) ** 0.5},
    "minirocket": {"scale": 20.0, "waves": 1.6, "hidden_1/kernel": (256 / (12 + 3 * 3 + 2 * 8)) ** 0.5},
    **{name: {"linear": 0.1} for name in FORECASTS},
}
"""By how much the learning rate of a layer, or of one of its weights, differs from the bundle's."""
MULTIPLES: Final = {20.0: "20 for", 1.6: "1.6 for", 0.1: "a tenth"}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_step_of_adam_has_the_learning_rate_of_the_bundle(build: Build, step: Step, name: str) -> None:
    network, bundle, parts = build(name, optimizer=Adam(learning_rate=RATE))
    optimizer, changes = step(network, bundle, parts)
    named = said(Slot.OPTIMIZER, name, bundle)
    faster = FASTER.get(name, {})
    for weight, change in changes.items():
        layer = weight.split("/")[-2]
        pace = faster.get(layer, faster.get("/".join(weight.split("/")[-2:]), 1.0))
        # Adam's first step is the rate, whatever the size of the gradient (Kingma and Ba 2015, section 2.1).
        assert np.abs(change).max() == pytest.approx(RATE * pace, rel=0.01), weight
        assert MULTIPLES.get(pace, "") in named
    assert bool(named) is bool(faster)
    # Two moments of each weight after one step: 0.1 g and 0.001 g².
    first, second = optimizer._momentums, optimizer._velocities
    assert len(first) == len(second) == len(network.trainable_variables)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(np.asarray(other), 0.1 * np.square(np.asarray(one)), rtol=1e-3, atol=1e-12)
    assert int(optimizer.iterations) == 1
    assert float(optimizer.learning_rate) == pytest.approx(RATE)


@pytest.mark.parametrize(
    ("choice", "kind", "wanted"),
    [
        (Sgd(learning_rate=RATE), "SGD", {"momentum": 0.0, "nesterov": False}),
        (SgdMomentum(learning_rate=RATE, momentum=0.8), "SGD", {"momentum": 0.8, "nesterov": False}),
        (SgdMomentum(learning_rate=RATE, nesterov=True), "SGD", {"momentum": 0.9, "nesterov": True}),
        (Adam(learning_rate=RATE), "Adam", {"beta_1": 0.9, "beta_2": 0.999, "weight_decay": None}),
        (AdamW(learning_rate=RATE, weight_decay=0.02), "AdamW", {"beta_1": 0.9, "beta_2": 0.999, "weight_decay": 0.02}),
        (RmsProp(learning_rate=RATE), "RMSprop", {"rho": 0.9, "momentum": 0.0, "weight_decay": None}),
        (Adagrad(learning_rate=RATE), "Adagrad", {"initial_accumulator_value": 0.1, "weight_decay": None}),
    ],
    ids=str,
)
def test_optimizer_and_state_after_a_step_are_those_of_the_bundle(
    build: Build, step: Step, choice: Choice, kind: str, wanted: dict[str, Any]
) -> None:
    network, bundle, parts = build("recurrent", optimizer=choice)
    optimizer, changes = step(network, bundle, parts)
    own = optimizer.get_config()
    assert type(optimizer).__name__ == kind
    assert {name: own[name] for name in wanted} == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in wanted.items()
    }
    assert own["learning_rate"] == pytest.approx(RATE)
    assert int(optimizer.iterations) == 1
    state = [np.asarray(one) for one in optimizer.variables[2:]]
    moved = [*changes.values()]
    if kind == "SGD":  # v = -rate g, and the step is v, with Nesterov's (1 + momentum) v
        assert len(state) == (len(moved) if wanted["momentum"] else 0)
        for velocity, change in zip(state, moved, strict=False):
            np.testing.assert_allclose(change, velocity * (1.9 if wanted["nesterov"] else 1.0), rtol=1e-3, atol=1e-7)
    elif kind == "RMSprop":  # 0.1 g², so that the step is rate / √0.1, but for Keras' 1e-7 below the root
        for squares, change in zip(state, moved, strict=True):
            assert np.abs(change).max() == pytest.approx(RATE * (0.1 + 1e-7 / (squares.max() / 0.1)) ** -0.5, rel=0.01)
    elif kind == "Adagrad":  # 0.1 + g², and the step is rate g / √(0.1 + g²)
        for accumulated, change in zip(state, moved, strict=True):
            gradient = np.sqrt(np.maximum(accumulated - 0.1, 0))
            np.testing.assert_allclose(np.abs(change), RATE * gradient / np.sqrt(accumulated), rtol=0.02, atol=1e-5)
    assert ("excluded from weight decay" in said(Slot.OPTIMIZER, "recurrent", bundle)) is (kind == "AdamW")


@pytest.mark.parametrize(
    ("loss", "task", "kind", "wanted"),
    [
        (BinaryCrossentropy(), Task.BINARY, "BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.0}),
        (
            BinaryCrossentropy(label_smoothing=0.1),
            Task.MULTILABEL,
            "BinaryCrossentropy",
            {"from_logits": True, "label_smoothing": 0.1},
        ),
        (
            CategoricalCrossentropy(label_smoothing=0.1),
            Task.MULTICLASS,
            "CategoricalCrossentropy",
            {"from_logits": True, "label_smoothing": 0.1},
        ),
        (WeightedCrossentropy(), Task.MULTICLASS, "CategoricalCrossentropy", {"from_logits": True}),
        (WeightedCrossentropy(), Task.BINARY, "BinaryCrossentropy", {"from_logits": True}),
        (Huber(delta=0.7), Task.REGRESSION, "HuberLoss", {"delta": 0.7}),
        (MseLoss(), Task.FORECASTING, "MeanSquaredError", {}),
        (MaeLoss(), Task.MULTIOUTPUT_REGRESSION, "MeanAbsoluteError", {}),
    ],
    ids=str,
)
def test_the_loss_that_trials_minimise_is_that_of_the_bundle(
    make_parts: MakeParts,
    make_bundle: Callable[..., Bundle],
    tmp_path: Path,
    *,
    loss: Choice,
    task: Task,
    kind: str,
    wanted: dict[str, Any],
) -> None:
    target = np.eye(3)[[0, 0, 1, 2] * 5] if task is not Task.BINARY else np.array([[0, 0, 0, 1]] * 5).reshape(-1, 1)
    parts = make_parts(np.zeros((ROWS, 1)), target, task=task)
    at = create_workspace(
        make_bundle(loss=loss),
        parts,
        metric=create_metric(make_bundle().metric),
        seed=0,
        directory=tmp_path,
    )
    own = at.loss.get_config()
    assert type(at.loss).__name__ == kind
    assert {name: own[name] for name in wanted} == wanted
    weights = np.unique(np.asarray(at.train.weight))
    # Of 16 training rows, 12 and 4, or 8, 4 and 4: 1 / (classes · share).
    balanced = {Task.BINARY: [2 / 3, 2.0], Task.MULTICLASS: [2 / 3, 4 / 3]}
    expected = balanced[task] if isinstance(loss, WeightedCrossentropy) else [1.0]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
