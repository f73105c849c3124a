"""Check of the order of rows, which the split should respect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.profile.characteristic import measured_number
from recommender.roles.time_order import CHANCE, PERSISTENCE, REGULAR_SHARE
from rules.decision.record import Guardrail
from rules.text.wording import counted
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recommender.profile.characteristic import Characteristic
    from recommender.roles.roles import Roles


def check_order(roles: Roles, measured: Mapping[str, Characteristic]) -> Iterator[Guardrail]:
    """Check the steps of a time column, or whether rows without one seem to be ordered."""
    if roles.time_column is not None:
        yield from _of_time(roles.time_column, measured)
    elif roles.task is Task.FORECASTING:
        yield Guardrail(
            name="file_order",
            status="alerted",
            message="There is no time column, so the order of the rows in the file is used. Check that they are one "
            "series from past to future, or give its time column with --time.",
        )
    elif "autocorrelation" in measured:
        yield _of_file(roles, measured)


def _of_time(time: str, measured: Mapping[str, Characteristic]) -> Iterator[Guardrail]:
    if "regular_step_share" in measured:
        share = measured_number(measured, "regular_step_share")
        regular = share >= REGULAR_SHARE
        yield Guardrail(
            name="irregular_steps",
            status="passed" if regular else "alerted",
            message=(
                f"{share:.0%} of the steps of {time!r} are equal (at least {REGULAR_SHARE:.0%})."
                if regular
                else f"Only {share:.0%} of the steps of {time!r} are equal (less than {REGULAR_SHARE:.0%}). Add "
                "missing "
                "rows, or give the column that identifies the series with --entity."
            ),
            columns=(time,),
            value=share,
            threshold=REGULAR_SHARE,
            unit="fraction of steps",
        )
    if repeats := measured_number(measured, "repeated_times"):
        yield Guardrail(
            name="repeated_times",
            status="alerted",
            message=(
                f"{counted(repeats, 'row')} {'has' if repeats == 1 else 'have'} the same {time!r} as the previous row "
                "and "
                f"{'keeps' if repeats == 1 else 'keep'} the file's order. If there are several series, give the column "
                "that identifies them with --entity."
            ),
            columns=(time,),
            value=repeats,
            threshold=0,
            unit="rows",
        )


def _of_file(roles: Roles, measured: Mapping[str, Characteristic]) -> Guardrail:
    target, tie = roles.targets[0], measured_number(measured, "autocorrelation")
    follows = tie > PERSISTENCE and measured_number(measured, "ljung_box_p") < CHANCE
    found = f"{target!r} is autocorrelated from row to row ({tie:.2f})"
    if not follows:
        message = f"The order of the rows does not matter: {target!r} has an autocorrelation of {tie:z.2f}."
    elif roles.split_column is not None:
        message = f"{found}; rows are split by {roles.split_column!r}."
    elif roles.entity_column is not None:
        message = f"{found}; rows with the same {roles.entity_column!r} are in the same part of the split."
    else:
        message = (
            f"The rows may be sorted or in time order: {found}. They are split at random; use --time or --entity if "
            "they have an order or groups."
        )
    apart = roles.split_column is not None or roles.entity_column is not None
    return Guardrail(
        name="sorted_rows",
        status="passed" if not follows else "done" if apart else "alerted",
        message=message,
        columns=(target,),
        value=tie,
        threshold=PERSISTENCE,
        unit="1",
    )
