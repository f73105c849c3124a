from __future__ import annotations

import pytest

from rules.text.wording import counted, printable


@pytest.mark.parametrize(("count", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12345, "12,345 rows")])
def test_only_one_is_singular(count: int, shown: str) -> None:
    assert counted(count, "row") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),  # the one-byte form of ESC [
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\u202egpj.exe", r"\u202egpj.exe"),  # turns the reading direction around
        ("größe ☃ 😀", "größe ☃ 😀"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_ends_can_be_kept() -> None:
    assert printable("one\n\x1btwo", keep="\n") == "one\n\\x1btwo"
