"""A rulebook as decision tables in DMN 1.3, the Decision Model and Notation of the OMG.

Each slot is a decision. Its table has hit policy FIRST and a row for each rule, in the order of the slot's decision
table. Facts are inputs, and so are the choices of earlier slots. A fact that does not apply or is unknown is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from rules.decision.decision_table import decision_table
from rules.decision.dmn.rows import ANY, rows, string
from rules.proof.decision_regions import upstream
from rules.text.wording import printable
from rules.vocabulary.choices import Slot
from rules.vocabulary.condition import categories_of
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules.decision.decision_table import DecisionTable
    from rules.proof.proved_book import ProvedBook

NAMESPACES: Final = {
    "xmlns": "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "xmlns:dmndi": "https://www.omg.org/spec/DMN/20191111/DMNDI/",
    "xmlns:dc": "http://www.omg.org/spec/DMN/20180521/DC/",
    "xmlns:di": "http://www.omg.org/spec/DMN/20180521/DI/",
}
OWN_NAMESPACE: Final = "urn:pcwat:rulebook"
WIDTH, HEIGHT, GAP, COLUMNS = 180, 60, 60, 6  # of the diagram: pixels of a box and between boxes; boxes in a row


def to_dmn(proved: ProvedBook, slots: Iterable[Slot] = tuple(Slot)) -> str:
    """The decision tables of some slots, and of the earlier slots whose choices they test, as a DMN 1.3 document.

    Args:
        proved: The rulebook.
        slots: Slots to export. Default all.

    Returns:
        The XML text. Inputs are facts by name. A decision has the name of its slot and returns the text of a choice.

    Examples:
        >>> from rules.proof.proved_book import load_book
        >>> to_dmn(load_book(), [Slot.INITIALIZER]).count("<decision ")
        2
    """
    tables = [decision_table(proved, slot) for slot in upstream(proved.book, slots)]
    layers = ", ".join(f"{name} ({digest})" for name, digest in proved.book.layers.items())
    root = ET.Element(
        "definitions",
        {**NAMESPACES, "id": "rulebook", "name": "pcwat rulebook", "namespace": OWN_NAMESPACE, "exporter": "pcwat"},
    )
    _text(root, "description", f"Layers: {layers}. A fact that does not apply to the task or is unknown is null.")
    inputs = [name for name, fact in FACTS.items() if fact.slot is None and any(name in one.facts for one in tables)]
    for name in inputs:
        item = ET.SubElement(root, "inputData", {"id": name, "name": name})
        _text(item, "description", f"{FACTS[name].meaning} ({FACTS[name].unit})")
        ET.SubElement(item, "variable", {"id": f"{name}_variable", "name": name, "typeRef": _type_of(name)})
    for table in tables:
        _add_decision(root, table, proved)
    _add_diagram(root, inputs, tables)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = printable(text, keep="\n")


def _type_of(fact: str) -> str:
    return "number" if categories_of(fact) is None and FACTS[fact].slot is None else "string"


def _source(fact: str) -> str:
    """Name of a column's input: the fact, or the slot whose choice it reports."""
    return FACTS[fact].slot or fact


def _add_decision(root: ET.Element, table: DecisionTable, proved: ProvedBook) -> None:
    slot = table.slot.value
    decision = ET.SubElement(root, "decision", {"id": slot, "name": slot})
    _text(decision, "description", table.slot.label)
    ET.SubElement(decision, "variable", {"id": f"{slot}_variable", "name": slot, "typeRef": "string"})
    for fact in table.facts:
        requirement = ET.SubElement(decision, "informationRequirement", {"id": _requirement(slot, fact)})
        kind = "requiredInput" if FACTS[fact].slot is None else "requiredDecision"
        ET.SubElement(requirement, kind, {"href": f"#{_source(fact)}"})
    if not table.facts:
        expression = ET.SubElement(decision, "literalExpression", {"id": f"{slot}_choice", "typeRef": "string"})
        _text(expression, "description", f"{table.rows[0].id}: {table.rows[0].because}")
        _text(expression, "text", string(str(table.rows[0].choice)))
        return
    grid = ET.SubElement(decision, "decisionTable", {"id": f"{slot}_table", "hitPolicy": "FIRST", "outputLabel": slot})
    for fact in table.facts:
        column = ET.SubElement(grid, "input", {"id": f"{slot}_{fact}", "label": fact})
        named = {"id": f"{slot}_{fact}_expression", "typeRef": _type_of(fact)}
        _text(ET.SubElement(column, "inputExpression", named), "text", _source(fact))
    ET.SubElement(grid, "output", {"id": f"{slot}_output", "name": slot, "typeRef": "string"})
    ET.SubElement(grid, "annotation", {"name": "rule"})
    for number, row in enumerate(rows(table, proved.book)):
        rule = ET.SubElement(grid, "rule", {"id": f"{slot}_row_{number}"})
        _text(rule, "description", f"{row.rule}: {row.because}")  # shown by tools that know no annotations
        for at, fact in enumerate(table.facts):
            entry = ET.SubElement(rule, "inputEntry", {"id": f"{slot}_row_{number}_in_{at}"})
            _text(entry, "text", row.tests.get(fact, ANY))
        _text(ET.SubElement(rule, "outputEntry", {"id": f"{slot}_row_{number}_out"}), "text", string(row.choice))
        _text(ET.SubElement(rule, "annotationEntry"), "text", row.rule)


def _requirement(slot: str, fact: str) -> str:
    return f"{slot}_requires_{_source(fact)}"


def _add_diagram(root: ET.Element, inputs: Sequence[str], tables: Sequence[DecisionTable]) -> None:
    """Positions of all elements, without which modelling tools show no diagram: decisions, and inputs below them."""
    decisions = [table.slot.value for table in tables]
    lower = -(-len(decisions) // COLUMNS)
    places = {name: divmod(index, COLUMNS) for index, name in enumerate(decisions)} | {
        name: (lower + index // COLUMNS, index % COLUMNS) for index, name in enumerate(inputs)
    }
    corners = {name: (column * (WIDTH + GAP), row * (HEIGHT + 2 * GAP)) for name, (row, column) in places.items()}
    diagram = ET.SubElement(ET.SubElement(root, "dmndi:DMNDI"), "dmndi:DMNDiagram", {"id": "diagram"})
    for name, (x, y) in corners.items():
        shape = ET.SubElement(diagram, "dmndi:DMNShape", {"id": f"{name}_shape", "dmnElementRef": name})
        ET.SubElement(shape, "dc:Bounds", {"x": str(x), "y": str(y), "width": str(WIDTH), "height": str(HEIGHT)})
    for table in tables:
        for fact in table.facts:
            requirement = _requirement(table.slot.value, fact)
            edge = ET.SubElement(diagram, "dmndi:DMNEdge", {"id": f"{requirement}_edge", "dmnElementRef": requirement})
            (from_x, from_y), (to_x, to_y) = corners[_source(fact)], corners[table.slot.value]
            end = HEIGHT if from_y > to_y else 0
            for x, y in ((from_x, from_y), (to_x, to_y + end)):
                ET.SubElement(edge, "di:waypoint", {"x": str(x + WIDTH // 2), "y": str(y)})
