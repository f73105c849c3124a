"""A rulebook as DMN, evaluated by an independent engine."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from rules.decision.decision_table import decision_table
from rules.decision.dmn.document import to_dmn
from rules.decision.dmn.rows import rows
from rules.decision.engine import slot_choices
from rules.proof.decision_regions import base_tests, upstream
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import FACTS, UNKNOWN, Measurement
from tests.effort import EFFORT
from tests.random_facts import as_json, random_fact_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.facts import Facts

DMN = {"": "https://www.omg.org/spec/DMN/20191111/MODEL/"}
ENGINE = Path(__file__).with_name("dmn_engine.mjs")
PACKAGES = Path(sys.prefix)  # the environment, into which .ci/run installs the engine


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own text


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("no Node on the PATH, which runs the independent DMN engine")
    if not all((PACKAGES / "node_modules" / name).is_dir() for name in ("feelin", "dmn-moddle")):
        pytest.skip(f"no independent DMN engine: npm install --prefix {PACKAGES} feelin@8 dmn-moddle@12")
    return found


def independent_choices(node: str, dmn: str, fact_sets: Sequence[Facts], folder: Path) -> list[dict[str, str]]:
    """Choices by slot that feelin makes, the FEEL interpreter of bpmn.io."""
    (folder / "book.dmn").write_text(dmn, encoding="utf-8")
    (folder / "facts.json").write_text(json.dumps([as_json(facts) for facts in fact_sets]), encoding="utf-8")
    command = [node, "--input-type=module", "-", folder / "book.dmn", folder / "facts.json"]
    ended = subprocess.run(command, input=ENGINE.read_bytes(), cwd=PACKAGES, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


def own_choices(proved: ProvedBook, fact_sets: Sequence[Facts]) -> list[dict[str, str]]:
    """Choices by slot of the Python engine, which decides once for equal values of the facts that decide a slot."""
    kept: dict[tuple[object, ...], str] = {}
    read = {
        slot: ["task", *{test.fact for test in base_tests(proved.book, upstream(proved.book, [slot]))}] for slot in Slot
    }

    def choice(slot: Slot, facts: Facts) -> str:
        key = slot, *(facts[name].value for name in read[slot])
        if key not in kept:
            kept[key] = str(slot_choices(proved, facts, slots=[slot])[slot].choice)
        return kept[key]

    return [{slot.value: choice(slot, facts) for slot in Slot} for facts in fact_sets]


@pytest.mark.parametrize(("layers", "count"), [(("handbook",), 1_000), (SHIPPED_LAYERS, 10_000)])
def test_an_independent_engine_makes_the_choices_of_the_rules_also_for_unknown_facts(
    layers, count, node, tmp_path
) -> None:
    proved, generator = load_book(layers), random.Random(0)  # noqa: S311  cases of a test
    fact_sets = random_fact_sets(proved.book, generator, count * EFFORT)
    found = independent_choices(node, to_dmn(proved), fact_sets, tmp_path)
    expected = own_choices(proved, fact_sets)
    assert [pair for pair in zip(fact_sets, found, expected, strict=True) if pair[1] != pair[2]] == []


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
    assert inputs == [name for name in FACTS if name in {"task", "modality", "imbalance_ratio", "gradient_flow"}]


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
