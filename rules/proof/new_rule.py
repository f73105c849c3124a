"""Creation of a rule in the user's book, with the overrides that the proof requires and tests at each threshold."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import FoldedScalarString

from rules.errors import BookError, did_you_mean
from rules.proof.findings import Flaw
from rules.proof.proof import prove_slot
from rules.rulebook.rule import Rule
from rules.rulebook.rule_file import RULES, misfit, parse_tests, read_rules
from rules.rulebook.rulebook import Rulebook, read_layers
from rules.text import yaml_document as document
from rules.text.files import write_text
from rules.text.yaml_document import schema_comment
from rules.vocabulary.aliases import current_category, current_fact
from rules.vocabulary.choices import parse_choice
from rules.vocabulary.condition import Test, categories_of, interval_of
from rules.vocabulary.facts import FACTS, Task, exact_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rules.vocabulary.choices import Choice, Slot

CONDITION: Final = re.compile(r"\s*(\w+)\s*(<=|>=|≤|≥|<|>|=)\s*(.+?)\s*")
OPERATORS: Final = {"<": "lt", "<=": "le", "≤": "le", ">": "gt", ">=": "ge", "≥": "ge"}
FIRST_NUMBER: Final = 900
"""First number of the user's rules; shipped rules have smaller ones."""
STEP: Final = 0.01
"""Distance of a test case from a threshold of a real-valued fact, as a share of the threshold."""
DIGITS: Final = 10
"""Decimals of a test case's value; further digits are rounding errors."""
WIDTH: Final = 116  # characters of a line
INDENT: Final = 2  # characters of a line within a rule
HEADER: Final = (
    f"{schema_comment('book')}\n"
    "# Our rules, on top of the shipped ones. 'recommend rules check' proves the merged book.\n"
    "# 'recommend rules schema book > book.schema.json' writes its schema, for completion and checks in an editor.\n"
)
OPERATOR_WORDS: Final = {"lt": "under", "le": "up-to", "gt": "over", "ge": "from"}
UNFIXABLE_FLAWS: Final = frozenset({Flaw.UNSATISFIABLE, Flaw.SLOT_CYCLE})
"""Flaws of a condition that overrides cannot fix."""


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
    """Add a rule to a book's file, which is created if missing, and return the rule's id.

    then: the choice, as YAML. when: conditions such as "rows>=5000" or "task=binary,multiclass". below: the layers
    below the book. Raises BookError or ChoiceError, and writes nothing, on unknown facts or choices, or on a condition
    that no dataset meets.
    """
    if not because.strip():
        raise BookError("--because must give the reason of the rule, but is empty.")
    choice = parse_choice(slot, document.parse(then, source=f"--then {then}", error=BookError).data)
    conditions = _conditions(when)
    tests = [
        test
        for fact, wanted in conditions.items()
        for test in parse_tests(fact, wanted, place=lambda: "--when", rule="the new rule")
    ]
    before = document.read(path, error=BookError) if path.exists() else None
    merged = read_layers([*below, *([] if before is None else [path])])
    ids = (f"{slot.letter}{count}" for count in range(FIRST_NUMBER, 10_000))
    rule = Rule(
        id=next(one for one in ids if one not in merged.by_id),
        name=_name(tests, choice),
        slot=slot,
        when=tuple(tests),
        choice=choice,
        because=because,
        rejects={},
        source={"reason": f"judgement of {author}" if author else "own judgement"},
        stance="agreed",
        overrides=(),
        examples=(),
        author=author,
        layer=str(path),
        place="--when",
    )
    rule = replace(rule, overrides=tuple(_needed_overrides(merged, rule)))
    text = _appended(_text(rule, conditions), path)
    read_rules(document.parse(text, source=str(path), error=BookError), layer=str(path))
    write_text(path, text)
    return rule.id


