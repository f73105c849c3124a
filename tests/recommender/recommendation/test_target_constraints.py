"""Constraints of a metric and a loss on the values of the target."""

from __future__ import annotations

import pandas as pd
import pytest

from recommender import recommend
from rules import ChoiceError, Pin, Slot
from rules.vocabulary.choices import parse_choice

FRAME = pd.DataFrame(
    {
        "x": range(60),
        "half": [0, 1] * 30,
        "size": ["small", "medium", "large"] * 20,
        "grade": [1, 2, 3] * 20,
        "kind": ["a", "b"] * 30,
        "count": [0.0, *(number / 7 for number in range(1, 60))],
        "signed": [number / 7 - 1 for number in range(60)],
    }
)


def choose(slot: str, choice: object, target: str, task: str) -> str:
    pin = Pin(slot=Slot(slot), choice=parse_choice(Slot(slot), choice), reason="test")
    return str(recommend(FRAME, target=target, task=task, pins=[pin]).bundle.choice(Slot(slot)))


@pytest.mark.parametrize(
    ("slot", "choice", "target", "task", "message"),
    [
        ("metric", "mape", "count", "regression", "1.7% of 'count' are 0. Use --pin metric=smape"),
        ("metric", "quadratic_kappa", "size", "multiclass", "must be numbers, but one class is 'large'"),
        ("metric", "mape", "kind", "binary", "constraint B002 forbids: a regression metric"),
        ("metric", "mcc", "count", "regression", "constraint B001 forbids: a classification metric"),
        ("loss", "poisson", "signed", "regression", "the smallest value of 'signed' is -1. Use --pin loss=huber"),
        ("loss", "focal", "signed", "regression", "constraint B003 forbids: cross-entropy needs class probabilities"),
        ("loss", "tweedie", "kind", "binary", "constraint B004 forbids"),
        ("metric", "pr_auc", "grade", "multiclass", "constraint B021 forbids: the precision-recall curve needs"),
    ],
)
def test_a_choice_that_does_not_fit_the_target_is_refused_with_a_remedy(
    slot: str, choice: object, target: str, task: str, message: str
) -> None:
    with pytest.raises(ChoiceError, match=message):
        choose(slot, choice, target, task)


@pytest.mark.parametrize(
    ("slot", "choice", "target", "task"),
    [
        ("metric", "smape", "count", "regression"),
        ("loss", "poisson", "count", "regression"),
        ("metric", "quadratic_kappa", "grade", "multiclass"),
        ("metric", "quadratic_kappa", "kind", "binary"),
    ],
)
def test_a_choice_that_fits_the_target_is_made(slot: str, choice: object, target: str, task: str) -> None:
    assert choose(slot, choice, target, task) == choice
