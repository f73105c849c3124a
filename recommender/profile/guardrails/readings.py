"""Checks of how text was read: number formats, values that are not numbers, and missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import is_text
from rules.decision.record import Guardrail
from rules.text.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.types.settle import Exceptions
    from recommender.roles.roles import Roles

MAX_NAMED: Final = 8
"""Columns or values in a message."""
MISSING_CLASS: Final = 0.05
"""Share of rows from which text that counts as missing may be a class of the target (docs/evidence.md 1, numbers as
words)."""
DOUBTS: Final = {
    "versions": (
        "{name!r} is read as text: its numbers have different numbers of decimals with trailing zeros, like the "
        "versions 3.9 and 3.10. If they are quantities, use --kind {name}=numeric."
    ),
    "digits": (
        "{name!r} is read as text: it has decimals and integers with more digits than a float can represent. If the "
        "precision does not matter, use --kind {name}=numeric."
    ),
}
DATES: Final = {
    "all": (
        "{name!r} is read as numbers, but all values can also be dates such as 20230105. If they are dates, use "
        "--date-format {name}=%Y%m%d; otherwise use --kind {name}=numeric."
    ),
    "most": (
        "{name!r} is read as numbers, but most values can also be dates such as 20230105. If they are dates, use "
        "--date-format {name}=%Y%m%d, which reports the first value that is not a date."
    ),
}


def check_readings(dataset: Dataset, roles: Roles) -> Iterator[Guardrail]:
    """Check how text columns were converted, and report conversions that need the user's attention."""
    for name, note in dataset.notes.items():
        if note.exceptions is not None and not note.doubt:
            message = (
                f"{name!r} is read as numbers, but {counted(note.exceptions.count, 'value')} of {dataset.row_count:,} "
                f"{'is not a number and counts' if note.exceptions.count == 1 else 'are not numbers and count'} as "
                f"missing, the first in row {note.exceptions.quoted[0][0]:,}. Correct them if they are mistakes."
            )
            yield Guardrail(
                name="not_numbers",
                status="alerted",
                message=message,
                columns=(name,),
                value=note.exceptions.count / dataset.row_count,
                unit="fraction of rows",
                quotes=quoted_exceptions(note.exceptions),
            )
        if note.doubt in DOUBTS:
            message = DOUBTS[note.doubt].format(name=name)
            yield Guardrail(name="words_like_numbers", status="alerted", message=message, columns=(name,))
        if note.mixed:
            shown = listed([f"{kind} first in row {row:,}" for kind, row in note.mixed], most=MAX_NAMED)
            message = (
                f"{name!r} has values of several types and is read as text: {shown}. Write all values as numbers, or "
                "all as text in double quotes."
            )
            yield Guardrail(name="mixed_types", status="alerted", message=message, columns=(name,))
        if note.dates:
            message = DATES[note.dates].format(name=name)
            yield Guardrail(name="numbers_like_dates", status="alerted", message=message, columns=(name,))
    yield from _of_formats(dataset)
    yield from _of_missing(dataset, roles)


def quoted_exceptions(exceptions: Exceptions) -> str:
    """Sentence with some values that are not numbers, each with its first row.

    >>> from recommender.dataset.readers.types.settle import Exceptions
    >>> quoted_exceptions(Exceptions(count=1, quoted=((201, "Total"),)))
    "They are: 'Total' in row 201."
    """
    shown = listed([f"{value!r} in row {row:,}" for row, value in exceptions.quoted], most=MAX_NAMED)
    return f"They are: {shown}." if len(exceptions.quoted) == exceptions.count else f"Some of them: {shown}."


def _of_formats(dataset: Dataset) -> Iterator[Guardrail]:
    written = {
        name: reading.number.description
        for name, reading in dataset.readings.items()
        if reading.number is not None and reading.number.description
    }
    if written:
        shown = listed([f"{name!r} ({how})" for name, how in written.items()], most=MAX_NAMED)
        yield Guardrail(
            name="number_formats",
            status="done",
            message=f"Text was read as numbers: {shown}. Percentages are not divided by 100: 3% is 3.",
            columns=tuple(written),
        )


def _of_missing(dataset: Dataset, roles: Roles) -> Iterator[Guardrail]:
    counts = {name: note.missing for name, note in dataset.notes.items() if note.missing}
    for name, texts in counts.items():
        share = sum(texts.values()) / dataset.row_count
        if name in roles.targets and share >= MISSING_CLASS and is_text(dataset.storage[name]):
            shown = listed([repr(text) for text in texts], most=MAX_NAMED)
            yield Guardrail(
                name="missing_class",
                status="alerted",
                message=(
                    f"{share:.0%} of the rows have no target, because {shown} in {name!r} counts as missing. If it is "
                    "a class, use --missing none, or --missing TEXT to list what counts as missing."
                ),
                columns=(name,),
                value=share,
                threshold=MISSING_CLASS,
                unit="fraction of rows",
            )
    if counts:
        each = [
            f"{text!r} in {counted(rows, 'row')} of {name!r}"
            for name, texts in counts.items()
            for text, rows in texts.items()
        ]
        yield Guardrail(
            name="missing_texts",
            status="done",
            message=f"Read as missing: {listed(each, most=MAX_NAMED)}. Use --missing none to keep them as values.",
            columns=tuple(counts),
        )
