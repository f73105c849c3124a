"""Random facts of datasets around the thresholds of a book; some of them are unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, UNKNOWN, Categories, Measurement, Task

if TYPE_CHECKING:
    import random

    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.facts import Facts, Value

FAR = 1e6  # beyond every threshold


def random_facts(book: Rulebook, generator: random.Random) -> dict[str, Measurement]:
    """Facts of one dataset: numbers at, just below and just above thresholds and the domain's ends."""
    task = generator.choice(list(Task))
    share_unknown = generator.choice([0, 0.1, 0.5])
    facts: dict[str, Value] = {"task": task.value}
    for name, fact in FACTS.items():
        if fact.slot is not None or name == "task":
            continue
        if not fact.applies_to(task):
            facts[name] = NOT_APPLICABLE
        elif isinstance(fact.domain, Categories):
            possible = fact.domain.values
            if name == "modality" and task is Task.FORECASTING:
                possible = ("tabular", "sequence")
            facts[name] = generator.choice(possible)
        elif generator.random() < share_unknown:
            facts[name] = UNKNOWN
        else:
            facts[name] = generator.choice(values(name, book))
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
