"""Checks of columns: identifiers, constants, missing values, categories, names, and times or numbers read as text."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from recommender.dataset.column_names import is_number_name
from recommender.dataset.sql import is_text, quoted, time_stamp
from recommender.profile.guardrails.readings import quoted_exceptions
from recommender.roles.infer_kind import COMMA_REMEDY, MOSTLY_NUMBERS, TIME_SHARE, TOO_EMPTY, UNIQUE_TEXT, comma_use
from rules.decision.record import Guardrail
from rules.text.wording import counted, listed
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.dataset.column_summary import ColumnSummary
    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.types.settle import Note
    from recommender.roles.infer_kind import Role
    from recommender.roles.roles import Roles
    from rules.decision.record import Status

    Summaries = Mapping[str, ColumnSummary]

MAX_MISSING_SHARE: Final = 0.20
"""Share of missing cells above which a column is reported (EvalML, docs/evidence.md 1)."""
MAX_ONE_HOT_CATEGORIES: Final = 50
"""Categories above which a column is embedded (docs/evidence.md 1, category)."""
TEXT_FORMATS: Final = frozenset({"csv", "tsv"})
"""Formats with column names in the first line."""
MIN_VALUES: Final = 2
"""Distinct values, including missing, of a column that is not constant."""
MAX_NAMED: Final = 8
"""Columns in a message."""
CODED: Final = frozenset({Kind.CATEGORICAL, Kind.INTEGER_CODE})


def _named(columns: Sequence[str]) -> str:
    """Column names for a message.

    >>> _named(["a", "b"])
    "'a', 'b'"
    """
    return listed([repr(name) for name in columns], most=MAX_NAMED)


def check_columns(
    roles: Roles, summaries: Summaries, notes: Mapping[str, Note] = MappingProxyType({})
) -> Iterator[Guardrail]:
    """Check columns: excluded ones, missing values, many categories, and numbers read as text."""
    apart = {*roles.targets, roles.time_column, roles.entity_column, roles.split_column, roles.weight_column}
    rest = {name: role for name, role in roles.columns.items() if name not in apart}
    used = {name: summaries[name] for name in roles.features}
    yield from _of_numbers_as_words(roles, summaries, notes)
    if roles.split_column is not None:
        message = f"{roles.split_column!r} is used as the split column, not as a feature."
        yield Guardrail(name="split_column", status="done", message=message, columns=(roles.split_column,))
    yield from _of_identifiers(rest, used)
    yield from _of_constants(rest, used, summaries)
    yield _of_missing(used)
    many = {
        name: one.distinct
        for name, one in used.items()
        if rest[name].kind in CODED and one.distinct > MAX_ONE_HOT_CATEGORIES
    }
    if many:
        message = (
            f"{_named(tuple(many))} {'has' if len(many) == 1 else 'have'} more than {MAX_ONE_HOT_CATEGORIES} "
            "categories "
            f"(up to {max(many.values()):,}), which are embedded."
        )
        yield _of_many("many_levels", "done", message, many, threshold=MAX_ONE_HOT_CATEGORIES, unit="categories")


def check_times(dataset: Dataset, roles: Roles) -> Iterator[Guardrail]:
    """Check columns of dates for ambiguous formats and for values that are not dates."""
    for name, reading in dataset.times.items():
        if reading.alternatives:
            (first, *_) = reading.alternatives
            yield Guardrail(
                name="ambiguous_dates",
                status="alerted",
                message=(
                    f"The dates of {name!r} are read as {reading.format}, but {' and '.join(reading.alternatives)} "
                    f"{'match' if len(reading.alternatives) > 1 else 'matches'} all values as well. "
                    f"Confirm the format with --date-format "
                    f"{name}={reading.format}, or change it with --date-format {name}={first}."
                ),
                columns=(name,),
            )
    for name, summary in dataset.summaries.items():
        if summary.times < TIME_SHARE or roles.columns[name].kind is Kind.DATETIME:
            continue
        wrong = f"{quoted(name)} IS NOT NULL AND {time_stamp(name, summary.storage)} IS NULL"
        found = "they have more than one format"
        if dataset.first_value(name, wrong):  # without the value, since records contain no cells
            found = f"not the one in row {dataset.first_row(wrong):,}"
        yield Guardrail(
            name="times_as_words",
            status="alerted",
            message=f"{summary.times:.0%} of the values of {name!r} are dates or times, but {found}, so the column is "
            "read as text. Correct the values or make them empty.",
            columns=(name,),
            value=summary.times,
            threshold=TIME_SHARE,
            unit="fraction of values",
        )


def check_names(dataset: Dataset) -> Iterator[Guardrail]:
    """Check whether the header of a text file is a data row."""
    numbers = tuple(name for name in dataset.columns if is_number_name(name))
    if numbers and dataset.format in TEXT_FORMATS:
        yield Guardrail(
            name="numbers_as_names",
            status="alerted",
            message=(
                f"The first line of {dataset.name} was read as column names, but contains numbers: {_named(numbers)}. "
                "If it is a data row, insert a line of column names above it."
            ),
            columns=numbers,
        )


def _of_numbers_as_words(roles: Roles, summaries: Summaries, notes: Mapping[str, Note]) -> Iterator[Guardrail]:
    used = set(roles.features)
    for name, role in roles.columns.items():
        one = summaries[name]
        if commas := comma_use(one):
            message = f"{name!r} has numbers with {commas} and is read as text: {COMMA_REMEDY}."
            yield Guardrail(name="numbers_with_commas", status="alerted", message=message, columns=(name,))
        elif name in used and MOSTLY_NUMBERS <= one.numbers < 1 and role.kind is Kind.CATEGORICAL:
            message = (
                f"Only {one.numbers:.0%} of {name!r} are numbers, so it is read as text. Correct the other values."
            )
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
        name=name, status="done", message=f"Excluded because they {why}: {_named(columns)}{reason}.", columns=columns
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
    message = f"No text column identifies rows: {most!r} is closest, with {words[most]:.1%} distinct values."
    yield _of_many(
        "identifiers", "passed", message, {most: words[most]}, threshold=UNIQUE_TEXT, unit="distinct values per value"
    )


def _of_constants(rest: Mapping[str, Role], used: Summaries, summaries: Summaries) -> Iterator[Guardrail]:
    constants = tuple(name for name, role in rest.items() if role.kind is Kind.CONSTANT)
    shares = {name: summaries[name].missing_share for name in constants}
    empty = {name: share for name, share in shares.items() if share > TOO_EMPTY}
    if empty:
        message = f"Excluded because more than {TOO_EMPTY:.0%} of their cells are empty: {_named(tuple(empty))}."
        yield _of_many("mostly_empty", "done", message, empty, threshold=TOO_EMPTY, unit="fraction of rows")
    same = tuple(name for name in constants if name not in empty)
    if same:
        yield _left_out("constants", "have only one value", same, rest)
    if constants or not used:
        return
    values = {name: one.distinct + (one.missing > 0) for name, one in used.items()}
    fewest = min(values, key=lambda name: values[name])
    yield Guardrail(
        name="constants",
        status="passed",
        message=(
            f"No column is constant: {fewest!r} has the fewest distinct values, {values[fewest]:,} (at least "
            f"{MIN_VALUES})."
        ),
        columns=(fewest,),
        value=values[fewest],
        threshold=MIN_VALUES,
        unit="values",
    )


def _of_missing(used: Summaries) -> Guardrail:
    shares = {name: one.missing_share for name, one in used.items() if one.missing}
    gappy = {name: share for name, share in shares.items() if share > MAX_MISSING_SHARE}
    if gappy:
        message = (
            f"More than {MAX_MISSING_SHARE:.0%} of the values are missing in {_named(tuple(gappy))} (up to "
            f"{max(gappy.values()):.0%}). Numbers are imputed with the median, with a missing-value indicator."
        )
        return _of_many("missing_cells", "done", message, gappy, threshold=MAX_MISSING_SHARE, unit="fraction of rows")
    if not shares:
        return Guardrail(
            name="missing_cells",
            status="passed",
            message="No feature has missing values.",
            value=0,
            threshold=MAX_MISSING_SHARE,
            unit="fraction of rows",
        )
    most = max(shares, key=lambda name: shares[name])
    message = (
        f"No column has more than {MAX_MISSING_SHARE:.0%} missing values: {most!r} has the most, {shares[most]:.1%}."
    )
    return _of_many(
        "missing_cells", "passed", message, {most: shares[most]}, threshold=MAX_MISSING_SHARE, unit="fraction of rows"
    )


def _of_many(
    name: str, status: Status, message: str, columns: Mapping[str, float], *, threshold: float, unit: str
) -> Guardrail:
    """A guardrail about several columns, with the largest of their values."""
    return Guardrail(
        name=name,
        status=status,
        message=message,
        columns=tuple(columns),
        value=max(columns.values()),
        threshold=threshold,
        unit=unit,
    )
