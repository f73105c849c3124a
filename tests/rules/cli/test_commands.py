"""The commands of `recommend rules`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from recommender.examples import example
from rules.cli.schema import KINDS, path_of
from rules.rulebook.rulebook import SHIPPED_LAYERS, read_layers
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from pathlib import Path

# A regression of few rows takes Huber. Before, it did for outliers alone (C005).
FEW_ROWS = """\
id: C900
  when: {task: regression, rows: {lt: 500}}
  then: {loss: huber}"""
CONFLICT = "id: C900\n  when: {task: binary, rows: {ge: 10}}\n  then: {loss: huber}"


SHIPPED_BOOK = read_layers(SHIPPED_LAYERS)
COUNT = len(SHIPPED_BOOK.rules)


@pytest.fixture
def few_rows(write_book) -> Path:
    return write_book(FEW_ROWS)


# list and show ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_list_gives_every_rule_slot_by_slot(recommend, shipped) -> None:
    out = recommend("rules", "list").out
    positions = [out.index(f"{slot.label}  {slot}") for slot in Slot]
    assert positions == sorted(positions)
    for rule in shipped.book.rules:
        assert f"\n  {rule.id}  {rule.layer}" in out


@pytest.mark.parametrize("slot", ["loss", "C", "c"])
def test_list_takes_a_slot_by_its_name_or_its_letter(slot: str, recommend) -> None:
    found = json.loads(recommend("rules", "list", "--slot", slot, "--format", "json").out)
    assert {rule["slot"] for rule in found} == {"loss"}
    assert len(found) == 8


def test_list_proposes_the_nearest_slot(recommend) -> None:
    ended = recommend("rules", "list", "--slot", "optimiser")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean 'optimizer'?" in ended.err


def test_a_listed_rule_has_all_its_parts_as_json(recommend) -> None:
    found = {rule["id"]: rule for rule in json.loads(recommend("rules", "list", "--format", "json").out)}
    assert found["C005"].pop("measured")["rule"] == "C005"
    assert found["C005"] == {
        "id": "C005",
        "name": "outliers-use-huber",
        "slot": "loss",
        "layer": "handbook",
        "place": "handbook/cost_function.yaml:41:3",
        "author": "",
        "when": ["task is regression or multioutput_regression", "outlier_share ≥ 0.01"],
        "choice": {"name": "huber", "delta": None, "target": "as_is"},
        "because": (
            "Huber loss is quadratic near zero and linear in the tails, so outliers affect it less than squared error."
        ),
        "rejects": {"mse": "squares the outliers"},
        "source": {
            "notes": "Regression / C",
            "evidence": "docs/evidence.md#1-characteristics-and-thresholds (outliers)",
        },
        "stance": "agreed",
        "overrides": [],
        "tests": [
            {"given": {"task": "regression", "outlier_share": 0.01}, "expect": "fires"},
            {"given": {"task": "regression", "outlier_share": 0.0099}, "expect": "silent"},
        ],
    }


@pytest.mark.parametrize("rule_id", ["C005", "c005"])
def test_show_gives_everything_about_a_rule(rule_id: str, recommend) -> None:
    words = recommend("rules", "show", rule_id).words
    for part in (
        "C005 outliers-use-huber Cost function · handbook/cost_function.yaml:41:3 · agreed",
        "Chooses huber",
        "If task is regression or multioutput_regression kind of prediction",
        "and outlier_share ≥ 0.01 share of target values",
        "Because Huber loss is quadratic near zero",
        "Rejects mse: squares the outliers",
        "Source notes: Regression / C",
        "Decides task is regression or multioutput_regression, outlier_share ≥ 0.01",
        "Beats C004 (more specific)",
        "Fires on task = regression, outlier_share = 0.01",
        "Silent on task = regression, outlier_share = 0.0099",
    ):
        assert part in words


def test_show_names_the_stance_and_source_of_a_contested_rule(recommend, write_book) -> None:
    assert "· contested" in recommend("rules", "show", "C101").out
    mine = write_book(FEW_ROWS + "\n  author: Ada Lovelace\n  stance: contested")
    assert "· contested · by Ada Lovelace" in recommend("rules", "show", "C900", "--book", mine).words


TERRITORIES = {
    "A002": "never, since later layers replace it; with --book handbook: task is binary or multiclass or multilabel,",
    "C101": "only if the user pins the metric",
    "W003": "only if the user pins the activation",
    "N001": "any dataset",
}


@pytest.mark.parametrize("rule", TERRITORIES)
def test_show_says_where_a_rule_decides(rule: str, recommend) -> None:
    """A104 and A103 replace A002 but for sequences, which A005 takes."""
    assert f"Decides {TERRITORIES[rule]}" in recommend("rules", "show", rule).words


def test_show_as_json_has_the_order_too(recommend) -> None:
    found = json.loads(recommend("rules", "show", "C005", "--format", "json").out)
    assert found["order"] == {"Beats": ["C004 (more specific)"], "Beaten by": []}


def test_an_unknown_rule_suggests_the_nearest_one(recommend) -> None:
    ended = recommend("rules", "show", "C0006")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Error: The rule C0006 is not in this book. Did you mean 'C006'?")


def test_a_rule_that_is_switched_off_is_shown_with_who_did_it_where_and_why(recommend, tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("disable:\n- {rule: C103, reason: we trust the model, author: Ada}\n", encoding="utf-8")
    ended = recommend("rules", "show", "c103", "--book", path)
    assert ended.code == 2
    assert f"The rule C103 is disabled by Ada ({path}:2:3): we trust the model." in ended.err
    assert "C103" not in recommend("rules", "list", "--book", path).out
    assert f"{COUNT - 1} rules of handbook + evidence" in recommend("rules", "check", path).words


# table and docs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_on_a_terminal_has_the_winner_above_whom_it_beats(recommend) -> None:
    lines = recommend("rules", "table", "metric").out.splitlines()
    assert lines[0] == "Performance metric: the first matching row decides."
    assert lines[1].split() == [
        "imbalance_",
        "minority_",
        "outlier_",
        "squared_",
    ]  # the rest of a broken heading stands below
    assert lines[2].split() == [
        "task",
        "modality",
        "ratio",
        "class_rows",
        "share",
        "deviation_top_share",
        "metric",
        "rule",
    ]
    rows = [line.split()[-1] for line in lines[2:] if line.split()[-1][0] == "P"]
    assert rows.index("P010") < rows.index("P003") < rows.index("P001")
    assert rows.index("P002") < rows.index("P001")


def test_a_table_in_json_has_a_row_for_each_rule_in_the_order_of_the_table(recommend) -> None:
    found = json.loads(recommend("rules", "table", "metric", "--format", "json").out)
    assert found["facts"] == [
        "task",
        "modality",
        "imbalance_ratio",
        "minority_class_rows",
        "outlier_share",
        "squared_deviation_top_share",
    ]
    assert found["rows"][0] == {
        "rule": "P004",
        "choice": "f1",
        "when": ["task is multiclass or multilabel", "imbalance_ratio > 4"],
    }


def test_a_table_in_markdown_can_be_pasted(recommend) -> None:
    out = recommend("rules", "table", "metric", "--to", "markdown").out
    assert "| `minority_class_rows` | `outlier_share` | `squared_deviation_top_share` | `metric` | rule |\n" in out
    assert "| &gt; 1.5, ≤ 4 | \N{EN DASH} | \N{EN DASH} | \N{EN DASH} | **roc\\_auc** | P002 |\n" in out


def test_a_table_in_html_is_a_page_of_its_own(recommend) -> None:
    out = recommend("rules", "table", "metric", "--to", "html").out
    assert out.startswith("<!doctype html>")
    assert "http" not in out
    assert '<a href="#P002">P002</a>' in out
    assert '<dt id="P002">P002 mild-binary-imbalance-uses-roc-auc' in out


HOSTILE = """\
rules:
- id: N900
  name: "<script>n</script>[red]name[/red]|"
  when: {rows: {ge: 5}}
  then: {activation: tanh}
  because: "<script>b</script>[link=x]because[/link]|"
  source: {reason: "<script>s</script>[bold]source[/bold]|"}
  author: "[blink]author[/blink]"
