"""Records of an earlier version, their former names replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules.vocabulary.aliases import (
    PARAMETERS,
    VALUES,
    current_category,
    current_choice,
    current_fact,
    current_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def current_record(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parsed JSON of a record, with former names replaced. Parts of another form are left as they are."""
    found = dict(body)
    facts, decisions, bundle = body.get("facts"), body.get("decisions"), body.get("bundle")
    if isinstance(facts, dict):
        found["facts"] = {current_fact(name): _current_fact_value(name, fact) for name, fact in facts.items()}
    if isinstance(decisions, dict):
        found["decisions"] = {slot: _current_decision(slot, decision) for slot, decision in decisions.items()}
    if isinstance(bundle, dict):
        found["bundle"] = {slot: _current_stored(slot, choice) for slot, choice in bundle.items()}
    for part in ("dataset", "asked"):
        if isinstance(body.get(part), dict) and "task" in body[part]:
            found[part] = body[part] | {"task": current_category("task", body[part]["task"])}
    return found


def _current_fact_value(name: str, fact: Any) -> Any:  # noqa: ANN401  parsed JSON
    if not isinstance(fact, dict) or "value" not in fact:
        return fact
    return fact | {"value": current_category(current_fact(name), fact["value"])}


def _current_decision(slot: str, decision: Any) -> Any:  # noqa: ANN401  parsed JSON
    if not isinstance(decision, dict):
        return decision
    found = dict(decision)
    for key in ("choice", "ruled"):
        if key in decision:
            found[key] = _current_stored(slot, decision[key])
    if isinstance(decision.get("pin"), dict) and "choice" in decision["pin"]:
        found["pin"] = decision["pin"] | {"choice": _current_stored(slot, decision["pin"]["choice"])}
    if isinstance(decision.get("provisional"), list):
        found["provisional"] = [current_fact(one) if isinstance(one, str) else one for one in decision["provisional"]]
    if isinstance(decision.get("fragile"), list):
        found["fragile"] = [_current_fragility(slot, one) for one in decision["fragile"]]
    if isinstance(decision.get("trace"), list):
        found["trace"] = [_current_trace(slot, one) for one in decision["trace"]]
    return found


def _current_stored(slot: str, choice: Any) -> Any:  # noqa: ANN401  parsed JSON
    return current_choice(slot, choice) if isinstance(choice, dict) else choice


def _current_fragility(slot: str, fragility: Any) -> Any:  # noqa: ANN401  parsed JSON
    if not isinstance(fragility, dict) or not isinstance(fragility.get("fact"), str):
        return fragility
    return fragility | {
        "fact": current_fact(fragility["fact"]),
        "other": _current_words(slot, fragility.get("other")),
    }


def _current_trace(slot: str, trace: Any) -> Any:  # noqa: ANN401  parsed JSON
    if not isinstance(trace, dict):
        return trace
    found = dict(trace) | {"choice": _current_words(slot, trace.get("choice"))}
    if isinstance(trace.get("rejects"), dict):
        found["rejects"] = {current_name(slot, name): why for name, why in trace["rejects"].items()}
    if isinstance(trace.get("tests"), list):
        found["tests"] = [_current_test(one) for one in trace["tests"]]
    return found


def _current_test(test: Any) -> Any:  # noqa: ANN401  parsed JSON
    if not isinstance(test, dict) or not isinstance(test.get("fact"), str) or not isinstance(test.get("wanted"), str):
        return test
    former = test["fact"]
    fact = current_fact(former)
    rest = test["wanted"].removeprefix(former)
    if rest.startswith(" is "):
        values = rest.removeprefix(" is ").split(" or ")
        rest = f" is {' or '.join(current_category(fact, one) for one in values)}"
    return test | {"fact": fact, "wanted": fact + rest, "measured": current_category(fact, test.get("measured"))}


def _current_words(slot: str, text: Any) -> Any:  # noqa: ANN401  parsed JSON
    """A choice in words, as "folds (count 3)"."""
    if not isinstance(text, str):
        return text
    former, opening, rest = text.partition(" (")
    name = current_name(slot, former)
    for parameter, current in PARAMETERS.get((slot, name), {}).items():
        rest = re.sub(rf"\b{parameter.replace('_', ' ')}\b", current.replace("_", " "), rest)
    for (own_slot, choice, parameter), values in VALUES.items():
        for value, current in values.items() if (own_slot, choice) == (slot, name) else ():
            words = parameter.replace("_", " ")
            rest = re.sub(rf"\b{words} {value}\b", f"{words} {current}", rest)
    return name + opening + rest
