"""Whether several rows are of one entity, which a split by chance puts on both sides."""

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
    """The column that looks like the entity of several rows, with the option that splits by it.

    It is offered and not taken: whether new rows come from new entities, and so whether a model may learn the old ones
    by heart, is not in the data.
    """
    if roles.entity_column is not None:
        message = f"Rows of one {roles.entity_column!r} are kept on one side of the split; it is not learned from."
        yield Guardrail(name=ENTITY_NAME, status="done", message=message, columns=(roles.entity_column,))
    elif hint is not None:
        message = (
            f"{hint.column!r} {hint.why}: its {hint.values:,} values have {hint.rows_each:.1f} rows each. Rows of one "
            "value lie on both sides of the split, so the score holds for values that were trained on; if new rows "
            f"are to come from new ones, train with --entity {shlex.quote(hint.column)}."
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
        message = "No column looks like the entity of several rows, so each row is split by itself."
        yield Guardrail(name=ENTITY_NAME, status="passed", message=message)
