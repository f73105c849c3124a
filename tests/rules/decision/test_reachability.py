"""Where each rule decides: for datasets, under pins, or only without the layers that replace it."""

from __future__ import annotations

import pytest

from rules.decision.engine import decide
from rules.decision.reachability import Reach, by_reach, scope_of
from rules.decision.trace import Pin
from rules.proof.proved_book import ProvedBook, load_book
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.facts import NOT_APPLICABLE, Measurement


def test_no_shipped_rule_decides_nowhere(shipped: ProvedBook, handbook: ProvedBook) -> None:
    assert by_reach(shipped)[Reach.NEVER] == []
    assert by_reach(handbook)[Reach.NEVER] == []
    assert by_reach(handbook)[Reach.REPLACED] == []  # no layer comes after it


def test_handbook_rules_that_the_evidence_replaces_are_named(shipped: ProvedBook) -> None:
    assert by_reach(shipped)[Reach.REPLACED] == ["M001", "A001", "A002", "A004", "A006", "V001"]
    words = scope_of(shipped.book.by_id["A004"], shipped).words
    assert words == "never, since later layers replace it; with --book handbook: task is forecasting"


def test_rules_that_wait_for_a_pin_are_named_with_it(shipped: ProvedBook, handbook: ProvedBook) -> None:
    assert by_reach(shipped)[Reach.PINS] == ["C002", "W001", "W003", "C101"]
    assert scope_of(shipped.book.by_id["C002"], shipped).words == "only if the user pins the metric"
    assert scope_of(handbook.book.by_id["W001"], handbook).words == "only if the user pins the activation"


@pytest.mark.parametrize(("rule", "slot", "choice"), [("W001", "activation", "selu"), ("W003", "activation", "tanh")])
def test_under_its_pin_such_a_rule_really_decides(rule: str, slot: str, choice: str, handbook: ProvedBook) -> None:
    pin = Pin(slot=Slot(slot), choice=parse_choice(Slot(slot), choice), reason="a test")
    given = {"task": "regression", "modality": "tabular", "rows": 3000, "trial_budget": 20, "outlier_share": 0.0}
    given |= {
        "squared_deviation_top_share": 0.1,
        "imbalance_ratio": NOT_APPLICABLE,
        "minority_class_rows": NOT_APPLICABLE,
    }
    facts = {name: Measurement(value=value) for name, value in given.items()}
    assert decide(handbook, facts, pins=[pin]).decisions[Slot.INITIALIZER].rules == (rule,)


def test_a_rule_that_an_own_book_beats_everywhere_decides_without_it(write_book) -> None:
    mine = write_book("id: N900\n  when: {}\n  then: {activation: tanh}\n  overrides: [N001]")
    proved = load_book(["handbook", mine])
    found = scope_of(proved.book.by_id["N001"], proved)
    assert (found.reach, found.words) == (
        Reach.REPLACED,
        "never, since later layers replace it; with --book handbook: any dataset",
    )
