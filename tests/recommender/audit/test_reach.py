"""The explanation names the parts of a network that activation and initializer do not reach."""

from __future__ import annotations

import pytest

from recommender.audit.reach import choice_scope
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
    assert "Recurrent cells always use tanh" in choice_scope(Slot.ACTIVATION, PLAIN, **facts)
    scope = choice_scope(Slot.INITIALIZER, PLAIN, **facts)
    assert "the linear layer is initialized with the solution of ridge regression" in scope
    assert "cells use xavier with orthogonal recurrent kernels" in scope


@pytest.mark.parametrize(
    ("chosen", "cells"), [(He(), "xavier with"), (Xavier(distribution="normal"), "xavier (distribution normal) with")]
)
def test_recurrent_cells_take_an_initializer_that_fits_tanh(chosen: He | Xavier, cells: str) -> None:
    bundle = PLAIN.model_copy(update={"initializer": chosen, "architecture": Gru()})
    assert f"use {cells}" in choice_scope(Slot.INITIALIZER, bundle, task="binary", modality="sequence")


def test_the_paces_of_layers_are_named_for_optimizers_that_adapt_rates() -> None:
    plain = PLAIN.model_copy(update={"optimizer": SgdMomentum()})
    assert "20 for the learned input scale" in choice_scope(Slot.OPTIMIZER, PLAIN, **TABLE)
    assert choice_scope(Slot.OPTIMIZER, plain, **TABLE) == ""
    assert choice_scope(Slot.OPTIMIZER, PLAIN, task="binary", modality="image") == ""


def test_sizes_at_which_bins_and_folds_end_are_named() -> None:
    changed = PLAIN.model_copy(update={"architecture": Standard(bins=16), "validation": CrossValidation()})
    scope = choice_scope(Slot.ARCHITECTURE, changed, **TABLE)
    assert scope.count("more than 100 numeric columns") == 2
    assert "numeric columns are not binned" in scope
    assert "have no periodic features" in scope
    assert "fewer than 20 rows" in choice_scope(Slot.VALIDATION, changed, **TABLE)
    plain = PLAIN.model_copy(update={"architecture": Standard(periodic_features=False)})
    assert choice_scope(Slot.ARCHITECTURE, plain, **TABLE) == choice_scope(Slot.VALIDATION, PLAIN, **TABLE) == ""
    assert choice_scope(Slot.ARCHITECTURE, PLAIN, task="binary", modality="image") == ""


def test_other_slots_reach_the_whole_network() -> None:
    assert choice_scope(Slot.LOSS, PLAIN, **TABLE) == ""
