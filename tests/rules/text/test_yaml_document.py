from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.errors import BookError, ChoiceError
from rules.rulebook.rulebook import read_layers
from rules.text.yaml_document import parse
from rules.vocabulary.bundle import Bundle

if TYPE_CHECKING:
    from pathlib import Path


def test_numbers_and_words_are_read_as_yaml_1_2_reads_them() -> None:
    read = parse("rate: 1e-3\nanswer: no\n", source="x.yaml", error=BookError)
    assert read.data == {"rate": 0.001, "answer": "no"}


def test_every_value_knows_its_line_and_column() -> None:
    read = parse("rules:\n- id: A\n  when:\n    task: x\n- id: B\n", source="x.yaml", error=BookError)
    assert read.place("rules", 0, "when", "task") == "x.yaml:4:5"
    assert read.place("rules", 1) == "x.yaml:5:3"
    assert read.place("rules", 1, "absent") == "x.yaml:5:3"


def test_a_key_given_twice_is_refused_with_its_line() -> None:
    with pytest.raises(BookError, match=r"x.yaml:3:1: duplicate key 'a'"):
        parse("a: 1\nb: 2\na: 3\n", source="x.yaml", error=BookError)


@pytest.mark.parametrize("text", ["a: [1\n", "a: !!python/object/apply:os.system [ls]\n", "\tx: 1"])
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BookError, match=r"x.yaml:\d+:\d+: "):
        parse(text, source="x.yaml", error=BookError)


HOSTILE = {
    "a tag that does not fit": ('a: !!bool "x"', r"1:4: 'x' is not a value of the tag 'bool'"),
    "a number's tag on a word": ('a: !!int "abc"', r"1:4: 'abc' is not a value of the tag 'int'"),
    "a date": ("a: 2001-99-99", r"1:4: the value must be text, .* tag is 'timestamp'"),
    "a time": ("a: 2001-12-14t21:59:43.10-99:99", r"1:4: the value must be text, .* tag is 'timestamp'"),
    "infinity": ("a: .inf", r"1:4: a number must be finite, .* but got \.inf"),
    "a float that overflows": ("a: 1e999", r"1:4: a number must be finite, .* but got 1e999"),
    "not a number": ("a: .nan", r"1:4: a number must be finite, .* but got \.nan"),
    "an integer over 63 bits": ("a: 9223372036854775808", r"1:4: a number must be finite, and a whole one at most"),
    "5,000 digits": (f"a: {'9' * 5_000}", r"1:4: a number may have at most 40 characters"),
    "a NUL": ("a: \0", r"x.yaml: not valid YAML: .* Remove control characters"),
    "a control character": ("a: \x01", r"x.yaml: not valid YAML: .* Remove control characters"),
    "a list that contains itself": ("a: &a\n - *a", r"1:4: the value contains its own alias"),
    "a mapping that contains itself": ("&a\na: *a", r"1:1: the value contains its own alias"),
    "a list as a key": ("? [a]\n: 1", r"1:3: a key must be text, but got a sequence"),
    "null as a key": ("~: 1", r"1:1: a key must be text, but got '~'"),
    "nesting depth 65": ("[" * 65 + "]" * 65, r"1:65: the nesting depth must be at most 64"),
    "100,000 brackets": ("[" * 100_000, r"1:65: the nesting depth must be at most 64"),
    "a set": ("a: !!set {x, y}", r"the value must be text, .* tag is 'set'"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_document_is_refused_with_its_place(case: str) -> None:
    text, message = HOSTILE[case]
    with pytest.raises(BookError, match=message):
        parse(text, source="x.yaml", error=BookError)


def test_aliases_that_multiply_are_refused_before_they_are_written_out() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]  # 9^9 values
    with pytest.raises(BookError, match="with aliases expanded, the file must have at most 100,000 values"):
        parse("\n".join(lines), source="x.yaml", error=BookError)


def test_anchors_and_a_nesting_depth_of_64_are_allowed() -> None:
    assert parse("a: &a [1]\nb: *a\n", source="x.yaml", error=BookError).data == {"a": [1], "b": [1]}
    assert parse("[" * 64 + "]" * 64, source="x.yaml", error=BookError).data is not None


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "folder"])
def test_a_path_that_cannot_be_read_is_an_error_of_its_kind(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ChoiceError, match=r"cannot be read|not a valid path|not a regular file"):
        Bundle.read(tmp_path / name)


BAD_CONSTRAINTS = {
    "forbids nothing": ("{}", "K900 must forbid a choice of at least one slot"),
    "an unknown test": ("{optimizer: {foo: 1}}", r"optimizer must be a value or 'in: \[VALUES\]'"),
    "a number for a list": ("{optimizer: {in: 5}}", r"optimizer must be a value or 'in: \[VALUES\]'"),
}


@pytest.mark.parametrize("case", BAD_CONSTRAINTS)
def test_a_constraint_that_forbids_no_choice_is_refused(case: str, tmp_path: Path) -> None:
    forbid, message = BAD_CONSTRAINTS[case]
    text = f"constraints:\n- id: K900\n  forbid: {forbid}\n  because: x\n"
    (tmp_path / "constraints.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BookError, match=message):
        read_layers([tmp_path])
