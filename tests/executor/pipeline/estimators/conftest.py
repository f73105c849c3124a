"""Estimators whose network is fitted by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from executor.evaluation import evaluate
from executor.evaluation.baselines import fit
from executor.pipeline import execute
from executor.search.records.journal import Journal
from executor.search.records.outcome import Outcome
from executor.search.records.trials import Trials
from executor.search.records.weights import weights_path, write_weights
from executor.search.runners.outcomes import values_in_force
from rules import ArchitectureFunction, register_architecture

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


@pytest.fixture
def linear_fit(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Parameters of estimators whose network has no hidden layers and is fitted in milliseconds.

    The boosting baseline and most bootstrap samples, which estimators do not show, are left out.
    """
    monkeypatch.setattr(execute, "search", fit_least_squares)
    monkeypatch.setattr(fit, "boosting_baseline", lambda *_, **_settings: None)
    monkeypatch.setattr(evaluate, "RESAMPLES", evaluate.MIN_RESAMPLES)
    own = register_architecture("no_layers", ArchitectureFunction(no_layers))
    return {
        "budget": None,
        "trials": 1,
        "architecture": own,
        "validation": "holdout",
        "single": True,
        "keep_evaluated": True,
    }


def no_layers(inputs: dict[str, keras.KerasTensor], _settings: object) -> keras.KerasTensor:
    return inputs["dense"]


def fit_least_squares(bundle: Bundle, parts: Parts, *, directory: Path, **_: object) -> Trials:
    """Fit the output layer of `no_layers` in the place of a search, whose graphs take seconds to compile."""
    rows = parts.train
    root = np.sqrt(np.ones(len(rows)) if rows.weight is None else rows.weight)[:, None]
    target = 8 * rows.target - 4 if parts.task.is_classification else rows.target - rows.offset
    inputs = np.column_stack([rows.dense, np.ones(len(rows))]) * root
    kernel = np.linalg.lstsq(inputs, target * root, rcond=1e-3)[0].astype(np.float32)
    weights = weights_path(directory, 0)
    journal = Journal(directory)
    write_weights(weights, [kernel[:-1], kernel[-1]])
    outcome = Outcome(
        number=0,
        hyperparameters={},
        configuration=values_in_force(bundle, parts, {}),
        status="completed",
        score=0.5,
        epochs=1,
        best_epoch=1,
        planned_epochs=1,
        ended_by="completed",
        seconds=0.1,
        weights=weights,
    )
    journal.append([outcome])
    return Trials(ranked=(outcome,), stopped_by="trials", planned=1, epochs=1)
