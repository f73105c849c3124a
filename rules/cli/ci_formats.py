"""Findings of a proof in formats that CI systems read: SARIF 2.1.0 and JUnit XML."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from rules import __version__
from rules.proof.findings import FLAW_DESCRIPTIONS, Flaw
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.wording import escape_json_controls, printable
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.proof.findings import Finding
    from rules.proof.proof import Proof
    from rules.rulebook.rulebook import Rulebook

SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
PLACE: Final = re.compile(r"(?P<file>.*):(?P<line>\d+):(?P<column>\d+)", re.DOTALL)
FLAWS: Final = tuple(Flaw)
CONSTRAINTS: Final = "constraints"


def to_sarif(proof: Proof) -> str:
    """Findings as a SARIF 2.1.0 log: one result each, with the places of its rules."""
    driver = {
        "name": "pcwat",
        "version": __version__,
        "rules": [{"id": flaw.value, "shortDescription": {"text": FLAW_DESCRIPTIONS[flaw]}} for flaw in FLAWS],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [*map(_result, proof.findings)]}
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{escape_json_controls(json.dumps(log, indent=2, ensure_ascii=False))}\n"


def _result(finding: Finding) -> dict[str, Any]:
    places = [_location(place) for _, place in _own_first(finding)]
    return {
        "ruleId": finding.flaw.value,
        "ruleIndex": FLAWS.index(finding.flaw),
        "level": "error",
        "message": {"text": str(finding)},
        "locations": places[:1],
        "relatedLocations": places[1:],
        "properties": {"slot": finding.slot.value, "rules": list(finding.rules), "example": finding.witness},
    }


def _own_first(finding: Finding) -> list[tuple[str, str]]:
    """Rules of a finding with their places; those of shipped layers, which the user cannot change, come last."""
    pairs = zip(finding.rules, finding.places, strict=True)
    return sorted(pairs, key=lambda pair: pair[1].startswith(tuple(f"{layer}/" for layer in SHIPPED_LAYERS)))


def _location(place: str) -> dict[str, Any]:
    """Location of FILE:LINE:COLUMN; files of shipped layers are named from the layer on."""
    found = PLACE.fullmatch(place)
    if found is None:
        return {"physicalLocation": {"artifactLocation": {"uri": quote(place)}}}
    path = PurePath(found["file"])
    region = {"startLine": int(found["line"]), "startColumn": int(found["column"])}
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def to_junit(book: Rulebook, proof: Proof) -> str:
    """Findings as JUnit XML: a test case for each slot, rule and constraint, which fails with its findings."""
    names = [(slot.value, "slots") for slot in Slot]
    names += [(rule.id, rule.slot.value) for rule in book.rules]
    names += [(constraint.id, CONSTRAINTS) for constraint in book.constraints]
    failures: dict[str, list[Finding]] = defaultdict(list)
    for finding in proof.findings:
        failures[_own_first(finding)[0][0] if finding.rules else finding.slot.value].append(finding)
    known = {name for name, _ in names}
    names += [(name, failures[name][0].slot.value) for name in failures if name not in known]
    counts = {"tests": str(len(names)), "failures": str(len(failures)), "errors": "0"}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "recommend rules check", **counts})
    for name, group in names:
        case = ET.SubElement(suite, "testcase", {"name": printable(name), "classname": f"pcwat.{group}", "time": "0"})
        if name in failures:
            _add_failure(case, failures[name])
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_failure(case: ET.Element, findings: Sequence[Finding]) -> None:
    """One failure with all findings, since readers of JUnit XML expect at most one."""
    flaws = ", ".join(dict.fromkeys(finding.flaw.value for finding in findings))
    failure = ET.SubElement(case, "failure", {"type": flaws, "message": printable(findings[0].problem)})
    failure.text = "\n".join(printable(f"{finding.flaw}: {finding}") for finding in findings)
