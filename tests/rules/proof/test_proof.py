from __future__ import annotations

import re

import pytest

from rules.errors import BookError, ProofError
from rules.proof.findings import Flaw
from rules.proof.proof import prove, prove_slot
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import read_layers
from rules.vocabulary.choices import Slot

ALWAYS = "id: W001\n  when: {}\n  then: {initializer: xavier}"


def flaws(path, slot: Slot = Slot.INITIALIZER) -> dict[Flaw, str]:
    return {finding.flaw: str(finding) for finding in prove_slot(slot, read_layers([path]).of(slot)).findings}


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
    assert "task = binary, modality = tabular, rows = 10" in found[Flaw.CONFLICT]
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
    assert re.search(r"W002 \(.*mine.yaml:\d+:\d+\), W003 \(.*\) override each other in a cycle", found[Flaw.CYCLE])


def test_a_rule_that_loses_to_a_circle_is_not_named_in_it(write_book) -> None:
    first = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}\n  overrides: [W003]"
    second = "id: W003\n  when: {task: binary}\n  then: {initializer: lecun}\n  overrides: [W002]"
    findings = prove_slot(
        Slot.INITIALIZER, read_layers([write_book(ALWAYS, first, second)]).of(Slot.INITIALIZER)
    ).findings
    assert [finding.rules for finding in findings if finding.flaw is Flaw.CYCLE] == [("W002", "W003")]


def test_two_circles_are_two_flaws(write_book) -> None:
    rules = [
        f"id: W00{number}\n  when: {{rows: {{ge: {number}}}}}\n  then: {{initializer: he}}\n  overrides: [W00{other}]"
        for number, other in ((2, 3), (3, 2), (4, 5), (5, 4))
    ]
    findings = prove_slot(Slot.INITIALIZER, read_layers([write_book(*rules)]).of(Slot.INITIALIZER)).findings
    assert [one.rules for one in findings if one.flaw is Flaw.CYCLE] == [("W002", "W003"), ("W004", "W005")]


def test_choices_that_do_not_fit_each_other_across_slots_are_found(write_book) -> None:
    mine = write_book("id: C900\n  when: {task: multilabel, rows: {ge: 7}}\n  then: {loss: mse}\n  overrides: [C003]")
    findings = prove(read_layers(["handbook", "evidence", mine])).findings
    assert [(finding.flaw, finding.rules) for finding in findings] == [(Flaw.INCOHERENT, ("B004", "C900"))]
    assert "task = multilabel" in findings[0].witness
    assert "rows = 7" in findings[0].witness


def test_a_constraint_sees_only_choices_that_can_come_out_together(write_book) -> None:
    """Defaults are searched only under four trials, where T005 already tunes by hand: nothing is incoherent."""
    when = "{trial_budget: {ge: 4, lt: 6}, task: binary, modality: tabular, search_dimensions: {ge: 1}}"
    mine = write_book(f"id: T900\n  when: {when}\n  then: {{tuner: grid}}\n  overrides: [T003]")
    assert prove(read_layers(["handbook", "evidence", mine])).findings == ()


def test_a_book_with_a_flaw_does_not_load(write_book) -> None:
    mine = write_book("id: C900\n  when: {rows: {ge: 10}}\n  then: {loss: huber}")
    with pytest.raises(ProofError, match="CONFLICT: C00"):
        load_book(["handbook", "evidence", mine])


ORPHANS = {
    "of nothing": ("C900", "{loss: huber}", "C999", "which is not in any layer"),
    "across slots": ("C900", "{loss: huber}", "P001", "which is a rule of another slot"),
}


@pytest.mark.parametrize("case", ORPHANS)
def test_an_override_of_no_rule_of_the_slot_is_an_orphan(case: str, write_book) -> None:
    rule, then, other, why = ORPHANS[case]
    mine = write_book(
        f"id: {rule}\n  when: {{task: regression, rows: {{lt: 9}}}}\n  then: {then}\n  overrides: [{other}]"
    )
    found = [finding for finding in prove(read_layers(["handbook", mine])).findings if finding.flaw is Flaw.ORPHAN]
    assert [finding.places for finding in found] == [(f"{mine}:2:3",)]
    assert f"overrides {other}, {why}" in found[0].problem


def test_a_mistyped_override_gets_the_nearest_id(write_book) -> None:
    mine = write_book("id: C900\n  when: {rows: {lt: 9}}\n  then: {loss: huber}\n  overrides: [C0001]")
    (finding,) = [one for one in prove(read_layers(["handbook", mine])).findings if one.flaw is Flaw.ORPHAN]
    assert "Did you mean 'C001'?" in finding.fix


def test_a_rule_that_reads_a_later_choice_is_a_cycle_of_slots(write_book) -> None:
    mine = write_book("id: N900\n  when: {metric: f1}\n  then: {activation: tanh}")
    findings = prove(read_layers(["handbook", mine])).findings
    assert [finding.flaw for finding in findings] == [Flaw.SLOT_CYCLE]
    assert "tests metric, which is decided later, in the slot metric" in findings[0].problem


def test_every_flaw_names_file_line_column_and_a_fix(write_book) -> None:
    rows = "id: W002\n  when: {rows: {ge: 10}}\n  then: {initializer: he}"
    task = "id: W003\n  when: {task: binary}\n  then: {initializer: lecun}"
    path = write_book(ALWAYS, rows, task)
    (finding,) = prove_slot(Slot.INITIALIZER, read_layers([path]).of(Slot.INITIALIZER)).findings
    assert finding.places == (f"{path}:8:3", f"{path}:14:3")
    assert finding.fix.startswith("Let one override the other ('overrides: [W002]' in W003)")


def test_a_rule_can_be_switched_off_with_a_reason(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("disable:\n- {rule: C103, reason: we trust the model, author: Ada}\n", encoding="utf-8")
    book = load_book(["handbook", "evidence", path]).book
    assert "C103" not in {rule.id for rule in book.rules}
    assert [(one.rule, one.reason, one.author, one.place) for one in book.disabled] == [
        ("C103", "we trust the model", "Ada", f"{path}:2:3")
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("disable:\n- {rule: C103}\n", "reason: Field required"),
        ("disable:\n- {rule: C103, reason: ' '}\n", "reason: String should have at least 1 character"),
        ("disable:\n- {rule: T999, reason: old}\n", "is disabled, but is not in any layer"),
        ("disable:\n- {rule: N001, reason: old}\n", "GAP: no rule chooses the activation"),
    ],
)
def test_a_rule_switched_off_badly_is_refused(text: str, says: str, tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BookError, match=says):
        load_book(["handbook", "evidence", path])
