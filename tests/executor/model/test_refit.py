"""Retraining of the best networks of texts on training and validation rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from executor.components.metric import create_metric
from executor.model import refit
from executor.model.ensemble import Length
from executor.model.refit import refit_best_trials
from executor.networks.starts.logistic_start import linear_start, with_linear_start
from executor.preprocessing.design_matrix import feature_matrix
from executor.preprocessing.inputs import TextInputs
from executor.search.records.outcome import Outcome
from executor.search.records.proposal import Proposal
from executor.search.records.trials import Trials
from executor.search.records.weights import WEIGHTS
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.workspace import create_workspace
from rules.vocabulary.choices import BagOfNgrams
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Task
from tests.executor.search.cluster.conftest import CopyingPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

PLACES = 9


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    return make_bundle(architecture=BagOfNgrams())


@pytest.fixture
def texts(make_parts: MakeParts, bundle: Bundle) -> Parts:
    """Rows of up to five terms of two classes, with a linear start."""
    random = np.random.default_rng(0)
    ids = random.integers(0, PLACES, (60, 5))
    weights = np.where(ids > 0, random.uniform(0.2, 0.6, ids.shape), 0.0)
    parts = make_parts(weights, (ids[:, :1] % 2), task=Task.BINARY, codes=ids, vocabulary=PLACES)
    return with_linear_start(dataclasses.replace(parts, inputs=TextInputs()), bundle)


def trial(number: int, best_epoch: int, **values: Any) -> Outcome:
    completed: dict[str, Any] = {
        "hyperparameters": {}, "status": "completed", "score": 0.9, "epochs": 8, "planned_epochs": 8, "seconds": 8.0,
        "ended_by": "completed", "start_score": 0.8, "weights": Path("weights"),
    }  # fmt: skip
    return Outcome(number=number, best_epoch=best_epoch, **completed | values)


@pytest.mark.parametrize(
    ("ranked", "seconds", "members", "lengths"),
    [
        ([trial(0, 2), trial(1, 8)], 100.0, [0, 1], [(2, 8), (8, 8)]),  # up to the best epoch
        ([trial(0, 2, start_score=None)], 100.0, [0], [(8, 8)]),  # without a start the whole schedule
        ([trial(0, 0), trial(1, 0), trial(2, 1)], 100.0, [0, 2], [(0, 8), (1, 8)]),  # two equal linear models
        ([trial(0, 8), trial(1, 8)], 15.0, [0], [(8, 8)]),  # 8 s · 60 / 48, and compilation
        ([trial(0, 0)], 0.5, [0], [(0, 8)]),  # the linear model alone
        ([trial(0, 8)], 1.0, [0], None),
    ],
)
def test_networks_of_texts_are_retrained_up_to_their_best_epoch_where_time_allows(
    *,
    texts: Parts,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    ranked: list[Outcome],
    seconds: float,
    members: list[int],
    lengths: list[tuple[int, int]] | None,
) -> None:
    found: list[Any] = []
    monkeypatch.setattr(refit, "refit_mean", lambda *arguments, **_settings: found.extend(arguments[:2]))
    refit_best_trials(
        Trials(ranked=tuple(ranked), stopped_by="trials"),
        bundle,
        texts,
        metric=create_metric(bundle.metric),
        seconds=seconds,
        seed=0,
        directory=Path(),
    )
    assert [one.number for one in found[0]] == members
    expected = None if lengths is None else [Length(epochs=epochs, planned=planned) for epochs, planned in lengths]
    assert found[1] == expected


def test_a_linear_start_that_no_epoch_improves_on_is_fitted_again_on_training_and_validation_rows(
    texts: Parts, bundle: Bundle, tmp_path: Path
) -> None:
    scores = iter([0.9, 0.1])
    metric: Any = SimpleNamespace(name="accuracy", direction=Direction.MAX, score=lambda *_: next(scores))
    (tmp_path / WEIGHTS).mkdir()
    at = create_workspace(bundle, texts, metric=metric, seed=0, directory=tmp_path)
    (outcome,) = SequentialRunner(at).run([Proposal(number=0, hyperparameters={}, epochs=1)])
    assert (outcome.best_epoch, outcome.start_score, outcome.score) == (0, 0.9, 0.9)
    settings: dict[str, Any] = {"metric": create_metric(bundle.metric), "seconds": 100.0, "seed": 0}
    settings["directory"] = tmp_path
    found = Trials(ranked=(outcome,), stopped_by="trials")
    selected = refit_best_trials(found, bundle, texts, **settings)
    on_cluster = refit_best_trials(found, bundle, texts, **settings, pool=CopyingPool())
    for one, two in zip(selected.network.get_weights(), on_cluster.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    rows = texts.train.joined(texts.validation)
    features = feature_matrix(rows, texts)
    expected = LogisticRegression(C=linear_start(texts, bundle).penalty, max_iter=1_000).fit(features, rows.raw_target)
    outputs = selected.network({"dense": rows.dense, "codes": rows.codes}, training=False)
    np.testing.assert_allclose(outputs[:, 0], expected.decision_function(features), rtol=0.02, atol=0.02)
