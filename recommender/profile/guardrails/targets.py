"""Whether targets have enough rows of each class, and no far values that would decide alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.profile.characteristic import measured_number
from recommender.profile.characteristics.target import OUTLIER_Z
from rules.decision.record import Guardrail
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recommender.profile.characteristic import Characteristic
    from recommender.roles.roles import Roles

    Measured = Mapping[str, Characteristic]

FEW_IN_CLASS: Final = 30
"""Rows of the rarest class under which more should be collected (docs/evidence.md 1, imbalance)."""
SKEW: Final = 1.0
"""Skewness from which a target is worth transforming (docs/evidence.md 2, C in regression)."""
HALF_ROOT: Final = 0.5
"""Power below which a target is nearer to its logarithm (0) than to itself (1)."""
ON_LOGARITHMS: Final = (
    " Where it is never negative, the network can learn its logarithm: --pin 'loss={name: mse, target: log1p}' "
    "--reason WHY."
)
HEAVY_TAIL: Final = 0.3
"""Share of the squared deviations in the top 1 % of rows, from which rules P009 and C006 take MAE and Huber."""
OUTLIERS: Final = 0.01
"""Share of outliers on both scales from which the cost function changes (docs/evidence.md 1, outliers)."""


def check_targets(roles: Roles, targets: Mapping[str, Measured]) -> Iterator[Guardrail]:
    """How the targets can also be read, their rarest classes, and their far values.

    targets: characteristics by name, of each target.
    """
    if roles.doubt:
        yield Guardrail(
            name="other_reading",
            status="alerted",
            message=f"{roles.task_reason}; {roles.doubt}.",
            columns=roles.targets,
        )
    classes = {name: measured for name, measured in targets.items() if "minority_class_rows" in measured}
    rare = {name: measured_number(measured, "minority_class_rows") for name, measured in classes.items()}
    tiny = [name for name, rows in rare.items() if rows < FEW_IN_CLASS]
    for name in tiny or sorted(rare, key=lambda name: rare[name])[:1]:
        yield _of_rarest(name, rare[name], measured_number(classes[name], "single_row_classes"))
    shaped = {name: measured for name, measured in targets.items() if "outlier_share" in measured}
    yield from _of_outliers(shaped)
    yield from _of_skew(shaped)


def _of_rarest(target: str, rows: float, alone: float) -> Guardrail:
    """rows: of the rarest class; alone: how many classes have a single one."""
    few = rows < FEW_IN_CLASS
    found = f"The rarest class of {target!r} has {counted(rows, 'row')}"
    if alone:
        has = "has a single row, which trains: it" if alone == 1 else "have a single row each, which trains: they"
        found = f"{counted(alone, 'class', 'classes')} of {target!r} {has} can be answered, but nothing judges how well"
    return Guardrail(
        name="tiny_class",
        status="alerted" if few else "passed",
        message=(
            f"{found} (under {FEW_IN_CLASS}): collect more, or merge classes; all were kept."
            if few
            else f"{found} (at least {FEW_IN_CLASS})."
        ),
        columns=(target,),
        value=rows,
        threshold=FEW_IN_CLASS,
        unit="rows",
    )


def _of_outliers(targets: Mapping[str, Measured]) -> Iterator[Guardrail]:
    shares = {name: measured_number(measured, "outlier_share") for name, measured in targets.items()}
    far = [name for name, share in shares.items() if share >= OUTLIERS]
    for name in far or sorted(shares, key=lambda name: -shares[name])[:1]:
        found = f"{shares[name]:.1%} of {name!r} lies far out (modified z above {OUTLIER_Z:g})"
        yield Guardrail(
            name="target_outliers",
            status="alerted" if name in far else "passed",
            message=(
                f"{found}, also on a power-transformed scale: check that these values are right. The rules may take "
                "a robust cost."
                if name in far
                else f"{found} on both the plain and a power-transformed scale (under {OUTLIERS:.0%})."
            ),
            columns=(name,),
            value=shares[name],
            threshold=OUTLIERS,
            unit="fraction of rows",
        )


def _of_skew(targets: Mapping[str, Measured]) -> Iterator[Guardrail]:
    """Of targets without outliers: what lies far out on both scales is no skew."""
    calm = {name: one for name, one in targets.items() if measured_number(one, "outlier_share") < OUTLIERS}
    skews = {name: measured_number(measured, "target_skew") for name, measured in calm.items()}
    skewed = [name for name, skew in skews.items() if abs(skew) > SKEW]
    for name in skewed or sorted(skews, key=lambda name: -abs(skews[name]))[:1]:
        power = measured_number(calm[name], "yeo_johnson_power")
        yield Guardrail(
            name="skewed_target",
            status="alerted" if name in skewed else "passed",
            message=(
                f"{name!r} is skewed ({skews[name]:.2f}){_of_tail(calm[name], power)}"
                if name in skewed
                else f"{name!r} is hardly skewed ({skews[name]:.2f}, at most {SKEW:g} either way)."
            ),
            columns=(name,),
            value=skews[name],
            threshold=SKEW,
            unit="1",
        )


def _of_tail(measured: Measured, power: float) -> str:
    """What follows from a skew: a robust metric and cost where a few rows carry the squared deviations."""
    top = measured_number(measured, "squared_deviation_top_share")
    if top >= HEAVY_TAIL:
        return (
            f"; the 1 % of rows farthest from its mean carry {top:.0%} of the squared deviations (at least "
            f"{HEAVY_TAIL:.0%}). The rules may take MAE and a robust cost; for squared errors: --pin metric=rmse "
            "--reason WHY."
        )
    return (
        f"; a power transformation (λ = {power:g}) takes in its far values, so they count as skew and not as "
        f"outliers.{ON_LOGARITHMS if power < HALF_ROOT else ''}"
    )
