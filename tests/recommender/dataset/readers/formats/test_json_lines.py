"""JSON lines that are wide, deep, or no objects with names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from recommender import recommend
from recommender.dataset.dataset import Dataset
from rules.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("columns", [150, 200, 1_000])
def test_an_object_of_many_numbers_is_a_row(tmp_path: Path, columns: int) -> None:
    path = tmp_path / "wide.jsonl"
    names = [f"k{at}" for at in range(columns)]
    path.write_text("".join(json.dumps(dict.fromkeys(names, row + 0.5)) + "\n" for row in range(3)))
    with Dataset.open(path) as dataset:
        assert dataset.columns == tuple(names)
        assert dataset.connection.execute("SELECT k0, k149 FROM dataset").fetchall() == [
            (0.5, 0.5),
            (1.5, 1.5),
            (2.5, 2.5),
        ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1}\n' + '{"a": ' * 9_000 + "1" + "}" * 9_000 + "\n", "line 2 of .* too deeply"),
        ("[" * 100_000 + "]" * 100_000 + "\n", "line 1 of .* too deeply"),
        ('{"a": 1, "": 2}\n', "line 1 of .* has an empty key"),
        ("[1, 2]\n[3, 4]\n", "line 1 of .* is a list"),
        ("5\n6\n", "line 1 of .* is the value 5"),
    ],
)
def test_lines_that_are_no_rows_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(DatasetError, match=says):
        Dataset.open(path)


def test_a_column_may_be_named_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"json": 1}\n{"json": 2}\n')
    with Dataset.open(path) as dataset:
        assert dataset.connection.execute("FROM dataset").fetchall() == [(1,), (2,)]


def test_numbers_and_texts_in_one_column_are_words_with_an_alert_that_names_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"c": "a", "y": 0}\n{"c": 1, "y": 1}\n{"c": null, "y": 2}\n' * 20)
    alerts = {one.name: one.message for one in recommend(path, target="y").profile.guardrails}
    assert "a text first in row 1, a number first in row 2. Write all values as numbers" in alerts["mixed_types"]


def test_numbers_and_texts_of_numbers_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"c": "3"}\n{"c": 1}\n')
    with Dataset.open(path) as dataset:
        assert (dataset.storage["c"], "c" in dataset.notes) == ("BIGINT", False)
