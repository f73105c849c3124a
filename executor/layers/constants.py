"""Constants of layers that exported models use as well, without TensorFlow."""

from __future__ import annotations

from typing import Final

CLIP: Final = 3.0  # robust standard deviations that a value approaches and never exceeds (RealMLP)
FARTHEST_NUMBER: Final = 1e6  # robust standard deviations; keeps squares finite
DAY: Final = 86_400.0  # seconds
PERIODS: Final = (DAY, 7 * DAY, 365.2425 * DAY)  # seconds of a day, a week, a mean Gregorian year
UNKNOWN: Final = -1  # id of an unknown category without an id for others
HASHES: Final = 2**53  # hash values of terms; collisions are rare, and a float holds each
LETTERS: Final = (3, 4, 5)  # lengths of character n-grams, the surrounding spaces included
OF_LETTERS: Final = "\x1f"  # prefix of character n-grams; words contain no control characters
