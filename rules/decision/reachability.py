"""Where a rule decides: for datasets, under pins of the user only, or only without the layers that replace it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rules.decision.counterfactual import awaited_pins
from rules.proof.proof import prove
from rules.proof.proved_book import ProvedBook
from rules.proof.reach import decided
from rules.proof.regions import region_in_words
from rules.rulebook.rulebook import Rulebook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.rulebook.rule import Rule


class Reach(StrEnum):
    """What it takes for a rule to decide."""

    DATASETS = "datasets"
    PINS = "pins"
    REPLACED = "replaced"
    NEVER = "never"


MEANINGS: Final = {
    Reach.DATASETS: "decide for some dataset",
    Reach.PINS: "decide only where the user pins a choice that they read",
    Reach.REPLACED: "are replaced by rules of later layers and decide only without these",
    Reach.NEVER: "decide nowhere",
}


@dataclass(frozen=True, kw_only=True)
class Territory:
    """Where a rule decides. words: for which datasets, under which pins, or with which layers."""

    reach: Reach
    words: str


def territory_of(rule: Rule, proved: ProvedBook) -> Territory:
    """Where a rule decides in a book, found by walking all cells of fact space."""
    return territories(proved, (rule,))[rule.id]


def territories(proved: ProvedBook, rules: Iterable[Rule] | None = None) -> dict[str, Territory]:
    """Where each of some rules decides, by default each rule of the book."""
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
                words = f"nowhere, as later layers replace it; with --book {'+'.join(earlier)}: {alone.words}"
                here = Territory(reach=Reach.REPLACED, words=words)
        found[rule.id] = here or Territory(reach=Reach.NEVER, words="nowhere: other rules beat it wherever it fires")
    return found


def by_reach(proved: ProvedBook) -> dict[Reach, list[str]]:
    """The ids of a book's rules by what it takes for them to decide."""
    found: dict[Reach, list[str]] = {reach: [] for reach in Reach}
    for rule, territory in territories(proved).items():
        found[territory.reach].append(rule)
    return found


def _within(rule: Rule, proved: ProvedBook) -> Territory | None:
    space, boxes = decided(proved, rule.slot, lambda other: other.id == rule.id)
    if boxes:
        words = "\nor ".join(region_in_words(space, box) for box in boxes)
        return Territory(reach=Reach.DATASETS, words=words)
    if awaited := awaited_pins(proved, rule):
        return Territory(reach=Reach.PINS, words=f"only where the user pins the {' and the '.join(awaited)}")
    return None


def _only(proved: ProvedBook, layers: Iterable[str]) -> ProvedBook:
    """The rules of some layers, and who beats whom among them; the constraints change neither."""
    kept = frozenset(layers)
    book = Rulebook(tuple(rule for rule in proved.book.rules if rule.layer in kept))
    return ProvedBook(book=book, proof=prove(book))
