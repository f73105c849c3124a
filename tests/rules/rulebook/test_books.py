"""The shipped books: their own examples, and what the notes' common configurations ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.decision.engine import decide
from rules.decision.trace import Pin
from rules.proof.coverage import Coverage, coverage, failures
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import read_layers
from rules.vocabulary.choices import EXTRAS, Holdout, Slot, parameters_of, parse_choice
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, Measurement, Task

BOOK = read_layers(["handbook", "evidence"])
ROOT = Path(__file__).parents[3]


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
    base |= {"squared_deviation_top_share": 0.1}
    found = {"task": task.value} | base | {"minority_class_rows": 200} | values
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
    "regression with a heavy tail": (
        facts(Task.REGRESSION, squared_deviation_top_share=0.85),
        ["mae", "huber", "he", "adam", "grid"],
    ),
    "imbalanced classification with few rare rows": (
        facts(Task.BINARY, imbalance_ratio=12.0, minority_class_rows=37),
        ["roc_auc", "weighted_crossentropy", "xavier", "adamw", "bayesian"],
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


def test_a_forecast_of_a_heavy_tailed_series_takes_mae_and_keeps_the_notes_squared_error(handbook) -> None:
    bundle = decide(handbook, facts(Task.FORECASTING, squared_deviation_top_share=0.3)).bundle
    assert (str(bundle.metric), str(bundle.loss)) == ("mae", "mse")


@pytest.mark.parametrize(
    ("task", "loss"),
    [
        (Task.BINARY, "binary_crossentropy (output bias log_prior)"),
        (Task.MULTICLASS, "weighted_crossentropy"),
        (Task.MULTILABEL, "weighted_crossentropy"),
    ],
)
def test_two_rare_classes_are_not_weighted_where_log_loss_is_pinned(task: Task, loss: str, shipped) -> None:
    pin = Pin(slot=Slot.METRIC, choice=parse_choice(Slot.METRIC, "log_loss"), reason="a test")
    rare = facts(task, imbalance_ratio=9.0, minority_class_rows=100)
    assert str(decide(shipped, rare, pins=[pin]).bundle.loss) == loss


@pytest.mark.parametrize("kind", COMMON_CONFIGURATIONS)
def test_the_handbook_gives_the_common_configuration(kind: str, handbook) -> None:
    given, wanted = COMMON_CONFIGURATIONS[kind]
    bundle = decide(handbook, given).bundle
    slots = (Slot.METRIC, Slot.LOSS, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.TUNER)
    assert [bundle.choice(slot).model_dump()["name"] for slot in slots] == wanted


@pytest.mark.parametrize("kind", COMMON_CONFIGURATIONS)
def test_the_handbook_adds_nothing_to_the_network_that_the_notes_do_not_name(kind: str, handbook, shipped) -> None:
    given, _ = COMMON_CONFIGURATIONS[kind]
    decisions = decide(handbook, given).decisions
    architecture, validation = (decisions[slot].choice for slot in (Slot.ARCHITECTURE, Slot.VALIDATION))
    assert [name for name in EXTRAS if getattr(architecture, name)] == []
    assert validation == Holdout(ensemble=False, refit=False, temperature_scaling=False)
    assert (str(architecture), str(validation)) == ("standard (no extras)", "holdout (no extras)")
    evident = decide(shipped, given).bundle
    assert all(getattr(parameters_of(evident.architecture), name) for name in EXTRAS)
    assert evident.validation.ensemble
    assert evident.validation.temperature_scaling


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
            assert set(rule.source) & {"doi", "arxiv", "measured", "tool", "evidence"}, rule.id


@pytest.mark.parametrize("rule", [rule for rule in BOOK.rules if rule.layer == "handbook"], ids=lambda rule: rule.id)
def test_a_numeric_threshold_does_not_rest_on_the_notes_alone(rule) -> None:
    """The notes hold no number. A test of search_dimensions asks whether anything is searched at all."""
    thresholds = [test for test in rule.when if not isinstance(test.constant, tuple)]
    assert not thresholds or set(rule.source) - {"notes"}, rule.source


@pytest.mark.parametrize(
    "anchor", sorted({rule.source["evidence"].split(" ")[0] for rule in BOOK.rules if "evidence" in rule.source})
)
def test_the_evidence_that_a_rule_cites_exists(anchor: str) -> None:
    path, _, section = anchor.partition("#")
    headings = [line.lstrip("# ") for line in (ROOT / path).read_text("utf-8").splitlines() if line.startswith("#")]
    assert section in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
