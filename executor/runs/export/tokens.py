"""Words, marks and n-grams of texts as hashes: the tokens of `executor.layers.terms` and `executor.layers.words`."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from executor.layers.constants import LETTERS, OF_LETTERS
from recommender.dataset.writing_systems import SPACELESS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHORTEST: Final = 3  # characters of a word of one letter with its spaces, which is no n-gram
_SPACELESS: Final = re.compile(f"[{SPACELESS}]")
_SPACES: Final = re.compile("[ \t\n\v\f\r]+")  # as TensorFlow splits; Python's split() has more
_ASCII_SPACES: Final = frozenset(" \t\n\f\r")


class _Characters(dict[int, str]):
    """Replacement of each character of a text, computed when it first occurs."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        self._replace = replace

    def __missing__(self, code: int) -> str:
        self[code] = found = self._replace(chr(code))
        return found


def _as_token(character: str) -> str:
    """Marks and characters of scripts without spaces are tokens, all kinds of spaces separate tokens."""
    category = unicodedata.category(character)[0]
    if character in _ASCII_SPACES or category == "Z":
        return " "
    is_part = category in "LNM" and not _SPACELESS.match(character)
    return character if is_part else f" {character} "


def _as_word(character: str) -> str:
    """Only letters and numbers are parts of words."""
    is_part = unicodedata.category(character)[0] in "LN" and not _SPACELESS.match(character)
    return character if is_part else " "


_TOKENS: Final = _Characters(_as_token)
_WORDS: Final = _Characters(_as_word)


def split_tokens(text: str) -> list[str]:
    """Split a text into lower-case words and marks, as `executor.layers.terms.split_tokens`.

    >>> split_tokens("Don't 天气")
    ['don', "'", 't', '天', '气']
    """
    return _split(text.lower().translate(_TOKENS))


def split_words(text: str) -> list[str]:
    """Split a text into words, then characters and their pairs, as `executor.layers.words.word_counts`.

    >>> split_words("It is 天气")
    ['it', 'is', '天', '气', '天气']
    """
    lower = text.lower()
    characters = _SPACELESS.findall(lower)
    return [*_split(lower.translate(_WORDS)), *characters, *(one + two for one, two in pairwise(characters))]


def bigrams(tokens: Sequence[str]) -> list[str]:
    """Join neighbouring tokens."""
    return [f"{one} {two}" for one, two in pairwise(tokens)]


def letter_grams(tokens: Sequence[str]) -> list[str]:
    """Character n-grams of tokens with their surrounding spaces, by length and token.

    >>> [gram[1:] for gram in letter_grams(["ab"])]
    [' ab', 'ab ', ' ab ']
    """
    padded = [f" {token} " for token in tokens]
    return [
        OF_LETTERS + word[start : start + length]
        for length in LETTERS
        for word in padded
        for start in range(len(word) - length + 1)
        if len(word) > SHORTEST
    ]


def _split(text: str) -> list[str]:
    return [part for part in _SPACES.split(text) if part]
