"""Whether the order of the rows means something that the split should know."""

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
    """The steps of a time column; or whether rows without one seem to be in an order."""
    if roles.time_column is not None:
        yield from _of_time(roles.time_column, measured)
    elif roles.task is Task.FORECASTING:
        yield Guardrail(
            name="file_order",
            status="alerted",
            message="No column tells the time, so the order of the rows in the file is taken as time: check that they "
            "are one series from past to future, or name its column with --time.",
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
                else f"Only {share:.0%} of the steps of {time!r} are equal (under {REGULAR_SHARE:.0%}): add missing "
                "rows, or name the column that tells series apart with --entity."
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
                f"{counted(repeats, 'row')} {'has' if repeats == 1 else 'have'} the {time!r} of the row before and "
                f"{'keeps' if repeats == 1 else 'keep'} the file's order; if they are several series, name the "
                "column that tells them apart with --entity."
            ),
            columns=(time,),
            value=repeats,
            threshold=0,
            unit="rows",
        )


def _of_file(roles: Roles, measured: Mapping[str, Characteristic]) -> Guardrail:
    target, tie = roles.targets[0], measured_number(measured, "autocorrelation")
    follows = tie > PERSISTENCE and measured_number(measured, "ljung_box_p") < CHANCE
    found = f"{target!r} follows itself from row to row (autocorrelation {tie:.2f})"
    if not follows:
        found = f"{target!r} does not follow itself from row to row (autocorrelation {tie:z.2f})"
        message = f"The rows are in no order that matters: {found}."
    elif roles.split_column is not None:
        message = f"{found}; the rows are split as {roles.split_column!r} says."
    elif roles.entity_column is not None:
        message = f"{found}; rows of one {roles.entity_column!r} are kept on one side of the split."
    else:
        message = (
            f"The rows may be sorted or in order of time: {found}. They are split at random, unless --time or --entity "
            "names the order or the groups."
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
