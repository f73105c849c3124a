"""A network, a loss, an optimizer, a tuner and a reader are each added by one file and one line that registers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.components.configuration import configuration
from executor.components.loss import LOSSES
from executor.components.optimizer import OPTIMIZERS
from executor.model.compile import compile_model
from executor.model.keras_file import check_model_file
from executor.model.rebuild import rebuild_networks
from executor.networks import registry
from executor.runtime.budget import Budget
from executor.search.oracle import ORACLES
from executor.search.search import search
from recommender import training_cost
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.table import FORMATS
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Architecture, Loss, Mae, MostSensitive, MseLoss, Optimizer, Tuner
from rules.vocabulary.facts import Task
from tests.executor.adding.toy_loss import CAUCHY, Cauchy
from tests.executor.adding.toy_network import ONE_LAYER, OneLayer
from tests.executor.adding.toy_optimizer import SIGN_SGD, SignSgd
from tests.executor.adding.toy_reader import LINES
from tests.executor.adding.toy_tuner import Extremes, extremes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.choices import Choice
    from tests.executor.conftest import MakeParts


class ToyBundle(Bundle):
    """A bundle whose vocabulary has the toys: one name in the union of each slot."""

    loss: Loss | Cauchy
    optimizer: Optimizer | SignSgd
    tuner: Tuner | Extremes
    architecture: Architecture | OneLayer


@pytest.fixture
def toy_bundle(make_bundle: Callable[..., Bundle]) -> Callable[..., Bundle]:
    def make(**choices: Choice) -> Bundle:
        plain = make_bundle(metric=Mae(), loss=MseLoss(), hyperparameters=MostSensitive())
        return ToyBundle.model_validate({**dict(plain), **choices})

    return make


@pytest.fixture
def parts(make_parts: MakeParts) -> Parts:
    """Forty rows whose target is a weighted sum of three numbers."""
    values = np.random.default_rng(0).normal(size=(40, 3))
    return make_parts(values, values @ [[1.0], [-2.0], [0.5]], task=Task.REGRESSION)


@pytest.fixture
def train(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Bundle], list[dict[str, object]]]:
    """Searches two trials of a bundle, checks that the best network is saved, and returns their hyperparameters."""
    monkeypatch.setattr(training_cost, "EPOCHS", 2)

    def run(bundle: Bundle) -> list[dict[str, object]]:
        trials = search(bundle, parts, budget=Budget(trials=2), seed=0, directory=tmp_path)
        assert [one.status for one in trials.ranked] == ["completed", "completed"]
        (network,) = rebuild_networks(trials.best, bundle, parts, 0)
        compile_model(network, bundle, parts, configuration(bundle, trials.best.hyperparameters))
        network.save(tmp_path / "model.keras")
        assert check_model_file(tmp_path / "model.keras") > 0
        return [one.hyperparameters for one in sorted(trials.ranked, key=lambda one: one.number)]

    return run


def test_a_network(
    monkeypatch: pytest.MonkeyPatch, train: Callable[..., object], toy_bundle: Callable[..., Bundle], parts: Parts
) -> None:
    monkeypatch.setattr(registry, "NETWORKS", [*registry.NETWORKS, ONE_LAYER])
    bundle = toy_bundle(architecture=OneLayer())
    assert registry.network_kind(bundle, parts.inputs) is ONE_LAYER
    assert registry.network_kind(toy_bundle(), parts.inputs).name == "tabular"
    train(bundle)


def test_a_loss(
    monkeypatch: pytest.MonkeyPatch, train: Callable[..., object], toy_bundle: Callable[..., Bundle]
) -> None:
    monkeypatch.setitem(LOSSES, Cauchy, CAUCHY)
    train(toy_bundle(loss=Cauchy()))


def test_an_optimizer(
    monkeypatch: pytest.MonkeyPatch, train: Callable[..., object], toy_bundle: Callable[..., Bundle]
) -> None:
    monkeypatch.setitem(OPTIMIZERS, SignSgd, SIGN_SGD)
    train(toy_bundle(optimizer=SignSgd()))


def test_a_tuner(
    monkeypatch: pytest.MonkeyPatch,
    train: Callable[[Bundle], list[dict[str, object]]],
    toy_bundle: Callable[..., Bundle],
) -> None:
    monkeypatch.setitem(ORACLES, Extremes, extremes)
    rate = toy_bundle().optimizer.learning_rate
    tried = [one["learning_rate"] for one in train(toy_bundle(tuner=Extremes()))]
    assert tried == pytest.approx([rate / 10, rate * 10])


def test_a_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FORMATS, ".lines", LINES)
    (tmp_path / "numbers.lines").write_text("1\n3\n")
    dataset = Dataset.open(tmp_path / "numbers.lines")
    assert (dataset.format, dataset.columns) == ("lines", ("x", "y"))
    assert dataset.connection.sql("SELECT y FROM dataset").fetchall() == [(1.0,), (9.0,)]
