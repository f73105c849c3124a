"""The page that follows the strategy notes names rules, modules and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from rules.rulebook.rulebook import SHIPPED_LAYERS, read_layers

ROOT: Final = Path(__file__).parents[3]
TEXT: Final = (ROOT / "docs" / "learn" / "notes.md").read_text(encoding="utf-8")
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| sentence")
]
RULES: Final = read_layers(SHIPPED_LAYERS).by_id


def test_the_page_has_a_row_with_a_place_and_a_test_for_each_sentence() -> None:
    assert len(ROWS) > 80
    assert all(len(row) == 3 and re.fullmatch(r"`tests/[\w/]+\.py::test_\w+`", row[2]) for row in ROWS)


@pytest.mark.parametrize("rule", sorted(set(re.findall(r"\b[A-Z]\d{3}\b", TEXT))))
def test_a_rule_that_the_page_names_exists(rule: str) -> None:
    assert rule in RULES


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:rules|recommender|executor|docs)/[\w/.]+)`", TEXT))))
def test_a_module_that_the_page_names_exists(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("test", sorted({row[2].strip("`") for row in ROWS}))
def test_a_test_that_the_page_names_exists(test: str) -> None:
    path, name = test.split("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_handbook_rule_of_the_notes_is_on_the_page() -> None:
    """Ranges count as all of their rules. Augmentation is in none of the notes' configurations."""
    named = set(re.findall(r"\b[A-Z]\d{3}\b", TEXT))
    for first, last in re.findall(r"\b([A-Z]\d{3}) to ([A-Z]\d{3})\b", TEXT):
        named |= {f"{first[0]}{number:03}" for number in range(int(first[1:]), int(last[1:]) + 1)}
    assert {rule.id for rule in RULES.values() if rule.layer == "handbook"} - named == {"D001"}
