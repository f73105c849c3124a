"""Checks of rows: their number, missing targets, empty rows and duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.split_shares import MAX_CONTRADICTING_SHARE, MAX_REPEAT
from recommender.profile.characteristic import measured_number
from recommender.profile.characteristics.features import EMPTY_ROW
from rules.decision.record import Guardrail
from rules.text.wording import counted
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recommender.profile.characteristic import Characteristic
    from recommender.roles.roles import Roles
    from rules.decision.record import Status

MIN_RELIABLE_ROWS: Final = 200
"""Rows below which scores are unreliable (Ludwig's minimum, docs/evidence.md 1, size)."""
MIN_EFFECTIVE_SHARE: Final = 0.2
"""Effective sample size, relative to the rows, below which weights are reported (a design effect of 5, Kish 1965)."""
MIN_DUPLICATE_SHARE: Final = 0.01
"""Share of duplicate rows from which they affect scores visibly."""


def check_rows(roles: Roles, measured: Mapping[str, Characteristic]) -> Iterator[Guardrail]:
    """Check the number of rows, rows without target, weights, duplicate rows and empty rows."""
    rows, without = measured_number(measured, "rows"), measured_number(measured, "unlabelled_rows")
    if without:
        yield Guardrail(
            name="rows_without_target",
            status="done",
            message=(
                f"{without:,.0f} of {rows + without:,.0f} rows {'has' if without == 1 else 'have'} no target and "
                f"{'was' if without == 1 else 'were'} excluded."
            ),
            value=without,
            threshold=0,
            unit="rows",
        )
    if roles.weight_column is not None:
        yield _of_weights(roles.weight_column, rows, measured)
    few = rows < MIN_RELIABLE_ROWS
    yield Guardrail(
        name="few_rows",
        status="alerted" if few else "passed",
        message=(
            f"The dataset has only {counted(rows, 'row')} (fewer than {MIN_RELIABLE_ROWS}), so scores vary "
            "considerably "
            "between splits. Collect more data."
            if few
            else f"{rows:,.0f} rows are enough for a hold-out set (at least {MIN_RELIABLE_ROWS})."
        ),
        value=rows,
        threshold=MIN_RELIABLE_ROWS,
        unit="rows",
    )
    yield _of_duplicates(roles, measured)
    if empty := measured_number(measured, "empty_row_share"):
        yield Guardrail(
            name="empty_rows",
            status="alerted",
            message=(
                f"{empty:.1%} of the rows have more than {EMPTY_ROW:.0%} missing values; they were kept. Remove them "
                "if "
                "they are not valid records."
            ),
            value=empty,
            threshold=0,
            unit="fraction of rows",
        )


def _of_duplicates(roles: Roles, measured: Mapping[str, Characteristic]) -> Guardrail:
    """Report how the split treats duplicate rows, which `executor.data.duplicates` distinguishes from common cases."""
    alike = measured_number(measured, "alike_share")
    found = f"{alike:.1%} of the rows have the same features as an earlier row"
    if alike < MIN_DUPLICATE_SHARE:
        message = (
            f"{found} (less than {MIN_DUPLICATE_SHARE:.0%})." if alike else "No row is a duplicate of an earlier one."
        )
        return _guardrail(alike, "passed", message)
    if roles.split_column is not None:
        message = f"{found}; {roles.split_column!r} may separate duplicates into several parts. Remove them if it does."
        return _guardrail(alike, "alerted", message)
    if roles.task is Task.FORECASTING and roles.time_column is None:
        message = f"{found}, which is normal for a series; it is split in the file's order."
        return _guardrail(alike, "passed", message)
    if roles.time_column is not None or roles.entity_column is not None:
        together = roles.entity_column or roles.time_column
        message = f"{found}; rows with the same {together!r} are in the same part of the split."
        return _guardrail(alike, "done", message)
    return _of_duplicates_in_random_split(alike, found, measured)


def _of_duplicates_in_random_split(alike: float, found: str, measured: Mapping[str, Characteristic]) -> Guardrail:
    """Report duplicates in a random split. found: text of their number."""
    most = measured_number(measured, "most_alike_share")
    differing = measured_number(measured, "alike_unlike_target_share")
    if differing > MAX_CONTRADICTING_SHARE:
        message = (
            f"{found}, and {differing:.0%} of such groups differ in the target, so they are treated as different "
            "records and split independently."
        )
        return _guardrail(alike, "done", message)
    if most > MAX_REPEAT:
        message = (
            f"{found}, the most frequent one in {most:.1%} of all rows, so they are treated as different records and "
            "split independently. If they are duplicates of one record, remove them."
        )
        return _guardrail(alike, "alerted", message)
    message = f"{found}. Duplicates are in the same part of the split, and count once in the interval of the score."
    return _guardrail(alike, "done", message)


def _guardrail(share: float, status: Status, message: str) -> Guardrail:
    return Guardrail(
        name="duplicate_rows",
        status=status,
        message=message,
        value=share,
        threshold=MIN_DUPLICATE_SHARE,
        unit="fraction of rows",
    )


def _of_weights(column: str, rows: float, measured: Mapping[str, Characteristic]) -> Guardrail:
    """The weights, which are alerted where few rows have most of the weight."""
    share, without = (measured_number(measured, name) for name in ("effective_row_share", "weightless_rows"))
    few = share < MIN_EFFECTIVE_SHARE
    message = (
        f"{column!r} weights the rows and is not a feature. The {rows:,.0f} rows make scores as certain as "
        f"{share * rows:,.0f} rows of equal weight."
    )
    if few:
        message += " Few rows have most of the weight. Check the largest weights."
    if without:
        message += f" {counted(int(without), 'row')} with weight 0 {'was' if without == 1 else 'were'} left out."
    return Guardrail(
        name="weights",
        status="alerted" if few else "done",
        message=message,
        columns=(column,),
        value=share,
        threshold=MIN_EFFECTIVE_SHARE,
        unit="fraction of rows",
    )
