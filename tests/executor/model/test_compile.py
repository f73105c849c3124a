"""A saved model is compiled with the bundle's loss, metric and optimizer, on the scale of its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from executor.components.configuration import configuration
from executor.components.loss import create_loss, sample_weights
from executor.layers.output import Probabilities, Values
from executor.model.compile import WeightedClasses, compile_model, loss_on_predictions
from executor.networks.build import build_network
from rules.vocabulary.choices import (
    F1,
    AdamW,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Focal,
    Huber,
    MaeLoss,
    MseLoss,
    Quantile,
    Rmse,
    SgdMomentum,
    WeightedCrossentropy,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.layers.output import Activation
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

ROWS = 40
RANDOM = np.random.default_rng(0)
CLASSES = np.eye(3)[RANDOM.integers(0, 3, ROWS)]
CASES = [
    (Task.BINARY, BinaryCrossentropy(label_smoothing=0.1), (np.arange(ROWS) % 4 == 0)[:, None]),
    (Task.BINARY, WeightedCrossentropy(), (np.arange(ROWS) % 4 == 0)[:, None]),
    (Task.MULTICLASS, CategoricalCrossentropy(), CLASSES),
    (Task.MULTICLASS, WeightedCrossentropy(weights="square_root"), CLASSES),
    (Task.MULTILABEL, WeightedCrossentropy(), RANDOM.integers(0, 2, (ROWS, 2))),
    (Task.REGRESSION, Huber(delta=0.5), RANDOM.normal(size=(ROWS, 1))),
    (Task.MULTIOUTPUT_REGRESSION, MseLoss(), RANDOM.normal(size=(ROWS, 2))),
    (Task.REGRESSION, MaeLoss(), RANDOM.normal(size=(ROWS, 1))),
    (Task.REGRESSION, Quantile(level=0.9), RANDOM.normal(size=(ROWS, 1))),
    (Task.BINARY, Focal(), (np.arange(ROWS) % 4 == 0)[:, None]),
    (Task.MULTICLASS, Focal(gamma=1.0), CLASSES),
]


@pytest.mark.parametrize(("task", "loss", "target"), CASES)
def test_the_loss_of_a_saved_model_is_the_one_that_the_network_learned_from(
    make_parts: MakeParts, task: Task, loss: Any, target: np.ndarray
) -> None:
    parts = make_parts(RANDOM.normal(size=(ROWS, 4)), target, task=task)
    logits = RANDOM.normal(size=parts.train.target.shape).astype(np.float32)
    weights = sample_weights(loss, parts)
    learned = float(create_loss(loss, parts)(parts.train.target, logits, sample_weight=weights))
    if task.is_classification:
        activation: Activation = "softmax" if task is Task.MULTICLASS else "sigmoid"
        truth, answers = parts.train.target, Probabilities(activation=activation)(logits)
    else:
        own = Values(scale=parts.target_scale.tolist(), mean=parts.target_mean.tolist())
        truth, answers = own(parts.train.target), own(logits)
    assert float(loss_on_predictions(loss, parts)(truth, answers)) == pytest.approx(learned, rel=1e-5)


def test_the_loss_of_weighted_classes_by_hand() -> None:
    # -log 0.5 of both rows; class 1 weighs 3, class 0 weighs 1: (3 + 1) / 2 · log 2.
    loss = WeightedClasses(weights=[1.0, 3.0])
    assert float(loss(np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]]))) == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize(
    "case",
    [
        (Task.BINARY, {"loss": WeightedCrossentropy(), "metric": F1(), "optimizer": AdamW()}, CASES[0][2]),
        (Task.REGRESSION, {"loss": Huber(), "metric": Rmse(), "optimizer": SgdMomentum()}, CASES[5][2]),
    ],
)
def test_a_loaded_model_trains_on_with_loss_metric_and_optimizer(
    make_parts: MakeParts, make_bundle: Callable[..., Bundle], tmp_path: Path, case: tuple[Task, Any, np.ndarray]
) -> None:
    task, choices, target = case
    parts = make_parts(RANDOM.normal(size=(ROWS, 4)), target, task=task)
    bundle = make_bundle(**choices)
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"units": 8, "layers": 1}, seed=0)
    own = Values(scale=[2.0], mean=[5.0]) if task is Task.REGRESSION else Probabilities(activation="sigmoid")
    model = keras.Model(network.input, own(network.output))
    chosen = configuration(bundle, {"learning_rate": 0.005})
    compile_model(model, bundle, parts, chosen)
    model.save(tmp_path / "model.keras")

    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    optimizer = again.optimizer
    assert type(optimizer).__name__ == {"adamw": "AdamW", "sgd_momentum": "SGD"}[bundle.optimizer.name]
    assert float(optimizer.learning_rate) == pytest.approx(0.005)
    slots = {"adamw": 2, "sgd_momentum": 1}[bundle.optimizer.name]
    assert len(optimizer.variables) == 2 + slots * len(again.trainable_variables)
    inputs, truth = {"dense": parts.train.dense}, parts.train.target.astype(np.float64)
    history = again.fit(inputs, truth, epochs=1, verbose=0).history
    assert set(history) == {"loss", "f1" if task is Task.BINARY else "rmse"}
    assert int(again.optimizer.iterations) > 0
