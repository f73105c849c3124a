"""JSON Schemas of books, bundles and audit records.

They are generated from the vocabulary and shipped as rules/schemas/*.json; a test compares the two.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from rules.decision.record import Record
from rules.rulebook.rule_file import CONSTRAINTS, DISABLE, RULES, DisabledText, RuleText
from rules.vocabulary.bundle import FORMAT as BUNDLE_FORMAT
from rules.vocabulary.choices import UNIONS, Choice, Slot, kinds, names
from rules.vocabulary.condition import COMPARISONS, categories_of, interval_of
from rules.vocabulary.facts import FACTS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = Path(__file__).parents[1] / "schemas"
KINDS: Final = ("book", "bundle", "record")
SECTION: Final = re.compile(r"\n\n(?:Args|Attributes|Returns|Raises|Examples?|References):")


def path_of(kind: str) -> Path:
    """Path of a shipped schema."""
    return FOLDER / f"{kind}.schema.json"


def schema(kind: str) -> dict[str, Any]:
    """JSON Schema of one kind of file. Raises KeyError on an unknown kind."""
    found: dict[str, Any] = _without_sections({"book": _book, "bundle": _bundle, "record": _record}[kind]())
    return found


def _without_sections(value: Any) -> Any:  # noqa: ANN401  any part of a schema
    """A part of a schema whose descriptions end before the sections of the docstring (Attributes, Example)."""
    if isinstance(value, list):
        return [_without_sections(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: SECTION.split(item)[0] if key == "description" and isinstance(item, str) else _without_sections(item)
        for key, item in value.items()
    }


def _book() -> dict[str, Any]:
    rule = RuleText.model_json_schema(ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = rule.pop("$defs")
    rule["properties"]["id"] |= {
        "pattern": f"^[{''.join(slot.letter for slot in Slot)}]\\d{{3,4}}$",
        "description": f"The slot's letter ({', '.join(f'{slot.letter} {slot.label}' for slot in Slot)}) and a number.",
    }
    rule["properties"]["when"] = {"$ref": "#/$defs/Condition"}
    rule["properties"]["then"] = {
        "description": "The slot of the rule and its choice.",
        "oneOf": [_choosing(slot) for slot in Slot],
    }
    definitions["Example"]["properties"]["given"] = {
        "type": "object",
        "properties": {name: _value(name) for name in FACTS},
        "additionalProperties": False,
    }
    definitions |= {
        "Rule": rule,
        "Disabled": DisabledText.model_json_schema(),
        "Condition": {
            "description": "Tests that must all pass; {} always passes.",
            "type": "object",
            "properties": {name: _test(name) for name in FACTS},
            "additionalProperties": False,
        },
        **_choices(),
    }
    return {
        "$schema": DIALECT,
        "title": "A pcwat rulebook",
        "type": "object",
        "properties": {
            RULES: {"type": "array", "items": {"$ref": "#/$defs/Rule"}},
            DISABLE: {"type": "array", "items": {"$ref": "#/$defs/Disabled"}},
            CONSTRAINTS: {"type": "array", "items": {"type": "object", "required": ["id", "forbid", "because"]}},
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _bundle() -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": "A pcwat bundle",
        "type": "object",
        "properties": {"format": {"const": BUNDLE_FORMAT}, **{slot.value: _choice(slot) for slot in Slot}},
        "required": ["format", *(slot.value for slot in Slot)],
        "additionalProperties": False,
        "$defs": _choices(),
    }


def _record() -> dict[str, Any]:
    record = Record.model_json_schema(mode="serialization")
    definitions = record.pop("$defs") | _choices()
    members = {member.__name__ for slot in Slot for member in kinds(slot)}
    definitions[Choice.__name__] = {"anyOf": [{"$ref": f"#/$defs/{member}"} for member in sorted(members)]}
    return {"$schema": DIALECT, **record, "title": "A pcwat audit record", "$defs": definitions}


def _choices() -> dict[str, Any]:
    """Definitions of all choices by class name."""
    definitions: dict[str, Any] = {}
    for slot in Slot:
        definitions |= TypeAdapter(UNIONS[slot]).json_schema(ref_template="#/$defs/{model}").get("$defs", {})
    for definition in definitions.values():
        if "name" in definition.get("properties", {}):
            definition["required"] = ["name"]
    return definitions


def _choice(slot: Slot) -> dict[str, Any]:
    """Schema of a choice: its name, or a mapping with its name and parameters."""
    members = [{"$ref": f"#/$defs/{member.__name__}"} for member in kinds(slot)]
    return {"description": slot.label, "anyOf": [{"enum": list(names(slot))}, *members]}


def _choosing(slot: Slot) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {slot.value: _choice(slot)},
        "required": [slot.value],
        "additionalProperties": False,
    }


def _value(fact: str) -> dict[str, Any]:
    """Schema of a fact's values."""
    categories = categories_of(fact)
    description = f"{FACTS[fact].meaning} ({FACTS[fact].unit})"
    if categories is not None:
        return {"description": description, "enum": list(categories)}
    domain = interval_of(fact)
    ends = {"minimum": domain.low, "maximum": domain.high}
    limits = {name: end for name, end in ends.items() if abs(end) != float("inf")}
    return {"description": description, "type": "integer" if domain.whole else "number", **limits}


def _test(fact: str) -> dict[str, Any]:
    """Schema of the tests on a fact: a name or a list of names, or one or two bounds."""
    value = _value(fact)
    description = value.pop("description")
    if "enum" in value:
        several = {"type": "array", "items": value, "minItems": 1}
        asked = {"type": "object", "properties": {"in": several}, "required": ["in"], "additionalProperties": False}
        return {"description": description, "anyOf": [value, asked]}
    bounds = dict.fromkeys(COMPARISONS, value)
    return {
        "description": description,
        "type": "object",
        "properties": bounds,
        "minProperties": 1,
        "additionalProperties": False,
    }
