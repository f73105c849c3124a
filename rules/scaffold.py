"""A new rule for a person's own book: its overrides worked out by the proof, its tests laid on each threshold."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from rules import document
from rules.book_file import RULES, parse_tests
from rules.cells import pieces
from rules.choices import parse_choice
from rules.condition import Test, levels_of
from rules.errors import BookError
from rules.facts import FACTS, NotApplicable, Task
from rules.proof import Flaw, prove_slot
from rules.rule import Rule
from rules.rulebook import Rulebook, read_layers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rules.choices import Choice, Slot

CONDITION: Final = re.compile(r"\s*(\w+)\s*(<=|>=|≤|≥|<|>|=)\s*(.+?)\s*")
OPERATORS: Final = {"<": "lt", "<=": "le", "≤": "le", ">": "gt", ">=": "ge", "≥": "ge"}
FIRST_NUMBER: Final = 900
"""Own rules are numbered from here, out of the way of the shipped ones."""
STEP: Final = 0.01
"""How far a case lies from a threshold that is no whole number, as a share of it."""
HEADER: Final = (
    "Rules of our own, on top of the shipped ones. 'recommend rules check' proves the merged book.\n"
    "'recommend rules schema book' prints the JSON Schema by which an editor completes and checks this file."
)


def add_rule(
    path: Path,
    slot: Slot,
    *,
    then: str,
    when: Sequence[str] = (),
    because: str,
    author: str = "",
    below: Sequence[str | Path] = (),
) -> str:
    """Add a rule to a book's file, which is made if it is missing; returns the rule's id.

    then: the choice, as YAML; when: conditions such as "rows>=5000" or "task=binary,multiclass". below: the layers on
    which the book stands. Raises BookError or ChoiceError on words that are not in the vocabulary.
    """
    source = f"--then {then}"
    choice = parse_choice(slot, document.parse(then, source=source, error=BookError).data)
    conditions = _conditions(when)
    tests = [
        test
        for fact, wanted in conditions.items()
        for test in parse_tests(fact, wanted, place="--when", rule="the rule")
    ]
    merged = read_layers([*below, *([path] if path.exists() else [])])
    numbers = (f"{slot.letter}{number}" for number in range(FIRST_NUMBER, 10_000))
    rule = Rule(
        id=next(number for number in numbers if number not in merged.by_id),
        name=_name(tests, choice),
        slot=slot,
        when=tuple(tests),
        choice=choice,
        because=because,
        rejects={},
        source={"reason": because},
        stance="agreed",
        overrides=(),
        examples=(),
        author=author,
        layer="new",
        place="the new rule",
    )
    rule = replace(rule, overrides=tuple(_conflicting(merged, rule)))
    _append(path, _text(rule, conditions))
    return rule.id


def _conditions(when: Sequence[str]) -> dict[str, Any]:
    """Conditions as words, in the form of a book's file."""
    found: dict[str, Any] = {}
    for words in when:
        read = CONDITION.fullmatch(words)
        if read is None:
            raise BookError(f"--when takes FACT=NAME, FACT>=NUMBER and the like, but got {words!r}.")
        fact, sign, value = read.groups()
        data = document.parse(value, source=f"--when {words}", error=BookError).data
        if sign == "=":
            if levels_of(fact) is None and fact in FACTS:
                raise BookError(f"--when {words}: {fact} is a number; compare it with <, <=, > or >=.")
            levels = [one.strip() for one in value.split(",")]
            found[fact] = levels[0] if len(levels) == 1 else {"in": levels}
        elif isinstance(found.setdefault(fact, {}), dict):
            found[fact][OPERATORS[sign]] = data
    return found


def _name(tests: Sequence[Test], choice: Choice) -> str:
    """What the rule does, in one word: rows-from-5000-takes-adamw."""
    words = " and ".join(map(str, tests)).translate(
        {ord("≥"): "from", ord("≤"): "to", ord(">"): "over", ord("<"): "under"}
    )
    spoken = f"{words or 'always'} takes {choice.model_dump()['name']}"
    return re.sub(r"[^a-z0-9]+", "-", spoken.lower()).strip("-")


