"""Findings of `recommend rules check` as SARIF and JUnit XML, and the pre-commit hook."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from rules.proof.findings import Flaw
from rules.rulebook.rulebook import SHIPPED_LAYERS, read_layers
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from typing import Any

CONFLICT = "id: C900\n  when: {task: binary, rows: {ge: 10}}\n  then: {loss: focal}"
ROOT = Path(__file__).parents[3]


def sarif(text: str) -> dict[str, Any]:
    """The results of a log, whose properties are those that SARIF 2.1.0 requires."""
    log = json.loads(text)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run.keys() <= {"tool", "results", "columnKind"}
    driver = run["tool"]["driver"]
    assert driver["name"] == "pcwat"
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "error"
        assert result["message"]["text"]
    return run


def junit(text: str) -> list[ET.Element]:
    """The test cases, whose number and failures are as the suite states."""
    suites = ET.fromstring(text)  # noqa: S314  our own text
    (suite,) = suites
    assert (suites.tag, suite.tag) == ("testsuites", "testsuite")
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
    assert all(len(case) <= 1 for case in cases)
    return cases


def test_a_proved_book_has_no_sarif_results_and_each_kind_of_finding_is_described(recommend) -> None:
    ended = recommend("rules", "check", "--format", "sarif")
    run = sarif(ended.out)
    assert (ended.code, run["results"]) == (0, [])
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(Flaw)


def test_a_sarif_result_is_at_the_line_of_the_rule(recommend, write_book, tmp_path, monkeypatch) -> None:
    write_book(CONFLICT).rename(tmp_path / "a book.yaml")
    monkeypatch.chdir(tmp_path)
    ended = recommend("rules", "check", "a book.yaml", "--format", "sarif")
    assert ended.code == 1
    for result in sarif(ended.out)["results"]:
        (place,) = result["locations"]
        assert place["physicalLocation"] == {
            "artifactLocation": {"uri": "a%20book.yaml"},
            "region": {"startLine": 2, "startColumn": 3},
        }
        assert "C900" in result["properties"]["rules"]


def test_an_absolute_path_is_a_file_uri(recommend, write_book) -> None:
    text = recommend("rules", "check", write_book(CONFLICT), "--format", "sarif").out
    assert re.search(r'"uri": "file:///\S+/mine.yaml"', text)


def test_a_junit_case_fails_for_the_rule_with_a_finding_and_passes_for_all_others(recommend, write_book) -> None:
    ended = recommend("rules", "check", write_book(CONFLICT), "--format", "junit")
    assert ended.code == 1
    failed = {case.get("name"): case[0].get("type") for case in junit(ended.out) if len(case)}
    assert failed == {"C900": "CONFLICT"}


def test_a_proved_book_passes_one_case_for_each_slot_rule_and_constraint(recommend) -> None:
    ended = recommend("rules", "check", "--format", "junit")
    book = read_layers(SHIPPED_LAYERS)
    names = [case.get("name") for case in junit(ended.out)]
    assert names == [*Slot, *(rule.id for rule in book.rules), *(one.id for one in book.constraints)]
    assert (ended.code, "<failure" in ended.out) == (0, False)


@pytest.mark.parametrize("form", ["sarif", "junit"])
def test_findings_without_a_rule_are_reported_for_their_slot(recommend, write_book, form) -> None:
    book = write_book(CONFLICT)
    book.write_text("disable:\n- {rule: C777, reason: it is wrong}\n", encoding="utf-8")
    ended = recommend("rules", "check", book, "--format", form)
    assert ended.code == 1
    assert "C777" in ended.out
    (junit if form == "junit" else sarif)(ended.out)


def test_the_pre_commit_hook_runs_a_command_that_exists(recommend) -> None:
    (hook,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert re.search(hook["files"], "rules/mine.yaml")
    program, *words = shlex.split(hook["entry"])
    assert (program, recommend(*words).code) == ("recommend", 0)
