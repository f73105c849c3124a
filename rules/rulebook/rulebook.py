"""Rulebook, and reading and merging of its layers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rules.errors import BookError, did_you_mean
from rules.rulebook.parsed_books import BOOKS, read_shipped
from rules.rulebook.rule_file import read_constraints, read_rules
from rules.text import yaml_document as document
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.rulebook.rule import Constraint, Disabled, Rule

SHIPPED_LAYERS: Final = ("handbook", "evidence")
SHIPPED: Final = "shipped"
CONSTRAINTS_FILE: Final = "constraints.yaml"


@dataclass(frozen=True)
class Rulebook:
    """Rules and constraints of all layers."""

    rules: tuple[Rule, ...]
    constraints: tuple[Constraint, ...] = ()
    layers: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each layer's text, in merging order."""
    disabled: tuple[Disabled, ...] = ()
    off: tuple[Rule, ...] = ()
    """The disabled rules, which are not in `rules`."""

    def of(self, slot: Slot) -> tuple[Rule, ...]:
        return self.by_slot[slot]

    @cached_property
    def by_slot(self) -> dict[Slot, tuple[Rule, ...]]:
        return {slot: tuple(rule for rule in self.rules if rule.slot is slot) for slot in Slot}

    @cached_property
    def tested_facts(self) -> dict[Slot, frozenset[str]]:
        """Facts that the rules of each slot test."""
        return {
            slot: frozenset(test.fact for rule in rules for test in rule.when) for slot, rules in self.by_slot.items()
        }

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """All rules, including disabled ones."""
        return {rule.id: rule for rule in (*self.rules, *self.off)}


def layers_of(book: str) -> tuple[str, ...]:
    """Layers of a book given on the command line.

    "shipped" is both shipped layers, "handbook" the strategy notes alone, and a path the user's rules on top of the
    shipped layers. A folder with the subfolders of a complete book replaces the shipped layers. "a+b" are layers in
    this order.

    >>> layers_of("mine.yaml")
    ('handbook', 'evidence', 'mine.yaml')
    >>> layers_of("handbook+mine.yaml")
    ('handbook', 'mine.yaml')
    """
    parts = book.split("+")
    if len(parts) > 1 and not Path(book).exists():
        return tuple(parts)
    if book == SHIPPED:
        return SHIPPED_LAYERS
    if book in SHIPPED_LAYERS:
        return (book,)
    whole = [Path(book) / CONSTRAINTS_FILE, *(Path(book) / layer for layer in SHIPPED_LAYERS)]
    if whole[1].is_dir():
        return tuple(str(path) for path in whole if path.exists())
    return (*SHIPPED_LAYERS, book)


def read_layers(layers: Iterable[str | Path]) -> Rulebook:
    """Read and merge layers: names of shipped books, or paths of the user's YAML files or folders.

    Raises BookError, with file, line and column, on an invalid file or rule.
    """
    rules: list[Rule] = []
    constraints: list[Constraint] = []
    disabled: list[Disabled] = []
    hashes: dict[str, str] = {}
    for layer in layers:
        digest = hashlib.sha256()
        for path in _files(layer):
            if layer in SHIPPED_LAYERS:
                content = path.read_bytes()
                source = read_shipped(path, content, source=f"{layer}/{path.name}")
            else:
                source = document.read(path, error=BookError)
                content = path.read_bytes()
            digest.update(path.name.encode() + b"\0" + content + b"\0")
            if path.name == CONSTRAINTS_FILE:
                constraints += read_constraints(source)
            else:
                found, off = read_rules(source, layer=str(layer))
                rules += found
                disabled += off
        hashes[str(layer)] = f"sha256:{digest.hexdigest()}"
    _check_ids(rules)
    named = {entry.rule for entry in disabled}
    kept = tuple(_with_origins([rule for rule in rules if rule.id not in named]))
    on = {rule.id for rule in kept}
    left_out = tuple(rule for rule in rules if rule.id not in on)
    return Rulebook(kept, tuple(constraints), hashes, tuple(disabled), left_out)


def _with_origins(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Mark each shipped rule that tests a fact of the training as a variant of the shipped rule with its other tests.

    Of several such rules it is one of its own layer, where there is one. Without one, as they are disabled, the variant
    is left out, too.
    """
    for rule in rules:
        if not (rule.layer in SHIPPED_LAYERS and rule.tests_training):
            yield rule
            continue
        others = {str(test) for test in rule.when if not FACTS[test.fact].after_training}
        same = [one for one in rules if one.slot is rule.slot and one.layer in SHIPPED_LAYERS]
        same = [one for one in same if {*map(str, one.when)} == others]
        if same:
            origin = next((one for one in same if one.layer == rule.layer), same[0])
            yield replace(rule, variant_of=origin.id)


def shipped_files() -> list[tuple[str, Path]]:
    """Files of the shipped books as (name in errors, path), in reading order."""
    return [(f"{layer}/{path.name}", path) for layer in SHIPPED_LAYERS for path in _files(layer)]


def _files(layer: str | Path) -> list[Path]:
    """YAML files of a layer, sorted by name; the shipped constraints belong to the handbook."""
    if layer in SHIPPED_LAYERS:
        own = sorted((BOOKS / str(layer)).glob("*.yaml"))
        return [BOOKS / CONSTRAINTS_FILE, *own] if layer == SHIPPED_LAYERS[0] else own
    path = Path(layer)
    if path.is_dir():
        found = sorted(path.glob("*.yaml"))
        if not found:
            raise BookError(f"The book {path} must contain YAML files with rules, but the folder has none.")
        return found
    if not path.exists():
        known = (SHIPPED, *SHIPPED_LAYERS)
        raise BookError(
            f"A book must be {', '.join(known)}, or the path of a YAML file or folder, but got {str(layer)!r}."
            f"{did_you_mean(str(layer), known)}"
        )
    return [path]


def _check_ids(rules: Iterable[Rule]) -> None:
    known: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in known:
            raise BookError(
                f"{rule.place}: the id {rule.id} is already used at {known[rule.id].place}. Choose another id."
            )
        known[rule.id] = rule
