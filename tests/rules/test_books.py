"""The shipped books: their own examples, and what the notes' common configurations ask for."""

from __future__ import annotations

import pytest

from rules.choices import Slot
from rules.coverage import Coverage, coverage, failures
from rules.engine import decide, load_book
from rules.facts import FACTS, NOT_APPLICABLE, Measurement, Task
from rules.rulebook import read_layers

BOOK = read_layers(["handbook", "evidence"])


@pytest.fixture(scope="module")
def covered(shipped) -> Coverage:
    return coverage(shipped)


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_a_rule_does_what_its_examples_say(rule) -> None:
    assert rule.examples
    assert [failure for failure in failures(BOOK) if failure.rule == rule.id] == []


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_a_rule_has_a_case_on_each_side_of_each_threshold(rule, covered) -> None:
    assert [one for one in covered.thresholds if one.rule == rule.id and not one.is_close] == []
    assert rule.id not in covered.without_firing_case


def facts(task: Task, **values: object) -> dict[str, Measurement]:
    base = {"modality": "tabular", "rows": 3000, "trial_budget": 20, "imbalance_ratio": 1.2, "outlier_share": 0.0}
    found = {"task": task.value} | base | {"rare_class_rows": 200} | values
    return {
        name: Measurement(value=value if FACTS[name].applies_to(task) else NOT_APPLICABLE)
        for name, value in found.items()
    }


COMMON_CONFIGURATIONS = {
    "classification": (
        facts(Task.MULTICLASS),
        ["accuracy", "categorical_crossentropy", "he", "adam", "random"],
    ),
    "regression": (facts(Task.REGRESSION), ["rmse", "mse", "he", "adam", "grid"]),
    "regression with outliers": (
        facts(Task.REGRESSION, outlier_share=0.05),
        ["mae", "huber", "he", "adam", "grid"],
    ),
    "imbalanced classification": (
        facts(Task.BINARY, imbalance_ratio=12.0),
        ["f1", "weighted_crossentropy", "xavier", "adamw", "bayesian"],
    ),
    "time series forecasting": (facts(Task.FORECASTING), ["rmse", "mse", "he", "rmsprop", "grid"]),
    "image tasks": (
        facts(Task.MULTICLASS, modality="image", rows=60_000),
        ["accuracy", "categorical_crossentropy", "he", "sgd_momentum", "hyperband"],
    ),
}


@pytest.mark.parametrize("kind", COMMON_CONFIGURATIONS)
def test_the_handbook_gives_the_common_configuration(kind: str, handbook) -> None:
    given, wanted = COMMON_CONFIGURATIONS[kind]
    bundle = decide(handbook, given).bundle
    slots = (Slot.METRIC, Slot.LOSS, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.TUNER)
    assert [bundle.choice(slot).model_dump()["name"] for slot in slots] == wanted


def test_tanh_takes_xavier(write_book) -> None:
    mine = write_book("id: N900\n  when: {}\n  then: {activation: tanh}\n  overrides: [N001]")
    assert decide(load_book(["handbook", mine]), facts(Task.BINARY)).bundle.initializer.name == "xavier"


@pytest.mark.parametrize(
    ("trials", "searched"),
    [(3, 0), (4, 2), (11, 2), (12, 3), (29, 3), (30, 6)],
)
def test_more_trials_search_further_down_the_sensitivity_table(trials: int, searched: int, handbook) -> None:
    strategy = decide(handbook, facts(Task.BINARY, trial_budget=trials))
    assert strategy.facts["search_dimensions"].value == searched


def test_every_rule_of_the_evidence_layer_is_an_exception_with_a_citation() -> None:
    handbook_choices = {rule.slot for rule in BOOK.rules if rule.layer == "handbook"}
    for rule in BOOK.rules:
        if rule.layer == "evidence":
            assert rule.slot in handbook_choices
            assert set(rule.source) & {"doi", "arxiv", "measured", "tool"}, rule.id
