"""Whether rows are enough, whole, and different from each other."""

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

FEW_ROWS: Final = 200
"""Rows under which every score is a guess (Ludwig's minimum, docs/evidence.md 1, size)."""
DUPLICATES: Final = 0.01
"""Share of rows that repeat another from which the split matters: under it no score moves visibly."""


def check_rows(roles: Roles, measured: Mapping[str, Characteristic]) -> Iterator[Guardrail]:
    """How many rows there are, how many are left out, repeat another, or are empty."""
    rows, without = measured_number(measured, "rows"), measured_number(measured, "unlabelled_rows")
    if without:
        yield Guardrail(
            name="rows_without_target",
            status="done",
            message=(
                f"{without:,.0f} of {rows + without:,.0f} rows {'has' if without == 1 else 'have'} no target and "
                f"{'was' if without == 1 else 'were'} left out."
            ),
            value=without,
            threshold=0,
            unit="rows",
        )
    few = rows < FEW_ROWS
    yield Guardrail(
        name="few_rows",
        status="alerted" if few else "passed",
        message=(
            f"{counted(rows, 'row')} are few (under {FEW_ROWS}): expect scores to vary much from split to split; "
            "collect more."
            if few
            else f"{rows:,.0f} rows are enough to set some aside for judging (at least {FEW_ROWS})."
        ),
        value=rows,
        threshold=FEW_ROWS,
        unit="rows",
    )
    yield _of_copies(roles, measured)
    if empty := measured_number(measured, "empty_row_share"):
        yield Guardrail(
            name="empty_rows",
            status="alerted",
            message=(
                f"{empty:.1%} of the rows have more than {EMPTY_ROW:.0%} of their cells empty; they were kept. Remove "
                "them if they stand for nothing."
            ),
            value=empty,
            threshold=0,
            unit="fraction of rows",
        )


def _of_copies(roles: Roles, measured: Mapping[str, Characteristic]) -> Guardrail:
    """What the split does about rows that look alike, as `executor.data.duplicates` tells copies from common cases."""
    alike = measured_number(measured, "alike_share")
    found = f"{alike:.1%} of the rows equal an earlier row in all that is learned from"
    if alike < DUPLICATES:
        message = f"{found} (under {DUPLICATES:.0%})." if alike else "No row repeats an earlier one."
        return _copies(alike, "passed", message)
    if roles.split_column is not None:
        message = f"{found}; {roles.split_column!r} may put copies on both sides of the split: remove them if it does."
        return _copies(alike, "alerted", message)
    if roles.task is Task.FORECASTING and roles.time_column is None:
        return _copies(alike, "passed", f"{found}, as the values of a series may; it is cut in the file's order.")
    if roles.time_column is not None or roles.entity_column is not None:
        together = roles.entity_column or roles.time_column
        message = f"{found}; rows of one {together!r} are kept on one side of the split."
        return _copies(alike, "done", message)
    return _of_copies_by_chance(alike, found, measured)


def _of_copies_by_chance(alike: float, found: str, measured: Mapping[str, Characteristic]) -> Guardrail:
    """The same where rows are divided by chance; found: how many there are, in words."""
    most = measured_number(measured, "most_alike_share")
    differing = measured_number(measured, "alike_unlike_target_share")
    if differing > MAX_CONTRADICTING_SHARE:
        message = (
            f"{found}, and {differing:.0%} of such groups differ in the target: they count as different cases that "
            "look alike, and are split as any others."
        )
        return _copies(alike, "done", message)
    if most > MAX_REPEAT:
        message = (
            f"{found}, the most frequent one {most:.1%} of all: they count as common cases and are split as any "
            "others. If they are copies of one record, remove them."
        )
        return _copies(alike, "alerted", message)
    message = f"{found}; copies are kept on one side of the split, and the hold-out's interval counts them as one."
    return _copies(alike, "done", message)


def _copies(share: float, status: Status, message: str) -> Guardrail:
    return Guardrail(
        name="duplicate_rows",
        status=status,
        message=message,
        value=share,
        threshold=DUPLICATES,
        unit="fraction of rows",
    )
