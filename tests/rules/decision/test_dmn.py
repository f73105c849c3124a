"""A rulebook as DMN, evaluated by the definitions of hit policy FIRST and of unary tests in FEEL alone."""

from __future__ import annotations

import itertools
import random
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from rules.decision.decision_table import decision_table
from rules.decision.dmn.document import to_dmn
from rules.decision.dmn.rows import rows
from rules.decision.engine import slot_choices
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, UNKNOWN, Measurement
from tests.effort import EFFORT
from tests.random_facts import as_json, random_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.proof.proved_book import ProvedBook

FACT_SETS = 200 * EFFORT
DMN = {"": "https://www.omg.org/spec/DMN/20191111/MODEL/"}
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
INTERVAL = re.compile(r"([\[(])(\S+?)\.\.(\S+?)([\])])")
COMPARISON = re.compile(r"(<=|<|>=|>)? ?(-?[\d.]+)")


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own text


def passes(test: str, value: str | float | None) -> bool:
    if test == "-":
        return True
    if test in {"null", "not(null)"}:
        return (value is None) is (test == "null")
    if value is None:
        return False
    if isinstance(value, str):
        return value in [re.sub(r"\\(.)", r"\1", text) for text in STRING.findall(test)]
    return any(_passes_one(one, value) for one in test.split(", "))


def _passes_one(test: str, value: float) -> bool:
    if found := INTERVAL.fullmatch(test):
        left, low, high, right = found.groups()
        above = value >= float(low) if left == "[" else value > float(low)
        return above and (value <= float(high) if right == "]" else value < float(high))
    sign, bound = COMPARISON.fullmatch(test).groups()
    number = float(bound)
    return {"<": value < number, "<=": value <= number, ">": value > number, ">=": value >= number}.get(
        sign, value == number
    )


def evaluate(root: ET.Element, facts: Mapping[str, str | float | None]) -> dict[str, str]:
    """Choices by slot; a decision follows those that it requires, as the document lists them."""
    known = dict(facts)
    for decision in root.findall("decision", DMN):
        name = decision.get("name")
        table = decision.find("decisionTable", DMN)
        if table is None:
            known[name] = STRING.fullmatch(decision.findtext("literalExpression/text", None, DMN))[1]
            continue
        inputs = [known[cell.text] for cell in table.findall("input/inputExpression/text", DMN)]
        first = next(
            row
            for row in table.findall("rule", DMN)
            if all(
                passes(cell.text, value)
                for cell, value in zip(row.findall("inputEntry/text", DMN), inputs, strict=True)
            )
        )
        known[name] = STRING.fullmatch(first.findtext("outputEntry/text", None, DMN))[1]
    return {slot.value: known[slot.value] for slot in Slot if slot.value in known}


@pytest.mark.parametrize("layers", [("handbook",), SHIPPED_LAYERS], ids="+".join)
def test_the_tables_choose_as_the_engine_does_also_for_unknown_facts(layers) -> None:
    proved = load_book(layers)
    root = parse(to_dmn(proved))
    generator = random.Random(0)  # noqa: S311  cases of a test
    for _ in range(FACT_SETS):
        facts = random_facts(proved.book, generator)
        expected = {slot.value: str(made.choice) for slot, made in slot_choices(proved, facts).items()}
        assert evaluate(root, as_json(facts)) == expected, facts


TWO_SIDES = """\
id: M900
  when: {task: binary, imbalance_ratio: {lt: 2}}
  then: {metric: mcc}
  overrides: [P001, P002, P003, P008, P010]"""
OTHER_SIDE = TWO_SIDES.replace("M900", "M901").replace("lt: 2", "ge: 2")


@pytest.fixture
def both_sides(write_book) -> ProvedBook:
    book = [rule.replace("id: M", "id: P") for rule in (TWO_SIDES, OTHER_SIDE)]
    return load_book([*SHIPPED_LAYERS, write_book(*book)])


