"""Meanings of the facts that a text mentions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules.vocabulary.facts import FACTS, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable


def meanings(texts: Iterable[str]) -> dict[str, str]:
    """Meanings of the numeric facts that texts mention, in the order of the vocabulary."""
    words = set(re.findall(r"[a-z_]+", " ".join(texts)))
    return {name: fact.meaning for name, fact in FACTS.items() if name in words - {"rows"} and is_number(name)}


def is_number(fact: str) -> bool:
    return isinstance(FACTS[fact].domain, Interval)
