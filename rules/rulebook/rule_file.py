"""Parsing and validation of one YAML file of a book: rules, disabled rules and constraints."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rules.errors import BookError, ChoiceError, did_you_mean
from rules.rulebook.rule import Constraint, Disabled, Example, Rule, Stance
from rules.vocabulary.aliases import current_category, current_fact, current_name, current_parameter, current_value
from rules.vocabulary.choices import Slot, names, parse_choice
from rules.vocabulary.condition import COMPARISONS, Test, categories_of, interval_of
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rules.text.yaml_document import Document

CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters other than tab and newline."""
RULE_ID: Final = re.compile(r"[A-Z]\d{3,4}")
RULES, DISABLE, CONSTRAINTS = "rules", "disable", "constraints"
NonEmptyText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class RuleText(BaseModel):
    """A rule as written in a book's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: NonEmptyText
    name: NonEmptyText
    when: dict[str, Any]
    then: dict[str, Any]
    because: NonEmptyText
    rejects: dict[str, str] = {}
    source: dict[Literal["notes", "evidence", "doi", "arxiv", "measured", "tool", "reason"], str]
    stance: Stance = "agreed"
    overrides: list[str] = []
    author: str = ""
    tests: list[Example] = []


class DisabledText(BaseModel):
    """Entry that disables a rule of an earlier layer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: NonEmptyText
    reason: NonEmptyText
    author: str = ""


class ConstraintText(BaseModel):
    """A constraint as written in constraints.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: NonEmptyText
    forbid: dict[str, Any]
    because: NonEmptyText


def read_rules(source: Document, *, layer: str) -> tuple[list[Rule], list[Disabled]]:
    """Rules and disabled rules of a file. Raises BookError with file, line and column."""
    _check_keys(source, (RULES, DISABLE))
    rules = [
        _rule(text, source=source, index=index, layer=layer)
        for index, text in enumerate(_entries(source, RULES, RuleText))
    ]
    disabled = [
        Disabled(**text.model_dump(), layer=layer, place=source.place(DISABLE, index))
        for index, text in enumerate(_entries(source, DISABLE, DisabledText))
    ]
    return rules, disabled


def read_constraints(source: Document) -> list[Constraint]:
    """Constraints of a file. Raises BookError with file, line and column."""
    _check_keys(source, (CONSTRAINTS,))
    return [
        _constraint(text, source=source, index=index)
        for index, text in enumerate(_entries(source, CONSTRAINTS, ConstraintText))
    ]


def _check_keys(source: Document, keys: tuple[str, ...]) -> None:
    data = source.data
    if isinstance(data, dict) and data and all(key in keys and isinstance(data[key], list) for key in data):
        return
    unknown = next((key for key in data if key not in keys), None) if isinstance(data, dict) else None
    if unknown is not None:
        near = did_you_mean(str(unknown), keys)
        raise BookError(
            f"{source.place(unknown)}: a book file must contain {' and '.join(keys)}, but got {unknown!r}.{near}"
        )
    wanted = " or ".join(f"'{key}'" for key in keys)
    raise BookError(f"{source.source}:1:1: the file must contain a list under {wanted}, and nothing else.")


def _entries(source: Document, key: str, kind: type[BaseModel]) -> list[Any]:
    """Validated entries of one of the file's lists."""
    entries = []
    for index, fields in enumerate(source.data.get(key, [])):
        _check_characters(fields, source=source, path=(key, index))
        try:
            entries.append(kind.model_validate(fields))
        except ValidationError as error:
            first = error.errors()[0]
            path = [step for step in first["loc"] if isinstance(step, str | int)]
            word = str(path[-1]) if path else ""
            hint = did_you_mean(word, list(kind.model_fields)) if first["type"] == "extra_forbidden" else ""
            where = source.place(key, index, *path)
            raise BookError(f"{where}: {'.'.join(map(str, path))}: {first['msg']}.{hint}") from None
    return entries


