"""Check for leakage: single columns that predict the target almost perfectly."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.decision.record import Guardrail
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recommender.profile.characteristics.features import Hint
    from recommender.roles.roles import Roles

LEAK_CORRELATION: Final = 0.95
"""Correlation with the target from which a column is suspected of leakage (EvalML, docs/evidence.md 1, leakage)."""
BLOCK_CORRELATION: Final = 0.99
"""Correlation from which excluding the column is recommended (Ludwig, docs/evidence.md 1)."""
LEAK_AUC: Final = 0.995
"""ROC AUC of a single column from which it is suspected of leakage (docs/evidence.md 1)."""
LEAK_DETERMINED_SHARE: Final = 0.995
"""Share of rows whose category determines the class from which a column is suspected of leakage."""
MIN_KNOWN_SHARE: Final = 0.5
"""Smallest share of rows, relative to other columns, in which a suspected column is not missing."""
BOUNDS: Final = MappingProxyType(
    {"correlation": LEAK_CORRELATION, "AUC": LEAK_AUC, "determined share": LEAK_DETERMINED_SHARE},
)


def check_leakage(roles: Roles, hints: Sequence[Hint]) -> Iterator[Guardrail]:
    """Check for columns that almost determine a target, the strongest first."""
    most = max((hint.rows for hint in hints), default=0)
    strongest: dict[str, Hint] = {}
    for hint in hints:
        known = strongest.get(hint.column)
        if hint.rows >= MIN_KNOWN_SHARE * most and (known is None or _nearness(hint) > _nearness(known)):
            strongest[hint.column] = hint
    leaks = [hint for hint in strongest.values() if _nearness(hint) >= 1]
    for hint in sorted(leaks, key=lambda one: -abs(one.value)):
        yield _alert(hint)
    if not leaks:
        yield _passed(roles, max(strongest.values(), key=_nearness, default=None))


def _nearness(hint: Hint) -> float:
    """The hint's value as a multiple of its bound."""
    return abs(hint.value) / BOUNDS[hint.measure]


def _hint_text(hint: Hint) -> str:
    measure = (
        "share of rows whose category determines the class" if hint.measure == "determined share" else hint.measure
    )
    return f"{measure} {hint.value:.3f}"


def _alert(hint: Hint) -> Guardrail:
    sure = hint.measure == "correlation" and abs(hint.value) >= BLOCK_CORRELATION
    advice = "Exclude it unless" if sure else "Check that"
    return Guardrail(
        name="leakage",
        status="alerted",
        message=(
            f"{hint.column!r} alone almost determines {hint.target!r} ({_hint_text(hint)}, {hint.rows:,} rows). "
            f"{advice} "
            f"it is known before the target. It was kept; exclude it with --kind '{hint.column}=identifier'."
        ),
        columns=(hint.column,),
        value=hint.value,
        threshold=BLOCK_CORRELATION if sure else BOUNDS[hint.measure],
        unit=hint.measure,
    )


def _passed(roles: Roles, nearest: Hint | None) -> Guardrail:
    if roles.task is Task.FORECASTING:
        message = "No leakage from other columns: a forecast uses only their past values."
        return Guardrail(name="leakage", status="passed", message=message)
    if nearest is None:
        message = "No column has numbers or categories that could determine the target alone."
        return Guardrail(name="leakage", status="passed", message=message)
    bound = BOUNDS[nearest.measure]
    return Guardrail(
        name="leakage",
        status="passed",
        message=(
            f"No single column determines {nearest.target!r}: {nearest.column!r} is closest ({_hint_text(nearest)}, "
            "below "
            f"{bound:g})."
        ),
        columns=(nearest.column,),
        value=nearest.value,
        threshold=bound,
        unit=nearest.measure,
    )
