"""Former names on the command line and in the files that it takes: read, shown under their current names, reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from recommender.cli.main import group
from recommender.examples import example
from rules.vocabulary import aliases

if TYPE_CHECKING:
    from click.testing import Result

WINE = ("--target", "cultivar", "--trials", "2")
REPORT = "'rows_apart' was renamed to 'holdout'; both are read.\n"


def recommend(*arguments: object) -> Result:
    ended = CliRunner().invoke(group, [str(one) for one in arguments])
    assert ended.exit_code == 0, ended.output
    return ended


def test_a_pin_under_its_former_name_is_carried_out_and_reported_once() -> None:
    pin = ("--pin", "validation={name: rows_apart, temperature: false}", "--reason", "a test")
    ended = recommend(example("wine"), *WINE, *pin)
    assert "holdout (no temperature scaling)" in ended.stdout
    assert ended.stderr.count(REPORT) == 1
    assert "'temperature' was renamed to 'temperature_scaling'" in ended.stderr
    assert "was renamed" not in recommend(example("wine"), *WINE, *pin, "--quiet").stderr


def test_current_names_are_not_reported() -> None:
    assert "was renamed" not in recommend(example("wine"), *WINE, "--pin", "validation=holdout", "--reason", "a").stderr


def test_a_task_under_its_former_name_is_read() -> None:
    targets = ("--target", "alcohol", "--target", "ash", "--task", "multi_regression", "--trials", "2")
    ended = recommend(example("wine"), *targets)
    assert "'multi_regression' was renamed to 'multioutput_regression'" in ended.stderr


def test_facts_and_choices_of_a_question_are_read_under_their_former_names(tmp_path: Path) -> None:
    record = tmp_path / "decision.json"
    recommend(example("wine"), *WINE, "--record", record)
    assert "holdout" in recommend("audit", "what-if", record, "--set", "division=given").stdout
    assert "cross_validation" in recommend("audit", "why-not", record, "validation=rows_apart").stdout


def test_a_rule_with_former_names_is_written_with_the_current_ones(tmp_path: Path) -> None:
    book = tmp_path / "mine.yaml"
    because = ("--because", "a test", "--book", book)
    recommend("rules", "new", "validation", "--then", "rows_apart", "--when", "division=chance", *because)
    text = book.read_text(encoding="utf-8")
    assert "then: {validation: holdout}" in text
    assert "split: random" in text
    assert "division" not in text


def test_the_documentation_lists_every_former_name() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "override.md").read_text(encoding="utf-8")
    tables = [*aliases.CHOICES.values(), *aliases.PARAMETERS.values(), *aliases.VALUES.values(), aliases.FACTS]
    for renamed in (*tables, *aliases.LEVELS.values()):
        for former, current in renamed.items():
            assert f"| `{former}` | `{current}` |" in page
