"""A book evaluated by brute force: in columns, over many datasets at once, from the definition of who wins alone.

Names are indices of categories; a fact that does not apply is NaN, which passes no comparison. A rule's mask contains
the datasets on which it fires. A box is inside another if its mask is, on all combinations of the values at, just below
and just above each threshold.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, Categories, Measurement, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.choices import Choice
    from rules.vocabulary.condition import Test

Column = np.ndarray
Columns = dict[str, Column]

FAR: Final = 1e9
"""Stands for an end that is never reached; beyond every threshold of these books."""
BASE: Final = tuple(fact for fact in FACTS.values() if fact.slot is None and fact.name != "task")
TASKS: Final = tuple(Task)
MODALITIES: Final = FACTS["modality"].domain.values
CONTINUED: Final = tuple(MODALITIES.index(name) for name in ("tabular", "sequence"))
"""What a forecast can continue."""


# Datasets ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def thresholds(fact: str, books: Iterable[Rulebook]) -> list[float]:
    tests = (test for book in books for rule in book.rules for test in rule.when)
    return sorted(
        {float(test.constant) for test in tests if test.fact == fact and not isinstance(test.constant, tuple)}
    )


def around(fact: str, cuts: Iterable[float]) -> list[float]:
    """Each threshold, the nearest value on each side of it, and the ends of the domain."""
    domain = FACTS[fact].domain
    if isinstance(domain, Categories):
        return [float(index) for index in range(len(domain.values))]
    ends = [end if math.isfinite(end) else math.copysign(FAR, end) for end in (domain.low, domain.high)]
    near = set()
    for cut in [*cuts, *ends]:
        sides = (cut - 1, cut + 1) if domain.whole else (np.nextafter(cut, -np.inf), np.nextafter(cut, np.inf))
        near |= {cut, *map(float, sides)}
    return sorted(value for value in near if value in domain)


def sample(count: int, books: Sequence[Rulebook], *, seed: int) -> Columns:
    """Random datasets, half of each number's values at a threshold or next to it."""
    draw = np.random.default_rng(seed)
    task = draw.integers(len(TASKS), size=count)
    columns: Columns = {"task": task.astype(float)}
    for fact in BASE:
        boundary = draw.choice(around(fact.name, thresholds(fact.name, books)), size=count)
        if isinstance(fact.domain, Categories):
            columns[fact.name] = boundary
        else:
            columns[fact.name] = np.where(draw.random(count) < 1 / 2, boundary, _anywhere(fact.domain, count, draw))
        applies = np.isin(task, [TASKS.index(task) for task in fact.tasks])
        columns[fact.name] = np.where(applies, columns[fact.name], np.nan)
    forecasts = task == TASKS.index(Task.FORECASTING)
    columns["modality"] = np.where(forecasts, draw.choice(CONTINUED, size=count), columns["modality"])
    return columns


def _anywhere(domain: Any, count: int, draw: np.random.Generator) -> Column:
    if math.isfinite(domain.high):
        found = draw.uniform(domain.low, domain.high, size=count)
    else:
        found = 10 ** draw.uniform(-2, 6, size=count)
        found = found + domain.low if math.isfinite(domain.low) else found * draw.choice([-1, 1], size=count)
    return np.floor(found) if domain.whole else found


def dataset(columns: Columns, row: int) -> dict[str, Measurement]:
    """One of the datasets, as the engine takes it."""
    return {name: Measurement(value=_value(name, column[row])) for name, column in columns.items()}


def _value(name: str, number: float) -> Any:
    domain = FACTS[name].domain
    if math.isnan(number):
        return NOT_APPLICABLE
    if isinstance(domain, Categories):
        return str(domain.values[int(number)])
    return int(number) if domain.whole else float(number)


# Rules ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def mask(rule: Rule, columns: Columns, count: int) -> Column:
    """On which datasets a rule fires."""
    fires = np.ones(count, dtype=bool)
    for test in rule.when:
        fires &= _passes(test, columns[test.fact])
    return fires


def _passes(test: Test, column: Column) -> Column:
    if isinstance(test.constant, tuple):
        return np.isin(column, [FACTS[test.fact].domain.values.index(name) for name in test.constant])
    comparison = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}[test.op]
    return np.asarray(comparison(column, test.constant))


