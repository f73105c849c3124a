"""The shipped book with slips in it: each is refused at load, or what it changes is found and listed exactly."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from rules.decision.difference import Difference, difference
from rules.decision.engine import slot_choices
from rules.errors import ProofError
from rules.proof.findings import Flaw
from rules.proof.proof import Proof, check_proof, prove
from rules.proof.proved_book import ProvedBook
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, Categories, Measurement
from tests.effort import EFFORT

MUTANTS = 60 * EFFORT
DATASETS = 2_000
SEED = 3


@pytest.fixture(scope="module")
def mutants(shipped, mutations) -> list[Any]:
    draw = random.Random(SEED)  # noqa: S311  not for secrets
    return [mutations.mutant(shipped.book, draw) for _ in range(MUTANTS)]


@pytest.fixture(scope="module")
def proofs(mutants) -> list[Proof]:
    return [prove(mutant.book) for mutant in mutants]


@pytest.fixture(scope="module")
def loaded(mutants, proofs) -> list[tuple[ProvedBook, str]]:
    """The mutants that load, each with what was changed in it."""
    return [
        (ProvedBook(book=mutant.book, proof=proof), str(mutant.changes))
        for mutant, proof in zip(mutants, proofs, strict=True)
        if not proof.findings
    ]


@pytest.fixture(scope="module")
def differences(shipped, loaded) -> list[tuple[Difference, ...]]:
    """What each mutant that loads changes."""
    return [difference(shipped, new) for new, _ in loaded]


# A region in words, read again ──────────────────────────────────────────────────────────────────────────────────────

NUMBER = r"-?[0-9.]+(?:e[+-]?[0-9]+)?"
STRETCH = re.compile(rf"(?:({NUMBER}) ([<≤]) )?([a-z_]+)(?: ([<≤>≥=]) ({NUMBER}))?")
COMPARED = {"<": np.less, "≤": np.less_equal, ">": np.greater, "≥": np.greater_equal, "=": np.equal}


def within(words: str, columns: dict[str, np.ndarray]) -> np.ndarray:
    """On which datasets a region's words are true."""
    inside = np.ones(len(columns["task"]), dtype=bool)
    for part in [] if words == "any dataset" else words.split(", "):
        inside &= holds(part, columns)
    return inside


def holds(part: str, columns: dict[str, np.ndarray]) -> np.ndarray:
    fact = next(name for name in FACTS if re.search(rf"\b{name}\b", part))
    column = columns[fact]
    if part == f"{fact} n/a":
        return np.isnan(column)
    domain = FACTS[fact].domain
    if isinstance(domain, Categories):
        negated = part.startswith(f"{fact} is not ")
        names = part.removeprefix(f"{fact} is ").removeprefix("not ").split(" or ")
        found = np.isin(column, [domain.values.index(name) for name in names])
        return ~found if negated else found
    return np.any([in_stretch(stretch, column) for stretch in part.split(" or ")], axis=0)


def in_stretch(words: str, column: np.ndarray) -> np.ndarray:
    matched = STRETCH.fullmatch(words)
    assert matched, words
    low, above, _, sign, end = matched.groups()
    inside = ~np.isnan(column)
    if low is not None:
        inside &= COMPARED[above](float(low), column)
    if end is not None:
        inside &= COMPARED[sign](column, float(end))
    return inside


def completed(example: dict[str, Any]) -> dict[str, Measurement]:
    """An example's facts, with some value for each further one that applies to its task."""
    some: dict[str, Any] = {"task": "binary", "modality": "tabular"} | example
    for name, fact in FACTS.items():
        if fact.slot is None and name not in some and fact.applies_to(some["task"]):
            is_name = isinstance(fact.domain, Categories)
            some[name] = fact.domain.values[0] if is_name else 2 if fact.domain.high > 1 else 0.5
    return {name: Measurement(value=value) for name, value in some.items()}


# The tests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mutant_that_breaks_totality_or_determinism_is_refused(mutants, proofs, brute_force) -> None:
    broken = 0
    for mutant, proof in zip(mutants, proofs, strict=True):
        for slot in mutant.slots:
            flaws = {finding.flaw for finding in proof.slots[slot].findings}
            undecided = brute_force.undecided(mutant.book, slot)
            broken += undecided
            assert not undecided or flaws & {Flaw.GAP, Flaw.CONFLICT, Flaw.CYCLE}, mutant.changes
            assert undecided or not flaws & {Flaw.GAP, Flaw.CONFLICT}, mutant.changes
            if undecided:
                with pytest.raises(ProofError):
                    check_proof(proof)
    assert broken > MUTANTS / 4


def test_what_a_mutant_changes_is_listed_exactly(shipped, loaded, differences, brute_force) -> None:
    """The regions of a difference, read from their words, hold the sampled datasets that change so, and no others."""
    with_effect = 0
    for number, ((new, changes), found) in enumerate(zip(loaded, differences, strict=True)):
        columns = brute_force.sample(DATASETS, [shipped.book, new.book], seed=number)
        before, after = brute_force.outcomes(shipped.book, columns), brute_force.outcomes(new.book, columns)
        listed = {(one.slot, one.old, one.new): one for one in found}
        changed = {
            (slot, *pair): where
            for slot in Slot
            for pair, where in brute_force.different(before[slot], after[slot]).items()
        }
        with_effect += bool(changed)
        assert set(changed) <= set(listed), changes
        for key, one in listed.items():
            regions = [within(words, columns) for words in one.where]
            where = changed.get(key, np.zeros(DATASETS, dtype=bool))
            assert (np.sum(regions, axis=0) == where).all(), (changes, one)
            assert deciding(before[one.slot], where) <= set(one.old_rules)
            assert deciding(after[one.slot], where) <= set(one.new_rules)
    assert with_effect >= MUTANTS / 10


def deciding(outcomes: Any, where: np.ndarray) -> set[str]:
    """The rules that decide on some datasets."""
    return {rule for rule, mask in zip(outcomes.rules, outcomes.deciding[:, where], strict=True) if mask.any()}


def test_the_example_of_a_difference_changes_as_it_says(shipped, loaded, differences) -> None:
    examples = 0
    for (new, changes), found in zip(loaded, differences, strict=True):
        for one in found:
            facts = completed(one.example)
            was, becomes = (slot_choices(book, facts)[one.slot] for book in (shipped, new))
            assert (str(was.choice), str(becomes.choice)) == (one.old, one.new), changes
            examples += 1
    assert examples >= MUTANTS / 10


def test_the_engine_decides_a_mutant_as_brute_force_does(loaded, brute_force) -> None:
    for number, (book, changes) in enumerate(loaded):
        columns = brute_force.sample(50, [book.book], seed=number)
        expected = brute_force.outcomes(book.book, columns)
        for row in range(50):
            made = slot_choices(book, brute_force.dataset(columns, row))
            for slot, of_slot in expected.items():
                assert of_slot.outcomes[row] == 1
                assert made[slot].choice == of_slot.choices[of_slot.choice[row]], changes


def test_every_kind_of_slip_occurs_and_neither_all_nor_none_load(mutants, loaded, mutations) -> None:
    kinds = Counter(kind for mutant in mutants for kind in mutant.kinds)
    assert set(kinds) == {kind.__name__ for kind in mutations.KINDS}
    assert MUTANTS / 5 < len(loaded) < MUTANTS * 4 / 5
