"""From sentences to a model and its answers, with and without spaces between words, alone and beside other columns."""

from __future__ import annotations

import csv
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from executor import train
from recommender.cli.main import group
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path

    from executor.runs.run import Run
    from rules.decision.trace import Pin

ROWS = 240
ENGLISH = {
    "good": ("a lovely {} indeed", "what a fine {}", "the {} was not bad at all"),
    "bad": ("a dreadful {} indeed", "what a poor {}", "the {} was not good at all"),
}
CHINESE = {"good": ("这个{}很好", "我喜欢这个{}", "{}不坏"), "bad": ("这个{}很坏", "我讨厌这个{}", "{}不好")}
THINGS = {
    "english": [f"thing{number}" for number in range(40)],
    "chinese": [*"山水火木金土日月星云雨风雪花草树鱼鸟马牛羊"],
}


def sentences(language: str, *, seed: int) -> pl.DataFrame:
    """Sentences and whether they praise; of the third kind of each only the order of words tells."""
    random = np.random.default_rng(seed)
    patterns = ENGLISH if language == "english" else CHINESE
    labels = [("good", "bad")[row % 2] for row in range(ROWS)]
    things = THINGS[language]
    said = [
        " ".join(
            f"{patterns[label][random.integers(3)].format(things[random.integers(len(things))])}." for _ in range(3)
        )
        for label in labels
    ]
    return pl.DataFrame({"said": said, "mood": labels})


@pytest.fixture(scope="module", params=["english", pytest.param("chinese", marks=long_test)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, one_split: Pin) -> tuple[Run, str]:
    """A run of one trial; tests must not change it."""
    folder = tmp_path_factory.mktemp(request.param)
    path = folder / "texts.csv"
    sentences(request.param, seed=0).write_csv(path)
    return train(path, target="mood", trials=1, pins=[one_split], directory=folder / "run"), request.param


def test_sentences_are_told_as_well_as_by_a_linear_model(run: tuple[Run, str]) -> None:
    trained, _ = run
    scores = trained.scores
    assert trained.record.facts["modality"].value == "text"
    assert trained.bundle.architecture.name == "bag_of_ngrams"
    assert {"constant", "TF-IDF", "gradient boosting"} == set(scores.baselines)
    assert scores.hold_out.value is not None
    assert scores.hold_out.value > 0.95
    assert "training and validation rows" in trained.summary.members_why


def test_new_sentences_go_into_the_saved_model_as_they_are(run: tuple[Run, str], tmp_path: Path) -> None:
    trained, language = run
    new = sentences(language, seed=1)
    rows, output = tmp_path / "new.csv", tmp_path / "out.csv"
    new.drop("mood").write_csv(rows)
    result = CliRunner().invoke(group, ["predict", str(trained.directory), str(rows), "-o", str(output)])
    assert result.exit_code == 0, result.output
    answers = [row["prediction"] for row in csv.DictReader(output.read_text(encoding="utf-8").splitlines())]
    assert np.mean([one == other for one, other in zip(answers, new["mood"], strict=True)]) > 0.95
    with zipfile.ZipFile(trained.directory / "model.keras") as archive:
        assert not [name for name in archive.namelist() if "vocabulary" in name]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, one_split: Pin) -> Run:
    """A table whose number, category and text each tell a third of the target; with a hostile name of a column."""
    random = np.random.default_rng(0)
    words = sentences("english", seed=0)
    size, colour = random.normal(size=ROWS), random.choice(["red", "blue", "green"], ROWS)
    votes = (size > 0).astype(int) + (colour == "red") + (words["mood"] == "good").to_numpy()
    table = words.select(pl.col("said").alias("[red]said[/red]")).with_columns(
        size=pl.Series(size), colour=pl.Series(colour), y=pl.Series(np.where(votes > 1, "yes", "no"))
    )
    return train(table, target="y", trials=1, pins=[one_split], directory=tmp_path_factory.mktemp("mixed") / "run")


def test_numbers_categories_and_texts_of_one_table_train_together(mixed: Run) -> None:
    assert mixed.bundle.architecture.name == "standard"
    assert mixed.record.facts["modality"].value == "tabular"
    assert {"linear", "TF-IDF", "gradient boosting"} <= set(mixed.scores.baselines)
    value, words = mixed.scores.hold_out.value, mixed.scores.baselines["TF-IDF"].value
    assert value is not None
    assert words is not None
    assert value > words
    assert value > 0.8


@long_test
def test_a_process_that_did_not_train_answers_numbers_categories_and_texts(mixed: Run, tmp_path: Path) -> None:
    rows, output = tmp_path / "new.csv", tmp_path / "out.csv"
    new = {
        "[red]said[/red]": ["warm and fresh.", "cold.", ""],
        "size": [1.0, -1.0, None],
        "colour": ["red", "blue", "new"],
    }
    pl.DataFrame(new).write_csv(rows)
    command = [sys.executable, "-c", "from recommender.cli.start import main; main()", "predict", str(mixed.directory)]
    done = subprocess.run([*command, str(rows), "-o", str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert {row["prediction"] for row in answers} <= {"yes", "no"}
    assert len(answers) == len(new["size"])
