"""Inference of a column's kind from its summary, with the reason."""

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
    """Kind of a column, with the reason."""

    column: str
    kind: Kind
    reason: str


TOO_EMPTY: Final = 0.95
"""Share of missing values above which a column is excluded (EvalML's `pct_null_threshold`, docs/evidence.md 1)."""
UNIQUE_TEXT: Final = 0.99
"""Share of distinct values above which a column of short text is an identifier (AutoGluon, docs/evidence.md 1)."""
TEXT_UNIQUE_SHARE: Final = 0.01
"""Share of distinct values above which a column may be text (AutoGluon, docs/evidence.md 1)."""
TEXT_WORDS: Final = 3.0
"""Average words per value from which a column is text (AutoGluon, docs/evidence.md 1)."""
LONE_TEXT_WORDS: Final = 5.0
"""The same for the only feature (docs/evidence.md 1)."""
TIME_SHARE: Final = 0.8
"""Share of text values that parse as times from which the others look like mistakes (AutoGluon, docs/evidence.md 1)."""
MAX_ORDINAL_INTEGERS: Final = 20
"""Distinct integers up to which a column is ordinal or classes, not a quantity (docs/evidence.md 1, target type)."""
MANY_CODES: Final = 10_000
"""Distinct values above which integers with the name of a code are a quantity or an identifier."""
MIN_CODES: Final = 3
EXACT_INTEGER: Final = 2**53
"""Largest integer up to which all integers are exact as doubles."""

MOSTLY_NUMBERS: Final = 0.8
"""Share of numbers in a text column from which the other values look like mistakes."""
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
"""Scales of ordinal categories, each from low to high."""


def comma_use(summary: ColumnSummary) -> str:
    """Meaning of commas in text that would otherwise be numbers; empty if there are none."""
    uses = {"thousands separators": summary.grouped, "decimal commas": summary.decimal_commas}
    return " or ".join(use for use, share in uses.items() if share >= MOSTLY_NUMBERS and share > summary.numbers)


def infer_kind(summary: ColumnSummary, *, alone: bool = False) -> Role:
    """Kind of a column from its summary. alone: whether it is the only feature.

    Ordinal categories are recognised by `grade`.
    """
    kind, reason = _kind(summary, TEXT_WORDS if not alone else LONE_TEXT_WORDS)
    return Role(column=summary.name, kind=kind, reason=reason)


def grade(categories: Sequence[str]) -> str | None:
    """Reason why categories are ordinal, or None.

    >>> grade(["high risk", "low risk", "mid risk"])
    'ordinal categories: low risk < mid risk < high risk'
    """
    common = _common_ending(categories)
    bare = {category: category.lower().removesuffix(common).strip() for category in categories}
    for scale in SCALES:
        if len(bare) >= MIN_CODES and set(bare.values()) <= set(scale):
            ordered = sorted(categories, key=lambda category: scale.index(bare[category]))
            return f"ordinal categories: {' < '.join(ordered)}"
    return None


def _common_ending(categories: Sequence[str]) -> str:
    """The last word that all categories share ("risk" in "low risk"), with its space; empty if there is none."""
    endings = {category.lower().rpartition(" ")[2] for category in categories if " " in category.strip()}
    shared = len(endings) == 1 and all(" " in category.strip() for category in categories)
    return f" {endings.pop()}" if shared else ""


def _kind(summary: ColumnSummary, text_words: float) -> tuple[Kind, str]:  # noqa: PLR0911  the first matching test decides
    distinct = f"{'' if summary.exact else 'about '}{summary.distinct:,} distinct values"
    if summary.count == 0:
        return Kind.CONSTANT, "all values are missing"
    if summary.missing_share > TOO_EMPTY:
        return Kind.CONSTANT, f"{summary.missing_share:.1%} of its values are missing (above {TOO_EMPTY:.0%})"
    if summary.distinct == 1 and not summary.missing:
        return Kind.CONSTANT, "all rows have the same value"
    if is_image(summary.storage):
        return Kind.IMAGE, "an array of images"
    if summary.storage == "BOOLEAN":
        return Kind.BOOLEAN, "true or false"
    if is_time_stamp(summary.storage):
        return Kind.DATETIME, f"type {summary.storage}"
    if is_integer(summary.storage) or is_float(summary.storage):
        return _kind_of_numbers(summary, distinct)
    if is_text(summary.storage):
        return _kind_of_texts(summary, distinct, text_words)
    return Kind.CATEGORICAL, f"type {summary.storage}, {distinct}"


def _kind_of_numbers(summary: ColumnSummary, distinct: str) -> tuple[Kind, str]:  # noqa: PLR0911  as above
    if not summary.whole:
        return Kind.NUMERIC, f"numbers with decimals, {distinct}"
    if summary.counts_rows and summary.rows > MAX_ORDINAL_INTEGERS:
        return Kind.IDENTIFIER, "integers that increase by one from row to row"
    if _repeats_row_numbers(summary):
        return Kind.IDENTIFIER, "unnamed column of row numbers, such as the index of a pandas table"
    if summary.distinct == summary.count > MAX_ORDINAL_INTEGERS and is_identifier_name(summary.name):
        return Kind.IDENTIFIER, "all values are unique, and it has the name of an identifier"
    if (summary.minimum, summary.maximum) == (0, 1):
        return Kind.BOOLEAN, "0 or 1"
    if summary.storage == "HUGEINT" and max(abs(summary.minimum or 0), abs(summary.maximum or 0)) > EXACT_INTEGER:
        unique = summary.unique_share > UNIQUE_TEXT and summary.count > MAX_ORDINAL_INTEGERS
        reason = f"integers above 2^53, which are not exact as doubles, {distinct}"
        return (Kind.IDENTIFIER if unique else Kind.INTEGER_CODE), reason
    coded = bool(set(words_of(summary.name)[-1:]) & CODE_WORDS)
    if coded and MIN_CODES <= summary.distinct <= MANY_CODES:
        return Kind.INTEGER_CODE, f"integers, {distinct}, and it has the name of a code"
    if summary.distinct <= MAX_ORDINAL_INTEGERS:
        return Kind.ORDINAL, f"integers, {distinct} (at most {MAX_ORDINAL_INTEGERS})"
    return Kind.NUMERIC, f"integers, {distinct}"


def _repeats_row_numbers(summary: ColumnSummary) -> bool:
    """Whether an unnamed column contains each number from 0 or 1 to its maximum."""
    if not ROW_NUMBER_NAMES.fullmatch(summary.name.strip()) or summary.missing:
        return False
    low, high = summary.minimum, summary.maximum
    return low in {0, 1} and high is not None and MAX_ORDINAL_INTEGERS < summary.distinct == high - low + 1


def _kind_of_texts(summary: ColumnSummary, distinct: str, text_words: float) -> tuple[Kind, str]:
    many = summary.unique_share > TEXT_UNIQUE_SHARE and summary.distinct > MAX_ORDINAL_INTEGERS
    if many and summary.words >= text_words:
        return Kind.TEXT, f"{summary.words:.1f} words per value, {summary.unique_share:.0%} distinct values"
    if summary.unique_share > UNIQUE_TEXT and summary.count > MAX_ORDINAL_INTEGERS:
        return Kind.IDENTIFIER, f"{summary.unique_share:.1%} distinct values (above {UNIQUE_TEXT:.0%})"
    return Kind.CATEGORICAL, f"text, {distinct}"
