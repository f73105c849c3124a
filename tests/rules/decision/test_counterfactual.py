from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.decision.counterfactual import flips, nearest_flip, substitute_facts
from rules.decision.data_changes import FREQUENT_CLASS_PENALTY
from rules.decision.engine import slot_choices
from rules.decision.trace import Pin
from rules.proof.proved_book import ProvedBook, load_book
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.facts import (
    CLASSIFICATION,
    FACTS,
    NOT_APPLICABLE,
    UNKNOWN,
    Categories,
    Measurement,
    NotApplicable,
    Task,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from rules.decision.counterfactual import Flip

BOOK = load_book()
PIN = Pin(slot=Slot.METRIC, choice=parse_choice(Slot.METRIC, "mae"), reason="the business pays by the unit")
SPECIAL: dict[str | float | int, Value] = {"n/a": NOT_APPLICABLE, "unknown": UNKNOWN}

Facts = dict[str, Measurement]


def measured(values: dict[str, Any]) -> Facts:
    return {name: Measurement(value=value) for name, value in values.items()}


def binary(**values: Any) -> Facts:
    """310 rows, 30 of them of the rare class."""
    return measured(
        {
            "task": "binary",
            "modality": "tabular",
            "split": "random",
            "rows": 310,
            "features": 10,
            "classes": 2,
            "imbalance_ratio": 280 / 30,
            "minority_class_rows": 30,
            "mirror_agreement": 0.0,
            "text_words": 0.0,
            "missing_share": 0.0,
            "sparsity": 0.0,
            "trial_budget": 20,
        }
        | values
    )


def regression(**values: Any) -> Facts:
    return measured(
        {
            "task": "regression",
            "modality": "tabular",
            "split": "random",
            "rows": 1000,
            "features": 10,
            "text_words": 0.0,
            "outlier_share": 0.0,
            "squared_deviation_top_share": 0.1,
            "target_skew": 0.0,
            "missing_share": 0.0,
            "sparsity": 0.0,
            "trial_budget": 20,
        }
        | values
    )


NUMBERS = {
    "imbalance_ratio": st.sampled_from([1.0, 1.5, 1.51, 3.2, 4.0, math.nextafter(4, 5), 9.0, 100.0]),
    "minority_class_rows": st.sampled_from([1, 30, 189, 190, 191, 5000]),
    "outlier_share": st.sampled_from([0.0, 0.0099, 0.01, 0.02, 1.0]),
    "squared_deviation_top_share": st.sampled_from([0.1, 0.299, 0.3, 0.9]),
    "mirror_agreement": st.sampled_from([0.0, 0.899, 0.9, 1.0]),
    "text_words": st.sampled_from([0.0, 14.9, 15.0, 200.0]),
    "trial_budget": st.sampled_from([1, 3, 4, 11, 12, 15, 16, 29, 30, 59, 60, 1000]),
    "gradient_flow": st.sampled_from(FACTS["gradient_flow"].domain.values),
}


@st.composite
def datasets(draw: st.DrawFn, *, unknown: bool = False) -> Facts:
    """Facts that hang together; with `unknown`, some could not be measured."""
    task = draw(st.sampled_from(list(Task)))
    modalities = ["tabular", "sequence"] if task is Task.FORECASTING else list(FACTS["modality"].domain.values)
    values: dict[str, Any] = {"task": task.value, "modality": draw(st.sampled_from(modalities)), "features": 10}
    values["split"] = "time" if task is Task.FORECASTING else draw(st.sampled_from(["random", "entity", "predefined"]))
    values |= {name: draw(numbers) for name, numbers in NUMBERS.items()}
    values["rows"] = draw(st.sampled_from([2, 1000, 2499, 49_999, 50_000, 200_000]))
    values |= {"classes": 2 if task is Task.BINARY else 5, "target_skew": 0.0, "missing_share": 0.0, "sparsity": 0.0}
    if task in CLASSIFICATION:
        rarest_and_most_frequent = values["minority_class_rows"] * (1 + values["imbalance_ratio"])
        values["rows"] = max(values["rows"], math.ceil(rarest_and_most_frequent))
    for name in draw(st.sets(st.sampled_from([*NUMBERS, "rows", "modality"]), max_size=2)) if unknown else ():
        values[name] = UNKNOWN
    return measured({name: value if FACTS[name].applies_to(task) else NOT_APPLICABLE for name, value in values.items()})


def changed(facts: Facts, flip: Flip) -> Facts:
    """The facts after a flip; those that only its new task has are not known."""
    values = {change.fact: SPECIAL.get(change.new, change.new) for change in flip.changes}
    return substitute_facts(facts, values, source="a flip")


# Each flip flips ────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=40, deadline=None)
@given(datasets(unknown=True), st.sampled_from([(), (PIN,)]))
def test_each_flip_changes_the_choice_as_it_says(facts: Facts, pins) -> None:
    now = slot_choices(BOOK, facts, pins=pins)
    for slot, found in flips(BOOK, facts, pins=pins).items():
        for flip in found:
            assert (flip.slot, flip.was) == (slot, str(now[slot].choice))
            after = slot_choices(BOOK, changed(facts, flip), pins=pins)[slot]
            assert str(after.choice) == flip.becomes != flip.was
            assert set(flip.rules) <= set(after.rules)


@settings(max_examples=25, deadline=None)
@given(datasets(unknown=True))
def test_the_flips_of_a_slot_are_sorted_by_distance_and_lead_to_different_choices(facts: Facts) -> None:
    for found in flips(BOOK, facts).values():
        assert [flip.distance for flip in found] == sorted(flip.distance for flip in found)
        assert len({flip.becomes for flip in found}) == len(found)


@settings(max_examples=25, deadline=None)
@given(datasets(unknown=True))
def test_a_flip_names_what_each_changed_fact_was_and_nothing_that_stays(facts: Facts) -> None:
    for found in flips(BOOK, facts).values():
        for flip in found:
            assert flip.changes
            assert flip.how
            for change in flip.changes:
                assert change.old == shown(facts[change.fact].value)
                assert change.new != change.old, flip


def shown(value: Value) -> str | float | int:
    return repr(value) if isinstance(value, NotApplicable | Unknown) else value


@settings(max_examples=25, deadline=None)
@given(datasets())
def test_a_flip_leads_to_facts_that_a_dataset_can_have(facts: Facts) -> None:
    for found in flips(BOOK, facts).values():
        for flip in found:
            after = changed(facts, flip)
            task = after["task"].value
            assert not (task == "forecasting" and after["modality"].value in {"image", "text"})
            for name, fact in FACTS.items():
                if fact.slot is None:
                    assert is_possible(name, after[name].value, task), flip


def is_possible(name: str, value: Value, task: object) -> bool:
    fact = FACTS[name]
    if isinstance(value, NotApplicable):
        return not fact.applies_to(task)
    if isinstance(value, Unknown):
        return fact.applies_to(task)
    in_domain = value in fact.domain.values if isinstance(fact.domain, Categories) else value in fact.domain
    return fact.applies_to(task) and in_domain


@settings(max_examples=15, deadline=None)
@given(datasets())
@example(regression())
def test_every_choice_that_some_dataset_gets_is_within_reach(facts: Facts) -> None:
    now = slot_choices(BOOK, facts)
    for slot, choices in decided().items():
        for wanted in choices - {str(now[slot].choice)}:
            flip = nearest_flip(BOOK, facts, slot, lambda choice, wanted=wanted: str(choice) == wanted)
            assert flip is not None
            assert flip.becomes == wanted


def decided() -> dict[Slot, set[str]]:
    """The choices that the shipped book makes, worked out from its rules' own examples by hand."""
    return {
        Slot.METRIC: {"accuracy", "roc_auc", "f1 (average binary)", "f1", "rmse", "mae", "mse"},
        Slot.HYPERPARAMETERS: {"defaults", "most_sensitive", "high_sensitivity", "high_and_medium"},
        Slot.TUNER: {"random", "grid", "bayesian", "hyperband", "manual"},
    }


def test_what_no_rule_offers_is_out_of_reach() -> None:
    assert nearest_flip(BOOK, binary(), Slot.OPTIMIZER, lambda choice: str(choice) == "adagrad") is None


@settings(max_examples=25, deadline=None)
@given(datasets())
def test_a_pinned_slot_has_no_flips(facts: Facts) -> None:
    found = flips(BOOK, facts, pins=[PIN])
    assert set(found) == set(Slot) - {Slot.METRIC}


# The nearest flip, by hand ──────────────────────────────────────────────────────────────────────────────────────────

DEFAULTS = {
    "N001": "{activation: relu}",
    "P001": "{metric: accuracy}",
    "C001": "{loss: mse}",
    "W001": "{initializer: he}",
    "A001": "{optimizer: adam}",
    "H001": "{hyperparameters: defaults}",
    "T001": "{tuner: grid}",
    "D001": "{augmentation: none}",
    "X001": "{transfer: none}",
    "M001": "{architecture: standard}",
    "V001": "{validation: holdout}",
}


@pytest.fixture
def small(write_book: Callable[..., Path]) -> Callable[..., ProvedBook]:
    """A book of one unconditional rule a slot, and of further rules: what each asks, and what it chooses."""

    def load(*rules: tuple[str, str], without: Iterable[str] = ()) -> ProvedBook:
        found = [f"id: {name}\n  when: {{}}\n  then: {then}" for name, then in DEFAULTS.items() if name not in without]
        for number, (when, then) in enumerate(rules):
            slot = then.split(":")[0]
            found.append(f"id: {Slot(slot).letter}10{number}\n  when: {when}\n  then: {{{then}}}")
        return load_book([write_book(*found)])

    return load


NEAREST = {
    "rows of the rarest class: 280 / 4 = 70": (
        "{imbalance_ratio: {gt: 4}}",
        binary(),
        "40 more rows of class 'yes' (70 instead of 30)",
        {"minority_class_rows": 70, "imbalance_ratio": 4.0, "rows": 350},
        (0, 1, pytest.approx(40 / 70)),
    ),
    "one more of them where the threshold itself does not count: 28,000 / 7,001 < 4": (
        "{imbalance_ratio: {ge: 4}}",
        binary(rows=31_000, minority_class_rows=3000, imbalance_ratio=28_000 / 3000),
        "4,001 more rows of class 'yes' (7,001 instead of 3,000)",
        {"minority_class_rows": 7001, "imbalance_ratio": 28_000 / 7001, "rows": 35_001},
        (0, 1, pytest.approx(4001 / 7001)),
    ),
    "rows of all classes": (
        "{rows: {ge: 1000}}",
        binary(rows=999, minority_class_rows=200, imbalance_ratio=799 / 200),
        "1 more row of the same kind (1,000 instead of 999)",
        {"rows": 1000},
        (0, 1, 1 / 1000),
    ),
    "fewer rows": (
        "{rows: {lt: 900}}",
        regression(),
        "101 fewer rows of the same kind (899 instead of 1,000)",
        {"rows": 899},
        (0, 1, 101 / 1000),
    ),
    "a share of outliers, not a number of rows: what counts as one depends on all rows": (
        "{outlier_share: {ge: 0.01}}",
        regression(rows=1066, outlier_share=0.005),
        "outlier_share = 0.01 (now 0.005)",
        {"outlier_share": 0.01},
        (0, 1, 0.5),
    ),
    "rows of the larger class, where the rarest has to keep its own: 4 * 30 < 121": (
        "{imbalance_ratio: {gt: 4}, minority_class_rows: {ge: 30}}",
        binary(rows=90, imbalance_ratio=2.0),
        "61 more rows of the larger class (121 instead of 60)",
        {"imbalance_ratio": 121 / 30, "rows": 151},
        (0, 1, pytest.approx(61 / 121 + FREQUENT_CLASS_PENALTY)),
    ),
    "rows of every class, for the next rarest may have as few: 280 / 4 = 70": (
        "{imbalance_ratio: {gt: 4}}",
        binary(task="multiclass", classes=3),
        "at least 70 rows of every class (class 'yes' has 30)",
        {"minority_class_rows": 70, "imbalance_ratio": 4.0, "rows": 350},
        (0, 1, pytest.approx(40 / 70)),
    ),
    "rows of every label, enough to stay above each label's other value: 280 / 70 = 4": (
        "{imbalance_ratio: {gt: 4}}",
        binary(task="multilabel"),
        "at least 70 rows with and without every label, out of 350 rows (now 30 of 310)",
        {"minority_class_rows": 70, "imbalance_ratio": 4.0, "rows": 350},
        (0, 1, pytest.approx(40 / 70)),
    ),
    "trials": (
        "{trial_budget: {lt: 4}}",
        regression(),
        "a budget for 17 fewer trials (3 instead of 20)",
        {"trial_budget": 3},
        (0, 1, 17 / 20),
    ),
    "just past a threshold that does not count": (
        "{missing_share: {gt: 0.3}}",
        regression(missing_share=0.2),
        "missing_share above 0.3 (now 0.2)",
        {"missing_share": pytest.approx(0.303)},
        (0, 1, pytest.approx(0.103 / 0.303)),
    ),
    "just below a threshold that does not count": (
        "{missing_share: {lt: 0.1}}",
        regression(missing_share=0.2),
        "missing_share below 0.1 (now 0.2)",
        {"missing_share": pytest.approx(0.099)},
        (0, 1, pytest.approx(0.101 / 0.2)),
    ),
    "a name": (
        "{modality: {in: [image, text]}}",
        regression(),
        "modality = image (now tabular)",
        {"modality": "image"},
        (1, 1, 1.0),
    ),
    "two facts": (
        "{missing_share: {ge: 0.25}, sparsity: {ge: 0.5}}",
        regression(missing_share=0.2, sparsity=0.25),
        "missing_share = 0.25 (now 0.2) and sparsity = 0.5 (now 0.25)",
        {"missing_share": 0.25, "sparsity": 0.5},
        (0, 2, pytest.approx(0.2 + 0.5)),
    ),
    "a task, and what no longer applies": (
        "{task: binary}",
        regression(),
        "task = binary (now regression)",
        {"task": "binary", "outlier_share": "n/a", "squared_deviation_top_share": "n/a", "target_skew": "n/a"},
        (1, 1, 1.0),
    ),
    "an unknown fact that the choice does not hang on stays unknown": (
        "{missing_share: {ge: 0.25}, features: {ge: 5}}",
        regression(missing_share=0.2, rows=UNKNOWN),
        "missing_share = 0.25 (now 0.2)",
        {"missing_share": 0.25},
        (0, 1, pytest.approx(0.2)),
    ),
}


@pytest.mark.parametrize("case", NEAREST)
def test_the_nearest_flip_is_the_one_worked_out_by_hand(case: str, small) -> None:
    when, facts, how, changes, distance = NEAREST[case]
    (nearest,) = flips(small((when, "metric: f1")), facts, rare_class="yes")[Slot.METRIC]
    assert nearest.how == how
    assert {change.fact: change.new for change in nearest.changes} == changes
    assert nearest.distance == distance


def test_a_changed_number_is_nearer_than_a_changed_name(small) -> None:
    book = small(("{modality: image}", "metric: f1"), ("{missing_share: {ge: 0.9}}", "metric: f1"))
    (nearest,) = flips(book, regression(missing_share=0.1))[Slot.METRIC]
    assert nearest.how == "missing_share = 0.9 (now 0.1)"


@pytest.mark.parametrize("rows", range(80, 800, 8))
def test_of_equally_near_flips_the_one_in_rows_comes_first(rows: int, small) -> None:
    """Of 3 rare rows a quarter as many as the others, or a ratio of 4, are equally far; their floats need not be."""
    book = small(("{imbalance_ratio: {gt: 4}}", "metric: f1"))
    facts = binary(rows=rows + 3, minority_class_rows=3, imbalance_ratio=rows / 3)
    (nearest,) = flips(book, facts, slots=[Slot.METRIC])[Slot.METRIC]
    assert nearest.how == f"{rows // 4 - 3} more rows of the rarest class ({rows // 4} instead of 3)"


def test_each_choice_has_its_own_nearest_flip(small) -> None:
    book = small(
        ("{missing_share: {ge: 0.4, lt: 0.8}}", "metric: f1"),
        ("{missing_share: {ge: 0.8}}", "metric: roc_auc"),
    )
    found = flips(book, regression(missing_share=0.2))[Slot.METRIC]
    assert [(flip.becomes, flip.how) for flip in found] == [
        ("f1", "missing_share = 0.4 (now 0.2)"),
        ("roc_auc", "missing_share = 0.8 (now 0.2)"),
    ]


def test_fewer_rows_of_the_rarest_class_never_leave_less_than_one_row(small) -> None:
    """Given facts can be inconsistent: at most 9 of 10 rows can be removed, although 30 are in the rarest class."""
    book = small(("{minority_class_rows: {lt: 5}}", "metric: f1"))
    found = flips(book, binary(rows=10))[Slot.METRIC]
    assert [flip.how for flip in found] == ["minority_class_rows below 5 (now 30)"]


def test_reach_passes_over_nearer_flips_to_the_wanted_choice(small) -> None:
    book = small(
        ("{missing_share: {ge: 0.4, lt: 0.8}}", "metric: f1"),
        ("{missing_share: {ge: 0.8}}", "metric: roc_auc"),
    )
    flip = nearest_flip(
        book, regression(missing_share=0.2), Slot.METRIC, lambda choice: choice == parse_choice(Slot.METRIC, "roc_auc")
    )
    assert flip is not None
    assert flip.how == "missing_share = 0.8 (now 0.2)"


def test_an_unknown_fact_in_a_slot_without_a_say_in_the_flip_stays_unknown(small) -> None:
    """The metric reads rows too, but missing_share alone takes it to F1 whatever the rows."""
    book = small(
        ("{rows: {ge: 1000}, missing_share: {lt: 0.25}}", "metric: mae"), ("{missing_share: {ge: 0.25}}", "metric: f1")
    )
    facts = regression(missing_share=0.2, rows=UNKNOWN)
    found = {flip.becomes: flip.how for flip in flips(book, facts)[Slot.METRIC]}
    assert found["f1"] == "missing_share = 0.25 (now 0.2)"


def test_another_task_leaves_facts_that_only_it_has_unknown_for_the_other_slots(small) -> None:
    """Every binary dataset gets a metric by its rows of the rarest class, which a regression has not."""
    book = small(
        ("{task: {in: [regression, multioutput_regression, forecasting]}}", "metric: rmse"),
        ("{minority_class_rows: {lt: 100}}", "metric: f1"),
        ("{minority_class_rows: {ge: 100}}", "metric: accuracy"),
        ("{task: binary}", "activation: tanh"),
        without=["P001"],
    )
    (nearest,) = flips(book, regression())[Slot.ACTIVATION]
    assert nearest.how == "task = binary (now regression)"


# Given facts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_given_fact_replaces_the_measured_one_and_its_interval() -> None:
    facts = regression() | {"outlier_share": Measurement(value=0.02, low=0.01, high=0.03, source="counted")}
    then = substitute_facts(facts, {"outlier_share": 0.5}, source="given by --if")
    assert then["outlier_share"] == Measurement(value=0.5, source="given by --if")
    assert {name: then[name] for name in facts if name != "outlier_share"} == {
        name: fact for name, fact in facts.items() if name != "outlier_share"
    }


def test_facts_that_only_the_given_task_has_become_unknown_and_those_that_it_lacks_not_applicable() -> None:
    then = substitute_facts(regression(), {"task": "binary"}, source="given by --if")
    assert isinstance(then["imbalance_ratio"].value, Unknown)
    assert then["imbalance_ratio"].source == "not measured, since the dataset was profiled for regression"
    assert isinstance(then["outlier_share"].value, NotApplicable)
    assert then["outlier_share"].source == "does not apply to binary"
    assert then["rows"] == regression()["rows"]


def test_a_fact_given_with_another_task_is_known() -> None:
    then = substitute_facts(regression(), {"task": "binary", "imbalance_ratio": 9.0}, source="given by --if")
    assert then["imbalance_ratio"] == Measurement(value=9.0, source="given by --if")


@given(datasets(unknown=True), st.sampled_from(list(Task)))
def test_under_any_given_task_each_fact_applies_exactly_where_it_has_a_meaning(facts: Facts, task: Task) -> None:
    then = substitute_facts(facts, {"task": task.value}, source="given by --if")
    for name, fact in FACTS.items():
        if fact.slot is None:
            assert isinstance(then[name].value, NotApplicable) is not fact.applies_to(task)


def test_a_change_entails_what_follows_from_it() -> None:
    """From 2,500 rows on there are no folds; here the budget then allows 100 trials, enough to search more."""

    def follow(facts: Facts, changed: Collection[str]) -> Facts:
        more = "rows" in changed and facts["rows"].value >= 2500
        return {**facts, "trial_budget": Measurement(value=100)} if more else facts

    slot, proved, facts = Slot.HYPERPARAMETERS, load_book(), regression(rows=2000)
    without = {flip.how for flip in flips(proved, facts, slots=[slot])[slot]}
    found = {flip.how: flip for flip in flips(proved, facts, slots=[slot], follow=follow)[slot]}
    entailed = (
        "500 more rows of the same kind (2,500 instead of 2,000), as the budget then allows about 100 trials instead "
        "of 20"
    )
    assert entailed in found
    assert entailed not in without
    assert {change.fact: change.new for change in found[entailed].changes} == {"rows": 2500, "trial_budget": 100}
