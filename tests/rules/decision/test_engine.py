from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.engine import decide
from rules.decision.trace import Defeat, Pin
from rules.errors import ChoiceError
from rules.proof.proved_book import load_book
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, UNKNOWN, Categories, Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.rulebook.rule import Rule

BOOK = load_book()


def known(**values: Any) -> dict[str, Measurement]:
    """Facts of a small, balanced, binary table, changed by name."""
    base = {
        "task": "binary",
        "modality": "tabular",
        "rows": 1000,
        "features": 10,
        "classes": 2,
        "imbalance_ratio": 1.2,
        "minority_class_rows": 450,
        "outlier_share": NOT_APPLICABLE,
        "squared_deviation_top_share": NOT_APPLICABLE,
        "target_skew": NOT_APPLICABLE,
        "missing_share": 0.0,
        "sparsity": 0.0,
        "trial_budget": 20,
    } | values
    return {name: Measurement(value=value) for name, value in base.items()}


def regression() -> dict[str, Measurement]:
    none = dict.fromkeys(("classes", "imbalance_ratio", "minority_class_rows"), NOT_APPLICABLE)
    return known(task="regression", outlier_share=0.0, squared_deviation_top_share=0.1, target_skew=0.0, **none)


OPERATORS = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}


def fires(rule: Rule, world: dict[str, Any]) -> bool:
    for test in rule.when:
        value = world[test.fact]
        if value is NOT_APPLICABLE:
            return False
        names = isinstance(test.constant, tuple)
        if not (value in test.constant if names else OPERATORS[test.op](value, test.constant)):
            return False
    return True


def values_around_thresholds(name: str, rules: tuple[Rule, ...]) -> list[Any]:
    domain = FACTS[name].domain
    if isinstance(domain, Categories):
        return list(domain.values)
    step = 1 if domain.whole else 1e-6
    cuts = [test.constant for rule in rules for test in rule.when if test.fact == name]
    near = {cut + delta for cut in cuts for delta in (-step, 0, step)} | {domain.low}
    return [value for value in sorted(near) if value in domain] + [NOT_APPLICABLE]


def worlds(rules: tuple[Rule, ...]) -> Iterator[dict[str, Any]]:
    asked = sorted({test.fact for rule in rules for test in rule.when} | {"task"})
    for values in itertools.product(*(values_around_thresholds(name, rules) for name in asked)):
        world = dict(zip(asked, values, strict=True))
        applies = all(FACTS[n].applies_to(world["task"]) is not (world[n] is NOT_APPLICABLE) for n in asked)
        impossible = world["task"] == "forecasting" and world.get("modality") in {"image", "text"}
        if applies and not impossible:
            yield world


@functools.cache
def reach(slot: Slot) -> dict[str, set[int]]:
    seen = list(worlds(BOOK.book.of(slot)))
    return {rule.id: {index for index, world in enumerate(seen) if fires(rule, world)} for rule in BOOK.book.of(slot)}


def by_hand(slot: Slot, facts: dict[str, Measurement]) -> set[str]:
    """The choices of the unbeaten rules, from the definition: boxes compared on values around all thresholds."""
    where = reach(slot)
    values = {name: fact.value for name, fact in facts.items()}
    firing = [rule for rule in BOOK.book.of(slot) if fires(rule, values)]

    def compared(a: Rule, b: Rule) -> set[str]:
        """What a is compared with in the place of b: b, and the rule of which b is a variant."""
        is_variant = b.variant_of and not a.tests_training and a.id not in b.overrides
        return {b.id, b.variant_of} if is_variant else {b.id}

    def overrides(a: Rule, b: Rule) -> bool:
        return bool(compared(a, b) & {*a.overrides})

    def beats(a: Rule, b: Rule) -> bool:
        return overrides(a, b) or (not overrides(b, a) and any(where[a.id] < where[one] for one in compared(a, b)))

    return {str(b.choice) for b in firing if not any(beats(a, b) for a in firing)}


@given(st.data())
def test_every_dataset_gets_the_choice_that_the_definition_gives(datasets, data: st.DataObject) -> None:
    strategy = decide(BOOK, data.draw(datasets))
    for slot in Slot:
        assert by_hand(slot, strategy.facts) == {str(strategy.decisions[slot].choice)}


