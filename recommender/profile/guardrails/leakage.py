"""Whether a column tells the target by itself."""

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
"""Correlation with the target from which a column is suspected (EvalML, docs/evidence.md 1, leakage)."""
BLOCK_CORRELATION: Final = 0.99
"""Correlation from which it should be left out unless it is known to be fair (Ludwig, docs/evidence.md 1)."""
LEAK_AREA: Final = 0.995
"""Area under the ROC curve of one column alone above which it is suspected (docs/evidence.md 1)."""
LEAK_LEVELS: Final = 0.995
"""Share of rows whose level tells the class above which a column is suspected: the same bound, for categories."""
KNOWN_SHARE: Final = 0.5
"""Share of the rows in which a column must be known before it can be suspected: what is rarely known tells little."""
BOUNDS: Final = MappingProxyType(
    {"correlation": LEAK_CORRELATION, "AUC": LEAK_AREA, "determined share": LEAK_LEVELS},
)


def check_leakage(roles: Roles, hints: Sequence[Hint]) -> Iterator[Guardrail]:
    """Each column that nearly tells a target, the surest first; or how near the nearest comes."""
    most = max((hint.rows for hint in hints), default=0)
    strongest: dict[str, Hint] = {}
    for hint in hints:
        known = strongest.get(hint.column)
        if hint.rows >= KNOWN_SHARE * most and (known is None or _nearness(hint) > _nearness(known)):
            strongest[hint.column] = hint
    leaks = [hint for hint in strongest.values() if _nearness(hint) >= 1]
    for hint in sorted(leaks, key=lambda one: -abs(one.value)):
        yield _alert(hint)
    if not leaks:
        yield _passed(roles, max(strongest.values(), key=_nearness, default=None))


def _nearness(hint: Hint) -> float:
    """The hint's value as a multiple of its bound."""
    return abs(hint.value) / BOUNDS[hint.measure]


def _spoken(hint: Hint) -> str:
    measure = "share of rows that one level tells" if hint.measure == "determined share" else hint.measure
    return f"{measure} {hint.value:.3f}"


def _alert(hint: Hint) -> Guardrail:
    sure = hint.measure == "correlation" and abs(hint.value) >= BLOCK_CORRELATION
    advice = "leave it out unless" if sure else "check that"
    return Guardrail(
        name="leakage",
        status="alerted",
        message=(
            f"{hint.column!r} alone nearly tells {hint.target!r} ({_spoken(hint)}, {hint.rows:,} rows): {advice} it is "
            f"known before the target is. It was kept; leave it out with --kind '{hint.column}=identifier'."
        ),
        columns=(hint.column,),
        value=hint.value,
        threshold=BLOCK_CORRELATION if sure else BOUNDS[hint.measure],
        unit=hint.measure,
    )


def _passed(roles: Roles, nearest: Hint | None) -> Guardrail:
    if roles.task is Task.FORECASTING:
        message = "No column can tell the target too early: a forecast reads all columns one step late."
        return Guardrail(name="leakage", status="passed", message=message)
    if nearest is None:
        message = "No column has numbers or levels that could tell the target alone."
        return Guardrail(name="leakage", status="passed", message=message)
    bound = BOUNDS[nearest.measure]
    return Guardrail(
        name="leakage",
        status="passed",
        message=(
            f"No column alone tells {nearest.target!r}: the closest is {nearest.column!r} ({_spoken(nearest)}, under "
            f"{bound:g})."
        ),
        columns=(nearest.column,),
        value=nearest.value,
        threshold=bound,
        unit=nearest.measure,
    )