def _text(rule: Rule, conditions: dict[str, Any]) -> CommentedMap:
    """The rule as it will stand in the file."""
    name = rule.choice.model_dump()["name"]
    parameters = rule.choice.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    fields = CommentedMap(
        id=rule.id,
        name=rule.name,
        when=_flow(conditions),
        then=_flow({rule.slot.value: {"name": name, **parameters} if parameters else name}),
        because=rule.because,
        source=_flow(dict(rule.source)),
    )
    if rule.overrides:
        fields["overrides"] = _flow_list(rule.overrides)
    if rule.author:
        fields["author"] = rule.author
    fields["tests"] = CommentedSeq(_flow(case) for case in _cases(rule.when))
    return fields


def _flow(fields: dict[str, Any]) -> CommentedMap:
    """A mapping on one line."""
    flow = CommentedMap()
    for key, value in fields.items():
        flow[key] = _flow(value) if isinstance(value, dict) else _flow_list(value) if isinstance(value, list) else value
    flow.fa.set_flow_style()
    return flow


def _flow_list(values: Sequence[Any]) -> CommentedSeq:
    """A list on one line."""
    flow = CommentedSeq(values)
    flow.fa.set_flow_style()
    return flow


def _cases(tests: Sequence[Test]) -> list[dict[str, Any]]:
    """A firing case, and for each test the nearest miss with all else as in the firing case."""
    task = next((test.constant[0] for test in tests if test.fact == "task" and isinstance(test.constant, tuple)), None)
    passing: dict[str, Any] = {
        test.fact: _value(test, [other for other in tests if other.fact == test.fact]) for test in tests
    }
    if task is None and (limited := [fact for fact in passing if FACTS[fact].tasks != frozenset(Task)]):
        passing = {"task": min(FACTS[limited[0]].tasks).value} | passing
    cases: list[dict[str, Any]] = [{"given": passing or {"task": Task.BINARY.value}, "expect": "fires"}]
    for test in tests:
        hit = _value(test, [other for other in tests if other.fact == test.fact])
        if hit != passing[test.fact]:
            cases.append({"given": {**passing, test.fact: hit}, "expect": "fires"})
        miss = _value(test, [test], passes=False)
        if miss is not None:
            cases.append({"given": {**passing, test.fact: miss}, "expect": "silent"})
    return cases


def _value(test: Test, together: Sequence[Test], *, passes: bool = True) -> str | float | int | None:
    """The value nearest to a test's threshold that passes all of some tests on the fact, or fails this one."""
    cuts = [one.constant for one in together if not isinstance(one.constant, tuple)]
    fitting = [
        piece.value
        for piece in pieces(test.fact, cuts)
        if not isinstance(piece.value, NotApplicable)
        and (all(one.holds(piece.value) for one in together) if passes else not test.holds(piece.value))
    ]
    if isinstance(test.constant, tuple):
        return str(fitting[0]) if fitting else None
    threshold = float(test.constant)
    domain_step = 1 if all(isinstance(value, int) for value in fitting) else STEP * (abs(threshold) or STEP)
    near = [threshold - domain_step, threshold, threshold + domain_step]
    whole = isinstance(domain_step, int)
    candidates = [int(value) if whole else round(value, 10) for value in near if value in FACTS[test.fact].domain]  # type: ignore[operator]  # a number's domain
    good = [
        value
        for value in candidates
        if (all(one.holds(value) for one in together) if passes else not test.holds(value))
    ]
    return min(good, key=lambda value: abs(value - threshold), default=None)


def _conflicting(merged: Rulebook, rule: Rule) -> list[str]:
    """The rules that the new one must override, because neither is more specific than the other."""
    overrides: set[str] = set()
    while True:
        proof = prove_slot(rule.slot, (*merged.of(rule.slot), replace(rule, overrides=tuple(overrides))))
        conflicts = [one.rules for one in proof.findings if one.flaw is Flaw.CONFLICT and rule.id in one.rules]
        found = {other for pair in conflicts for other in pair} - {rule.id}
        if not found - overrides:
            return sorted(overrides)
        overrides |= found


def _append(path: Path, rule: CommentedMap) -> None:
    """Add the rule at the end of the file's list; comments stay where they are."""
    yaml = YAML()
    yaml.width = 116
    yaml.indent(mapping=2, sequence=2, offset=0)
    if path.exists():
        book = yaml.load(path.read_text(encoding="utf-8"))
        book.setdefault(RULES, CommentedSeq()).append(rule)
    else:
        book = CommentedMap({RULES: CommentedSeq([rule])})
        book.yaml_set_start_comment(HEADER)
    try:
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(book, file)
    except OSError as error:
        raise BookError(f"Cannot write {path}: {error.strerror}. Choose another place.") from None
