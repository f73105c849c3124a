from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from recommender.examples import example
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from pathlib import Path

CANCER = str(example("breast_cancer"))


def test_the_winner_is_shown_with_each_test_its_measured_value_and_the_margin(answer, cancer_record) -> None:
    (one,) = answer("explain", cancer_record, "metric")
    assert (one["choice"], one["by"], one["layer"]) == ("roc_auc", "P002", "handbook")
    ratio = 357 / 212
    assert one["tests"] == [
        {"fact": "task", "wanted": "task is binary", "measured": "binary", "passes": True, "margin": None},
        {
            "fact": "imbalance_ratio",
            "wanted": "imbalance_ratio > 1.5",
            "measured": pytest.approx(ratio),
            "passes": True,
            "margin": pytest.approx(ratio - 1.5),
        },
        {
            "fact": "imbalance_ratio",
            "wanted": "imbalance_ratio ≤ 4",
            "measured": pytest.approx(ratio),
            "passes": True,
            "margin": pytest.approx(4 - ratio),
        },
    ]


def test_who_fired_and_lost_is_named_with_the_winner_and_its_claim(answer, cancer_record) -> None:
    (one,) = answer("explain", cancer_record, "P")
    assert [(lost["rule"], lost["choice"], lost["to"]) for lost in one["lost"]] == [
        ("P001", "accuracy", ["P002 is more specific"])
    ]
    (optimizer,) = answer("explain", cancer_record, "optimizer")
    assert [(lost["rule"], lost["to"]) for lost in optimizer["lost"]] == [("A001", ["A101 overrides it"])]


def test_who_stayed_silent_is_named_with_the_tests_that_failed(answer, cancer_record) -> None:
    (one,) = answer("explain", cancer_record, "metric")
    silent = {rule["rule"]: [test["wanted"] for test in rule["failed"]] for rule in one["silent"]}
    assert silent["P003"] == ["imbalance_ratio > 4"]
    assert silent["P007"] == ["task is multioutput_regression", "outlier_share < 0.01"]


def test_evidence_stands_on_both_sides(answer, cancer_record) -> None:
    (one,) = answer("explain", cancer_record, "metric")
    assert one["because"].startswith("With one larger class accuracy is optimistic")
    assert one["evidence_for"] == [
        "P002 [notes: Step examples / P; evidence: docs/evidence.md#1-characteristics-and-thresholds (imbalance)]"
    ]
    assert one["evidence_against"][0].startswith("P001:")
    assert "It would choose accuracy." in one["evidence_against"][0]


def test_the_nearest_flips_come_in_the_datas_own_units(answer, cancer_record) -> None:
    (one,) = answer("explain", cancer_record, "metric")
    flips = {flip["becomes"]: flip["how"] for flip in one["flips"]}
    assert flips["accuracy"] == "26 more rows of class 'malignant' (238 instead of 212)"  # 357 / 238 = 1.5
    assert flips["f1 (average binary)"] == "123 fewer rows of class 'malignant' (89 instead of 212)"  # 357 / 89 > 4


def test_a_choice_is_fragile_where_an_interval_straddles_a_threshold(invoke, answer) -> None:
    words = ("explain", CANCER, "hyperparameters", "--target", "diagnosis", "--budget", "400s")
    (one,) = answer(*words)
    (fragile,) = one["fragile"]
    assert fragile["fact"] == "trial_budget"
    assert fragile["low"] < 12 <= fragile["high"]
    assert "Fragile: trial_budget is between" in invoke(*words).stdout


def test_a_pin_is_shown_with_its_author_and_what_the_rules_say(invoke) -> None:
    pin = ("--pin", "optimizer=sgd", "--reason", "as in [bold]our[/bold] paper")
    result = invoke("explain", CANCER, "optimizer", "--target", "diagnosis", *pin)
    assert "by user" in result.stdout
    assert "as in [bold]our[/bold] paper" in result.stdout
    assert "The rules choose adam (learning rate 0.0025, schedule cosine) by A101." in result.stdout


def test_overridden_rules_are_evidence_against_the_pin(answer) -> None:
    pin = ("--pin", "activation=tanh", "--reason", "as in our paper")
    (one,) = answer("explain", CANCER, "activation", "--target", "diagnosis", *pin)
    assert one["evidence_for"] == []
    assert one["evidence_against"][0].startswith("N001: ReLU does not saturate")
    assert one["evidence_against"][0].endswith("It would choose relu.")


def test_a_rule_that_a_book_switched_off_is_named_with_place_author_and_reason(answer, tmp_path: Path) -> None:
    book = tmp_path / "mine.yaml"
    book.write_text(
        "rules: []\ndisable:\n- {rule: W004, reason: we never saw it help, author: Ada}\n", encoding="utf-8"
    )
    (one,) = answer("explain", CANCER, "W", "--target", "diagnosis", "--book", book)
    assert one["switched_off"] == [f"W004 by Ada ({book}:3:3): we never saw it help"]


def test_the_search_is_spelled_out(invoke, cancer_record) -> None:
    shown = " ".join(invoke("explain", cancer_record, "hyperparameters").stdout.split())
    assert "The search varies learning rate, units, schedule." in shown
    assert "measured if at least 4 trials" in " ".join(shown.split())


def test_without_a_slot_all_are_explained(answer, cancer_record) -> None:
    assert {one["slot"] for one in answer("explain", cancer_record)} == set(Slot)


def test_the_terminal_says_what_the_json_says(invoke, cancer_record) -> None:
    shown = " ".join(invoke("explain", cancer_record, "metric").stdout.split())
    for part in (
        "P Performance metric: roc_auc",
        "by P002 · handbook/performance_metric.yaml",
        "P001 accuracy: P002 is more specific",
        "P003 f1 (average binary): needs imbalance_ratio > 4, measured 1.684 (off by 2.316)",
        "Rules for another task or modality P004 f1, P005 rmse",
        "26 more rows of class 'malignant' (238 instead of 212) → accuracy (P001)",
        "imbalance_ratio: ratio of the most frequent to the rarest class",
    ):
        assert part in shown


def test_a_choice_that_the_time_limit_overruled_says_so_with_its_numbers(answer, invoke, cancer_record) -> None:
    run = cancer_record.parent
    said = "Trained on one split instead of by cross-validation: the full training needs about 60 s here."
    (run / "summary.json").write_text(json.dumps({"trials": 1, "reduction": said}), encoding="utf-8")
    assert [one["reduced"] for one in answer("explain", run)] == [
        said if one["slot"] == "validation" else "" for one in answer("explain", cancer_record)
    ]
    assert f"Overruled by the time limit: {said}" in " ".join(invoke("explain", run, "V").output.split())
    (run / "summary.json").write_text("[]", encoding="utf-8")
    assert "summary.json is damaged" in str(invoke("explain", run, "V").exception)


def test_a_decision_document_lists_what_the_time_limit_overruled(invoke, cancer_record) -> None:
    run = cancer_record.parent
    assert "overruled" not in invoke("export", run, "--to", "markdown").output.lower()
    (run / "summary.json").write_text('{"reduction": "Trained for 3 instead of 9 epochs."}', encoding="utf-8")
    for form in ("markdown", "html"):
        text = invoke("export", run, "--to", form).output
        assert text.count("Overruled by the time limit: Trained for 3 instead of 9 epochs.") >= 1
        assert "None: the rules made all choices" not in text
