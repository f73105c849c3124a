from __future__ import annotations

import pytest

from executor.search.records.outcome import Outcome
from executor.search.records.training_size import TrainingSize
from executor.search.records.trials import Trials


def size(epochs: int) -> TrainingSize:
    return TrainingSize(
        networks=1,
        epochs=epochs,
        seconds=10.0,
        planned_networks=1,
        planned_epochs=100,
        planned_seconds=20.0,
        slowdown=1.0,
    )


@pytest.mark.parametrize(
    ("ended_by", "epochs", "fitting", "reported"),
    [
        ("completed", 34, 100, ""),  # the tuner gave it fewer epochs
        ("completed", 34, 60, "for 60 instead of 100 epochs"),
        ("completed", 100, 100, ""),
        ("early_stopping", 20, 60, ""),
        ("shortened", 30, 60, "for 30 instead of 100 epochs"),
    ],
)
def test_only_what_time_reduced_is_reported(ended_by: str, epochs: int, fitting: int, reported: str) -> None:
    best = Outcome.model_validate(
        {"number": 0, "hyperparameters": {}, "status": "completed", "score": 0.5, "epochs": epochs}
        | {"planned_epochs": epochs, "seconds": 1.0, "ended_by": ended_by}
    )
    found = Trials(ranked=(best,), stopped_by="budget", size=size(fitting)).reduction(60)
    assert (reported in found) if reported else (found == "")
