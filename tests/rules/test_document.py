from __future__ import annotations

import pytest

from rules.document import parse
from rules.errors import BookError


def test_numbers_and_words_are_read_as_yaml_1_2_reads_them() -> None:
    read = parse("rate: 1e-3\nanswer: no\n", source="x.yaml", error=BookError)
    assert read.data == {"rate": 0.001, "answer": "no"}


def test_every_value_knows_its_line_and_column() -> None:
    read = parse("rules:\n- id: A\n  when:\n    task: x\n- id: B\n", source="x.yaml", error=BookError)
    assert read.place("rules", 0, "when", "task") == "x.yaml:4:5"
    assert read.place("rules", 1) == "x.yaml:5:3"
    assert read.place("rules", 1, "absent") == "x.yaml:5:3"


def test_a_key_given_twice_is_refused_with_its_line() -> None:
    with pytest.raises(BookError, match=r"x.yaml:3:1: the key 'a' stands here a second time"):
        parse("a: 1\nb: 2\na: 3\n", source="x.yaml", error=BookError)


@pytest.mark.parametrize("text", ["a: [1\n", "a: !!python/object/apply:os.system [ls]\n", "\tx: 1"])
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BookError, match=r"x.yaml:\d+:\d+: "):
        parse(text, source="x.yaml", error=BookError)
