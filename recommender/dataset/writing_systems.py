"""Unicode scripts without spaces between words, whose characters are used as words."""

from __future__ import annotations

from typing import Final

RANGES: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x2FA1F),  # Han, extensions B to F
)
"""First and last character of blocks of the Unicode Standard."""
SPACELESS: Final = "".join(f"{chr(first)}-{chr(last)}" for first, last in RANGES)
"""Content of a character class of a regular expression, in Python and RE2 (DuckDB, TensorFlow)."""
CHARACTERS_A_WORD: Final = 2
"""Characters per word: most Chinese words have two."""
