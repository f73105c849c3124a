"""Rules, and the book that holds them: read from YAML layers, checked word by word, merged, and hashed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rules import document
from rules.choices import Choice, Slot, names, parse_choice
from rules.condition import COMPARISONS, Test, interval_of, levels_of
from rules.errors import BookError, ChoiceError, did_you_mean
from rules.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules.document import Document

BOOKS: Final = Path(__file__).parent / "book"
SHIPPED_LAYERS: Final = ("handbook", "evidence")
RULE_ID: Final = re.compile(r"[A-Z]\d{3,4}")
CONSTRAINTS_FILE: Final = "constraints.yaml"
Stance = Literal["agreed", "contested"]


class Example(BaseModel):
    """A case that a rule carries with it: facts, and whether the rule fires on them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    given: dict[str, str | int | float]
    expect: Literal["fires", "silent"]


class RuleText(BaseModel):
    """A rule as it stands in a book's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    when: dict[str, Any]
    then: dict[str, Any]
    because: str
    rejects: dict[str, str] = {}
    source: dict[Literal["notes", "doi", "arxiv", "measured", "tool", "reason"], str]
    stance: Stance = "agreed"
    overrides: list[str] = []
    tests: list[Example] = []


class ConstraintText(BaseModel):
    """A constraint as it stands in constraints.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    forbid: dict[str, Any]
    because: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A condition on facts and the choice that it makes for one slot."""

    id: str
    name: str
    slot: Slot
    when: tuple[Test, ...]
    choice: Choice
    because: str
    rejects: Mapping[str, str]
    source: Mapping[str, str]
    stance: Stance
    overrides: tuple[str, ...]
    examples: tuple[Example, ...]
    layer: str
    place: str
    """File and line."""

    @property
    def condition(self) -> str:
        return " and ".join(map(str, self.when)) or "always"


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A combination of choices, and of facts, that no bundle may show.

    choices: slot → parameter ("name" for the choice itself) → the values that are forbidden together with the rest.
    """

    id: str
    choices: Mapping[Slot, Mapping[str, tuple[Any, ...]]]
    when: tuple[Test, ...]
    because: str
    place: str

    def forbids(self, slot: Slot, choice: Choice) -> bool:
        return all(getattr(choice, key, None) in values for key, values in self.choices[slot].items())


@dataclass(frozen=True)
class Rulebook:
    """The rules of all layers, and the constraints on what they choose together."""

    rules: tuple[Rule, ...]
    constraints: tuple[Constraint, ...] = ()
    layers: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each layer's text, by layer, in merging order."""

    def of(self, slot: Slot) -> tuple[Rule, ...]:
        return self.by_slot[slot]

    @cached_property
    def by_slot(self) -> dict[Slot, tuple[Rule, ...]]:
        return {slot: tuple(rule for rule in self.rules if rule.slot is slot) for slot in Slot}


def read_layers(layers: Iterable[str | Path]) -> Rulebook:
    """Read and merge layers: names of shipped books, or paths of YAML files or folders of a user's own.

    Raises BookError, with file and line, on anything that is not a rule in the vocabulary of facts and choices.
    """
    rules: list[Rule] = []
    constraints: list[Constraint] = []
    hashes: dict[str, str] = {}
    for layer in layers:
        files = _files(layer)
        digest = hashlib.sha256()
        for path in files:
            name = f"{layer}/{path.name}" if layer in SHIPPED_LAYERS else str(path)
            source = document.read(path, error=BookError, source=name)
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
            if path.name == CONSTRAINTS_FILE:
                constraints += _constraints(source)
            else:
                rules += _rules(source, layer=str(layer))
        hashes[str(layer)] = f"sha256:{digest.hexdigest()}"
    book = Rulebook(tuple(rules), tuple(constraints), hashes)
    _check_references(book)
    return book


def _files(layer: str | Path) -> list[Path]:
    """The YAML files of a layer, in the order of their names; the shipped constraints come with the handbook."""
    if layer in SHIPPED_LAYERS:
        own = sorted((BOOKS / str(layer)).glob("*.yaml"))
        return [BOOKS / CONSTRAINTS_FILE, *own] if layer == SHIPPED_LAYERS[0] else own
    path = Path(layer)
    if path.is_dir():
        found = sorted(path.glob("*.yaml"))
        if not found:
            raise BookError(f"The book {path} must hold YAML files with rules, but the folder has none.")
        return found
    if not path.exists():
        raise BookError(
            f"A book is {', '.join(SHIPPED_LAYERS)} or the path of a YAML file or folder, but got {str(layer)!r}."
            f"{did_you_mean(str(layer), SHIPPED_LAYERS)}"
        )
    return [path]


def _entries(source: Document, key: str, kind: type[BaseModel]) -> list[Any]:
    """The validated entries of a file's one list."""
    if not isinstance(source.data, dict) or list(source.data) != [key] or not isinstance(source.data[key], list):
        raise BookError(f"{source.source}:1: the file must hold one list under the key '{key}' and nothing else.")
    entries = []
    for index, fields in enumerate(source.data[key]):
        try:
            entries.append(kind.model_validate(fields))
        except ValidationError as error:
            first = error.errors()[0]
            path = [step for step in first["loc"] if isinstance(step, str | int)]
            word = str(path[-1]) if path else ""
            known = list(kind.model_fields)
            hint = did_you_mean(word, known) if first["type"] == "extra_forbidden" else ""
            where = source.place(key, index, *path)
            raise BookError(f"{where}: {'.'.join(map(str, path))}: {first['msg']}.{hint}") from None
    return entries