def _conditions(when: Sequence[str]) -> dict[str, Any]:
    """Conditions as written in a book's file, in the order of the vocabulary."""
    found: dict[str, Any] = {}
    for words in when:
        read = CONDITION.fullmatch(words)
        if read is None:
            raise BookError(f"--when must be a test such as FACT=NAME or FACT>=NUMBER, but got {words!r}.")
        fact, sign, value = read.groups()
        fact = current_fact(fact)
        if fact not in FACTS:
            raise BookError(f"--when {words}: unknown fact {fact!r}.{did_you_mean(fact, FACTS)}")
        if (sign == "=") is (categories_of(fact) is None):
            kind, fix = (
                ("numeric", "compare it with <, <=, > or >=") if sign == "=" else ("categorical", f"use {fact}=NAME")
            )
            raise BookError(f"--when {words}: {fact} is {kind}; {fix}.")
        if sign == "=":
            values: list[Any] = [current_category(fact, one.strip()) for one in value.split(",")]
            wanted: dict[str, Any] = {"in": values}
        else:
            values = [document.parse(value, source=f"--when {words}", error=BookError).data]
            wanted = {OPERATORS[sign]: values[0]}
        if problem := next(filter(None, (misfit(fact, one) for one in values)), None):
            raise BookError(f"--when {words}: {problem}")
        if found.setdefault(fact, {}).keys() & wanted.keys():
            raise BookError(f"--when {words}: duplicate test on {fact}. Keep one of the two.")
        found[fact] |= wanted
    return {fact: _short(found[fact]) for fact in FACTS if fact in found}


def _short(wanted: dict[str, Any]) -> object:
    """A single name instead of a list of one."""
    return wanted["in"][0] if len(wanted.get("in", ())) == 1 else wanted


def _name(tests: Sequence[Test], choice: Choice) -> str:
    """Name from the condition and the choice: binary-and-rows-from-5000-uses-adamw."""
    limits: dict[str, list[str]] = {}
    for test in tests:
        names = isinstance(test.constant, tuple)
        words = limits.setdefault(test.fact, [] if names else [test.fact])
        if isinstance(test.constant, tuple):
            words.append("-or-".join(test.constant))
        else:
            words += [OPERATOR_WORDS[test.op], exact_text(test.constant).replace("-", "minus-")]
    where = "-and-".join("-".join(words) for words in limits.values()) or "always"
    return f"{where}-uses-{choice.model_dump()['name']}".replace("_", "-")