def test_a_row_for_null_comes_first_where_all_values_of_an_unknown_fact_lead_to_one_choice(both_sides) -> None:
    first = rows(decision_table(both_sides, Slot.METRIC), both_sides.book)[0]
    assert (first.tests, first.choice) == ({"task": '"binary"', "imbalance_ratio": "null"}, "mcc")
    facts = {"task": "binary", "modality": "tabular", "imbalance_ratio": UNKNOWN, "minority_class_rows": 50}
    measured = {name: Measurement(value=value) for name, value in facts.items()}
    assert str(slot_choices(both_sides, measured, slots=[Slot.METRIC])[Slot.METRIC].choice) == "mcc"


def test_a_rule_on_both_sides_of_a_number_is_an_interval(shipped) -> None:
    found = {row.rule: row for row in rows(decision_table(shipped, Slot.METRIC), shipped.book)}
    assert found["P002"].tests == {"task": '"binary"', "imbalance_ratio": "(1.5..4]"}


def test_a_test_on_an_earlier_choice_names_the_texts_of_that_choice(shipped) -> None:
    found = {row.rule: row for row in rows(decision_table(shipped, Slot.TUNER), shipped.book)}
    assert [str(test) for test in shipped.book.by_id["T006"].when] == ["search_dimensions < 1"]
    assert found["T006"].tests == {"search_dimensions": '"defaults"'}


def test_ids_are_unique_and_references_name_them(shipped) -> None:
    elements = list(parse(to_dmn(shipped)).iter())
    ids = [element.get("id") for element in elements if element.get("id")]
    references = [element.get("href")[1:] for element in elements if element.get("href")]
    shown = [element.get("dmnElementRef") for element in elements if element.get("dmnElementRef")]
    assert len(ids) == len(set(ids))
    assert {*references, *shown} <= set(ids)


def test_elements_of_a_table_have_the_order_of_the_schema(shipped) -> None:
    for table in parse(to_dmn(shipped)).iterfind("decision/decisionTable", DMN):
        tags = [key for key, _ in itertools.groupby(element.tag.split("}")[1] for element in table)]
        assert tags == ["input", "output", "annotation", "rule"]
        width = len(table.findall("input", DMN))
        assert all(len(row.findall("inputEntry", DMN)) == width for row in table.iterfind("rule", DMN))


def test_a_slot_is_exported_with_the_slots_on_which_it_depends(recommend, tmp_path) -> None:
    output = tmp_path / "one.dmn"
    ended = recommend("rules", "export", "--slot", "initializer", "-o", output)
    assert (ended.code, ended.out, ended.err) == (0, "", f"Wrote {output}.\n")
    root = parse(output.read_text(encoding="utf-8"))
    assert [decision.get("name") for decision in root.findall("decision", DMN)] == ["activation", "initializer"]
    inputs = [item.get("name") for item in root.findall("inputData", DMN)]
    assert inputs == [name for name in FACTS if name in {"task", "modality", "imbalance_ratio"}]


def test_an_export_does_not_overwrite_a_file(recommend, tmp_path) -> None:
    output = tmp_path / "mine.dmn"
    output.write_text("mine", encoding="utf-8")
    ended = recommend("rules", "export", "-o", output)
    assert (ended.code, output.read_text(encoding="utf-8")) == (2, "mine")
    assert "--force" in ended.err


def test_text_of_a_book_stays_text(write_book) -> None:
    book = write_book("id: A901\n  when: {rows: {ge: 7}, task: forecasting}\n  then: {optimizer: adam}")
    reason = '</text><x> & "q"'
    book.write_text(book.read_text(encoding="utf-8").replace("a reason", f"'{reason}'"), encoding="utf-8")
    root = parse(to_dmn(load_book([*SHIPPED_LAYERS, book]), [Slot.OPTIMIZER]))
    assert f"A901: {reason}" in [note.text for note in root.iterfind(".//rule/description", DMN)]
    assert "A901" in [note.text for note in root.iterfind(".//annotationEntry/text", DMN)]
