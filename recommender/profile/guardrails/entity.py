"""Check for several rows of one entity, which a random split would put into several parts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from recommender.profile.characteristics.entity import MIN_ENTITIES
from rules.decision.record import Guardrail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recommender.profile.characteristics.entity import EntityHint
    from recommender.roles.roles import Roles

ENTITY_NAME: Final = "entity"


def check_entity(roles: Roles, hint: EntityHint | None) -> Iterator[Guardrail]:
    """Suggest a column that looks like the entity of several rows, with the option to split by it.

    It is not used automatically, since the data does not show whether new rows will be of new entities.
    """
    if roles.entity_column is not None:
        message = f"Rows with the same {roles.entity_column!r} are in the same part of the split; it is not a feature."
        yield Guardrail(name=ENTITY_NAME, status="done", message=message, columns=(roles.entity_column,))
    elif hint is not None:
        message = (
            f"{hint.column!r} {hint.why}: its {hint.values:,} values have {hint.rows_each:.1f} rows each on average. "
            "Rows with the same value are in several parts of the split, so the score is valid only for known values. "
            f"If new rows will have new values, train with --entity {shlex.quote(hint.column)}."
        )
        yield Guardrail(
            name=ENTITY_NAME,
            status="alerted",
            message=message,
            columns=(hint.column,),
            value=hint.values,
            threshold=MIN_ENTITIES,
            unit="values",
        )
    elif roles.by_chance:
        message = "No column looks like the entity of several rows, so rows are split independently."
        yield Guardrail(name=ENTITY_NAME, status="passed", message=message)
