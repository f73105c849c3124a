"""Each architecture starts from the initializer, and applies the activation, that the bundle names."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from executor.architectures.network import build_network
from executor.parts import Architecture
from rules.choices import Lecun, Selu
from rules.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.parts import Parts
    from rules.bundle import Bundle
    from tests.executor.conftest import MakeParts

ROWS = 20
FORECASTS = ("linear", "mlp", "gru")
NETWORKS = (*(one.value for one in Architecture if one is not Architecture.FORECASTER), *FORECASTS)
WEIGHTED = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
STARTS_ELSEWHERE = {
    "tabular": {"output": "Zeros"},
    "linear": {"linear": "Zeros"},  # ridge regression is written over it
    "mlp": {"linear": "Zeros", "output": "Zeros"},
    "gru": {"linear": "Zeros", "output": "Zeros"},
}


def _parts(name: str, make_parts: MakeParts) -> Parts:
    random = np.random.default_rng(0)
    classes, dense = (np.arange(ROWS) % 2)[:, None], random.normal(size=(ROWS, 12))
    if name in FORECASTS:
        made = make_parts(dense, random.normal(size=(ROWS, 2)), task=Task.FORECASTING)
        train, validation = (
            dataclasses.replace(one, spread=np.ones_like(one.target)) for one in (made.train, made.validation)
        )
        return dataclasses.replace(made, window=(6, 2), train=train, validation=validation)
    if name in {"term_bag", "text_cnn"}:
        codes = random.integers(0, 9, (ROWS, 12))
        made = make_parts(dense, classes, task=Task.BINARY, codes=codes, vocabulary=9)
        return dataclasses.replace(made, text=Architecture(name))
    if name == "cnn":
        images = random.normal(size=(ROWS, 64))
        return dataclasses.replace(make_parts(images, classes, task=Task.BINARY), image=(8, 8, 1))
    made = make_parts(dense, classes, task=Task.BINARY)
    if name in {"inception", "recurrent"}:
        return dataclasses.replace(made, sequence=(4, 3), is_recurrent=name == "recurrent")
    return made


@pytest.fixture(params=NETWORKS)
def built(request: pytest.FixtureRequest, make_parts: MakeParts, make_bundle: Callable[..., Bundle]) -> Any:
    parts = _parts(request.param, make_parts)
    bundle = make_bundle(activation=Selu(), initializer=Lecun())
    chosen = {"network": request.param} if request.param in FORECASTS else {}
    return request.param, build_network(parts=parts, bundle=bundle, hyperparameters=chosen, seed=0)


def test_kernels_start_from_the_initializer_of_the_bundle(built: tuple[str, keras.Model]) -> None:
    name, network = built
    kernels = {layer.name: layer for layer in network.layers if isinstance(layer, WEIGHTED)}
    elsewhere = STARTS_ELSEWHERE.get(name, {})
    assert {one: type(layer.kernel_initializer).__name__ for one, layer in kernels.items()} == {
        one: elsewhere.get(one, "LecunNormal") for one in kernels
    }


def test_hidden_layers_apply_the_activation_of_the_bundle(built: tuple[str, keras.Model]) -> None:
    name, network = built
    functions = [layer.activation for layer in network.layers if hasattr(layer, "activation")]
    used = [one.__name__ for one in functions if one is not keras.activations.linear]
    expected = {"linear": set(), "gru": {"tanh"}, "recurrent": {"tanh"}}.get(name, {"selu"})
    assert set(used) == expected


def test_recurrent_cells_are_tanh_and_start_from_xavier(built: tuple[str, keras.Model]) -> None:
    name, network = built
    cells = [layer for layer in network.layers if isinstance(layer, keras.layers.GRU)]
    assert bool(cells) is (name in {"gru", "recurrent"})
    for cell in cells:
        assert cell.activation is keras.activations.tanh
        assert cell.recurrent_activation is keras.activations.sigmoid
        assert isinstance(cell.kernel_initializer, keras.initializers.GlorotUniform)
        assert isinstance(cell.recurrent_initializer, keras.initializers.Orthogonal)
