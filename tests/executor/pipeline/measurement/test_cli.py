"""`recommend rules measure` and `recommend rules scorecard` as a user calls them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from executor.cli.measure import measure, scorecard
from recommender.examples import example
from rules.errors import MeasurementError
from rules.scorecard.results import read_results
from rules.scorecard.shipped import shipped_scorecard
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "catalogue.csv").write_text(f"name,file,target\nwine,{example('wine')},cultivar\n", encoding="utf-8")
    return tmp_path


def run(command: object, *words: object) -> str:
    result = CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@long_test
def test_measurement_is_continued_and_shown(corpus: Path) -> None:
    output = corpus / "results.jsonl"
    words = ["N", "--against", "tanh", "--corpus", corpus, "--quick", "--seeds", 1, "--pin", "initializer=xavier"]
    words += ["-o", output]
    shown = run(measure, *words)

    assert "relu  decides on 1 dataset" in shown
    results = read_results([output])
    assert {str(one.parsed) for one in results.trainings} == {"relu", "tanh"}
    assert results.datasets["wine"].settings.pins == {"initializer": {"name": "xavier"}}
    assert results.datasets["wine"].rules["initializer"] == ()
    again = json.loads(run(measure, *words, "--format", "json"))
    assert (again["trainings"], again["rules"][0]["rule"]) == (2, "N001")
    assert read_results([output]).trainings == results.trainings


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["optimiser"], "There is no slot and no rule 'optimiser'.*optimizer"),
        (["A999"], "There is no slot and no rule 'A999'"),
        (
            ["A", "--against", "addam"],
            "--against must name a choice of optimizer or 'handbook', but got 'addam'.*'adam'",
        ),
        (["W", "--pin", "initializer=he"], "The slot 'initializer' cannot be both measured and pinned"),
        (["W", "-o", "results.parquet"], "Results are written as JSON lines, but results.parquet"),
        (["metric"], "The slot 'metric' cannot be measured by trainings of equal length"),
        (["X001"], "The slot 'transfer' cannot be measured"),
        (["A101", "--dataset", "wines"], r"has no dataset 'wines'\. Did you mean 'wine'"),
    ],
)
def test_wrong_arguments_are_refused_before_tensorflow_is_imported(
    corpus: Path, words: list[str], message: str
) -> None:
    with pytest.raises(MeasurementError, match=message):
        run(measure, "--corpus", corpus, "-o", corpus / "results.jsonl", *words)
    assert not (corpus / "results.jsonl").exists()


def test_shipped_scorecard_is_shown_without_arguments() -> None:
    assert json.loads(run(scorecard, "--format", "json")) == json.loads(shipped_scorecard().model_dump_json())
    assert f"{shipped_scorecard().trainings:,} trainings on" in run(scorecard)


def test_page_is_written_with_its_plots(corpus: Path) -> None:
    run(scorecard, "-o", corpus / "scorecard.md")

    page = (corpus / "scorecard.md").read_text(encoding="utf-8")
    for picture in (corpus / "pictures").iterdir():
        assert f"pictures/{picture.name}" in page
        assert picture.read_text(encoding="utf-8").startswith("<svg ")


def test_empty_results_are_refused(corpus: Path) -> None:
    (corpus / "empty.jsonl").touch()
    with pytest.raises(MeasurementError, match="has no trainings"):
        run(scorecard, corpus / "empty.jsonl")
