from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.errors import BookError
from rules.rulebook.project_settings import layers, settings_books
from rules.rulebook.rulebook import layers_of

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = ("handbook", "evidence")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_without_a_settings_file_the_shipped_rules_stand_alone(tmp_path) -> None:
    assert layers((), start=tmp_path) == SHIPPED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pcwat.toml", 'book = ["mine.yaml"]'),
        ("pcwat.toml", 'book = "mine.yaml"'),
        ("pyproject.toml", '[tool.pcwat]\nbook = ["mine.yaml"]'),
    ],
)
def test_a_settings_file_names_the_books(name: str, text: str, tmp_path) -> None:
    write(tmp_path / name, text)
    assert layers((), start=tmp_path) == (*SHIPPED, "mine.yaml")


def test_a_settings_file_in_a_parent_folder_is_found_and_its_paths_are_relative_to_it(tmp_path) -> None:
    write(tmp_path / "pcwat.toml", 'book = ["handbook", "books/mine.yaml"]')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert layers((), start=below) == ("handbook", str(tmp_path / "books/mine.yaml"))


def test_the_nearest_settings_file_counts_and_pcwat_toml_before_pyproject(tmp_path) -> None:
    write(tmp_path / "pcwat.toml", 'book = ["far.yaml"]')
    write(tmp_path / "a" / "pcwat.toml", 'book = ["near.yaml"]')
    write(tmp_path / "a" / "pyproject.toml", '[tool.pcwat]\nbook = ["other.yaml"]')
    assert settings_books(tmp_path / "a") == ("near.yaml",)


def test_a_pyproject_that_says_nothing_of_pcwat_is_passed_over(tmp_path) -> None:
    write(tmp_path / "pcwat.toml", 'book = ["mine.yaml"]')
    write(tmp_path / "a" / "pyproject.toml", "[tool.ruff]\nline-length = 120")
    assert settings_books(tmp_path / "a") == (str(tmp_path / "mine.yaml"),)


def test_what_the_command_line_says_goes_before_the_settings(tmp_path) -> None:
    write(tmp_path / "pcwat.toml", 'book = ["mine.yaml"]')
    assert layers(["handbook"], start=tmp_path) == ("handbook",)


def test_a_layer_that_is_named_twice_counts_once(tmp_path) -> None:
    assert layers(["shipped", "handbook"], start=tmp_path) == SHIPPED
    assert layers(["mine.yaml", "mine.yaml"], start=tmp_path) == (*SHIPPED, "mine.yaml")


def test_a_path_with_a_plus_sign_is_one_book(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "c++.yaml", "rules: []")
    assert layers_of("c++.yaml") == (*SHIPPED, "c++.yaml")
    assert layers_of("handbook+mine.yaml") == ("handbook", "mine.yaml")


BAD = {
    "a misspelt setting": ("pcwat.toml", "bok = []", r"pcwat.toml: .* but got 'bok'\. Did you mean 'book'\?"),
    "a misspelt setting in pyproject": ("pyproject.toml", "[tool.pcwat]\nbok = []", r"pyproject.toml: .* 'book'\?"),
    "no TOML": ("pcwat.toml", "book = [", "pcwat.toml cannot be read as TOML: "),
    "a number for a path": (
        "pcwat.toml",
        "book = 3",
        "pcwat.toml: 'book' must be a path, or a list of paths, but got 3",
    ),
    "a number among paths": ("pcwat.toml", "book = ['a', 3]", "but got \\['a', 3\\]"),
    "an integer of 5,000 digits": ("pcwat.toml", f"book = {'9' * 5_000}", "cannot be read as TOML: "),
    "5,000 brackets": ("pcwat.toml", f"book = {'[' * 5_000}", "cannot be read as TOML: it is nested too deeply"),
    "a deep dotted key": (
        "pcwat.toml",
        f"book.{'a.' * 2_000}a = 1",
        "and a table for each command|must be a path|TOML",
    ),
    "a word for the table": (
        "pyproject.toml",
        "[tool]\npcwat = 'mine.yaml'",
        r"'pcwat' must be a table, as in \[tool.pcwat\]",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_settings_file_is_refused_by_name(case: str, tmp_path) -> None:
    name, text, message = BAD[case]
    write(tmp_path / name, text)
    with pytest.raises(BookError, match=message):
        settings_books(tmp_path)
