"""Whether the rows that judge look like the rows that train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.profile.characteristics.drift import DRIFT
from rules.decision.record import Guardrail
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.profile.characteristics.drift import Drift
    from recommender.roles.roles import Roles
    from rules.decision.record import Status

DRIFT_NAME: Final = "drift"


def check_drift(roles: Roles, drifts: Sequence[Drift], words: str | None) -> Guardrail:
    """The columns that differ between two parts, or how much the one does that differs most.

    words: which parts were compared; None where the parts are not known yet, for they will be drawn at random.
    """
    if words is None:
        by = f" by {roles.entity_column!r}" if roles.entity_column is not None else ""
        message = f"Hold-out rows will be drawn at random{by}: they differ from training rows by chance only."
        return Guardrail(name=DRIFT_NAME, status="passed", message=message)
    if not drifts:
        learned = "only the past of the target" if roles.task is Task.FORECASTING else "no column that can be compared"
        message = f"No column can differ between {words}: a model reads {learned}."
        return Guardrail(name=DRIFT_NAME, status="passed", message=message)
    far = [one for one in drifts if one.is_drift]
    worst = max(far or drifts, key=lambda one: one.distance)
    found = f"{worst.measure} {worst.distance:.3f}"
    if not far:
        why = f"under {DRIFT:g}" if worst.distance < DRIFT else f"chance explains up to {min(worst.chance, 1):.3f}"
        message = f"No column differs between {words}: the most does {worst.column!r} ({found}, {why})."
        return _guardrail("passed", message, (worst.column,), worst)
    columns = tuple(dict.fromkeys(one.column for one in far))
    who = (
        f"{worst.column!r} differs between {words} ({found}"
        if len(columns) == 1
        else f"{len(columns):,} columns differ between {words}, most {worst.column!r} ({found}"
    )
    helps = f"Check the column, or leave it out with --kind '{worst.column}=identifier'."
    if roles.has_images or roles.has_sequences:
        helps = f"Check where these {'images' if roles.has_images else 'sequences'} come from."
    message = f"{who}, at least {DRIFT:g}): the score shows how a model bears that. {helps}"
    return _guardrail("alerted", message, columns, worst)


def _guardrail(status: Status, message: str, columns: tuple[str, ...], worst: Drift) -> Guardrail:
    return Guardrail(
        name=DRIFT_NAME,
        status=status,
        message=message,
        columns=columns,
        value=worst.distance,
        threshold=DRIFT if worst.is_drift or worst.distance < DRIFT else min(worst.chance, 1),
        unit=worst.measure,
    )
