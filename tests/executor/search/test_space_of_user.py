"""The search space of the user: values, conditions, and the choices with which a trial trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.components.optimizer import create_optimizer
from executor.model.ensemble import validation_outputs
from executor.model.rebuild import rebuild_networks
from executor.networks.forecaster import FORECASTER
from executor.runtime.budget import Budget
from executor.search import search as search_module
from executor.search.oracle import create_oracle
from executor.search.search import search
from executor.search.space import Scope, manual_configurations, search_space
from recommender import training_cost
from recommender.recommendation.search_space import parse_space
from rules.errors import ChoiceError
from rules.vocabulary.choices import Grid, Manual, Random
from tests.executor.search.test_oracle import F1, TUNERS, propose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

SPACE = ["units=[32,48]", "dropout=0..0.5", "optimizer=[adam,sgd,rmsprop]", "beta_1=[0.8,0.95]", "rho=[0.9,0.99]"]


@pytest.mark.parametrize("tuner", TUNERS)
def test_every_tuner_proposes_values_of_the_user_alone_and_parameters_of_the_own_optimizer(
    make_bundle: Callable[..., Bundle], tuner: object
) -> None:
    bundle = make_bundle(tuner=tuner, hyperparameters=parse_space(SPACE))

    def proposals() -> list[dict[str, Any]]:
        scope = Scope(width=20, rows=5_000, trials=16)
        oracle = create_oracle(bundle, scope, objective=F1, seed=3)
        return [dict(one.hyperparameters) for one in propose(oracle, 16)]

    found = proposals()
    own = {"adam": {"beta_1"}, "sgd": set(), "rmsprop": {"rho"}}
    for values in found:
        assert set(values) == {"units", "dropout", "optimizer"} | own[values["optimizer"]]
        assert values["units"] in {32, 48}
        assert 0 <= values["dropout"] <= 0.5
    assert len({values["optimizer"] for values in found}) > 1
    assert found == proposals()


def test_random_search_draws_listed_learning_rates(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(tuner=Random(), hyperparameters=parse_space(["learning_rate=[0.002,0.02]"]))
    oracle = create_oracle(bundle, Scope(width=20, rows=5_000, trials=2), objective=F1, seed=3)

    assert {one.hyperparameters["learning_rate"] for one in propose(oracle, 2)} == {0.002, 0.02}


def test_a_grid_has_each_combination_of_active_values_once(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(tuner=Grid(), hyperparameters=parse_space(["layers=1..3", *SPACE[2:]]))
    oracle = create_oracle(bundle, Scope(width=20, rows=5_000), objective=F1, seed=0)
    found = [tuple(one.hyperparameters.items()) for one in propose(oracle, 99)]
    assert len(set(found)) == len(found) == oracle.total == 3 * (2 + 1 + 2)


def test_a_manual_search_changes_one_value_at_a_time(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(tuner=Manual(), hyperparameters=parse_space(["units=[32,48]", *SPACE[2:4]]))
    found = manual_configurations(bundle, Scope(width=20, rows=5_000))
    assert found == [
        {"units": 32, "optimizer": "adam", "beta_1": 0.8},
        {"units": 48, "optimizer": "adam", "beta_1": 0.8},
        {"units": 32, "optimizer": "sgd"},
        {"units": 32, "optimizer": "rmsprop"},
        {"units": 32, "optimizer": "adam", "beta_1": 0.95},
    ]


def test_a_range_takes_the_default_where_it_contains_it_and_else_its_middle(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(tuner=Random(), hyperparameters=parse_space(["units=16..64", "dropout=0..0.5"]))
    items = {item.name: item for item in search_space(bundle, Scope(width=20, rows=5_000)).space}
    assert (items["units"].default, items["units"].sampling) == (32, "log")  # √(16 · 64)
    assert (items["dropout"].default, items["dropout"].sampling) == (0.1, "linear")


def test_layers_are_searched_for_forecasters_that_have_them_and_refused_where_none_has(
    make_bundle: Callable[..., Bundle],
) -> None:
    bundle = make_bundle(tuner=Random(), hyperparameters=parse_space(["layers=[1,2]", "network=[linear,mlp]"]))
    scope = Scope(width=20, rows=500, kind=FORECASTER)
    network, layers = search_space(bundle, scope).space
    assert (network.name, network.conditions) == ("network", [])
    assert [condition.values for condition in layers.conditions] == [["mlp"]]
    none = make_bundle(tuner=Random(), hyperparameters=parse_space(["layers=[1,2]", "network=[linear,gru]"]))
    with pytest.raises(ChoiceError, match="has no layers"):
        search_space(none, scope)


def test_a_trial_has_its_own_clipping_and_the_rate_of_its_own_optimizer(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(hyperparameters=parse_space(["optimizer=[adam,sgd]", "clip_norm=[0.5,2]"]))
    chosen = configuration(bundle, {"optimizer": "sgd", "clip_norm": 0.5})
    assert (chosen.learning_rate, chosen.beta_1) == (0.05, None)
    own = create_optimizer(bundle.of_trial({"optimizer": "sgd"}).optimizer, chosen)
    assert own.global_clipnorm == 0.5


def test_trials_train_with_their_own_choices_and_resume(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost, "EPOCHS", 2)
    texts = ["units=[8]", "layers=[1]", "optimizer=[adam,muon]", "activation=[tanh]", "loss=[focal]", "epochs=[1]"]
    bundle = make_bundle(tuner=Grid(), hyperparameters=parse_space(texts))

    def run(directory: Path) -> Any:
        return search(bundle, breast_cancer, budget=Budget(trials=2), seed=0, directory=directory, at_once=2)

    told, calls = search_module.tell, iter(range(9))

    def stop(*arguments: Any) -> None:
        if next(calls) == 0:
            raise KeyboardInterrupt
        told(*arguments)

    with monkeypatch.context() as killed:
        killed.setattr(search_module, "tell", stop)
        assert run(tmp_path).stopped_by == "interrupt"
    whole = run(tmp_path)
    assert sorted(one.number for one in whole.ranked) == [0, 1]
    metric = create_metric(bundle.metric)
    assert {one.hyperparameters["optimizer"] for one in whole.ranked} == {"adam", "muon"}
    for outcome in whole.ranked:
        (network,) = rebuild_networks(outcome, bundle, breast_cancer, seed=0)
        outputs = np.asarray(network({"dense": breast_cancer.validation.dense}, training=False))
        score = metric.score(outputs, breast_cancer.validation, breast_cancer)
        assert score == pytest.approx(outcome.score)
        assert network.get_layer("hidden_1").activation.__name__ == outcome.hyperparameters["activation"]
        assert validation_outputs(outcome, bundle, breast_cancer) == pytest.approx(outputs, abs=1e-5)
        assert (outcome.epochs, outcome.configuration["loss"]) == (1, "focal")
