"""The status of guardrails and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.decision.record import Guardrail


GRAVEST_FIRST: Final = ("alerted", "done", "passed")


def in_order(guardrails: Iterable[Guardrail]) -> tuple[Guardrail, ...]:
    """What a person should look at, then what was done, then what passed; otherwise as they came."""
    return tuple(sorted(guardrails, key=lambda one: GRAVEST_FIRST.index(one.status)))


def not_passed(guardrails: Iterable[Guardrail]) -> tuple[Guardrail, ...]:
    """What is worth a line on a terminal."""
    return tuple(one for one in guardrails if one.status != "passed")
