"""Checks of targets: rows per class, outliers and skewness."""

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

MIN_CLASS_ROWS: Final = 30
"""Rows of the rarest class below which more data is recommended (docs/evidence.md 1, imbalance)."""
MAX_SKEW: Final = 1.0
"""Absolute skewness above which a transformation is recommended (docs/evidence.md 2, C in regression)."""
MAX_LOG_POWER: Final = 0.5
"""Yeo-Johnson power below which a target is closer to log scale (0) than to linear scale (1)."""
LOG_SCALE_ADVICE: Final = (
    " If it is never negative, the network can be trained on its logarithm: --pin 'loss={name: mse, target: log1p}' "
    "--reason REASON."
)
HEAVY_TAIL: Final = 0.3
"""Share of squared deviations in the top 1 % of rows from which rules P009 and C006 choose MAE and Huber loss."""
MIN_OUTLIER_SHARE: Final = 0.01
"""Share of outliers on both scales from which the loss changes (docs/evidence.md 1, outliers)."""


def check_targets(roles: Roles, targets: Mapping[str, Measured]) -> Iterator[Guardrail]:
    """Check targets for other possible tasks, rare classes, outliers and skewness.

    targets: characteristics by name, for each target.
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
    tiny = [name for name, rows in rare.items() if rows < MIN_CLASS_ROWS]
    for name in tiny or sorted(rare, key=lambda name: rare[name])[:1]:
        yield _of_rarest(name, rare[name], measured_number(classes[name], "single_row_classes"))
    shaped = {name: measured for name, measured in targets.items() if "outlier_share" in measured}
    yield from _of_outliers(shaped)
    yield from _of_skew(shaped)


def _of_rarest(target: str, rows: float, alone: float) -> Guardrail:
    """Check the rarest class. rows: its number of rows; alone: number of classes with a single row."""
    few = rows < MIN_CLASS_ROWS
    found = f"The rarest class of {target!r} has {counted(rows, 'row')}"
    if alone:
        has = "has only one row, which is" if alone == 1 else "have only one row each, which is"
        found = (
            f"{counted(alone, 'class', 'classes')} of {target!r} {has} used for training, so the model cannot be "
            f"evaluated on {'it' if alone == 1 else 'them'}"
        )
    return Guardrail(
        name="tiny_class",
        status="alerted" if few else "passed",
        message=(
            f"{found} (fewer than {MIN_CLASS_ROWS}). All classes were kept; collect more data or merge classes."
            if few
            else f"{found} (at least {MIN_CLASS_ROWS})."
        ),
        columns=(target,),
        value=rows,
        threshold=MIN_CLASS_ROWS,
        unit="rows",
    )


def _of_outliers(targets: Mapping[str, Measured]) -> Iterator[Guardrail]:
    shares = {name: measured_number(measured, "outlier_share") for name, measured in targets.items()}
    far = [name for name, share in shares.items() if share >= MIN_OUTLIER_SHARE]
    for name in far or sorted(shares, key=lambda name: -shares[name])[:1]:
        found = f"{shares[name]:.1%} of {name!r} are outliers (modified z-score above {OUTLIER_Z:g})"
        yield Guardrail(
            name="target_outliers",
            status="alerted" if name in far else "passed",
            message=(
                f"{found}, also on a power-transformed scale. Check these values; the rules may choose a robust loss."
                if name in far
                else f"{found} on both the original and a power-transformed scale (less than {MIN_OUTLIER_SHARE:.0%})."
            ),
            columns=(name,),
            value=shares[name],
            threshold=MIN_OUTLIER_SHARE,
            unit="fraction of rows",
        )


def _of_skew(targets: Mapping[str, Measured]) -> Iterator[Guardrail]:
    """Check the skewness of targets without outliers."""
    calm = {name: one for name, one in targets.items() if measured_number(one, "outlier_share") < MIN_OUTLIER_SHARE}
    skews = {name: measured_number(measured, "target_skew") for name, measured in calm.items()}
    skewed = [name for name, skew in skews.items() if abs(skew) > MAX_SKEW]
    for name in skewed or sorted(skews, key=lambda name: -abs(skews[name]))[:1]:
        power = measured_number(calm[name], "yeo_johnson_power")
        yield Guardrail(
            name="skewed_target",
            status="alerted" if name in skewed else "passed",
            message=(
                f"{name!r} is skewed ({skews[name]:.2f}){_of_tail(calm[name], power)}"
                if name in skewed
                else f"{name!r} is not skewed (skewness {skews[name]:.2f}, at most ±{MAX_SKEW:g})."
            ),
            columns=(name,),
            value=skews[name],
            threshold=MAX_SKEW,
            unit="1",
        )


def _of_tail(measured: Measured, power: float) -> str:
    """Message about the consequences of a skewed target, which depend on its tail."""
    top = measured_number(measured, "squared_deviation_top_share")
    if top >= HEAVY_TAIL:
        return (
            f"; the 1 % of rows farthest from its mean contribute {top:.0%} of the squared deviations (at least "
            f"{HEAVY_TAIL:.0%}). The rules may choose MAE and a robust loss; for squared errors use --pin metric=rmse "
            "--reason REASON."
        )
    return (
        f"; a power transformation (λ = {power:g}) removes its extreme values, so they count as skewness, not as "
        f"outliers.{LOG_SCALE_ADVICE if power < MAX_LOG_POWER else ''}"
    )
