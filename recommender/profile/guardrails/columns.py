"""Whether columns hold something to learn from, and hold it in full."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from recommender.dataset.column_names import named_as_number
from recommender.dataset.sql import is_text, quoted, time_stamp
from recommender.profile.guardrails.readings import quoted_exceptions
from recommender.roles.kinds import COMMA_REMEDY, MOSTLY_NUMBERS, TIME_SHARE, TOO_EMPTY, UNIQUE_TEXT, comma_use
from rules.decision.record import Guardrail
from rules.text.wording import counted, listed
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.types.settle import Note
    from recommender.roles.kinds import Role
    from recommender.roles.roles import Roles
    from rules.decision.record import Status

    Summaries = Mapping[str, ColumnSummary]

MISSING: Final = 0.20
"""Share of missing cells from which a column is worth naming (EvalML, docs/evidence.md 1)."""
MANY_LEVELS: Final = 50
"""Levels above which a category is embedded (docs/evidence.md 1, category)."""
TEXT_FORMATS: Final = frozenset({"csv", "tsv"})
"""Formats whose first line holds the names."""
MIN_VALUES: Final = 2
"""Different values, the empty cell counted as one, of a column that tells rows apart."""
MAX_NAMED: Final = 8
"""Columns that a message names."""
CODED: Final = frozenset({Kind.CATEGORICAL, Kind.INTEGER_CODE})


def _named(columns: Sequence[str]) -> str:
    """Columns in a sentence.

    >>> _named(["a", "b"])
    "'a', 'b'"
    """
    return listed([repr(name) for name in columns], most=MAX_NAMED)


def check_columns(
    roles: Roles, summaries: Summaries, notes: Mapping[str, Note] = MappingProxyType({})
) -> Iterator[Guardrail]:
    """What was left out, and what of the rest is empty, has many levels, or holds mistakes."""
    apart = {*roles.targets, roles.time_column, roles.entity_column, roles.split_column}
    rest = {name: role for name, role in roles.columns.items() if name not in apart}
    used = {name: summaries[name] for name in roles.features}
    yield from _of_numbers_as_words(roles, summaries, notes)
    if roles.split_column is not None:
        message = f"{roles.split_column!r} names the parts of a split; it is used for that and not learned from."
        yield Guardrail(name="split_column", status="done", message=message, columns=(roles.split_column,))
    yield from _of_identifiers(rest, used)
    yield from _of_constants(rest, used, summaries)
    yield _of_missing(used)
    many = {name: one.distinct for name, one in used.items() if rest[name].kind in CODED and one.distinct > MANY_LEVELS}
    if many:
        message = f"More than {MANY_LEVELS} levels in {_named(tuple(many))} (up to {max(many.values()):,})"
        yield _of_many(
            "many_levels", "done", f"{message}; they are embedded.", many, threshold=MANY_LEVELS, unit="levels"
        )


def check_times(dataset: Dataset, roles: Roles) -> Iterator[Guardrail]:
    """Whether each column of dates was read in the only format that fits, and whether all its values are dates."""
    for name, reading in dataset.times.items():
        if reading.alternatives:
            (first, *_) = reading.alternatives
            yield Guardrail(
                name="ambiguous_dates",
                status="alerted",
                message=(
                    f"The dates of {name!r} are read as {reading.format}, but {' and '.join(reading.alternatives)} "
                    f"{'fit' if len(reading.alternatives) > 1 else 'fits'} all values as well. "
                    f"Confirm the format with --date-format "
                    f"{name}={reading.format}, or change it with --date-format {name}={first}."
                ),
                columns=(name,),
            )
    for name, summary in dataset.summaries.items():
        if summary.times < TIME_SHARE or roles.columns[name].kind is Kind.DATETIME:
            continue
        wrong = f"{quoted(name)} IS NOT NULL AND {time_stamp(name, summary.storage)} IS NULL"
        found = "they are written in more than one format"
        if dataset.first_value(name, wrong):  # which value is not told: a record holds no cells
            found = f"that of row {dataset.first_row(wrong):,} is not"
        yield Guardrail(
            name="times_as_words",
            status="alerted",
            message=f"{summary.times:.0%} of the values of {name!r} are dates or times, but {found}: the column is "
            "read as words. Correct the values, or leave the cells empty.",
            columns=(name,),
            value=summary.times,
            threshold=TIME_SHARE,
            unit="fraction of values",
        )


def check_names(dataset: Dataset) -> Iterator[Guardrail]:
    """Whether a text file's first line was a row: elsewhere names are written apart from the rows."""
    numbers = tuple(name for name in dataset.columns if named_as_number(name))
    if numbers and dataset.format in TEXT_FORMATS:
        yield Guardrail(
            name="numbers_as_names",
            status="alerted",
            message=(
                f"The first line of {dataset.name} was taken for the names of the columns, and numbers are among them: "
                f"{_named(numbers)}. If it is a row, write a line of names above it."
            ),
            columns=numbers,
        )


