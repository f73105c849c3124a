"""How text was read: numbers with units, values that are no numbers, and what counts as missing."""

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
"""Columns or texts that a message names."""
MISSING_CLASS: Final = 0.05
"""Share of rows from which a text that counts as missing may be a class of the target (docs/evidence.md 1, numbers as
words)."""
DOUBTS: Final = {
    "versions": (
        "{name!r} is read as words: its numbers have decimals of different lengths that end in zeros, as the versions "
        "3.9 and 3.10 do. If they are quantities, use --kind {name}=numeric."
    ),
    "digits": (
        "{name!r} is read as words: it holds decimals and integers of so many digits that a number would lose some. If "
        "that does not matter, use --kind {name}=numeric."
    ),
}
DATES: Final = {
    "all": (
        "{name!r} is read as numbers, but every value can also be a date of eight digits, such as 20230105. If they "
        "are dates, use --date-format {name}=%Y%m%d; if not, use --kind {name}=numeric."
    ),
    "most": (
        "{name!r} is read as numbers, but most of its values can also be dates of eight digits, such as 20230105. If "
        "they are dates, use --date-format {name}=%Y%m%d, which names the first value that is none."
    ),
}


def check_readings(dataset: Dataset, roles: Roles) -> Iterator[Guardrail]:
    """What was done with text so that it could be read, and what of it needs the user's eye."""
    for name, note in dataset.notes.items():
        if note.exceptions is not None and not note.doubt:
            message = (
                f"{name!r} is read as numbers, but {counted(note.exceptions.count, 'value')} of {dataset.row_count:,} "
                f"{'is none and counts' if note.exceptions.count == 1 else 'are none and count'} as missing, the "
                f"first in row {note.exceptions.quoted[0][0]:,}. Correct them if they are mistakes."
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
                f"{name!r} holds values of several types and is read as words: {shown}. Write all of its values as "
                "numbers, or all as text in double quotes."
            )
            yield Guardrail(name="mixed_types", status="alerted", message=message, columns=(name,))
        if note.dates:
            message = DATES[note.dates].format(name=name)
            yield Guardrail(name="numbers_like_dates", status="alerted", message=message, columns=(name,))
    yield from _of_formats(dataset)
    yield from _of_missing(dataset, roles)


def quoted_exceptions(exceptions: Exceptions) -> str:
    """Some values that are no numbers, each with its first row, as a sentence.

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
            message=f"Text was read as numbers: {shown}. The numbers are those that are written; 3% is 3.",
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
                    "a class, use --missing none, or --missing TEXT for the texts that are no values."
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
            message=f"Read as missing: {listed(each, most=MAX_NAMED)}. Use --missing none to keep texts as values.",
            columns=tuple(counts),
        )