def test_the_trace_says_who_decided_who_lost_and_who_stayed_silent(shipped) -> None:
    decision = decide(shipped, known(imbalance_ratio=9.0, minority_class_rows=100)).decisions[Slot.METRIC]
    assert decision.rules == ("P003",)
    by_rule = {trace.rule: trace for trace in decision.trace}
    assert by_rule["P001"].outcome == "beaten"
    assert by_rule["P001"].beaten_by == (Defeat(rule="P003", declared=False),)
    assert by_rule["P002"].outcome == "silent"
    ratio = by_rule["P003"].tests[1]
    assert (ratio.wanted, ratio.measured, ratio.margin) == ("imbalance_ratio > 4", 9.0, 5.0)


def test_a_pin_is_stored_with_the_choice_of_the_rules_and_later_slots_use_it(shipped) -> None:
    pin = Pin(slot=Slot.METRIC, choice=parse_choice(Slot.METRIC, "log_loss"), reason="we need probabilities")
    strategy = decide(shipped, known(imbalance_ratio=9.0), pins=[pin])
    assert strategy.decisions[Slot.METRIC].pin == pin
    assert str(strategy.decisions[Slot.METRIC].ruled) == "f1 (average binary)"
    assert strategy.decisions[Slot.LOSS].rules == ("C101",)


def test_a_pin_that_does_not_fit_the_task_is_refused_with_the_reason(shipped) -> None:
    pin = Pin(slot=Slot.LOSS, choice=parse_choice(Slot.LOSS, "mse"), reason="habit")
    with pytest.raises(ChoiceError, match="B004 forbids: with a sigmoid or softmax output"):
        decide(shipped, known(), pins=[pin])


@pytest.mark.parametrize(
    ("pins", "message"),
    [
        ({Slot.OPTIMIZER: "sgd", Slot.HYPERPARAMETERS: ["beta_1"]}, "'sgd' has no beta_1.* Choose one of adam, adamw"),
        ({Slot.HYPERPARAMETERS: ["network"]}, "Only forecasts have several networks"),
        (
            {Slot.OPTIMIZER: "adam", Slot.HYPERPARAMETERS: ["rho", "batch_size"]},
            "'adam' has no rho.* Choose one of rmsprop, or search another",
        ),
    ],
)
def test_a_hyperparameter_that_nothing_has_is_not_searched(shipped, pins: dict[Slot, Any], message: str) -> None:
    made = [
        Pin(
            slot=slot,
            choice=parse_choice(slot, value if isinstance(value, str) else {"name": "custom", "searched": value}),
            reason="a comparison",
        )
        for slot, value in pins.items()
    ]
    with pytest.raises(ChoiceError, match=message):
        decide(shipped, known(), pins=made)


def test_properties_batch_size_and_embedding_dimension_are_searched_by_pin(shipped) -> None:
    names = ["epsilon", "embedding_dimension", "batch_size", "learning_rate"]
    choice = parse_choice(Slot.HYPERPARAMETERS, {"name": "custom", "searched": names})
    pin = Pin(slot=Slot.HYPERPARAMETERS, choice=choice, reason="a comparison")
    strategy = decide(shipped, known(), pins=[pin])
    assert strategy.bundle.searched == ("learning_rate", "batch_size", "embedding_dimension", "epsilon")
    assert strategy.facts["search_dimensions"].value == 4


def test_an_unknown_fact_that_changes_nothing_is_decided_anyway(shipped) -> None:
    decision = decide(shipped, known(rows=UNKNOWN, imbalance_ratio=9.0)).decisions[Slot.OPTIMIZER]
    assert (decision.choice.name, decision.provisional) == ("adamw", ())


def test_an_unknown_fact_that_matters_makes_the_choice_provisional(shipped) -> None:
    decision = decide(shipped, known(rows=UNKNOWN)).decisions[Slot.OPTIMIZER]
    assert (decision.choice.name, decision.provisional) == ("adam", ("rows",))


def test_an_interval_across_a_threshold_makes_the_choice_fragile(shipped) -> None:
    facts = known(imbalance_ratio=4.2) | {"imbalance_ratio": Measurement(value=4.2, low=3.8, high=4.7)}
    (fragile,) = decide(shipped, facts).decisions[Slot.METRIC].fragile
    assert (fragile.fact, fragile.other) == ("imbalance_ratio", "roc_auc")
