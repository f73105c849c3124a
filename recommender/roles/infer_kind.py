"""What a column is: its kind, with the measured value that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.dataset.column_names import CODE_WORDS, ROW_NUMBER_NAMES, is_identifier_name, words_of
from recommender.dataset.sql import is_float, is_image, is_integer, is_text, is_time_stamp
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.column_summary import ColumnSummary


UNUSED_KINDS: Final = frozenset({Kind.IDENTIFIER, Kind.CONSTANT})


@dataclass(frozen=True, kw_only=True)
class Role:
    """One column's kind, with the measured value that led to it."""

    column: str
    kind: Kind
    reason: str


TOO_EMPTY: Final = 0.95
"""Share of missing cells above which a column is left out (EvalML's `pct_null_threshold`, docs/evidence.md 1)."""
UNIQUE_TEXT: Final = 0.99
"""Share of distinct values above which a column of short texts is an identifier (AutoGluon, docs/evidence.md 1)."""
TEXT_UNIQUE_SHARE: Final = 0.01
"""Share of distinct values above which a column may be text (AutoGluon, docs/evidence.md 1)."""
TEXT_WORDS: Final = 3.0
"""Mean words a value from which a column is text (AutoGluon, docs/evidence.md 1)."""
LONE_TEXT_WORDS: Final = 5.0
"""The same where it is the only column to learn from (docs/evidence.md 1)."""
TIME_SHARE: Final = 0.8
"""Share of a text's values that parse as time stamps from which the others look like mistakes (AutoGluon,
docs/evidence.md 1)."""
FEW_INTEGERS: Final = 20
"""Distinct whole numbers up to which their order may be a scale, not a quantity (docs/evidence.md 1, target type)."""
MANY_CODES: Final = 10_000
"""Distinct values above which whole numbers with a code's name are a quantity or an identifier."""
MIN_CODES: Final = 3
EXACT_INTEGER: Final = 2**53
"""Up to it a double holds every integer."""

MOSTLY_NUMBERS: Final = 0.8
"""Share of numbers in a column of words from which the other values look like mistakes."""
COMMA_REMEDY: Final = "write 1037.5 for 1,037.5, and 1.5 for 1,5, or use --kind COLUMN=numeric"

