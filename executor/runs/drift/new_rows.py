"""Drift of new rows and of their predictions against the reference of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from executor.data.raw_table import Form
from executor.model.prediction_columns import names_in_file, prediction_columns
from executor.runs.drift.reference import (
    CategoryDistribution,
    Statistic,
    bin_counts,
    count_categories,
    prediction_statistics,
    row_statistics,
    sample,
)
from recommender.profile.characteristics.drift import (
    DRIFT,
    KOLMOGOROV_SMIRNOV,
    SIGNIFICANCE,
    TOTAL_VARIATION,
    Drift,
    chance_distance,
)
from rules.errors import RunError
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature
    from executor.runs.drift.reference import NumberDistribution, Reference

MAX_QUOTED: Final = 5  # unknown categories of a column in a report
NO_REFERENCE: Final = (
    "The training rows are not available for a comparison, because an older version of pcwat trained the run. Train it "
    "again."
)
REFITTED: Final = (
    "Predictions are compared with those of the evaluated model on the hold-out; the model was trained again on all "
    "rows, which may change its predictions, too."
)


class UnknownCategories(BaseModel):
    """Values of a column that the model does not know. rows: how many of the new rows have one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    share: float
    values: tuple[str, ...]
    """The most frequent ones."""


class ColumnDrift(BaseModel):
    """Difference of a column, or of the predictions, between the new rows and the reference.

    distance: in [0, 1]; None without a value in the new rows or the reference. bound: the largest distance by chance.
    is_drift: whether the distance is at least the report's minimum and above its bound. missing,
    reference_missing: shares of rows without a value; their difference is tested likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    statistic: Statistic
    measure: str
    distance: float | None
    bound: float | None
    is_drift: bool
    missing: float
    reference_missing: float
    missing_bound: float
    is_missing_drift: bool
    unknown: UnknownCategories | None = None
    """Categories that the model does not know; None for other columns, and where all are known."""

    @property
    def drifts(self) -> bool:
        return self.is_drift or self.is_missing_drift


class DriftReport(BaseModel):
    """Drift of new rows against the training rows, and of their predictions against those on the hold-out.

    Attributes:
        run: Name of the run's directory.
        seal: Seal of the run.
        rows: Number of new rows.
        reference_rows: Number of training and validation rows. 0 if the run has no reference.
        hold_out_rows: Number of rows of the hold-out.
        level: Probability of a false alarm in any of the comparisons, for independent rows of the same distribution.
        comparisons: Number of comparisons, by which the level is divided (Bonferroni).
        minimum: Smallest distance that is called drift.
        columns: The columns that the model reads, the largest distance first.
        predictions: The predicted classes, probabilities or values.
        remarks: What was not compared, or limits a comparison, a sentence each.

    Examples:
        >>> report = run.drift("new.csv")  # doctest: +SKIP
        >>> [one.column for one in report.columns if one.drifts]  # doctest: +SKIP
        ['age']
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["pcwat/drift/1"] = "pcwat/drift/1"
    run: str
    seal: str
    rows: int
    reference_rows: int
    hold_out_rows: int
    level: float
    comparisons: int
    minimum: float
    columns: tuple[ColumnDrift, ...]
    predictions: tuple[ColumnDrift, ...]
    remarks: tuple[str, ...] = ()

    @property
    def has_drift(self) -> bool:
        """Whether a column or the predictions drift."""
        return any(one.drifts for one in (*self.columns, *self.predictions))

    @property
    def sentence(self) -> str:
        """The result in a sentence."""
        if not self.reference_rows:
            return f"Drift was not measured. {' '.join(self.remarks)}"
        far = [one for one in self.columns if one.drifts]
        names = list(dict.fromkeys(one.column for one in far))
        compared = len({one.column for one in self.columns})
        start = f"No drift in {counted(compared, 'column')} against the training rows"
        if far:
            start = f"Drift in {len(names):,} of {counted(compared, 'column')}, {_describe(far[0])}"
        moved = [one for one in self.predictions if one.drifts]
        end = f"; the predictions differ from those on the hold-out, {_describe(moved[0])}." if moved else "."
        return start + end


def _describe(one: ColumnDrift) -> str:
    of = "" if one.statistic == "value" else f"{one.statistic} of "
    if one.is_drift and one.distance is not None:
        return f"most in {of}{one.column!r} ({one.measure} {one.distance:.3f})"
    return f"most in {one.column!r} (missing share {one.missing:.3f} instead of {one.reference_missing:.3f})"


def check_comparable(signature: Signature) -> None:
    """Raise RunError for a forecast, whose new rows continue its training rows."""
    if signature.windows is not None:
        raise RunError(
            "Drift compares new rows with training rows, but the rows of a forecast are the past of its series, which "
            "contains them. Leave --drift out."
        )


