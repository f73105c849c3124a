from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.errors import ChoiceError

if TYPE_CHECKING:
    from collections.abc import Callable

CANCER = str(example("breast_cancer"))


def refused(invoke, *words: object) -> str:
    error = invoke(*words).exception
    assert isinstance(error, ChoiceError), error
    return str(error)


def test_why_not_names_the_rules_that_would_give_it_and_what_keeps_them_silent(answer, cancer_record) -> None:
    found = answer("why-not", cancer_record, "metric=f1")
    assert (found["chosen"], found["chosen_by"], found["is_chosen"]) == ("roc_auc", ["P002"], False)
    silent = {one["rule"]: [test["wanted"] for test in one["failed"]] for one in found["candidates"]}
    assert silent["P003"] == ["imbalance_ratio > 4"]
    assert found["nearest"]["how"] == "123 fewer rows of class 'malignant' (89 instead of 212)"


def test_why_not_says_who_beats_a_rule_that_fires(invoke, cancer_record) -> None:
    assert "fires, but P002 beats it" in invoke("why-not", cancer_record, "P=accuracy").stdout


def test_parameters_that_are_spelled_out_must_fit(answer, cancer_record) -> None:
    found = answer("why-not", cancer_record, "loss={name: binary_crossentropy, output_bias: log_prior}")
    assert [one["rule"] for one in found["candidates"]] == ["C101"]
    assert answer("why-not", cancer_record, "loss=binary_crossentropy")["is_chosen"]


def test_why_not_names_the_constraint_that_forbids_a_choice_here(answer, cancer_record) -> None:
    found = answer("why-not", cancer_record, "loss=huber")
    assert [forbidden.split(":")[0] for forbidden in found["forbidden"]] == ["B004"]
    assert found["nearest"]["changes"][0]["new"] == "regression"


def test_a_choice_that_no_rule_makes_gets_the_ways_to_have_it(invoke, cancer_record) -> None:
    shown = " ".join(invoke("why-not", cancer_record, "optimizer=adagrad").stdout.split())
    assert "No rule of the book chooses adagrad." in shown
    assert "--pin optimizer=adagrad --reason …" in shown
    assert "recommend rules new optimizer --then adagrad" in shown


def test_what_is_forbidden_here_is_not_offered_for_pinning(invoke, cancer_record) -> None:
    shown = " ".join(invoke("why-not", cancer_record, "loss=mae").stdout.split())
    assert "mae is forbidden for this dataset by B004" in shown
    assert "It cannot be pinned either." in shown
    assert "--pin" not in shown


def test_parameters_that_no_rule_gives_are_kept_in_the_ways_to_have_them(invoke, cancer_record) -> None:
    shown = " ".join(invoke("why-not", cancer_record, "optimizer={name: sgd, learning_rate: 0.2}").stdout.split())
    assert "--pin 'optimizer={name: sgd, learning_rate: 0.2}' --reason …" in shown


def test_why_not_says_which_rule_waits_for_a_pin_and_does_not_call_it_beaten(invoke, cancer_record) -> None:
    loss = "loss={name: binary_crossentropy, output_bias: log_prior}"
    shown = " ".join(invoke("why-not", cancer_record, loss).stdout.split())
    assert "C101 decides only if the user pins the metric." in shown
    assert "other rules beat" not in shown


def test_why_not_names_the_rules_that_beat_one_wherever_it_fires(invoke, cancer_record) -> None:
    shown = " ".join(invoke("why-not", cancer_record, "optimizer=sgd").stdout.split())
    assert "A002 is beaten by A003, A005, A006, A103, A104 and A105" in shown


def test_why_not_takes_the_pins_of_the_other_slots_as_given(answer, invoke) -> None:
    words = (CANCER, "initializer=he", "--target", "diagnosis", "--pin", "activation=tanh", "--reason", "habit")
    silent = {one["rule"]: one["failed"] for one in answer("why-not", *words)["candidates"]}
    assert [(test["wanted"], test["measured"]) for test in silent["W002"]] == [("activation is relu", "tanh")]
    shown = " ".join(invoke("why-not", *words).stdout.split())
    assert "These rules need another choice of the activation than the pinned one." in shown