def _text(rule: Rule, conditions: dict[str, Any]) -> CommentedMap:
    """The rule as YAML."""
    name = rule.choice.model_dump()["name"]
    parameters = rule.choice.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    is_long = len(f"because: {rule.because}") + INDENT > WIDTH
    fields = CommentedMap(
        id=rule.id,
        name=rule.name,
        when=_flow(conditions),
        then=_flow({rule.slot.value: {"name": name, **parameters} if parameters else name}),
        because=FoldedScalarString(rule.because) if is_long else rule.because,
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
    """A firing case, and for each test the nearest miss with all other facts as in the firing case."""
    passing: dict[str, Any] = {}
    for test in tests:
        passing.setdefault(test.fact, _value(test, [other for other in tests if other.fact == test.fact]))
    if "task" not in passing and any(FACTS[fact].tasks != frozenset(Task) for fact in passing):
        passing = {"task": _task_with(passing, Task).value} | passing
    elif "task" in passing:
        wanted = next(test.constant for test in tests if test.fact == "task")
        passing["task"] = _task_with(passing, [Task(name) for name in wanted]).value  # type: ignore[union-attr]  # names
    cases: list[dict[str, Any]] = [{"given": passing or {"task": Task.BINARY.value}, "expect": "fires"}]
    for test in tests:
        hit = _value(test, [other for other in tests if other.fact == test.fact])
        if test.fact != "task" and hit != passing[test.fact]:
            cases.append({"given": {**passing, test.fact: hit}, "expect": "fires"})
        miss = _value(test, [test], passes=False)
        if test.fact == "task" and miss is not None:
            miss = _task_with(passing, [task for task in Task if not test.holds(task.value)]).value
        if miss is not None:
            given = {**passing, test.fact: miss}
            applying = {fact: value for fact, value in given.items() if FACTS[fact].applies_to(given.get("task", miss))}
            cases.append({"given": applying if "task" in given else given, "expect": "silent"})
    return cases


def _task_with(facts: Iterable[str], tasks: Iterable[Task]) -> Task:
    """The first of the tasks to which most of the facts apply."""
    return max(tasks, key=lambda task: sum(FACTS[fact].applies_to(task) for fact in facts))


def _value(test: Test, together: Sequence[Test], *, passes: bool = True) -> str | float | int | None:
    """Value nearest to a test's threshold that passes all tests in `together`, or fails this test."""

    def fits(value: str | float) -> bool:
        return all(one.holds(value) for one in together) if passes else not test.holds(value)

    if isinstance(test.constant, tuple):
        return next(filter(fits, categories_of(test.fact) or ()), None)
    threshold, domain = float(test.constant), interval_of(test.fact)
    step = 1 if domain.whole else STEP * (abs(threshold) or STEP)
    near = [value for value in (threshold - step, threshold, threshold + step) if value in domain]
    candidates = [int(value) if domain.whole else round(value, DIGITS) for value in near]
    return min(filter(fits, candidates), key=lambda value: abs(value - threshold), default=None)


def _needed_overrides(merged: Rulebook, rule: Rule) -> list[str]:
    """Rules that the new rule must override: those in conflict with it, and those that would beat it everywhere.

    Raises BookError on a condition that no dataset meets.
    """
    earlier = {one.id for one in merged.of(rule.slot) if one.layer != rule.layer}
    overrides: set[str] = set()
    while True:
        proof = prove_slot(rule.slot, (*merged.of(rule.slot), replace(rule, overrides=tuple(overrides))))
        mine = [one for one in proof.findings if rule.id in one.rules]
        if flaw := next((one for one in mine if one.flaw in UNFIXABLE_FLAWS), None):
            raise BookError(f"--when: {flaw.problem.replace(f'{rule.id} ({rule.place})', 'the new rule')}. {flaw.fix}")
        found: set[str] = set()
        for one in mine:
            if one.flaw is Flaw.CONFLICT:
                found |= {*one.rules} - {rule.id}
            elif one.flaw is Flaw.CYCLE or (one.flaw is Flaw.SHADOWED and one.rules[0] == rule.id):
                found |= proof.beaten_by[rule.id] & {*one.rules} & earlier
        found = {merged.by_id[one].variant_of or one for one in found}  # which overrides the variant, too
        if not found - overrides:
            return sorted(overrides)
        overrides |= found


def _appended(rule: CommentedMap, path: Path) -> str:
    """Text of a book's file with a rule appended; all other lines are unchanged."""
    text = path.read_text(encoding="utf-8") if path.exists() else HEADER
    rules = next((value for key, value in _entries(text) if key.value == RULES), None)
    if rules is None:
        return f"{text.rstrip()}\n{RULES}:\n{_dumped(rule, 0)}"
    if rules.flow_style or not rules.value:
        raise BookError(f"{path}: the list under {RULES!r} must be in block style, one dash per rule.")
    lines = text.splitlines(keepends=True)
    dash = lines[rules.start_mark.line].index("-")
    last = _last_line(rules.value[-1])
    before = "".join(lines[: last + 1])
    return "".join([before, "" if before.endswith("\n") else "\n", _dumped(rule, dash), *lines[last + 1 :]])


def _entries(text: str) -> list[tuple[Any, Any]]:
    root = YAML(typ="rt", pure=True).compose(text)
    return [] if root is None else list(root.value)


def _last_line(node: Any) -> int:  # noqa: ANN401  ruamel.yaml ships no type for nodes
    """Index of the last line of a node, without comments after it."""
    if node.id == "scalar" or node.flow_style:
        end: int = node.end_mark.line
        return end - 1 if node.end_mark.column == 0 else end
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _dumped(rule: CommentedMap, dash: int) -> str:
    """A rule as an item of a YAML list. dash: column of the dash."""
    yaml = YAML()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=2, offset=0)
    lines = StringIO()
    yaml.dump(CommentedSeq([rule]), lines)
    return "".join(" " * dash + line for line in lines.getvalue().splitlines(keepends=True))