def measure_drift(
    rows: RawTable,
    outcome: np.ndarray,
    *,
    signature: Signature,
    reference: Reference | None,
    known: Mapping[str, Collection[str]],
    run: str,
    seal: str,
) -> DriftReport:
    """Compare new rows and their predictions with the reference of a run.

    outcome: predictions of the rows, (rows, outputs). reference: None in runs of older versions. known: categories that
    the model knows, by column.
    """
    about: dict[str, Any] = {"run": run, "seal": seal, "rows": len(rows), "level": SIGNIFICANCE, "minimum": DRIFT}
    if reference is None or not len(rows):
        return DriftReport(
            **about,
            reference_rows=0,
            hold_out_rows=0,
            comparisons=0,
            columns=(),
            predictions=(),
            remarks=(NO_REFERENCE if reference is None else "There are no new rows.",),
        )
    written = prediction_columns(signature, outcome, names_in_file(signature), as_text=True)
    predicted = prediction_statistics({name: np.asarray(values) for name, values in written.items()}, signature)
    features = {(name, statistic): values for name, statistic, values in row_statistics(rows)}
    pairs = [(one, features[one.column, one.statistic]) for one in reference.columns]
    outputs = [(one, sample(predicted[one.column])) for one in reference.predictions]
    comparisons = 2 * len(pairs) + len(outputs)
    unknown = _unknown_categories(rows, known)
    columns = [_compare(one, values, comparisons, unknown.get(one.column)) for one, values in pairs]
    return DriftReport(
        **about,
        reference_rows=reference.rows,
        hold_out_rows=reference.hold_out_rows,
        comparisons=comparisons,
        columns=tuple(sorted(columns, key=lambda one: (not one.drifts, -(one.distance or 0)))),
        predictions=tuple(_compare(one, values, comparisons, None) for one, values in outputs),
        remarks=(REFITTED,) if signature.trained_on else (),
    )


def _compare(
    reference: NumberDistribution | CategoryDistribution,
    values: np.ndarray,
    comparisons: int,
    unknown: UnknownCategories | None,
) -> ColumnDrift:
    """Compare values with their distribution in the reference.

    Numbers by the Kolmogorov-Smirnov distance at the edges of the bins, which is at most that of all values;
    categories by the total variation distance, where infrequent categories count as one.
    """
    if isinstance(reference, CategoryDistribution):
        measure, (before, after, merged) = TOTAL_VARIATION, _category_counts(reference, values)
    else:
        known, measure, merged = values[np.isfinite(values)], KOLMOGOROV_SMIRNOV, 0
        before, after = np.array(reference.counts), bin_counts(np.array(reference.edges), known)
    n, m = int(before.sum()), int(after.sum())
    missing = len(values) - m
    distance = bound = None
    is_drift = False
    if n and m:
        pairs, gaps = n * m / (n + m), after / m - before / n
        if measure == KOLMOGOROV_SMIRNOV:
            distance = float(np.abs(np.cumsum(gaps)).max())
            bound = chance_distance(pairs, comparisons=comparisons, tails=2)
        else:
            distance = float(np.abs(gaps).sum() / 2)
            expected = _expected_distance((before + after) / (n + m), n + m, pairs, merged=merged)
            bound = expected + chance_distance(pairs, comparisons=comparisons, tails=1)
        is_drift = Drift(column=reference.column, measure=measure, distance=distance, chance=bound).is_drift
    of_missing = _compare_missing((n, reference.missing), (m, missing), comparisons, column=reference.column)
    return ColumnDrift(
        column=reference.column,
        statistic=reference.statistic,
        measure=measure,
        distance=distance,
        bound=bound,
        is_drift=is_drift,
        missing=missing / len(values),
        reference_missing=reference.missing / (n + reference.missing),
        missing_bound=of_missing.chance,
        is_missing_drift=of_missing.is_drift,
        unknown=unknown,
    )


def _compare_missing(before: tuple[int, int], after: tuple[int, int], comparisons: int, *, column: str) -> Drift:
    """Compare the shares of missing values; before, after: rows with and without a value."""
    n, m = sum(before), sum(after)
    pairs, share = n * m / (n + m), (before[1] + after[1]) / (n + m)
    expected = _expected_distance(np.array([share, 1 - share]), n + m, pairs)
    return Drift(
        column=column,
        measure="difference of the missing shares",
        distance=abs(before[1] / n - after[1] / m),
        chance=expected + chance_distance(pairs, comparisons=comparisons, tails=1),
    )


def _expected_distance(shares: np.ndarray, rows: int, pairs: float, *, merged: int = 1) -> float:
    """Upper bound of the mean total variation distance of all categories under chance, as in the check of a split.

    shares: of both samples together; the last one is that of several merged categories. Merging categories makes the
    distance smaller, whichever are merged, so the bound holds although the most frequent ones were selected. The sum
    of the square roots of k shares is at most the root of k times their sum (Cauchy-Schwarz).
    """
    own = np.sqrt(shares[:-1] * (1 - shares[:-1])).sum()
    last = math.sqrt(shares[-1] * (1 - shares[-1])) if merged == 1 else math.sqrt(merged * shares[-1])
    return float((own + last) / 2 * math.sqrt(rows / max(1, rows - 1) / pairs))


def _category_counts(reference: CategoryDistribution, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Counts of the reference's categories and of all others, before and now; at most how many others there are."""
    found = count_categories(values)
    own = [found.pop(name, 0) for name in reference.counts]
    before, after = [*reference.counts.values(), reference.others], [*own, sum(found.values())]
    return np.array(before), np.array(after), reference.distinct_others + len(found)


def _unknown_categories(rows: RawTable, known: Mapping[str, Collection[str]]) -> dict[str, UnknownCategories]:
    """Categories of the new rows that the model does not know, by column."""
    found = {}
    for name in rows.of_form(Form.LEVEL):
        if name not in known:
            continue
        own = {*known[name]}
        new = {word: count for word, count in count_categories(rows.features[name]).items() if word not in own}
        if new:
            total = sum(new.values())
            quoted = tuple(sorted(new, key=lambda word: -new[word])[:MAX_QUOTED])
            found[name] = UnknownCategories(rows=total, share=total / len(rows), values=quoted)
    return found
