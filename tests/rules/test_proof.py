from __future__ import annotations

import pytest

from rules.choices import Slot
from rules.engine import load_book
from rules.errors import ProofError
from rules.proof import Flaw, prove, prove_slot
from rules.rulebook import read_layers

ALWAYS = "id: W001\n  when: {}\n  then: {initializer: xavier}"


def flaws(path, slot: Slot = Slot.INITIALIZER) -> dict[Flaw, str]:
    return {finding.flaw: finding.message for finding in prove_slot(slot, read_layers([path]).of(slot)).findings}


def test_a_cell_without_a_rule_is_a_gap_with_a_witness(write_book) -> None:
    found = flaws(write_book("id: W001\n  when: {rows: {ge: 10}}\n  then: {initializer: xavier}"))
    assert set(found) == {Flaw.GAP}
    assert "rows = 1" in found[Flaw.GAP]


def test_the_point_on_the_threshold_is_a_cell_of_its_own(write_book) -> None:
    below = "id: W001\n  when: {rows: {lt: 10}}\n  then: {initializer: xavier}"
    above = "id: W002\n  when: {rows: {gt: 10}}\n  then: {initializer: he}"
    assert "rows = 10" in flaws(write_book(below, above))[Flaw.GAP]


def test_two_rules_that_disagree_where_neither_is_inside_the_other_conflict(write_book) -> None:
    rows = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}"
    task = "id: W003\n  when: {task: binary}\n  then: {initializer: lecun}"
    found = flaws(write_book(ALWAYS, rows, task))
    assert set(found) == {Flaw.CONFLICT}
    assert "task = binary, rows = 10" in found[Flaw.CONFLICT]
    assert "W002" in found[Flaw.CONFLICT]


def test_a_declared_override_settles_a_conflict(write_book) -> None:
    rows = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}"
    task = "id: W003\n  when: {task: binary}\n  then: {initializer: lecun}\n  overrides: [W002]"
    assert flaws(write_book(ALWAYS, rows, task)) == {}


def test_rules_that_agree_do_not_conflict(write_book) -> None:
    rows = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}"
    task = "id: W003\n  when: {task: binary}\n  then: {initializer: he}"
    assert flaws(write_book(ALWAYS, rows, task)) == {}


def test_a_condition_that_no_dataset_meets_is_unsatisfiable(write_book) -> None:
    never = "id: W002\n  when: {task: regression, imbalance_ratio: {gt: 4}}\n  then: {initializer: he}"
    assert set(flaws(write_book(ALWAYS, never))) == {Flaw.UNSATISFIABLE}


def test_a_rule_beaten_wherever_it_fires_is_shadowed(write_book) -> None:
    inner = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}"
    outer = "id: W003\n  when: {rows: {ge: 5}}\n  then: {initializer: lecun}\n  overrides: [W002]"
    assert set(flaws(write_book(ALWAYS, inner, outer))) == {Flaw.SHADOWED}


def test_overrides_in_a_circle_are_found(write_book) -> None:
    first = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}\n  overrides: [W003]"
    second = "id: W003\n  when: {task: binary}\n  then: {initializer: lecun}\n  overrides: [W002]"
    found = flaws(write_book(ALWAYS, first, second))
    assert "W002, W003 override each other in a circle" in found[Flaw.CYCLE]


def test_choices_that_do_not_fit_each_other_across_slots_are_found(write_book) -> None:
    mine = write_book("id: C900\n  when: {task: multilabel, rows: {ge: 7}}\n  then: {loss: mse}\n  overrides: [C003]")
    findings = prove(read_layers(["handbook", "evidence", mine])).findings
    assert [(finding.flaw, finding.rules) for finding in findings] == [(Flaw.INCOHERENT, ("B004",))]
    assert "task = multilabel" in findings[0].message
    assert "rows = 7" in findings[0].message


def test_a_constraint_sees_only_choices_that_can_come_out_together(write_book) -> None:
    """Defaults are searched only under four trials, where T005 already tunes by hand: nothing is incoherent."""
    when = "{trial_budget: {ge: 4, lt: 6}, task: binary, modality: tabular, search_dimensions: {ge: 1}}"
    mine = write_book(f"id: T900\n  when: {when}\n  then: {{tuner: grid}}\n  overrides: [T003, T104]")
    assert prove(read_layers(["handbook", "evidence", mine])).findings == ()


def test_a_book_with_a_flaw_does_not_load(write_book) -> None:
    mine = write_book("id: C900\n  when: {rows: {ge: 10}}\n  then: {loss: huber}")
    with pytest.raises(ProofError, match="CONFLICT: C00"):
        load_book(["handbook", "evidence", mine])
