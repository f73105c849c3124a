from __future__ import annotations

import json
from pathlib import Path

import pytest

from rules.proof.coverage import coverage, failures
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import read_layers
from rules.vocabulary.choices import Slot

SHARES = Path(__file__).parent / "fallback_shares.json"


def test_the_share_of_cells_decided_by_a_fallback_changes_by_intent(shipped, golden) -> None:
    shares = {part.slot.value: round(part.share, 4) for part in coverage(shipped).fallbacks}
    golden(SHARES, json.dumps(shares, indent=2) + "\n")


def test_every_rule_of_the_shipped_books_is_covered(shipped) -> None:
    assert coverage(shipped).is_complete


def own(write_book, tests: str, when: str = "{rows: {ge: 100}}") -> Path:
    return write_book(f"id: N900\n  when: {when}\n  then: {{activation: tanh}}\n  tests: {tests}")


def test_an_example_that_does_not_come_out_names_the_test_that_failed(write_book) -> None:
    when = "{rows: {ge: 100}, task: binary}"
    tests = "[{given: {task: binary, rows: 99}, expect: fires}, {given: {task: binary, rows: 100}, expect: silent}]"
    late, early = failures(read_layers([own(write_book, tests, when)]))
    assert (late.rule, late.given, late.expect) == ("N900", {"task": "binary", "rows": 99}, "fires")
    assert late.because == "rows ≥ 100 does not hold"
    assert (early.expect, early.because) == ("silent", "all tests pass")
    assert late.place.endswith("mine.yaml:2:3")


def test_an_example_may_leave_out_facts_that_do_not_apply(write_book) -> None:
    tests = "[{given: {task: regression}, expect: silent}]"
    assert failures(read_layers([own(write_book, tests, "{imbalance_ratio: {gt: 4}}")])) == ()


CASES = {
    "next to each other": ((99, 100), True),
    "far apart": ((50, 100), False),
    "no miss": ((None, 100), False),
    "no firing case": ((99, None), False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_threshold_is_covered_by_a_firing_case_and_a_miss_next_to_each_other(case: str, write_book) -> None:
    (miss, hit), is_close = CASES[case]
    given = [(miss, "silent"), (hit, "fires")]
    tests = [f"{{given: {{rows: {rows}}}, expect: {expect}}}" for rows, expect in given if rows is not None]
    found = coverage(load_book(["handbook", own(write_book, f"[{', '.join(tests)}]")]))
    (mine,) = [one for one in found.thresholds if one.rule == "N900"]
    assert (mine.test, mine.fires, mine.misses, mine.is_close) == ("rows ≥ 100", hit, miss, is_close)
    assert found.without_firing_case == (() if hit else ("N900",))
    assert found.is_complete is is_close


@pytest.mark.parametrize(("miss", "is_close"), [(0.0099, True), (0.00981, True), (0.0097, False)])
def test_cases_around_a_share_lie_within_two_percent_of_it(miss: float, is_close: bool, write_book) -> None:
    """Two percent of 0.01 are 0.0002."""
    tests = f"[{{given: {{missing_share: 0.01}}, expect: fires}}, {{given: {{missing_share: {miss}}}, expect: silent}}]"
    found = coverage(load_book(["handbook", own(write_book, tests, "{missing_share: {ge: 0.01}}")]))
    (mine,) = [one for one in found.thresholds if one.rule == "N900"]
    assert mine.is_close is is_close


def test_a_miss_on_another_fact_does_not_cover_a_threshold(write_book) -> None:
    tests = (
        "[{given: {rows: 100, task: binary}, expect: fires}, {given: {rows: 100, task: multiclass}, expect: silent}]"
    )
    found = coverage(load_book(["handbook", own(write_book, tests, "{rows: {ge: 100}, task: binary}")]))
    (mine,) = [one for one in found.thresholds if one.rule == "N900"]
    assert (mine.fires, mine.misses) == (100, None)


def test_cells_decided_by_a_fallback_are_counted_and_described(write_book) -> None:
    """Rows are cut at 100: = 1, between, = 100, above. The fallback keeps the first two of four."""
    (part,) = [
        part
        for part in coverage(load_book(["handbook", own(write_book, "[]")])).fallbacks
        if part.slot is Slot.ACTIVATION
    ]
    assert (part.rules, part.cells, part.of, part.share) == (("N001",), 2, 4, 0.5)
    assert part.where == ("rows < 100",)
