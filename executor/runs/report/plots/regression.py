"""Plots of a regression: predicted against actual values, residuals, coverage of prediction intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import numpy as np

from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    MUTE,
    ORANGE,
    WIDTH,
    axis,
    dashed_line,
    draw_plot,
    inline_data,
    shorten_name,
)
from rules.text.numbers import number

if TYPE_CHECKING:
    from executor.runs.report.hold_out_predictions import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot

MAX_POINTS: Final = 400  # rows that are drawn as points; more are counted in cells
CELLS: Final = 32  # per side
BARS: Final = 30  # of a histogram
GROUPS: Final = 10  # of rows by predicted value
MIN_IN_GROUP: Final = 10  # rows; coverage of fewer is noise
MAX_TARGETS: Final = 3  # with plots, the first ones


def plots_of_numbers(hold_out: HoldOutPredictions, percent: int | None) -> list[Plot]:
    """Plots of a regression for the first targets; percent: nominal coverage of the intervals."""
    found = []
    for at, name in enumerate(hold_out.names[:MAX_TARGETS]):
        truth, predicted = hold_out.predictions.truth[:, at], hold_out.predictions.outcome[:, at]
        of = f" of {shorten_name(name)}" if len(hold_out.names) > 1 else ""
        found += [_against_actual(truth, predicted, of), _residuals(truth, predicted, of)]
        if hold_out.low is not None and hold_out.high is not None and percent is not None:
            covered = (hold_out.low[:, at] <= truth) & (truth <= hold_out.high[:, at])
            if (plot := _coverage(predicted, covered, percent, of)) is not None:
                found.append(plot)
    return found


def _against_actual(truth: np.ndarray, predicted: np.ndarray, of: str) -> Plot:
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    high = high if high > low else low + 1
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    x, y = alt.X(**axis("x", "Actual", scale=scale)), alt.Y(**axis("y", "Predicted", scale=scale))
    if len(truth) <= MAX_POINTS:
        rows = [{"x": float(a), "y": float(b)} for a, b in zip(truth, predicted, strict=True)]
        cloud = alt.Chart(inline_data(rows)).mark_circle(color=BLUE, opacity=0.5, size=26).encode(x=x, y=y)
    else:
        counts, edges, _ = np.histogram2d(truth, predicted, bins=CELLS, range=[[low, high]] * 2)
        rows = [
            {"x": edges[i], "x2": edges[i + 1], "y": edges[j], "y2": edges[j + 1], "n": int(counts[i, j])}
            for i, j in zip(*np.nonzero(counts), strict=True)
        ]
        shade = alt.Opacity("n:Q", scale=alt.Scale(type="log", range=[0.15, 1]), legend=None)
        cloud = alt.Chart(inline_data(rows)).mark_rect(color=BLUE).encode(x=x, x2="x2:Q", y=y, y2="y2:Q", opacity=shade)
    ideal = alt.Chart(inline_data([{"x": low, "y": low}, {"x": high, "y": high}])).mark_line(
        color=MUTE, strokeDash=[4, 3], strokeWidth=1
    )
    r = float(np.corrcoef(truth, predicted)[0, 1]) if truth.std() > 0 and predicted.std() > 0 else 0.0
    return draw_plot(
        alt.layer(cloud, ideal.encode(x=x, y=y)).properties(width=WIDTH, height=HEIGHT),
        title=f"Predicted against actual values{of}",
        says=f"{len(truth):,} rows between {number(low)} and {number(high)}. Dashed line: perfect predictions. "
        f"Correlation {number(r)}.",
    )


def _residuals(truth: np.ndarray, predicted: np.ndarray, of: str) -> Plot:
    error = predicted - truth
    low, high = np.percentile(error, [0.5, 99.5])  # outliers would leave the rest in one bar
    counts, edges = np.histogram(np.clip(error, low, high), bins=BARS)
    rows = [{"x": edges[i], "x2": edges[i + 1], "y": int(count)} for i, count in enumerate(counts)]
    bars = (
        alt.Chart(inline_data(rows))
        .mark_bar(color=BLUE, opacity=0.8)
        .encode(
            x=alt.X(**axis("x", "Residual (predicted - actual)", bin="binned")),
            x2="x2:Q",
            y=alt.Y(**axis("y", "Rows")),
        )
    )
    quarter, middle, three = np.percentile(error, [25, 50, 75])
    return draw_plot(
        alt.layer(bars, dashed_line(x=0)).properties(width=WIDTH, height=HEIGHT),
        title=f"Residuals{of}",
        says=f"Median {number(float(middle))}; half of the residuals lie between {number(float(quarter))} and "
        f"{number(float(three))}. The outermost bars contain all residuals beyond them.",
    )


def _coverage(predicted: np.ndarray, covered: np.ndarray, percent: int, of: str) -> Plot | None:
    """Coverage of the prediction intervals by predicted value; None for few rows."""
    count = min(GROUPS, len(predicted) // MIN_IN_GROUP)
    if count < 2:  # noqa: PLR2004  one group is the coverage of all rows
        return None
    groups = np.array_split(np.argsort(predicted, kind="stable"), count)
    rows = [{"x": float(np.median(predicted[some])), "y": float(covered[some].mean())} for some in groups]
    line = (
        alt.Chart(inline_data(rows))
        .mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, filled=True, size=45))
        .encode(
            x=alt.X(**axis("x", "Predicted", scale=alt.Scale(zero=False))),
            y=alt.Y(**axis("y", "Coverage", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))),
        )
    )
    wanted = (
        alt.Chart(inline_data([{"y": percent / 100}])).mark_rule(color=ORANGE, strokeDash=[6, 3]).encode(y=alt.Y("y:Q"))
    )
    worst = min(rows, key=lambda one: one["y"])
    return draw_plot(
        alt.layer(wanted, line).properties(width=WIDTH, height=HEIGHT),
        title=f"Coverage of the {percent} % intervals{of}",
        says=f"{covered.mean():.0%} of all rows. Of {count} groups by predicted value the lowest coverage is "
        f"{worst['y']:.0%}, around {number(worst['x'])}. Dashed line: nominal coverage.",
    )
