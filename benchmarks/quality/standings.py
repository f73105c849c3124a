"""Ranks, wins and gains from a table of scores. Pure functions.

A table maps a dataset to the direction of its metric and to each system's score on the hold-out. None is the score of a
system that failed; it ranks last. A system without an entry was not measured on that dataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from scipy.stats import rankdata


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The scores of one dataset."""

    direction: Literal["max", "min"]
    scores: Mapping[str, float | None]

    def badness(self, system: str) -> float:
        """The smaller the better; infinite for a system that gave no answer."""
        score = self.scores[system]
        if score is None:
            return float("inf")
        return -score if self.direction == "max" else score


Table = Mapping[str, Scored]


def ranks(scored: Scored) -> dict[str, float]:
    """Rank of each system, from 1; equals share the mean of their ranks.

    >>> ranks(Scored(direction="max", scores={"a": 0.8, "b": 0.9, "c": 0.8, "d": None}))
    {'a': 2.5, 'b': 1.0, 'c': 2.5, 'd': 4.0}
    """
    found = rankdata([scored.badness(system) for system in scored.scores])
    return {system: float(rank) for system, rank in zip(scored.scores, found, strict=True)}


def complete(table: Table, systems: Sequence[str]) -> dict[str, Scored]:
    """The datasets on which all of these systems were measured, with their scores alone.

    >>> one, other = (Scored(direction="min", scores=scores) for scores in ({"a": 1, "b": None}, {"a": 1}))
    >>> [*complete({"one": one, "other": other}, ["a", "b"])]
    ['one']
    """
    return {
        name: Scored(direction=scored.direction, scores={system: scored.scores[system] for system in systems})
        for name, scored in table.items()
        if all(system in scored.scores for system in systems)
    }


def mean_ranks(table: Table, systems: Sequence[str]) -> dict[str, float]:
    """Mean rank of each system over the datasets on which all of them were measured, the best first.

    >>> first = Scored(direction="max", scores={"a": 0.8, "b": 0.9})
    >>> second = Scored(direction="min", scores={"a": 3.0, "b": 2.0})
    >>> third = Scored(direction="min", scores={"a": 3.0, "b": 3.0})
    >>> mean_ranks({"first": first, "second": second}, ["a", "b"])
    {'b': 1.0, 'a': 2.0}
    >>> mean_ranks({"first": first, "third": third}, ["a", "b"])
    {'b': 1.25, 'a': 1.75}
    """
    found = [ranks(scored) for scored in complete(table, systems).values()]
    means = {system: mean(each[system] for each in found) for system in systems} if found else {}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def wins(table: Table, system: str, other: str) -> tuple[float, int]:
    """How often a system is better than another, a tie as one half, and on how many datasets both were measured.

    >>> one = Scored(direction="min", scores={"a": 1.0, "b": None})
    >>> two = Scored(direction="max", scores={"a": 0.7, "b": 0.7})
    >>> three = Scored(direction="max", scores={"a": 0.6, "b": 0.7})
    >>> wins({"one": one, "two": two, "three": three}, "a", "b")
    (1.5, 3)
    """
    both = complete(table, [system, other]).values()
    pairs = [(scored.badness(system), scored.badness(other)) for scored in both]
    return sum(1.0 if own < others else 0.5 if own == others else 0.0 for own, others in pairs), len(pairs)


def gain(table: Table, system: str, other: str) -> float | None:
    """How much greater the mean score of a system is than another's, as a share of the other's; 0 for no answer.

    A ratio of means, for the mean of ratios is undefined where the other scores 0. None without a common dataset, or
    where the other scores 0 on all of them.

    >>> one = Scored(direction="max", scores={"a": 0.5, "b": 0.0})
    >>> two = Scored(direction="max", scores={"a": 0.7, "b": 0.8})
    >>> round(gain({"one": one, "two": two}, "a", "b"), 3)
    0.5
    """
    both = complete(table, [system, other]).values()
    own, others = (sum(scored.scores[name] or 0.0 for scored in both) for name in (system, other))
    return own / others - 1 if others else None
