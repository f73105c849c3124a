"""What a finished run says of its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from executor.runs.drift.split_drift import measure_split_drift
from recommender.dataset.dataset import Dataset
from recommender.roles.infer import infer_roles
from rules.decision.record import Guardrail
from rules.decision.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANNED = (
    Guardrail(name="few_rows", status="passed", message="enough"),
    Guardrail(name="drift", status="passed", message="by chance only"),
)


@pytest.fixture
def dataset() -> Iterator[Dataset]:
    noise = np.random.default_rng(1)
    moved = noise.normal(size=1_000) + 2 * (np.arange(1_000) % 5 == 0)
    frame = pl.DataFrame({"x": noise.normal(size=1_000), "moved": moved, "y": noise.normal(size=1_000)})
    with Dataset.open(frame) as opened:
        yield opened


def _measured(dataset: Dataset, hold_out: np.ndarray) -> dict[str, Guardrail]:
    roles = infer_roles(dataset, Request(target="y"))
    training = np.setdiff1d(np.arange(1_000), hold_out)
    found = measure_split_drift(PLANNED, dataset, roles, training=training, hold_out=hold_out)
    assert len(found) == len(PLANNED)
    return {one.name: one for one in found}


def test_drift_is_measured_on_the_very_rows_of_the_split(dataset: Dataset) -> None:
    found = _measured(dataset, np.arange(0, 1_000, 5))
    assert (found["drift"].status, found["drift"].columns) == ("alerted", ("moved",))
    assert "the hold-out and the training rows" in found["drift"].message
    assert found["few_rows"] == PLANNED[0]


def test_a_hold_out_like_the_training_rows_passes_with_its_distance(dataset: Dataset) -> None:
    drift = _measured(dataset, np.arange(800, 1_000))["drift"]
    assert drift.status == "passed"
    assert drift.value is not None