def _rules(source: Document, *, layer: str) -> list[Rule]:
    return [
        _rule(text, source=source, index=index, layer=layer)
        for index, text in enumerate(_entries(source, "rules", RuleText))
    ]


def _rule(text: RuleText, *, source: Document, index: int, layer: str) -> Rule:
    def place(*path: str | int) -> str:
        return source.place("rules", index, *path)

    if len(text.then) != 1:
        raise BookError(f"{place('then')}: {text.id} must fill one slot, but 'then' names {len(text.then)}.")
    ((slot_name, value),) = text.then.items()
    if slot_name not in set(Slot):
        raise BookError(f"{place('then')}: {text.id}: there is no slot {slot_name!r}.{did_you_mean(slot_name, Slot)}")
    slot = Slot(slot_name)
    if not RULE_ID.fullmatch(text.id) or text.id[0] != slot.letter:
        raise BookError(
            f"{place('id')}: a rule for {slot} is called {slot.letter} and three or four digits, but got {text.id!r}."
        )
    try:
        choice = parse_choice(slot, value)
    except ChoiceError as error:
        raise BookError(f"{place('then', slot_name)}: {text.id}: {error}") from None
    for rejected in text.rejects:
        if rejected not in names(slot):
            raise BookError(
                f"{place('rejects', rejected)}: {text.id} rejects {rejected!r}, which the slot does not offer."
                f"{did_you_mean(rejected, names(slot))}"
            )
    tests = tuple(
        test
        for fact, wanted in text.when.items()
        for test in _tests(fact, wanted, place=place("when", fact), rule=text.id)
    )
    for number, example in enumerate(text.tests):
        for fact, fact_value in example.given.items():
            _check_value(fact, fact_value, place=place("tests", number), rule=text.id)
    return Rule(
        id=text.id,
        name=text.name,
        slot=slot,
        when=tests,
        choice=choice,
        because=text.because,
        rejects=text.rejects,
        source={kind: citation for kind, citation in text.source.items()},  # noqa: C416  widens the key to str
        stance=text.stance,
        overrides=tuple(text.overrides),
        examples=tuple(text.tests),
        layer=layer,
        place=place(),
    )


def _tests(fact: str, wanted: object, *, place: str, rule: str) -> list[Test]:
    """The unary tests on one fact: a name, {in: [names]}, or {lt, le, gt, ge: number}."""
    tests: dict[str, Any] = wanted if isinstance(wanted, dict) else {"in": [wanted]}
    parsed = []
    for op, constant in tests.items():
        for value in constant if op == "in" and isinstance(constant, list) else [constant]:
            _check_value(fact, value, place=place, rule=rule)
        if levels_of(fact) is not None:
            if op != "in" or not isinstance(constant, list):
                raise BookError(f"{place}: {rule}: {fact} is a name; test it as '{fact}: NAME' or with 'in: [NAMES]'.")
            parsed.append(Test(fact=fact, op=op, constant=tuple(constant)))
        elif op not in COMPARISONS:
            raise BookError(
                f"{place}: {rule}: {fact} is a number; test it with {', '.join(COMPARISONS)}, but got {op!r}."
                f"{did_you_mean(op, COMPARISONS)}"
            )
        else:
            parsed.append(Test(fact=fact, op=op, constant=constant))
    return parsed


def _check_value(fact: str, value: object, *, place: str, rule: str) -> None:
    """Refuse a fact that does not exist and a value outside its domain."""
    if fact not in FACTS:
        raise BookError(f"{place}: {rule}: there is no fact {fact!r}.{did_you_mean(fact, FACTS)}")
    levels = levels_of(fact)
    if levels is not None:
        if value not in levels:
            raise BookError(
                f"{place}: {rule}: {fact} is one of {', '.join(levels)}, but got {value!r}."
                f"{did_you_mean(str(value), levels)}"
            )
        return
    domain = interval_of(fact)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BookError(f"{place}: {rule}: {fact} is a number, but got {value!r}.")
    if value not in domain:
        whole = "a whole number " if domain.whole else ""
        raise BookError(f"{place}: {rule}: {fact} is {whole}from {domain.low:g} to {domain.high:g}, but got {value!r}.")


def _constraints(source: Document) -> list[Constraint]:
    found = []
    for index, text in enumerate(_entries(source, "constraints", ConstraintText)):
        choices: dict[Slot, dict[str, tuple[Any, ...]]] = {}
        tests: list[Test] = []
        for key, wanted in text.forbid.items():
            place = source.place("constraints", index, "forbid", key)
            slot, _, parameter = key.partition(".")
            if slot in set(Slot):
                values = wanted["in"] if isinstance(wanted, dict) else [wanted]
                choices.setdefault(Slot(slot), {})[parameter or "name"] = tuple(values)
            else:
                tests += _tests(key, wanted, place=place, rule=text.id)
        found.append(
            Constraint(
                id=text.id,
                choices=choices,
                when=tuple(tests),
                because=text.because,
                place=source.place("constraints", index),
            )
        )
    return found


def _check_references(book: Rulebook) -> None:
    """Refuse an id given twice and an override of a rule that is not there, or that fills another slot."""
    known: dict[str, Rule] = {}
    for rule in book.rules:
        if rule.id in known:
            raise BookError(f"{rule.place}: the id {rule.id} is taken by {known[rule.id].place}. Ids are never reused.")
        known[rule.id] = rule
    for rule in book.rules:
        for other in rule.overrides:
            if other not in known:
                raise BookError(
                    f"{rule.place}: {rule.id} overrides {other}, which no layer has.{did_you_mean(other, known)}"
                )
            if known[other].slot is not rule.slot:
                raise BookError(f"{rule.place}: {rule.id} overrides {other}, which fills another slot.")
