"""How guardrails name columns and read measured numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.characteristic import Characteristic

MOST_NAMED: Final = 8
"""Columns that a message names."""


def named(columns: Sequence[str]) -> str:
    """Columns in a sentence.

    >>> named(["a", "b"])
    "'a', 'b'"
    """
    more = f" and {len(columns) - MOST_NAMED:,} more" if len(columns) > MOST_NAMED else ""
    return ", ".join(map(repr, columns[:MOST_NAMED])) + more


def measured_number(measured: Mapping[str, Characteristic], name: str) -> float:
    """A characteristic's number; 0 where it was not measured."""
    value = measured[name].value if name in measured else None
    return float(value) if isinstance(value, int | float) else 0.0
