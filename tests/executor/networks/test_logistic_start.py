"""Logistic and ridge regression as the start of a network of texts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from executor.networks.build import build_network
from executor.networks.starts.logistic_start import linear_start, with_linear_start
from executor.preprocessing.design_matrix import feature_matrix
from executor.preprocessing.inputs import TextInputs
from executor.runtime.clock import Clock
from rules.vocabulary.choices import (
    Accuracy,
    BagOfNgrams,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MseLoss,
    Rmse,
    TextCnn,
    WeightedCrossentropy,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice
    from tests.executor.conftest import MakeParts

PLACES = 9
ROWS = 60
LOSSES: dict[Task, dict[str, Choice]] = {
    Task.BINARY: {"loss": BinaryCrossentropy(), "metric": Accuracy()},
    Task.MULTICLASS: {"loss": CategoricalCrossentropy(), "metric": Accuracy()},
    Task.MULTILABEL: {"loss": BinaryCrossentropy(), "metric": Accuracy()},
    Task.REGRESSION: {"loss": MseLoss(), "metric": Rmse()},
}


@pytest.fixture
def texts(make_parts: MakeParts) -> Callable[..., Parts]:
    """Rows of up to five terms, of which the first decides the target."""

    def make(task: Task, *, classes: int = 3) -> Parts:
        random = np.random.default_rng(0)
        ids = random.integers(0, PLACES, (ROWS, 5))
        weights = np.where(ids > 0, random.uniform(0.2, 0.6, ids.shape), 0.0)
        first = ids[:, :1] % classes
        target = {
            Task.BINARY: (first > 0).astype(int),
            Task.MULTICLASS: np.eye(classes)[first[:, 0]],
            Task.MULTILABEL: np.hstack([first == 0, first == 1]).astype(int),
            Task.REGRESSION: first.astype(float),
        }[task]
        return dataclasses.replace(
            make_parts(weights, target, task=task, codes=ids, vocabulary=PLACES), inputs=TextInputs()
        )

    return make


def outputs(parts: Parts, bundle: Bundle) -> np.ndarray:
    """Outputs of an untrained network for the training rows."""
    network = build_network(parts=parts, bundle=bundle, hyperparameters={}, seed=0)
    return np.asarray(network({"dense": parts.train.dense, "codes": parts.train.codes}, training=False))


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_an_untrained_network_is_the_logistic_regression_of_scikit_learn(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle], task: Task
) -> None:
    parts = texts(task)
    bundle = make_bundle(architecture=BagOfNgrams(), **LOSSES[task])
    penalty = linear_start(parts, bundle).penalty
    features = feature_matrix(parts.train, parts)
    expected = LogisticRegression(C=penalty, max_iter=1_000).fit(features, parts.train.raw_target)
    np.testing.assert_allclose(
        outputs(parts, bundle).squeeze(), expected.decision_function(features), rtol=0.02, atol=0.02
    )


def test_an_untrained_network_is_a_logistic_regression_of_each_label(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = texts(Task.MULTILABEL)
    bundle = make_bundle(architecture=BagOfNgrams(), **LOSSES[Task.MULTILABEL])
    features, strength = feature_matrix(parts.train, parts), linear_start(parts, bundle).penalty
    for label, observed in enumerate(outputs(parts, bundle).T):
        fitted = LogisticRegression(C=strength, max_iter=1_000).fit(features, parts.train.raw_target[:, label])
        np.testing.assert_allclose(observed, fitted.decision_function(features), rtol=0.02, atol=0.02)


def test_an_untrained_network_of_numbers_is_the_ridge_regression_of_scikit_learn(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = texts(Task.REGRESSION)
    bundle = make_bundle(architecture=BagOfNgrams(), **LOSSES[Task.REGRESSION])
    features = feature_matrix(parts.train, parts)
    expected = Ridge(alpha=linear_start(parts, bundle).penalty).fit(features, parts.train.target)
    np.testing.assert_allclose(outputs(parts, bundle), expected.predict(features).reshape(-1, 1), atol=1e-3)


def test_a_weighted_loss_weighs_the_rows_of_the_start(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = texts(Task.BINARY)
    bundle = make_bundle(architecture=BagOfNgrams(), loss=WeightedCrossentropy(weights="balanced"), metric=Accuracy())
    features, strength = feature_matrix(parts.train, parts), linear_start(parts, bundle).penalty
    expected = LogisticRegression(C=strength, class_weight="balanced", max_iter=1_000)
    expected = expected.fit(features, parts.train.raw_target)
    np.testing.assert_allclose(
        outputs(parts, bundle).squeeze(), expected.decision_function(features), rtol=0.02, atol=0.02
    )


def test_a_class_without_training_rows_has_no_weights(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    parts = texts(Task.MULTICLASS)
    bundle = make_bundle(architecture=BagOfNgrams(), **LOSSES[Task.MULTICLASS])
    some = dataclasses.replace(parts, train=parts.train.take(parts.train.raw_target != 1))
    start = linear_start(some, bundle)
    assert not start.kernel[:, 1].any()
    features = feature_matrix(some.train, some)
    fitted = LogisticRegression(C=start.penalty, max_iter=1_000).fit(features, some.train.raw_target)
    logits = features @ start.kernel + start.bias
    np.testing.assert_allclose(logits[:, 2] - logits[:, 0], fitted.decision_function(features), rtol=0.02, atol=0.02)
    assert (logits[:, 1] < logits.max(axis=1)).all()


def test_a_start_on_other_rows_keeps_the_penalty(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    bundle = make_bundle(architecture=BagOfNgrams(), **LOSSES[Task.BINARY])
    parts = with_linear_start(texts(Task.BINARY), bundle)
    everything = with_linear_start(
        dataclasses.replace(parts, train=parts.train.joined(parts.validation)), bundle, clock=Clock()
    )
    before, after = (one.inputs_as(TextInputs).start for one in (parts, everything))
    assert before is not None
    assert after is not None
    assert after.penalty == before.penalty
    features = feature_matrix(everything.train, everything)
    expected = LogisticRegression(C=before.penalty, max_iter=1_000).fit(features, everything.train.raw_target)
    np.testing.assert_allclose(
        (features @ after.kernel + after.bias)[:, 0], expected.decision_function(features), rtol=0.02, atol=0.02
    )


def test_without_time_the_first_penalty_is_fitted(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle]
) -> None:
    bundle, readings = make_bundle(architecture=BagOfNgrams(), **LOSSES[Task.BINARY]), iter(range(1_000))
    clock = Clock(now=lambda: float(next(readings))).lasting(0.5)
    start = with_linear_start(texts(Task.BINARY), bundle, clock=clock).inputs_as(TextInputs).start
    assert start is not None
    assert start.penalty == 10.0


@pytest.mark.parametrize("architecture", [TextCnn(), BagOfNgrams(linear_start=False)])
def test_other_networks_have_no_start(
    texts: Callable[..., Parts], make_bundle: Callable[..., Bundle], architecture: Choice
) -> None:
    parts = texts(Task.BINARY)
    assert with_linear_start(parts, make_bundle(architecture=architecture)) is parts
    network = build_network(parts=parts, bundle=make_bundle(architecture=architecture), hyperparameters={}, seed=0)
    assert "linear" not in [layer.name for layer in network.layers]
