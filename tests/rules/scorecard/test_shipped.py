"""The shipped scorecard and its page follow from the shipped trainings, and sentences quote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.proof.proved_book import load_book
from rules.scorecard.decide_again import Books
from rules.scorecard.page import to_markdown
from rules.scorecard.results import read_measurements
from rules.scorecard.score import score
from rules.scorecard.shipped import (
    MEASUREMENTS,
    evidence_against,
    evidence_for,
    measured_score,
    shipped_scorecard,
)

PAGE = Path(__file__).parents[3] / "docs" / "scorecard.md"


def test_scorecard_follows_from_the_trainings() -> None:
    results, *more = read_measurements(MEASUREMENTS)
    books = Books.of()
    computed = score(results, more, books=books)
    assert computed.model_dump_json(indent=2) == shipped_scorecard().model_dump_json(indent=2)


def test_page_is_that_of_the_scorecard() -> None:
    assert PAGE.read_text(encoding="utf-8") == to_markdown(shipped_scorecard())


def test_each_picture_of_the_page_exists() -> None:
    for slot in shipped_scorecard().slots:
        assert (PAGE.parent / "pictures" / f"scorecard-{slot.slot}.svg").stat().st_size > 1_000


def test_measured_rules_are_rules_of_the_book() -> None:
    assert {one.rule for one in shipped_scorecard().rules} <= set(load_book().book.by_id)


def test_evidence_is_certain_and_of_the_same_choice() -> None:
    for rule in shipped_scorecard().rules:
        for sentence in evidence_for(rule.rule, rule.choice):
            assert " % higher (95 % interval " in sentence
        for sentence in evidence_against(rule.rule, rule.choice):
            assert " % lower (95 % interval " in sentence
        assert evidence_for(rule.rule, "another choice") == evidence_against(rule.rule, "another choice") == []


@pytest.mark.parametrize("rule", ["P001", "T001", "A999"])
def test_rule_without_measurement_has_no_score(rule: str) -> None:
    assert measured_score(rule, "adam") is None


def test_the_interval_of_each_evidence_rule_excludes_worse() -> None:
    verdicts = {one.rule: one.verdict for one in shipped_scorecard().contested}
    assert verdicts == {rule.id: "yes" for rule in load_book().book.rules if rule.layer == "evidence"}


def test_the_regret_of_the_book_is_at_most_one_percent() -> None:
    assert shipped_scorecard().mean_regret("rules, left-one-out") <= 1.01
