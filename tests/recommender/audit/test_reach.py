"""The explanation names the parts of a network that activation and initializer do not reach."""

from __future__ import annotations

import pytest

from recommender.audit.reach import reach
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import (
    Accuracy,
    Adam,
    CategoricalCrossentropy,
    CrossValidation,
    Grid,
    Gru,
    He,
    MostSensitive,
    Relu,
    SgdMomentum,
    Slot,
    Standard,
    Xavier,
)

PLAIN = Bundle(
    activation=Relu(), metric=Accuracy(), loss=CategoricalCrossentropy(), initializer=He(), optimizer=Adam(),
    hyperparameters=MostSensitive(), tuner=Grid(), architecture=Standard(),
)  # fmt: skip

TABLE = {"task": "binary", "modality": "tabular"}


def test_the_cells_of_a_forecast_keep_tanh_and_start_from_xavier() -> None:
    facts = {"task": "forecasting", "modality": "sequence"}
    assert "recurrent network keep tanh" in reach(Slot.ACTIVATION, PLAIN, **facts)
    said = reach(Slot.INITIALIZER, PLAIN, **facts)
    assert "the linear layer starts at the solution of ridge regression" in said
    assert "cells of tanh start from xavier, and" in said


@pytest.mark.parametrize(
    ("chosen", "cells"), [(He(), "xavier,"), (Xavier(distribution="normal"), "xavier (distribution normal),")]
)
def test_recurrent_cells_take_an_initializer_that_fits_tanh(chosen: He | Xavier, cells: str) -> None:
    bundle = PLAIN.model_copy(update={"initializer": chosen, "architecture": Gru()})
    assert f"start from {cells}" in reach(Slot.INITIALIZER, bundle, task="binary", modality="sequence")


def test_the_paces_of_layers_are_named_for_optimizers_that_adapt_rates() -> None:
    plain = PLAIN.model_copy(update={"optimizer": SgdMomentum()})
    assert "the learned scale of the inputs at 20 times" in reach(Slot.OPTIMIZER, PLAIN, **TABLE)
    assert reach(Slot.OPTIMIZER, plain, **TABLE) == ""
    assert reach(Slot.OPTIMIZER, PLAIN, task="binary", modality="image") == ""


def test_sizes_at_which_bins_and_folds_end_are_named() -> None:
    changed = PLAIN.model_copy(update={"architecture": Standard(bins=16), "validation": CrossValidation()})
    said = reach(Slot.ARCHITECTURE, changed, **TABLE)
    assert said.count("more than 100 numeric columns") == 2
    assert "none is read in bins" in said
    assert "none has periodic features" in said
    assert "Fewer than 20 rows" in reach(Slot.VALIDATION, changed, **TABLE)
    plain = PLAIN.model_copy(update={"architecture": Standard(periodic_features=False)})
    assert reach(Slot.ARCHITECTURE, plain, **TABLE) == reach(Slot.VALIDATION, PLAIN, **TABLE) == ""
    assert reach(Slot.ARCHITECTURE, PLAIN, task="binary", modality="image") == ""


def test_other_slots_reach_the_whole_network() -> None:
    assert reach(Slot.LOSS, PLAIN, **TABLE) == ""
