from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.errors import BookError
from rules.rulebook.parsed_books import PARSED, read_shipped, to_json
from rules.rulebook.rulebook import read_layers, shipped_files
from rules.vocabulary.choices import Huber

if TYPE_CHECKING:
    from pathlib import Path

MALFORMED = {
    "an unknown fact": ("id: C900\n  when: {outlier_sher: {ge: 0.1}}\n  then: {loss: huber}", "'outlier_share'", 3),
    "an unknown value": ("id: C900\n  when: {task: regresion}\n  then: {loss: huber}", "'regression'", 3),
    "an unknown choice": ("id: C900\n  when: {}\n  then: {loss: hubber}", "'huber'", 4),
    "an unknown slot": ("id: C900\n  when: {}\n  then: {lost: huber}", "'loss'", 4),
    "an unknown key": ("id: C900\n  when: {}\n  then: {loss: huber}\n  overides: [C001]", "'overrides'", 5),
    "an unknown operator": (
        "id: C900\n  when: {rows: {gte: 4}}\n  then: {loss: huber}",
        "test it with one of lt, le, gt, ge",
        3,
    ),
    "a threshold outside the domain": (
        "id: C900\n  when: {outlier_share: {ge: 1.5}}\n  then: {loss: huber}",
        "from 0 to 1, but got 1.5",
        3,
    ),
    "a word for a number": ("id: C900\n  when: {rows: {ge: many}}\n  then: {loss: huber}", "rows must be a number", 3),
    "a comparison of names": (
        "id: C900\n  when: {task: {ge: binary}}\n  then: {loss: huber}",
        "task is categorical",
        3,
    ),
    "another slot's letter": ("id: P900\n  when: {}\n  then: {loss: huber}", "the id of a rule for loss must be C", 2),
    "two slots at once": ("id: C900\n  when: {}\n  then: {loss: huber, metric: f1}", "must fill one slot", 4),
    "an id that is taken": (
        "id: C001\n  when: {}\n  then: {loss: huber}",
        "is already used at handbook/cost_function",
        2,
    ),
    "a stance that is none": ("id: C900\n  when: {}\n  then: {loss: huber}\n  stance: maybe", "stance", 5),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_rule_is_refused_with_its_line_and_the_remedy(case: str, write_book) -> None:
    rule, message, line = MALFORMED[case]
    path = write_book(rule)
    with pytest.raises(BookError) as refused:
        read_layers(["handbook", "evidence", path])
    assert message in str(refused.value)
    assert f"{path}:{line}:" in str(refused.value)


def test_an_unknown_book_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BookError, match=r"Did you mean 'handbook'\?"):
        read_layers(["handbok"])


def test_the_hash_of_a_layer_changes_with_its_text(write_book) -> None:
    rule = "id: C900\n  when: {}\n  then: {loss: huber}"
    path = write_book(rule)
    before = read_layers([path]).layers[str(path)]
    write_book(rule + "\n  overrides: []")
    assert read_layers([path]).layers[str(path)] != before


def test_thresholds_that_differ_in_the_seventh_digit_have_different_texts_and_digests(write_book) -> None:
    """What :g writes of both is 1.23457e+06."""
    rules = [
        read_layers([write_book(f"id: A900\n  when: {{rows: {{ge: {rows}}}}}\n  then: {{optimizer: adam}}")]).rules[0]
        for rows in (1_234_567, 1_234_568)
    ]
    assert [rule.condition for rule in rules] == ["rows ≥ 1234567", "rows ≥ 1234568"]
    assert rules[0].digest != rules[1].digest


def test_parameters_that_differ_in_the_seventh_digit_have_different_texts() -> None:
    assert str(Huber(delta=1.0000001)) == "huber (delta 1.0000001)"


def test_the_parsed_copy_of_the_shipped_books_is_the_yaml(golden) -> None:
    golden(PARSED, to_json(shipped_files()))


def test_a_shipped_file_that_was_edited_is_parsed_again(tmp_path: Path) -> None:
    name, path = shipped_files()[1]
    edited = tmp_path / path.name
    edited.write_text("# edited\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    places = [read_shipped(file, file.read_bytes(), source=name).place("rules", 0) for file in (path, edited)]
    first = int(places[0].split(":")[1])
    assert places == [f"{name}:{first}:3", f"{name}:{first + 1}:3"]


def test_a_place_that_the_parsed_copy_lacks_is_read_from_the_yaml() -> None:
    name, path = shipped_files()[1]
    document = read_shipped(path, path.read_bytes(), source=name)
    line = int(document.place("rules", 0, "then").split(":")[1])
    assert path.read_text(encoding="utf-8").splitlines()[line - 1].strip().startswith("then:")