SCALES: Final = (
    ("very low", "low", "medium", "mid", "moderate", "average", "normal", "high", "very high"),
    ("very poor", "poor", "fair", "average", "typical", "good", "very good", "premium", "excellent", "ideal"),
    ("po", "fa", "ta", "gd", "ex"),
    ("tiny", "small", "medium", "large", "big", "huge"),
    ("none", "mild", "minor", "moderate", "major", "severe"),
    ("never", "rarely", "seldom", "sometimes", "often", "always"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("vf", "f", "m", "l", "vl"),
)
"""Graded words, each scale from its low to its high end."""


def comma_use(summary: ColumnSummary) -> str:
    """What the commas are for in words that would be numbers without them, or nothing."""
    uses = {"thousands separators": summary.grouped, "decimal commas": summary.decimal_commas}
    return " or ".join(use for use, share in uses.items() if share >= MOSTLY_NUMBERS and share > summary.numbers)


def infer_kind(summary: ColumnSummary, *, alone: bool = False) -> Role:
    """The kind of a column, from its first look alone.

    alone: whether it is the only column to learn from.
    Levels are not looked at: `grade` tells graded words from plain categories.
    """
    kind, reason = _kind(summary, TEXT_WORDS if not alone else LONE_TEXT_WORDS)
    return Role(column=summary.name, kind=kind, reason=reason)


def grade(levels: Sequence[str]) -> str | None:
    """The reason why levels are graded words, or None.

    >>> grade(["high risk", "low risk", "mid risk"])
    'its levels are grades: low risk < mid risk < high risk'
    """
    common = _common_ending(levels)
    bare = {level: level.lower().removesuffix(common).strip() for level in levels}
    for scale in SCALES:
        if len(bare) >= MIN_CODES and set(bare.values()) <= set(scale):
            ordered = sorted(levels, key=lambda level: scale.index(bare[level]))
            return f"its levels are grades: {' < '.join(ordered)}"
    return None


def _common_ending(levels: Sequence[str]) -> str:
    """The last word that all levels share ("risk" of "low risk"), with its space, or nothing."""
    endings = {level.lower().rpartition(" ")[2] for level in levels if " " in level.strip()}
    shared = len(endings) == 1 and all(" " in level.strip() for level in levels)
    return f" {endings.pop()}" if shared else ""


def _kind(summary: ColumnSummary, text_words: float) -> tuple[Kind, str]:  # noqa: PLR0911  the first test that holds decides
    distinct = f"{'' if summary.exact else 'about '}{summary.distinct:,} distinct values"
    if summary.count == 0:
        return Kind.CONSTANT, "every cell is empty"
    if summary.missing_share > TOO_EMPTY:
        return Kind.CONSTANT, f"{summary.missing_share:.1%} of its cells are empty (above {TOO_EMPTY:.0%})"
    if summary.distinct == 1 and not summary.missing:
        return Kind.CONSTANT, "every row holds the same value"
    if is_image(summary.storage):
        return Kind.IMAGE, "an array of images"
    if summary.storage == "BOOLEAN":
        return Kind.BOOLEAN, "true or false"
    if is_time_stamp(summary.storage):
        return Kind.DATETIME, f"stored as {summary.storage}"
    if is_integer(summary.storage) or is_float(summary.storage):
        return _kind_of_numbers(summary, distinct)
    if is_text(summary.storage):
        return _kind_of_texts(summary, distinct, text_words)
    return Kind.CATEGORICAL, f"stored as {summary.storage}, {distinct}"


def _kind_of_numbers(summary: ColumnSummary, distinct: str) -> tuple[Kind, str]:  # noqa: PLR0911  as above
    if not summary.whole:
        return Kind.NUMERIC, f"numbers with decimals, {distinct}"
    if summary.counts_rows and summary.rows > FEW_INTEGERS:
        return Kind.IDENTIFIER, "whole numbers that grow by one from row to row"
    if _repeats_row_numbers(summary):
        return Kind.IDENTIFIER, "a column without a name that counts rows, as pandas writes the index of joined tables"
    if summary.distinct == summary.count > FEW_INTEGERS and is_identifier_name(summary.name):
        return Kind.IDENTIFIER, "every value occurs once, and its name is an identifier's"
    if (summary.minimum, summary.maximum) == (0, 1):
        return Kind.BOOLEAN, "0 or 1"
    if summary.storage == "HUGEINT" and max(abs(summary.minimum or 0), abs(summary.maximum or 0)) > EXACT_INTEGER:
        unique = summary.unique_share > UNIQUE_TEXT and summary.count > FEW_INTEGERS
        reason = f"integers beyond 2^53, of which a double would lose digits, {distinct}"
        return (Kind.IDENTIFIER if unique else Kind.INTEGER_CODE), reason
    coded = bool(set(words_of(summary.name)[-1:]) & CODE_WORDS)
    if coded and MIN_CODES <= summary.distinct <= MANY_CODES:
        return Kind.INTEGER_CODE, f"whole numbers, {distinct}, and its name is a code's"
    if summary.distinct <= FEW_INTEGERS:
        return Kind.ORDINAL, f"whole numbers, {distinct} (at most {FEW_INTEGERS})"
    return Kind.NUMERIC, f"whole numbers, {distinct}"


def _repeats_row_numbers(summary: ColumnSummary) -> bool:
    """Whether a column has the name of one without a header, and holds each number from 0 or 1 to its maximum."""
    if not ROW_NUMBER_NAMES.fullmatch(summary.name.strip()) or summary.missing:
        return False
    low, high = summary.minimum, summary.maximum
    return low in {0, 1} and high is not None and FEW_INTEGERS < summary.distinct == high - low + 1


def _kind_of_texts(summary: ColumnSummary, distinct: str, text_words: float) -> tuple[Kind, str]:
    many = summary.unique_share > TEXT_UNIQUE_SHARE and summary.distinct > FEW_INTEGERS
    if many and summary.words >= text_words:
        return Kind.TEXT, f"{summary.words:.1f} words a value, {summary.unique_share:.0%} of them distinct"
    if summary.unique_share > UNIQUE_TEXT and summary.count > FEW_INTEGERS:
        return Kind.IDENTIFIER, f"{summary.unique_share:.1%} of its values occur once (above {UNIQUE_TEXT:.0%})"
    return Kind.CATEGORICAL, f"words, {distinct}"
