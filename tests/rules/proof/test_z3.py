"""The proof compared with z3, which does not use cells: facts are variables, conditions are formulas, and z3 finds
flaws by the definition alone (the docstring of rules.proof.proof)."""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
import z3

from rules.proof.findings import Flaw
from rules.proof.proof import prove_slot
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, IMPOSSIBLE, Categories, Task
from tests.effort import EFFORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.rulebook.rule import Rule
    from rules.vocabulary.condition import Test

MUTANTS = 200 * EFFORT
SEED = 20_240_607

Found = tuple[Flaw, tuple[str, ...]]


def variable(name: str) -> z3.ArithRef:
    """Names are numbered, whole numbers whole, all others real."""
    domain = FACTS[name].domain
    whole = isinstance(domain, Categories) or domain.whole
    return z3.Int(name) if whole else z3.Real(name)


VARIABLES = {name: variable(name) for name in FACTS}


def number(value: float) -> z3.RatNumRef | z3.IntNumRef:
    exact = Fraction(value)
    return z3.IntVal(exact.numerator) if exact.denominator == 1 else z3.Q(exact.numerator, exact.denominator)


def is_one_of(name: str, values: Iterable[str]) -> z3.BoolRef:
    categories = FACTS[name].domain.values
    return z3.Or([VARIABLES[name] == categories.index(value) for value in values])


def within_domain(name: str) -> z3.BoolRef:
    domain, x = FACTS[name].domain, VARIABLES[name]
    if isinstance(domain, Categories):
        return z3.And(x >= 0, x < len(domain.values))
    ends = [x >= number(domain.low)] if domain.low > float("-inf") else []
    return z3.And(*ends, *([x <= number(domain.high)] if domain.high < float("inf") else []))


def is_a_dataset() -> z3.BoolRef:
    impossible = [z3.And([is_one_of(name, values) for name, values in one.items()]) for one in IMPOSSIBLE]
    return z3.And(*map(within_domain, FACTS), *(z3.Not(one) for one in impossible))


@functools.cache
def passes(test: Test) -> z3.BoolRef:
    """A fact that does not apply to the task passes no test."""
    x, tasks = VARIABLES[test.fact], FACTS[test.fact].tasks
    if isinstance(test.constant, tuple):
        holds = is_one_of(test.fact, test.constant)
    else:
        c = number(test.constant)
        holds = {"lt": x < c, "le": x <= c, "gt": x > c, "ge": x >= c}[test.op]
    return holds if tasks == frozenset(Task) else z3.And(is_one_of("task", tasks), holds)


Condition = frozenset["Test"]


class Oracle:
    """Answers of z3 about conditions, each asked once."""

    def __init__(self) -> None:
        self.solver = z3.SolverFor("QF_LIRA")
        self.solver.add(is_a_dataset())
        self.asked = 0

    @functools.cache  # noqa: B019  one oracle, for one test
    def possible(self, every: frozenset[Condition], no: frozenset[Condition] = frozenset()) -> bool:
        """Whether some dataset meets all the one conditions and none of the others."""
        self.asked += 1
        self.solver.push()
        self.solver.add([passes(test) for condition in every for test in condition])
        self.solver.add([z3.Not(z3.And([passes(test) for test in condition])) for condition in no])
        answer = self.solver.check()
        self.solver.pop()
        assert answer != z3.unknown
        return answer == z3.sat

    def meet(self, *conditions: Condition) -> bool:
        return self.possible(frozenset(conditions))

    def inside(self, inner: Condition, outer: Condition) -> bool:
        return not self.possible(frozenset([inner]), frozenset([outer]))

    def strictly_inside(self, inner: Condition, outer: Condition) -> bool:
        return self.inside(inner, outer) and not self.inside(outer, inner)

    def undecided(self, firing: Sequence[Condition], winners: Iterable[Condition]) -> bool:
        """Whether some rules fire together on a dataset on which none of the winners does."""
        if not self.meet(*firing):
            return False
        # Only winners that can fire there matter: without the others more questions are the same.
        near = frozenset(winner for winner in winners if self.meet(*firing, winner))
        return not near or self.possible(frozenset(firing), near)


