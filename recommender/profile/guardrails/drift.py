"""Check for drift between training and hold-out rows."""

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
    """Check whether columns differ between two parts of the split.

    words: text of the compared parts; None if they are not known yet, since the split is random.
    """
    if words is None:
        by = f" by {roles.entity_column!r}" if roles.entity_column is not None else ""
        message = f"Hold-out rows are selected at random{by}, so they differ from training rows only by chance."
        return Guardrail(name=DRIFT_NAME, status="passed", message=message)
    if not drifts:
        why = (
            "the model uses only the past of the target" if roles.task is Task.FORECASTING else "no comparable features"
        )
        message = f"No drift between {words}: {why}."
        return Guardrail(name=DRIFT_NAME, status="passed", message=message)
    far = [one for one in drifts if one.is_drift]
    worst = max(far or drifts, key=lambda one: one.distance)
    found = f"{worst.measure} {worst.distance:.3f}"
    if not far:
        why = f"below {DRIFT:g}" if worst.distance < DRIFT else f"up to {min(worst.chance, 1):.3f} by chance"
        message = f"No drift between {words}: {worst.column!r} differs most ({found}, {why})."
        return _guardrail("passed", message, (worst.column,), worst)
    columns = tuple(dict.fromkeys(one.column for one in far))
    who = (
        f"{worst.column!r} differs between {words} ({found}"
        if len(columns) == 1
        else f"{len(columns):,} columns differ between {words}, {worst.column!r} most ({found}"
    )
    fix = f"Check the column, or exclude it with --kind '{worst.column}=identifier'."
    if roles.has_images or roles.has_sequences:
        fix = f"Check the source of these {'images' if roles.has_images else 'sequences'}."
    message = f"{who}, at least {DRIFT:g}). The hold-out score includes the effect of this drift. {fix}"
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