def test_what_if_says_that_a_pinned_slot_stays_whatever_the_data(invoke) -> None:
    pin = ("--target", "diagnosis", "--pin", "metric=accuracy", "--reason", "habit")
    shown = " ".join(invoke("what-if", CANCER, *pin).stdout.split())
    assert "Performance metric: accuracy pinned by the user, independent of the data" in shown


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("optimiser=sgd", "Did you mean 'optimizer'?"),
        ("optimizer=sdg", "Did you mean 'sgd'?"),
        ("initializer=zeros", "all units of a layer stay identical"),
        ("optimizer", "Use optimizer= with one of sgd,"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_the_reason(
    wanted: str, says: str, invoke, cancer_record
) -> None:
    assert says in refused(invoke, "why-not", cancer_record, wanted)


def test_what_if_compares_the_new_bundle_with_the_old(answer, cancer_record) -> None:
    found = {one["slot"]: one for one in answer("what-if", cancer_record, "--set", "imbalance_ratio=9")["outcomes"]}
    assert (found["metric"]["was"], found["metric"]["becomes"]) == ("roc_auc", "f1 (average binary)")
    assert (found["metric"]["was_by"], found["metric"]["becomes_by"]) == (["P002"], ["P003"])
    assert found["activation"]["was"] == found["activation"]["becomes"]


def test_what_if_with_another_task_says_what_is_not_known_then(answer, cancer_record) -> None:
    outcomes = answer("what-if", cancer_record, "--set", "task=regression")["outcomes"]
    found = {one["slot"]: one for one in outcomes}
    assert found["metric"]["becomes"] == "rmse"
    assert found["metric"]["provisional"] == ["outlier_share", "squared_deviation_top_share"]


def test_without_set_the_nearest_flips_are_listed_for_each_slot(invoke, answer, cancer_record) -> None:
    flips = answer("what-if", cancer_record)
    metric = [flip for flip in flips if flip["slot"] == "metric"]
    assert [flip["becomes"] for flip in metric][:2] == ["accuracy", "f1 (average binary)"]
    assert "for another task or modality; use --all to list them" in invoke("what-if", cancer_record).stdout
    assert "task = regression" in invoke("what-if", cancer_record, "--all").stdout


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("imbalance_ration=3", "Did you mean 'imbalance_ratio'?"),
        ("imbalance_ratio=0.2", "must be at least 1, but got 0.2"),
        ("imbalance_ratio=many", "must be a number, but got 'many'"),
        ("task=regresion", "Did you mean 'regression'?"),
        ("metric=f1", "--pin metric=CHOICE"),
        ("rows", "Use --set rows=VALUE."),
    ],
)
def test_a_fact_that_cannot_be_set_is_refused_with_the_reason(setting: str, says: str, invoke, cancer_record) -> None:
    assert says in refused(invoke, "what-if", cancer_record, "--set", setting)


def test_words_about_a_dataset_are_refused_for_a_record(invoke, cancer_record) -> None:
    assert "is a record, which contains its dataset" in refused(
        invoke, "explain", cancer_record, "--target", "diagnosis"
    )


@pytest.mark.parametrize(
    ("settings", "follows"),
    [
        (("imbalance_ratio=9",), {"minority_class_rows": 57}),  # 569 / (1 + 9) = 56.9
        (("minority_class_rows=89",), {"imbalance_ratio": 480 / 89}),  # 569 - 89 = 480
        (("imbalance_ratio=9", "minority_class_rows=100"), {"rows": 1000}),
        (("rows=1138",), {"minority_class_rows": 424}),  # twice 212
        (("imbalance_ratio=9", "rows=1000"), {"minority_class_rows": 100}),
    ],
)
def test_class_sizes_follow_from_each_other(settings, follows, answer, cancer_record) -> None:
    words = [word for one in settings for word in ("--set", one)]
    assert answer("what-if", cancer_record, *words)["follows"] == pytest.approx(follows)


def test_class_sizes_that_contradict_each_other_are_refused(invoke, cancer_record) -> None:
    words = ("--set", "rows=1000", "--set", "imbalance_ratio=9", "--set", "minority_class_rows=300")
    assert "contradict each other" in refused(invoke, "what-if", cancer_record, *words)
    assert "at most half of the 569 rows" in refused(
        invoke, "what-if", cancer_record, "--set", "minority_class_rows=300"
    )


@pytest.fixture
def rows_of() -> Callable[[int], pl.DataFrame]:
    """A table with three columns of numbers and one to predict; more rows of it are rows of the same kind."""

    def made(rows: int) -> pl.DataFrame:
        numbers = np.random.default_rng(0).normal(size=(rows, 4))
        return pl.DataFrame(numbers, schema=["a", "b", "c", "y"])

    return made


@pytest.mark.parametrize(("few", "many"), [(600, 2500), (2000, 60_000)])
def test_a_dataset_with_the_set_rows_really_gets_what_what_if_says(few, many, rows_of, write_record, answer) -> None:
    real = recommend(rows_of(many), target="y", budget=40)
    record = write_record(rows_of(few), target="y", budget=40)
    found = answer("what-if", record, "--set", f"rows={many}")
    assert {one["slot"]: one["becomes"] for one in found["outcomes"]} == {
        slot.value: str(decision.choice) for slot, decision in real.strategy.decisions.items()
    }
    assert found["follows"]["trial_budget"] == pytest.approx(real.record.facts["trial_budget"].value, rel=0.1)


def test_another_split_changes_how_many_trials_a_budget_allows(rows_of, write_record, answer) -> None:
    record = write_record(rows_of(600), target="y", budget=40)
    found = answer("what-if", record, "--set", "split=time")
    assert {one["slot"]: one["becomes"] for one in found["outcomes"]}["validation"] == "holdout"
    known = json.loads(record.read_text("utf-8"))["facts"]["trial_budget"]["value"]
    assert found["follows"]["trial_budget"] > 3 * known  # one network a trial instead of five


def test_what_if_says_which_related_facts_it_kept(rows_of, write_record, answer, invoke) -> None:
    record = write_record(rows_of(600), target="y", budget=40)
    found = answer("what-if", record, "--set", "outlier_share=0.02")
    assert found["held"] == ["squared_deviation_top_share", "target_skew"]
    shown = " ".join(invoke("what-if", record, "--set", "outlier_share=0.02").stdout.split())
    assert "Kept as recorded: squared_deviation_top_share and target_skew." in shown


def test_given_trials_stay_as_they_were_given(rows_of, write_record, answer) -> None:
    record = write_record(rows_of(600), target="y", trials=20)
    assert answer("what-if", record, "--set", "rows=2500")["follows"] == {}
