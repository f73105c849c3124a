"""The networks of a forecast: where they start, and what comes out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from executor.networks.build import build_network, layer_rate_multipliers
from executor.networks.starts.ridge_start import THETA_PENALTY, best_penalty, best_theta_weight, linear_start
from executor.preprocessing.inputs import WindowInputs
from rules.vocabulary.choices import EXTRAS, MseLoss, Networks, Rmse, RmsProp, Standard
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

LAGS, TARGETS, HORIZON = 6, 2, 3


@pytest.fixture
def parts(make_parts: MakeParts) -> Parts:
    """Windows of six lags of two targets and one more column, asked for three steps; spreads differ from row to row."""
    random = np.random.default_rng(0)
    dense = random.normal(size=(100, LAGS * TARGETS + 1))
    change = dense @ random.normal(size=(LAGS * TARGETS + 1, TARGETS * HORIZON)) * 0.3
    spread = np.repeat(random.uniform(0.5, 2, size=(100, TARGETS)), HORIZON, axis=1).astype(np.float32)
    made = make_parts(dense, change * spread, task=Task.FORECASTING)
    return replace(
        made,
        inputs=WindowInputs(lags=LAGS, targets=TARGETS),
        train=replace(made.train, spread=spread[:80]),
        validation=replace(made.validation, spread=spread[80:]),
    )


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    return make_bundle(metric=Rmse(), loss=MseLoss(), optimizer=RmsProp(), hyperparameters=Networks())


def test_a_forecast_of_one_step_of_one_target_starts_at_ridge_regression(make_parts: MakeParts, bundle: Bundle) -> None:
    random = np.random.default_rng(0)
    dense = random.normal(size=(60, 4))
    made = replace(make_parts(dense, dense[:, :1] * 2, task=Task.FORECASTING), inputs=WindowInputs(lags=4, targets=1))
    network = build_network(parts=made, bundle=bundle, hyperparameters={"network": "linear"}, seed=0)
    rows = made.validation
    ridge = Ridge(alpha=best_penalty(made)).fit(made.train.dense, made.train.target)
    said = network({"dense": rows.dense, "spread": np.ones((len(rows), 1), np.float32)}).numpy()
    np.testing.assert_allclose(said[:, 0], ridge.predict(rows.dense).ravel(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "mlp", "gru"])
def test_each_network_starts_at_ridge_regression_and_is_saved_as_it_is(
    kind: str, parts: Parts, bundle: Bundle, tmp_path
) -> None:
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"network": kind}, seed=0)
    rows = parts.validation
    ridge = Ridge(alpha=best_penalty(parts)).fit(parts.train.dense, parts.train.target / parts.train.spread)
    inputs = {"dense": rows.dense, "spread": rows.spread}
    said = network(inputs).numpy()
    np.testing.assert_allclose(said, ridge.predict(rows.dense) * rows.spread, rtol=1e-3, atol=1e-4)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_allclose(again(inputs).numpy(), said, rtol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "mlp", "gru"])
def test_a_plain_forecaster_starts_by_the_initializer_and_learns_at_one_rate(
    kind: str, parts: Parts, make_bundle: Callable[..., Bundle]
) -> None:
    plain = Standard(**dict.fromkeys(EXTRAS, False))
    choices = {"metric": Rmse(), "loss": MseLoss(), "optimizer": RmsProp(), "hyperparameters": Networks()}
    bundle = make_bundle(**choices, architecture=plain)
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"network": kind}, seed=0)
    assert layer_rate_multipliers(network, parts, bundle) == [1.0] * len(network.trainable_variables)
    outputs = [layer for layer in network.layers if layer.name in {"linear", "output"}]
    assert len(outputs) == (1 if kind == "linear" else 2)
    for layer in outputs:
        assert type(layer.kernel_initializer).__name__ == "HeNormal"
        wanted = (2 / layer.kernel.shape[0]) ** 0.5
        assert np.std(layer.kernel.numpy()) == pytest.approx(wanted, rel=0.5)
        assert not layer.bias.numpy().any()


def test_the_linear_layer_learns_slowly_and_the_others_at_the_common_rate(parts: Parts, bundle: Bundle) -> None:
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"network": "mlp"}, seed=0)
    rate_multipliers = dict(
        zip(
            (weight.path for weight in network.trainable_variables),
            layer_rate_multipliers(network, parts, bundle),
            strict=True,
        )
    )
    assert {pace for path, pace in rate_multipliers.items() if path.startswith("linear/")} == {0.1}
    assert {pace for path, pace in rate_multipliers.items() if not path.startswith("linear/")} == {1.0}


def test_the_recurrent_network_reads_the_oldest_lag_first(parts: Parts, bundle: Bundle) -> None:
    network = build_network(parts=parts, bundle=bundle, hyperparameters={"network": "gru"}, seed=0)
    window = network.get_layer("window")
    steps = np.asarray(window(np.arange(2.0 * (LAGS * TARGETS + 1)).reshape(2, -1)))
    assert steps.shape == (2, LAGS, TARGETS)
    assert steps[0, -1].tolist() == [0, 1]
    assert steps[0, 0].tolist() == [10, 11]


def test_the_start_is_the_mean_of_ridge_regression_and_the_imitated_theta_model(parts: Parts) -> None:
    train = parts.train
    theta = (train.dense @ np.full((train.dense.shape[1], TARGETS * HORIZON), 0.1)).astype(np.float32)
    theta[:5] = np.nan  # before the first fitted step
    inputs = WindowInputs(lags=LAGS, targets=TARGETS, penalty=10.0, theta_weight=0.25)
    kernel, bias = linear_start(replace(parts, inputs=inputs, train=replace(train, theta_change=theta)))
    own = Ridge(alpha=10.0).fit(train.dense, train.change)
    other = Ridge(alpha=THETA_PENALTY).fit(train.dense[5:], theta[5:])
    np.testing.assert_allclose(kernel, (0.75 * own.coef_ + 0.25 * other.coef_).T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(bias, 0.75 * own.intercept_ + 0.25 * other.intercept_, rtol=1e-4, atol=1e-5)


def test_the_weight_of_the_theta_model_is_that_of_the_lowest_validation_error(parts: Parts) -> None:
    train = parts.train
    opposite = replace(train, theta_change=-train.change.astype(np.float32))
    assert best_theta_weight(replace(parts, train=opposite), penalty=1.0) == 0
    # A ridge regression with a large penalty underestimates changes, which the model overestimates.
    twice = replace(train, theta_change=2 * train.change.astype(np.float32))
    assert best_theta_weight(replace(parts, train=twice), penalty=1e9) == 0.5
    assert best_theta_weight(parts, penalty=1.0) == 0


def test_the_start_of_a_forecaster_is_a_candidate_where_it_is_a_solution(parts: Parts) -> None:
    inputs = WindowInputs(lags=LAGS, targets=TARGETS)
    assert not replace(parts, inputs=inputs).is_started
    assert replace(parts, inputs=replace(inputs, penalty=1.0)).is_started