def beaten_by(rules: Sequence[Rule], where: Mapping[str, Condition], oracle: Oracle) -> dict[str, set[str]]:
    def beats(a: Rule, b: Rule) -> bool:
        # What beats a rule beats its variant for a fact of the training.
        is_plain = all(test.fact != "gradient_flow" for test in a.when)
        names = {b.id, b.variant_of} & where.keys() if is_plain and a.id not in b.overrides else {b.id}
        if names & {*a.overrides}:
            return True
        b_over_a = a.id in b.overrides or (bool(a.variant_of) and a.variant_of in b.overrides and beats(b, a))
        return not b_over_a and any(oracle.strictly_inside(where[a.id], where[name]) for name in names)

    return {b.id: {a.id for a in rules if beats(a, b)} for b in rules}


def circles(rules: Sequence[Rule], beaten: Mapping[str, set[str]]) -> set[tuple[str, ...]]:
    """The rules that beat themselves, at some removes, in groups that beat each other."""
    above = {rule: set(winners) for rule, winners in beaten.items()}
    for middle, low in itertools.product(beaten, beaten):
        if middle in above[low]:
            above[low] |= above[middle]
    return {
        tuple(b.id for b in rules if b.id in above[a.id] and a.id in above[b.id]) for a in rules if a.id in above[a.id]
    }


def flaws(rules: Sequence[Rule], oracle: Oracle) -> set[Found]:
    """What is wrong with a slot's rules, by the definition."""
    where = {rule.id: frozenset(rule.when) for rule in rules}
    beaten = beaten_by(rules, where, oracle)
    layers = list(dict.fromkeys(rule.layer for rule in rules))
    found: set[Found] = {(Flaw.CYCLE, circle) for circle in circles(rules, beaten)}
    for rule in rules:
        if not oracle.meet(where[rule.id]):
            found.add((Flaw.UNSATISFIABLE, (rule.id,)))
            continue
        until = layers.index(rule.layer)
        winners = [one.id for one in rules if one.id in beaten[rule.id] and layers.index(one.layer) <= until]
        if not oracle.undecided([where[rule.id]], [where[winner] for winner in winners]):
            found.add((Flaw.SHADOWED, (rule.id, *winners)))
    for a, b in itertools.combinations(rules, 2):
        disagree = a.choice != b.choice and a.id not in beaten[b.id] and b.id not in beaten[a.id]
        winners = beaten[a.id] | beaten[b.id]
        if disagree and oracle.undecided([where[a.id], where[b.id]], [where[winner] for winner in winners]):
            found.add((Flaw.CONFLICT, (a.id, b.id)))
    if oracle.possible(frozenset(), frozenset(where.values())):
        found.add((Flaw.GAP, ()))
    return found


def proved(slot: Slot, rules: Sequence[Rule]) -> set[Found]:
    found = [(finding.flaw, finding.rules) for finding in prove_slot(slot, rules).findings]
    assert len(found) == len(set(found))
    return set(found)


def test_the_proof_finds_in_mutated_books_what_z3_finds(shipped, mutations) -> None:
    """Books with a circle are compared like all others: who beats whom, and so every other flaw, is given by the
    definition rule by rule; a GAP is a dataset on which no rule fires. Where all rules that fire beat each other the
    slot is undecided too, and that is what CYCLE reports."""
    draw, oracle = random.Random(SEED), Oracle()  # noqa: S311  not for secrets
    flawed, seen = 0, Counter[Flaw]()
    for _ in range(MUTANTS):
        mutant = mutations.mutant(shipped.book, draw)
        of_mutant = set()
        for slot in mutant.slots:
            rules = mutant.book.of(slot)
            expected = flaws(rules, oracle)
            assert proved(slot, rules) == expected, mutant.changes
            of_mutant |= {flaw for flaw, _ in expected}
        flawed += bool(of_mutant)
        seen.update(of_mutant)
    assert MUTANTS / 4 < flawed < MUTANTS * 3 / 4
    assert all(seen[flaw] >= MUTANTS / 50 for flaw in (Flaw.GAP, Flaw.CONFLICT, Flaw.UNSATISFIABLE, Flaw.SHADOWED))
    assert seen[Flaw.CYCLE] >= MUTANTS / 50


@pytest.mark.parametrize("slot", Slot)
def test_z3_finds_no_flaw_in_the_shipped_book(slot: Slot, shipped) -> None:
    assert flaws(shipped.book.of(slot), Oracle()) == set()
