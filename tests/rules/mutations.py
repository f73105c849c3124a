"""Books with a few things changed in them, as a slip of their author's hand would.

A mutation takes a rule, all rules of its book and a source of chance. It gives the rules with something changed in that
one, or None where there is nothing to change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rules.vocabulary.choices import Slot, names, parse_choice
from rules.vocabulary.condition import COMPARISONS, Test, categories_of, interval_of
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook

FACTORS: Final = (0.5, 0.9, 0.99, 1.0000001, 1.01, 1.1, 2, 24.69134)
STEPS: Final = (-1, 1)
OWN_LAYER: Final = "mine"

Rules = tuple["Rule", ...]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A changed book. slots: whose rules changed; kinds: what was done, in order; changes: in words."""

    book: Rulebook
    slots: tuple[Slot, ...]
    kinds: tuple[str, ...]
    changes: tuple[str, ...]


def mutant(book: Rulebook, draw: random.Random, *, most: int = 3) -> Mutant:
    """A book in which one to `most` things are changed."""
    rules, slots, kinds, changes = book.rules, [], [], []
    wanted = draw.randint(1, most)
    while len(changes) < wanted:
        kind, rule = draw.choice(KINDS), draw.choice(rules)
        changed = kind(rule, rules, draw)
        if changed is not None and changed != rules:
            rules = changed
            slots.append(rule.slot)
            kinds.append(kind.__name__)
            changes.append(f"{kind.__name__} in {rule.id}")
    return Mutant(
        book=replace(book, rules=rules),
        slots=tuple(dict.fromkeys(slots)),
        kinds=tuple(kinds),
        changes=tuple(changes),
    )


def _put(rules: Rules, old: Rule, new: Rule) -> Rules:
    return tuple(new if rule is old else rule for rule in rules)


def _with_test(rules: Rules, rule: Rule, old: Test, new: Test) -> Rules:
    return _put(rules, rule, replace(rule, when=tuple(new if test is old else test for test in rule.when)))


def _numeric(rule: Rule) -> list[Test]:
    return [test for test in rule.when if not isinstance(test.constant, tuple)]


def _fitting(fact: str, values: Sequence[float]) -> list[float]:
    """The values that lie in a fact's domain; whole where it is."""
    domain = interval_of(fact)
    return [value for value in (round(one) if domain.whole else one for one in values) if value in domain]


def threshold_moved(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    if not (tests := _numeric(rule)):
        return None
    test = draw.choice(tests)
    near = [test.constant * factor for factor in FACTORS]
    moved = _fitting(test.fact, [*near, *(test.constant + step for step in STEPS)])
    return _with_test(rules, rule, test, replace(test, constant=draw.choice(moved))) if moved else None


def threshold_put_on_a_neighbour(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    if not (tests := _numeric(rule)):
        return None
    test = draw.choice(tests)
    cuts = {other.constant for one in rules for other in _numeric(one) if other.fact == test.fact} - {test.constant}
    return _with_test(rules, rule, test, replace(test, constant=draw.choice(sorted(cuts)))) if cuts else None


def operator_flipped(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    if not (tests := _numeric(rule)):
        return None
    test = draw.choice(tests)
    return _with_test(rules, rule, test, replace(test, op=draw.choice([op for op in COMPARISONS if op != test.op])))


def widened(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    """A test dropped."""
    if not rule.when:
        return None
    gone = draw.choice(rule.when)
    return _put(rules, rule, replace(rule, when=tuple(test for test in rule.when if test is not gone)))


def narrowed(rule: Rule, rules: Rules, draw: random.Random) -> Rules:
    """A test added, on a fact that the slot may read."""
    order = list(Slot)
    fact = draw.choice(
        [one for one in FACTS.values() if one.slot is None or order.index(Slot(one.slot)) < order.index(rule.slot)]
    )
    categories = categories_of(fact.name)
    if categories is not None:
        some = draw.sample(categories, draw.randint(1, len(categories) - 1))
        test = Test(fact=fact.name, op="in", constant=tuple(some))
    else:
        cuts = {test.constant for one in rules for test in _numeric(one) if test.fact == fact.name}
        ends = [end for end in (fact.domain.low, fact.domain.high) if math.isfinite(end)]
        cut = draw.choice(sorted([*cuts, *ends, *_fitting(fact.name, [0.25, 3, 100])]))
        test = Test(fact=fact.name, op=draw.choice(list(COMPARISONS)), constant=cut)
    return _put(rules, rule, replace(rule, when=(*rule.when, test)))


def value_dropped(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    several = [test for test in rule.when if isinstance(test.constant, tuple) and len(test.constant) > 1]
    if not several:
        return None
    test = draw.choice(several)
    gone = draw.choice(test.constant)
    return _with_test(
        rules, rule, test, replace(test, constant=tuple(value for value in test.constant if value != gone))
    )


def choice_swapped(rule: Rule, rules: Rules, draw: random.Random) -> Rules:
    offered = [*(one.choice for one in rules if one.slot is rule.slot)]
    offered += [parse_choice(rule.slot, name) for name in names(rule.slot)]
    others = [choice for choice in offered if choice != rule.choice]
    return _put(rules, rule, replace(rule, choice=draw.choice(others)))


def override_dropped(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    if not rule.overrides:
        return None
    gone = draw.choice(rule.overrides)
    return _put(rules, rule, replace(rule, overrides=tuple(other for other in rule.overrides if other != gone)))


def override_added(rule: Rule, rules: Rules, draw: random.Random) -> Rules | None:
    others = [one.id for one in rules if one.slot is rule.slot and one is not rule and one.id not in rule.overrides]
    return _put(rules, rule, replace(rule, overrides=(*rule.overrides, draw.choice(others)))) if others else None


def rule_deleted(rule: Rule, rules: Rules, _: random.Random) -> Rules:
    """The rule taken out, and with it the overrides that name it."""
    return tuple(
        replace(one, overrides=tuple(other for other in one.overrides if other != rule.id))
        if rule.id in one.overrides
        else one
        for one in rules
        if one is not rule
    )


def rule_copied(rule: Rule, rules: Rules, draw: random.Random) -> Rules:
    """The rule a second time under a new id: in the same layer or in a separate one."""
    taken = {one.id for one in rules}
    name = next(name for number in range(900, 1000) if (name := f"{rule.slot.letter}{number}") not in taken)
    if draw.random() < 1 / 2:
        return (*rules, replace(rule, id=name, layer=OWN_LAYER))
    index = rules.index(rule) + 1
    return (*rules[:index], replace(rule, id=name), *rules[index:])


KINDS: Final = (
    threshold_moved,
    threshold_put_on_a_neighbour,
    operator_flipped,
    widened,
    narrowed,
    value_dropped,
    choice_swapped,
    override_dropped,
    override_added,
    rule_deleted,
    rule_copied,
)
