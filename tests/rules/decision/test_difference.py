from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules.decision.difference import difference
from rules.decision.engine import slot_choices
from rules.proof.proved_book import load_book
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, UNKNOWN, Measurement

HANDBOOK = load_book(["handbook"])
SHIPPED = load_book()
DIFFERENCES = difference(HANDBOOK, SHIPPED)


def found(old, new) -> list[tuple[str, str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    return [(one.slot.value, one.old, one.new, one.old_rules, one.new_rules, one.where) for one in difference(old, new)]


def test_a_book_does_not_differ_from_itself(shipped) -> None:
    assert difference(shipped, shipped) == ()


def test_a_new_rule_differs_where_it_decides_otherwise_only(handbook, write_book) -> None:
    """Huber was chosen for outliers before; below 50 rows it is now chosen for all."""
    mine = load_book(
        ["handbook", write_book("id: C900\n  when: {task: regression, rows: {lt: 50}}\n  then: {loss: huber}")]
    )
    where = ("task is regression, rows < 50, outlier_share < 0.01, squared_deviation_top_share < 0.3",)
    assert found(handbook, mine) == [("loss", "mse", "huber", ("C004",), ("C900",), where)]
    assert found(mine, handbook) == [("loss", "huber", "mse", ("C900",), ("C004",), where)]


def test_a_moved_threshold_differs_between_old_and_new(write_book) -> None:
    rule = "id: N900\n  when: {{rows: {{ge: {}}}}}\n  then: {{activation: tanh}}"
    at_fifty = load_book(["handbook", write_book(rule.format(50))])
    at_ninety = load_book(["handbook", write_book(rule.format(90))])
    activation, *_ = found(at_fifty, at_ninety)
    assert activation == ("activation", "tanh", "relu", ("N900",), ("N001",), ("50 ≤ rows < 90",))


def test_what_a_changed_choice_does_to_later_slots_is_found(handbook, write_book) -> None:
    """Xavier goes with tanh, by W003."""
    mine = load_book(["handbook", write_book("id: N900\n  when: {rows: {ge: 50}}\n  then: {activation: tanh}")])
    initializer = [one for one in difference(handbook, mine) if one.slot is Slot.INITIALIZER]
    assert [(one.old, one.new) for one in initializer] == [("he", "xavier")]
    assert initializer[0].example["rows"] >= 50


def test_a_parameter_is_a_difference(handbook, write_book) -> None:
    then = "{optimizer: {name: rmsprop, learning_rate: 0.01}}"
    rule = f"id: A900\n  when: {{task: forecasting}}\n  then: {then}\n  overrides: [A004, A005]"
    mine = load_book(["handbook", write_book(rule)])
    assert [(one[1], one[2]) for one in found(handbook, mine)] == [("rmsprop", "rmsprop (learning rate 0.01)")]


def test_the_example_of_a_difference_shows_it(handbook, shipped) -> None:
    for one in DIFFERENCES:
        task = one.example.get("task", "binary")
        rest = dict.fromkeys(
            (name for name, fact in FACTS.items() if fact.applies_to(task) and fact.slot is None), UNKNOWN
        )
        facts = {name: Measurement(value=value) for name, value in (rest | {"task": task} | one.example).items()}
        assert str(slot_choices(handbook, facts)[one.slot].choice) == one.old
        assert str(slot_choices(shipped, facts)[one.slot].choice) == one.new


@given(st.data())
def test_no_dataset_changes_in_a_way_that_no_difference_names(datasets, data: st.DataObject) -> None:
    facts = data.draw(datasets)
    was, becomes = slot_choices(HANDBOOK, facts), slot_choices(SHIPPED, facts)
    changed = {
        (slot, str(was[slot].choice), str(becomes[slot].choice))
        for slot in Slot
        if was[slot].choice != becomes[slot].choice
    }
    assert changed <= {(one.slot, one.old, one.new) for one in DIFFERENCES}
