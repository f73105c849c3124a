"""Scope of a rule: for which datasets it decides, or with which pins or layers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rules.decision.counterfactual import required_pins
from rules.proof.proof import prove
from rules.proof.proved_book import ProvedBook
from rules.proof.reach import boxes_decided_by
from rules.proof.regions import region_in_words
from rules.rulebook.rulebook import Rulebook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.rulebook.rule import Rule


class Reach(StrEnum):
    """Precondition for a rule to decide."""

    DATASETS = "datasets"
    PINS = "pins"
    REPLACED = "replaced"
    NEVER = "never"


REACH_DESCRIPTIONS: Final = {
    Reach.DATASETS: "decide for some datasets",
    Reach.PINS: "decide only if the user pins a choice that they test",
    Reach.REPLACED: "decide only without the later layers, whose rules replace them",
    Reach.NEVER: "never decide",
}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Scope of a rule. words: the datasets, pins or layers with which it decides."""

    reach: Reach
    words: str


def scope_of(rule: Rule, proved: ProvedBook) -> Scope:
    """Scope of a rule in a book."""
    return scopes_of(proved, (rule,))[rule.id]


def scopes_of(proved: ProvedBook, rules: Iterable[Rule] | None = None) -> dict[str, Scope]:
    """Scopes by rule id, by default of all rules of the book."""
    layers = tuple(proved.book.layers)
    without: dict[tuple[str, ...], ProvedBook] = {layers: proved}
    found = {}
    for rule in proved.book.rules if rules is None else rules:
        here = _within(rule, proved)
        earlier = layers[: layers.index(rule.layer) + 1] if rule.layer in layers else layers
        if here is None and earlier != layers:
            if earlier not in without:
                without[earlier] = _only(proved, earlier)
            if (alone := _within(rule, without[earlier])) is not None:
                words = f"never, since later layers replace it; with --book {'+'.join(earlier)}: {alone.words}"
                here = Scope(reach=Reach.REPLACED, words=words)
        found[rule.id] = here or Scope(reach=Reach.NEVER, words="never, since other rules beat it wherever it fires")
    return found


def by_reach(proved: ProvedBook) -> dict[Reach, list[str]]:
    """Ids of a book's rules by their precondition."""
    found: dict[Reach, list[str]] = {reach: [] for reach in Reach}
    for rule, territory in scopes_of(proved).items():
        found[territory.reach].append(rule)
    return found


def _within(rule: Rule, proved: ProvedBook) -> Scope | None:
    space, boxes = boxes_decided_by(proved, rule.slot, lambda other: other.id == rule.id)
    if boxes:
        words = "\nor ".join(region_in_words(space, box) for box in boxes)
        return Scope(reach=Reach.DATASETS, words=words)
    if awaited := required_pins(proved, rule):
        return Scope(reach=Reach.PINS, words=f"only if the user pins the {' and the '.join(awaited)}")
    return None


def _only(proved: ProvedBook, layers: Iterable[str]) -> ProvedBook:
    """The rules of some layers with their proof, without constraints."""
    kept = frozenset(layers)
    book = Rulebook(tuple(rule for rule in proved.book.rules if rule.layer in kept))
    return ProvedBook(book=book, proof=prove(book))