def boundary(rules: Sequence[Rule]) -> tuple[Columns, int]:
    """Every combination of the values around the thresholds of the facts that some rules read, task by task."""
    read = sorted({test.fact for rule in rules for test in rule.when} - {"task"})
    cuts = {
        fact: [float(test.constant) for rule in rules for test in rule.when if test.fact == fact]
        for fact in read
        if not isinstance(FACTS[fact].domain, Categories)
    }
    parts = []
    for index, task in enumerate(TASKS):
        axes = [around(fact, cuts.get(fact, ())) if FACTS[fact].applies_to(task) else [math.nan] for fact in read]
        if task is Task.FORECASTING and "modality" in read:
            axes[read.index("modality")] = [float(one) for one in CONTINUED]
        grid = np.meshgrid([float(index)], *axes, indexing="ij")
        parts.append(np.stack([axis.ravel() for axis in grid]))
    stacked = np.concatenate(parts, axis=1)
    return dict(zip(["task", *read], stacked, strict=True)), stacked.shape[1]


def beats(rules: Sequence[Rule]) -> Column:
    """Whether rule i beats rule j, (n_rules, n_rules)."""
    columns, count = boundary(rules)
    masks = np.stack([mask(rule, columns, count) for rule in rules]).astype(np.float32)
    shared, sizes = masks @ masks.T, masks.sum(axis=1)
    strictly_inside = (shared == sizes[:, None]) & (sizes[:, None] < sizes[None, :])
    declares = np.array([[loser.id in winner.overrides for loser in rules] for winner in rules])
    place = {rule.id: at for at, rule in enumerate(rules)}
    said, inside = declares.copy(), strictly_inside.copy()
    for at, winner in enumerate(rules):  # what beats a rule beats its variant
        for loser in rules:
            own, origin = place[loser.id], place.get(loser.variant_of)
            if origin is None or said[own, at] or any(test.fact == "gradient_flow" for test in winner.when):
                continue
            declares[at, own] |= said[at, origin]
            strictly_inside[at, own] |= inside[at, origin]
    return np.asarray(declares | (strictly_inside & ~declares.T))


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What a slot's rules say of many datasets.

    outcomes: how many different choices unbeaten rules make, (n,); deciding: the unbeaten rules, (n_rules, n); choice:
    the first unbeaten rule's choice as an index into choices, (n,).
    """

    rules: tuple[str, ...]
    choices: tuple[Choice, ...]
    outcomes: Column
    deciding: Column
    choice: Column


def outcomes(book: Rulebook, columns: Columns, slots: Iterable[Slot] = tuple(Slot)) -> dict[Slot, Outcomes]:
    """What a book says of many datasets, slot by slot; an earlier choice is a fact for the later slots."""
    known, count = dict(columns), len(columns["task"])
    return {slot: _outcomes(slot, book.of(slot), known, count) for slot in slots}


def _outcomes(slot: Slot, rules: Sequence[Rule], known: Columns, count: int) -> Outcomes:
    fires = np.stack([mask(rule, known, count) for rule in rules])
    winning = beats(rules)
    beaten = np.stack([fires[winning[:, loser]].any(axis=0) for loser in range(len(rules))])
    deciding = fires & ~beaten
    choices = [rule.choice for rule in rules]
    choices = [choice for index, choice in enumerate(choices) if choice not in choices[:index]]
    made = np.stack([deciding[[rule.choice == choice for rule in rules]].any(axis=0) for choice in choices])
    found = Outcomes(
        rules=tuple(rule.id for rule in rules),
        choices=tuple(choices),
        outcomes=made.sum(axis=0),
        deciding=deciding,
        choice=made.argmax(axis=0),
    )
    for fact in FACTS.values():
        if fact.slot == slot:
            reported = np.array([_reported(fact.domain, choice) for choice in choices], dtype=float)
            known[fact.name] = reported[found.choice]
    return found


def _reported(domain: Any, choice: Any) -> float:
    return float(domain.values.index(choice.name) if isinstance(domain, Categories) else len(choice.searched))


def undecided(book: Rulebook, slot: Slot) -> bool:
    """Whether some dataset gets no choice or several, were every earlier choice possible on every dataset."""
    rules = book.of(slot)
    if not rules:
        return True
    columns, count = boundary(rules)
    return bool((_outcomes(slot, rules, columns, count).outcomes != 1).any())


def different(old: Outcomes, new: Outcomes) -> dict[tuple[str, str], Column]:
    """For each old and new choice that differ, the datasets that change so."""
    found = {}
    for (i, was), (j, becomes) in itertools.product(enumerate(old.choices), enumerate(new.choices)):
        changed = (old.choice == i) & (new.choice == j)
        if was != becomes and changed.any():
            found[str(was), str(becomes)] = changed
    return found