def _check_characters(value: Any, *, source: Document, path: tuple[str | int, ...]) -> None:  # noqa: ANN401  any YAML
    """Raise BookError on control characters, which a terminal would interpret."""
    if isinstance(value, dict):
        for key, part in value.items():
            _check_characters(str(key), source=source, path=(*path, key))
            _check_characters(part, source=source, path=(*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _check_characters(part, source=source, path=(*path, index))
    elif isinstance(value, str):
        control = CONTROL_CHARACTERS.search(value)
        if control is not None:
            place, character = source.place(*path), control[0]
            raise BookError(f"{place}: a book must be plain text, but got the control character {character!r}.")


def _rule(text: RuleText, *, source: Document, index: int, layer: str) -> Rule:
    def place(*path: str | int) -> str:
        return source.place(RULES, index, *path)

    if len(text.then) != 1:
        raise BookError(f"{place('then')}: {text.id} must fill one slot, but 'then' names {len(text.then)}.")
    ((slot_name, value),) = text.then.items()
    if slot_name not in set(Slot):
        raise BookError(f"{place('then')}: {text.id}: unknown slot {slot_name!r}.{did_you_mean(slot_name, Slot)}")
    slot = Slot(slot_name)
    if not RULE_ID.fullmatch(text.id) or text.id[0] != slot.letter:
        raise BookError(
            f"{place('id')}: the id of a rule for {slot} must be {slot.letter} and three or four digits, "
            f"but got {text.id!r}."
        )
    try:
        choice = parse_choice(slot, value)
    except ChoiceError as error:
        raise BookError(f"{place('then', slot_name)}: {text.id}: {error}") from None
    rejects = {current_name(slot, name): why for name, why in text.rejects.items()}
    for rejected in rejects:
        if rejected not in names(slot):
            raise BookError(
                f"{place('rejects', rejected)}: {text.id} rejects {rejected!r}, which is not a choice of the slot."
                f"{did_you_mean(rejected, names(slot))}"
            )
    for number, example in enumerate(text.tests):
        for fact, fact_value in example.given.items():
            _check_value(fact, fact_value, place=partial(place, "tests", number, "given", fact), rule=text.id)
    return Rule(
        id=text.id,
        name=text.name,
        slot=slot,
        when=tuple(
            test
            for fact, wanted in text.when.items()
            for test in parse_tests(fact, wanted, place=partial(place, "when", fact), rule=text.id)
        ),
        choice=choice,
        because=text.because,
        rejects=rejects,
        source={kind: citation for kind, citation in text.source.items()},  # noqa: C416  widens the key to str
        stance=text.stance,
        overrides=tuple(text.overrides),
        examples=tuple(Example(given=_current_facts(one.given), expect=one.expect) for one in text.tests),
        author=text.author,
        layer=layer,
        place=place(),
    )


def parse_tests(fact: str, wanted: object, *, place: Callable[[], str], rule: str) -> list[Test]:
    """Unary tests on one fact, from a name, {in: [names]}, or {lt, le, gt, ge: number}.

    place: returns the position of the tests for error messages. Raises BookError.
    """
    fact = current_fact(fact)
    tests: dict[str, Any] = wanted if isinstance(wanted, dict) else {"in": [wanted]}
    parsed = []
    for op, given in tests.items():
        is_list = op == "in" and isinstance(given, list)
        constant: Any = [current_category(fact, one) for one in given] if is_list else given
        for value in constant if is_list else [constant]:
            _check_value(fact, value, place=place, rule=rule)
        if categories_of(fact) is not None:
            if op != "in" or not isinstance(constant, list):
                raise BookError(
                    f"{place()}: {rule}: {fact} is categorical; write '{fact}: NAME' or '{fact}: {{in: [NAMES]}}'."
                )
            parsed.append(Test(fact=fact, op=op, constant=tuple(constant)))
        elif op not in COMPARISONS:
            raise BookError(
                f"{place()}: {rule}: {fact} is numeric; test it with one of {', '.join(COMPARISONS)}, not {op!r}."
                f"{did_you_mean(op, COMPARISONS)}"
            )
        else:
            parsed.append(Test(fact=fact, op=op, constant=constant))
    return parsed


def _current_parameters(slot: Slot, forbidden: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The forbidden choices of a slot, and the values of their parameters, with former names replaced."""
    chosen = tuple(current_name(slot, name) for name in forbidden.get("name", ()))
    found: dict[str, tuple[Any, ...]] = {"name": chosen} if chosen else {}
    for key, values in forbidden.items():
        if key != "name":
            renamed = (current_parameter(slot, name, key) for name in chosen or names(slot))
            parameter = next((one for one in renamed if one != key), key)
            found[parameter] = tuple(_current_value(slot, chosen or names(slot), parameter, value) for value in values)
    return found


def _current_value(slot: Slot, choices: Iterable[str], parameter: str, value: object) -> object:
    """The value of a parameter that one of some choices has renamed; the value itself where none has."""
    renamed = (current_value(slot, choice, parameter, value) for choice in choices)
    return next((one for one in renamed if one != value), value)


def _current_facts(given: Mapping[str, str | int | float]) -> dict[str, str | int | float]:
    """The facts of an example with former names replaced."""
    return {current_fact(fact): current_category(current_fact(fact), value) for fact, value in given.items()}


def _check_value(fact: str, value: object, *, place: Callable[[], str], rule: str) -> None:
    """Raise BookError on an unknown fact or a value outside its domain."""
    problem = misfit(fact, value)
    if problem:
        raise BookError(f"{place()}: {rule}: {problem}")


def misfit(fact: str, value: object) -> str:
    """Sentence why a fact cannot have a value; empty if it can. Former names of facts and values are accepted."""
    fact = current_fact(fact)
    value = current_category(fact, value)
    if fact not in FACTS:
        return f"unknown fact {fact!r}.{did_you_mean(fact, FACTS)}"
    categories = categories_of(fact)
    if categories is not None:
        if value in categories:
            return ""
        return (
            f"{fact} must be one of {', '.join(categories)}, but got {value!r}.{did_you_mean(str(value), categories)}"
        )
    domain = interval_of(fact)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{fact} must be a number, but got {value!r}."
    if value in domain:
        return ""
    bounds = f"at least {domain.low:g}" if domain.high == math.inf else f"from {domain.low:g} to {domain.high:g}"
    whole = "a whole number, " if domain.whole else ""
    return f"{fact} must be {whole}{bounds}, but got {value!r}."


def _constraint(text: ConstraintText, *, source: Document, index: int) -> Constraint:
    choices: dict[Slot, dict[str, tuple[Any, ...]]] = {}
    tests: list[Test] = []
    for key, wanted in text.forbid.items():
        place = partial(source.place, CONSTRAINTS, index, "forbid", key)
        slot, _, parameter = key.partition(".")
        if slot in set(Slot):
            values = wanted.get("in") if isinstance(wanted, dict) and list(wanted) == ["in"] else [wanted]
            if not isinstance(values, list) or not all(isinstance(one, str | int | float) for one in values):
                raise BookError(f"{place()}: {text.id}: {key} must be a value or 'in: [VALUES]', but got {wanted!r}.")
            choices.setdefault(Slot(slot), {})[parameter or "name"] = tuple(values)
        else:
            tests += parse_tests(key, wanted, place=place, rule=text.id)
    choices = {slot: _current_parameters(slot, parameters) for slot, parameters in choices.items()}
    if not choices:
        where = source.place(CONSTRAINTS, index, "forbid")
        raise BookError(
            f"{where}: {text.id} must forbid a choice of at least one slot ({', '.join(Slot)}), but names none."
        )
    return Constraint(
        id=text.id,
        choices=choices,
        when=tuple(tests),
        because=text.because,
        place=source.place(CONSTRAINTS, index),
    )
