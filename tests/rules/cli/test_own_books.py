"""`recommend rules diff` and `recommend rules new`: the user's rules compared with the shipped ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from recommender.examples import example
from recommender.recommendation.recommend import recommend as advise
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS

if TYPE_CHECKING:
    from pathlib import Path

# A regression of few rows takes Huber. Before, it did for outliers alone (C005).
FEW_ROWS = """\
id: C900
  when: {task: regression, rows: {lt: 500}}
  then: {loss: huber}"""


# diff ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_diff_says_where_books_differ_in_words(recommend, write_book) -> None:
    ended = recommend("rules", "diff", "shipped", write_book(FEW_ROWS))
    assert (ended.code, ended.err) == (1, "")
    assert ended.words == (
        "Cost function mse (C004) → huber (C900) where task is regression, rows < 500, outlier_share < 0.01, "
        "squared_deviation_top_share < 0.3"
    )


def test_diff_of_equal_books_finds_nothing(recommend) -> None:
    ended = recommend("rules", "diff", "shipped", "handbook+evidence")
    assert (ended.code, ended.out) == (0, "The books make the same choices for every dataset.\n")


@pytest.fixture
def runs(tmp_path) -> Path:
    """Records of a regression of 442 rows and of a classification, as runs keep them, and a file that is none."""
    for name, target in {"diabetes": "progression", "wine": "cultivar"}.items():
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(advise(example(name), target=target).record.to_json(), encoding="utf-8")
        (folder / "summary.json").write_text("{}", encoding="utf-8")
    return tmp_path / "runs"


def test_diff_says_which_recorded_datasets_change(recommend, write_book, runs) -> None:
    mine = write_book(FEW_ROWS)
    ended = recommend("rules", "diff", "shipped", mine, "--corpus", runs)
    assert ended.code == 1
    assert "The bundle changes for 1 of 2 recorded datasets. diabetes.csv (" in ended.words
    assert ended.words.endswith("loss mse → huber")
    found = json.loads(recommend("rules", "diff", "shipped", mine, "--corpus", runs, "--format", "json").out)
    assert found["records"] == 2
    assert list(found["changed"].values()) == [["loss mse → huber"]]
    assert [one["where"] for one in found["differences"]] == [
        ["task is regression, rows < 500, outlier_share < 0.01, squared_deviation_top_share < 0.3"]
    ]


def test_diff_keeps_a_recorded_pin(recommend, write_book, tmp_path) -> None:
    (tmp_path / "runs").mkdir()
    pinned = recommend(
        example("diabetes"), "--target", "progression", "--pin", "loss=mae", "--reason", "habit", "--format", "json"
    )
    record = json.dumps(json.loads(pinned.out)["record"])
    (tmp_path / "runs" / "record.json").write_text(record, encoding="utf-8")
    ended = recommend("rules", "diff", "shipped", write_book(FEW_ROWS), "--corpus", "runs")
    assert ended.words.endswith("The bundle changes for 0 of 1 recorded datasets.")


# new ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_new_writes_a_rule_that_is_proved_tested_and_used(recommend, tmp_path) -> None:
    ended = recommend(
        *("rules", "new", "loss", "--then", "huber", "--when", "task=regression", "--when", "rows<500"),
        *("--because", "our targets have tails", "--author", "Ada"),
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Wrote C900 to mine.yaml.\nC900 decides: task is regression, rows < 500")
    assert "The merged book is proved." in ended.out
    assert load_book([*SHIPPED_LAYERS, tmp_path / "mine.yaml"]).book.by_id["C900"].author == "Ada"
    for verb in ("check", "test", "coverage"):
        assert recommend("rules", verb, "mine.yaml").code == 0


def test_new_in_json_names_the_rule_the_book_and_what_the_proof_finds(recommend) -> None:
    ended = recommend(
        *("rules", "new", "metric", "--then", "mae", "--when", "task=binary", "--because", "habit"), "--format", "json"
    )
    found = json.loads(ended.out)
    assert (ended.code, found["rule"], found["book"]) == (1, "P900", "mine.yaml")
    assert "B002" in found["findings"][0]["problem"]


def test_new_ends_with_the_finding_where_the_book_is_not_proved(recommend) -> None:
    ended = recommend("rules", "new", "metric", "--then", "mae", "--when", "task=binary", "--because", "habit")
    assert ended.code == 1
    assert "Wrote P900 to mine.yaml." in ended.words
    assert "B002" in ended.words


@pytest.mark.parametrize("wrong", [("--then", "hubber"), ("--then", "huber", "--when", "rowz>5")])
def test_new_writes_nothing_if_an_argument_is_invalid(wrong, recommend, tmp_path) -> None:
    ended = recommend("rules", "new", "loss", *wrong, "--because", "habit")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_new_adds_to_a_book_that_the_settings_name_by_whatever_path(recommend, tmp_path) -> None:
    (tmp_path / "pcwat.toml").write_text('book = ["mine.yaml"]', encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "rules:\n- id: N900\n  name: a\n  when: {rows: {lt: 9}}\n  then: {activation: tanh}\n"
        "  because: b\n  source: {reason: c}\n",
        encoding="utf-8",
    )
    path = tmp_path / "mine.yaml"
    ended = recommend(
        "rules", "new", "activation", "--then", "selu", "--when", "rows>=5000", "--because", "d", "--book", path
    )
    assert (ended.code, ended.err) == (0, "")
    assert "Wrote N901" in ended.out


def test_new_wants_a_file(recommend, tmp_path) -> None:
    ended = recommend("rules", "new", "activation", "--then", "selu", "--because", "d", "--book", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "must be a file to write the rule to" in ended.err
