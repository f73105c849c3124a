"""Random facts of datasets around the thresholds of a book; some of them are unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, UNKNOWN, Categories, Measurement, Task

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.facts import Facts, Value

FAR = 1e6  # beyond every threshold


def random_fact_sets(book: Rulebook, generator: random.Random, count: int) -> list[Facts]:
    """Facts of datasets: numbers at, just below and just above thresholds and the domain's ends."""
    possible = {
        name: fact.domain.values if isinstance(fact.domain, Categories) else values(name, book)
        for name, fact in FACTS.items()
        if fact.slot is None and name != "task"
    }
    return [_random_facts(possible, generator) for _ in range(count)]


def _random_facts(possible: Mapping[str, Sequence[Value]], generator: random.Random) -> dict[str, Measurement]:
    task = generator.choice(list(Task))
    share_unknown = generator.choice([0, 0.1, 0.5])
    facts: dict[str, Value] = {"task": task.value}
    for name, own in possible.items():
        fact = FACTS[name]
        if not fact.applies_to(task):
            facts[name] = NOT_APPLICABLE
        elif name == "modality" and task is Task.FORECASTING:
            facts[name] = generator.choice(("tabular", "sequence"))
        elif not isinstance(fact.domain, Categories) and generator.random() < share_unknown:
            facts[name] = UNKNOWN
        else:
            facts[name] = generator.choice(own)
    return {name: Measurement(value=value) for name, value in facts.items()}


def values(fact: str, book: Rulebook) -> list[float | int]:
    """Values of a numeric fact at and next to its thresholds, and at the ends of its domain."""
    domain = FACTS[fact].domain
    cuts = {test.constant for rule in book.rules for test in rule.when if test.fact == fact}
    cuts |= {max(domain.low, -FAR), min(domain.high, FAR)}
    near = set(cuts)
    for cut in cuts:
        near |= {cut - 1, cut + 1} if domain.whole else {math.nextafter(cut, end) for end in (-math.inf, math.inf)}
    return sorted(int(value) if domain.whole else float(value) for value in near if value in domain)


def as_json(facts: Facts) -> dict[str, str | float | None]:
    """Facts by name; those that do not apply or are unknown are None."""
    known = {name: fact.value for name, fact in facts.items()}
    return {name: value if isinstance(value, str | int | float) else None for name, value in known.items()}
