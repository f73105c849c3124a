"""The status of guardrails and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.decision.record import Guardrail


STATUS_ORDER: Final = ("alerted", "done", "passed")


def sort_by_status(guardrails: Iterable[Guardrail]) -> tuple[Guardrail, ...]:
    """Guardrails by status: alerted, done, passed; otherwise in the given order."""
    return tuple(sorted(guardrails, key=lambda one: STATUS_ORDER.index(one.status)))


def not_passed(guardrails: Iterable[Guardrail]) -> tuple[Guardrail, ...]:
    """Guardrails that are alerted or done."""
    return tuple(one for one in guardrails if one.status != "passed")