"""


@pytest.fixture
def hostile(tmp_path) -> Path:
    path = tmp_path / "[red]mine.yaml"
    path.write_text(HOSTILE, encoding="utf-8")
    return path


def test_text_of_a_book_is_no_markup_on_a_terminal(hostile, recommend) -> None:
    shown = recommend("rules", "show", "N900", "--book", hostile).out
    for text in ("[red]name[/red]", "[link=x]because[/link]", "[bold]source[/bold]", "[blink]author[/blink]"):
        assert text in shown
    assert "[red]mine.yaml" in recommend("rules", "check", hostile).out
    assert "[red]mine" in recommend("rules", "list", "--book", hostile).out
    assert "[red]mine.yaml" in recommend("rules", "coverage", hostile).words


@pytest.mark.parametrize(
    "words", [("table", "activation", "--to", "markdown"), ("docs",), ("table", "activation", "--to", "html")]
)
def test_text_of_a_book_is_no_html_in_a_document(words, hostile, recommend) -> None:
    assert "<script" not in recommend("rules", *words, "--book", hostile).out


def test_text_of_a_book_is_no_markdown_in_the_document(hostile, recommend) -> None:
    out = recommend("rules", "docs", "--book", hostile).out
    assert r"### N900 &lt;script&gt;n&lt;/script&gt;\[red\]name\[/red\]\|" in out
    assert r"- Source: reason: &lt;script&gt;s&lt;/script&gt;\[bold\]source\[/bold\]\|." in out


def test_a_control_character_in_a_book_is_refused(recommend, tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HOSTILE.replace("<script>b", r"\e]0;title\a"), encoding="utf-8")
    ended = recommend("rules", "show", "N900", "--book", path)
    assert ended.code == 2
    assert ended.err.startswith(f"Error: {path}:6:3: a book must be plain text, but got the control character '\\x1b'.")


def test_docs_are_printed_or_written(recommend, tmp_path) -> None:
    printed = recommend("rules", "docs").out
    assert printed.splitlines()[1] == "# The rules"
    assert recommend("rules", "docs", "-o", tmp_path / "rules.md").out == ""
    assert (tmp_path / "rules.md").read_text(encoding="utf-8") == printed
    assert "already exists" in recommend("rules", "docs", "-o", tmp_path / "rules.md").err
    assert recommend("rules", "docs", "-o", tmp_path / "rules.md", "--force").code == 0
    ended = recommend("rules", "docs", "-o", tmp_path / "no" / "rules.md")
    assert ended.code == 2
    assert ended.err == (
        f"Error: Cannot write {tmp_path / 'no' / 'rules.md'}: No such file or directory. Free disk space, "
        "allow writing, or choose another path.\n"
    )


# check, test and coverage ───────────────────────────────────────────────────────────────────────────────────────────


def test_check_says_what_was_proved(recommend) -> None:
    ended = recommend("rules", "check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.words.startswith(
        f"Proved: {COUNT} rules of handbook + evidence make exactly one choice in each of {len(Slot)} "
        f"slots for every dataset, and never violate the {len(SHIPPED_BOOK.constraints)} constraints. "
        f"{COUNT - 10} decide for some datasets. 4 decide only if the user pins a choice that they test: C002,"
    )
    assert ended.words.endswith(
        "decide only without the later layers, whose rules replace them: M001, A001, A002, A004, A006, V001."
    )


def test_check_reports_a_conflict_with_witness_places_and_fix(recommend, write_book) -> None:
    """The handbook has one rule for binary tables without more conditions; huber is no rule's for them."""
    path = write_book("id: C900\n  when: {rows: {ge: 10}}\n  then: {loss: huber}")
    ended = recommend("rules", "check", path)
    assert (ended.code, ended.err) == (1, "")
    assert "CONFLICT two rules make different choices for a dataset, and neither beats the other" in ended.words
    assert (
        f"C001 (handbook/cost_function.yaml:2:3) chooses binary_crossentropy and C900 ({path}:2:3) chooses huber"
        in (ended.words.replace("\n", ""))
    )
    assert "Example: task = binary, " in ended.words
    assert "rows = 10" in ended.words
    assert "Fix: Let one override the other ('overrides: [C001]' in C900), or narrow one of them." in ended.words