def _of_numbers_as_words(roles: Roles, summaries: Summaries, notes: Mapping[str, Note]) -> Iterator[Guardrail]:
    used = set(roles.features)
    for name, role in roles.columns.items():
        one = summaries[name]
        if commas := comma_use(one):
            message = f"{name!r} holds numbers with {commas}, and is read as words: {COMMA_REMEDY}."
            yield Guardrail(name="numbers_with_commas", status="alerted", message=message, columns=(name,))
        elif name in used and MOSTLY_NUMBERS <= one.numbers < 1 and role.kind is Kind.CATEGORICAL:
            message = f"{one.numbers:.0%} of {name!r} are numbers, but not all: it is read as words; mend the rest."
            exceptions = notes[name].exceptions if name in notes else None
            quotes = ""
            if exceptions is not None:
                first = exceptions.quoted[0][0]
                message = (
                    f"{message[:-1]} ({counted(exceptions.count, 'value')}, the first in row {first:,}), or use "
                    f"--missing TEXT or --kind {name}=numeric."
                )
                quotes = quoted_exceptions(exceptions)
            shares = {name: one.numbers}
            found = _of_many(
                "numbers_as_words", "alerted", message, shares, threshold=MOSTLY_NUMBERS, unit="fraction of values"
            )
            yield found.model_copy(update={"quotes": quotes})


def _left_out(name: str, why: str, columns: tuple[str, ...], roles: Mapping[str, Role]) -> Guardrail:
    reason = f" ({roles[columns[0]].reason})" if len(columns) == 1 else ""
    return Guardrail(
        name=name, status="done", message=f"Left out because they {why}: {_named(columns)}{reason}.", columns=columns
    )


def _of_identifiers(rest: Mapping[str, Role], used: Summaries) -> Iterator[Guardrail]:
    identifiers = tuple(name for name, role in rest.items() if role.kind is Kind.IDENTIFIER)
    if identifiers:
        yield _left_out("identifiers", "identify rows", identifiers, rest)
        return
    words = {name: one.unique_share for name, one in used.items() if is_text(one.storage) and rest[name].kind in CODED}
    message = "No column identifies rows."
    if not words:
        yield Guardrail(name="identifiers", status="passed", message=message)
        return
    most = max(words, key=lambda name: words[name])
    message = f"No column of words identifies rows: {most!r} comes nearest, with {words[most]:.1%} different values."
    yield _of_many(
        "identifiers", "passed", message, {most: words[most]}, threshold=UNIQUE_TEXT, unit="distinct values per value"
    )


def _of_constants(rest: Mapping[str, Role], used: Summaries, summaries: Summaries) -> Iterator[Guardrail]:
    constants = tuple(name for name, role in rest.items() if role.kind is Kind.CONSTANT)
    shares = {name: summaries[name].missing_share for name in constants}
    empty = {name: share for name, share in shares.items() if share > TOO_EMPTY}
    if empty:
        message = f"Left out because more than {TOO_EMPTY:.0%} of their cells are empty: {_named(tuple(empty))}."
        yield _of_many("mostly_empty", "done", message, empty, threshold=TOO_EMPTY, unit="fraction of rows")
    same = tuple(name for name in constants if name not in empty)
    if same:
        yield _left_out("constants", "hold one value", same, rest)
    if constants or not used:
        return
    values = {name: one.distinct + (one.missing > 0) for name, one in used.items()}
    fewest = min(values, key=lambda name: values[name])
    yield Guardrail(
        name="constants",
        status="passed",
        message=(
            f"No column is constant: {fewest!r} has the fewest different values, {values[fewest]:,} (at least "
            f"{MIN_VALUES})."
        ),
        columns=(fewest,),
        value=values[fewest],
        threshold=MIN_VALUES,
        unit="values",
    )


def _of_missing(used: Summaries) -> Guardrail:
    shares = {name: one.missing_share for name, one in used.items() if one.missing}
    gappy = {name: share for name, share in shares.items() if share > MISSING}
    if gappy:
        message = (
            f"More than {MISSING:.0%} of the cells are empty in {_named(tuple(gappy))} (up to "
            f"{max(gappy.values()):.0%}): they are marked for the model, and empty numbers count as the median."
        )
        return _of_many("missing_cells", "done", message, gappy, threshold=MISSING, unit="fraction of rows")
    if not shares:
        return Guardrail(
            name="missing_cells",
            status="passed",
            message="No cell to learn from is empty.",
            value=0,
            threshold=MISSING,
            unit="fraction of rows",
        )
    most = max(shares, key=lambda name: shares[name])
    message = f"No column is more than {MISSING:.0%} empty: {most!r} is the most, with {shares[most]:.1%}."
    return _of_many(
        "missing_cells", "passed", message, {most: shares[most]}, threshold=MISSING, unit="fraction of rows"
    )


def _of_many(
    name: str, status: Status, message: str, columns: Mapping[str, float], *, threshold: float, unit: str
) -> Guardrail:
    """A guardrail about several columns, each with its value; the greatest one stands for all."""
    return Guardrail(
        name=name,
        status=status,
        message=message,
        columns=tuple(columns),
        value=max(columns.values()),
        threshold=threshold,
        unit=unit,
    )