def test_check_as_json_holds_the_findings(recommend, write_book) -> None:
    """Inside C001 it wins, so huber for yes or no is what is left to find."""
    ended = recommend("rules", "check", write_book(CONFLICT + "\n  overrides: [C003, C101]"), "--format", "json")
    found = json.loads(ended.out)
    assert ended.code == 1
    assert found["rules"] == COUNT + 1
    assert list(found["layers"])[:2] == list(SHIPPED_LAYERS)
    (finding,) = found["findings"]
    assert (finding["flaw"], finding["rules"]) == ("INCOHERENT", ["B004", "C900"])
    assert finding["witness"]
    assert finding["fix"]
    assert json.loads(recommend("rules", "check", "--format", "json").out)["findings"] == []


MALFORMED = {
    "an unknown fact": (
        "id: C900\n  when: {outlier_sher: {ge: 0.1}}\n  then: {loss: huber}",
        "3:10",
        "C900: unknown fact 'outlier_sher'. Did you mean 'outlier_share'?",
    ),
    "a threshold outside the domain": (
        "id: C900\n  when: {outlier_share: {ge: 1.5}}\n  then: {loss: huber}",
        "3:10",
        "C900: outlier_share must be from 0 to 1, but got 1.5.",
    ),
    "a key twice": (
        "id: C900\n  when: {}\n  then: {loss: huber}\n  when: {rows: {ge: 3}}",
        "5:3",
        "duplicate key 'when'. Keep one of the two.",
    ),
    "a word for a list": (
        "id: C900\n  when: {}\n  then: {loss: huber}\n  overrides: C001",
        "5:3",
        "overrides: Input should be a valid list.",
    ),
    "a misspelt key": (
        "id: C900\n  when: {}\n  then: {loss: huber}\n  overides: [C001]",
        "5:3",
        "overides: Extra inputs are not permitted. Did you mean 'overrides'?",
    ),
    "an unknown choice": (
        "id: C900\n  when: {}\n  then: {loss: hubber}",
        "4:10",
        "Did you mean 'huber'?",
    ),
    "an unknown name": (
        "id: C900\n  when: {task: regresion}\n  then: {loss: huber}",
        "3:10",
        "Did you mean 'regression'?",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("verb", ["check", "test", "coverage"])
def test_a_malformed_book_is_refused_with_file_line_column_and_the_remedy(verb, case, recommend, write_book) -> None:
    rule, place, message = MALFORMED[case]
    path = write_book(rule)
    ended = recommend("rules", verb, path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Error: {path}:{place}: ")
    assert message in ended.err


def test_a_misspelt_list_of_rules_is_refused_with_its_place(recommend, tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("# Ours.\nrule: []\n", encoding="utf-8")
    ended = recommend("rules", "check", path)
    assert (ended.code, ended.out) == (2, "")
    assert (
        ended.err
        == f"Error: {path}:2:1: a book file must contain rules and disable, but got 'rule'. Did you mean 'rules'?\n"
    )


def test_a_missing_book_is_refused_with_the_nearest_one(recommend) -> None:
    ended = recommend("rules", "check", "handbok")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean 'handbook'?" in ended.err


def test_test_counts_the_examples_that_come_out(recommend, shipped) -> None:
    count = sum(len(rule.examples) for rule in shipped.book.rules)
    ended = recommend("rules", "test")
    assert (ended.code, ended.out) == (0, f"{count} of {count} examples of {COUNT} rules passed.\n")
    found = json.loads(recommend("rules", "test", "--format", "json").out)
    assert found == {"examples": count, "failures": []}


def test_test_names_an_example_that_does_not_come_out(recommend, write_book) -> None:
    path = write_book(FEW_ROWS + "\n  tests: [{given: {task: regression, rows: 500}, expect: fires}]")
    ended = recommend("rules", "test", path)
    assert ended.code == 1
    assert "Expected: the rule fires on task = regression, rows = 500. It does not fire: rows < 500 does not hold." in (
        ended.words
    )
    assert f"{path}:2:3" in ended.out.replace("\n", "")
    (failure,) = json.loads(recommend("rules", "test", path, "--format", "json").out)["failures"]
    assert (failure["rule"], failure["given"]["rows"]) == ("C900", 500)


def test_coverage_of_the_shipped_book_is_complete(recommend) -> None:
    ended = recommend("rules", "coverage")
    assert ended.code == 0
    assert re.match(r"(\d+) of \1 thresholds have a firing case and a miss nearby\.", ended.words)
    assert "activation 100.0% (1 of 1 cells) N001 any dataset" in ended.words


def test_coverage_names_the_threshold_without_close_cases(recommend, write_book) -> None:
    path = write_book(FEW_ROWS + "\n  tests: [{given: {task: regression, rows: 500}, expect: silent}]")
    ended = recommend("rules", "coverage", path)
    assert ended.code == 1
    assert "C900 rows < 500: no firing case; nearest miss 500" in ended.words
    assert "C900 has no example on which it fires" in ended.words
    found = json.loads(recommend("rules", "coverage", path, "--format", "json").out)
    assert found["without_firing_case"] == ["C900"]
    assert {part["slot"] for part in found["fallbacks"]} == {slot.value for slot in Slot}


# schema and settings ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_schema_prints_the_published_file(kind: str, recommend) -> None:
    assert recommend("rules", "schema", kind).out == path_of(kind).read_text(encoding="utf-8")


SETTINGS = {"pcwat.toml": 'book = ["mine.yaml"]', "pyproject.toml": '[tool.pcwat]\nbook = ["mine.yaml"]'}


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("below", [".", "a/b"])
def test_every_command_reads_the_settings_here_or_above(
    name: str, below: str, recommend, tmp_path, monkeypatch
) -> None:
    (tmp_path / name).write_text(SETTINGS[name], encoding="utf-8")
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / below)
    assert f"{COUNT + 1} rules" in recommend("rules", "check").out
    assert "C900" in recommend("rules", "list").out
    record = json.loads(recommend(example("diabetes"), "--target", "progression", "--format", "json").out)["record"]
    assert record["decisions"]["loss"]["rules"] == ["C900"]


def test_bad_settings_are_refused_by_name(recommend, tmp_path) -> None:
    (tmp_path / "pcwat.toml").write_text('bok = ["mine.yaml"]', encoding="utf-8")
    ended = recommend("rules", "list")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"Error: {tmp_path / 'pcwat.toml'}: settings must be book or a table for a command, "
        f"but got 'bok'. Did you mean 'book'?\n"
    )
