"""How good predicted numbers are, in plots: predicted against actual, residuals, coverage of the intervals."""

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
    from executor.runs.report.hold_out_answers import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot

MAX_POINTS: Final = 400  # rows that are drawn as points; more are counted in cells, and none of them is kept
CELLS: Final = 32  # to a side
BARS: Final = 30  # of a histogram
GROUPS: Final = 10  # of rows by their predicted value
MIN_IN_GROUP: Final = 10  # rows; the coverage of fewer is noise
MAX_TARGETS: Final = 3  # whose plots are drawn


def plots_of_numbers(answers: HoldOutPredictions, percent: int | None) -> list[Plot]:
    """The plots of a regression, for the first targets; percent: of rows that an interval is to hold."""
    found = []
    for at, name in enumerate(answers.names[:MAX_TARGETS]):
        truth, said = answers.said.truth[:, at], answers.said.outcome[:, at]
        of = f" of {shorten_name(name)}" if len(answers.names) > 1 else ""
        found += [_against_actual(truth, said, of), _residuals(truth, said, of)]
        if answers.low is not None and answers.high is not None and percent is not None:
            held = (answers.low[:, at] <= truth) & (truth <= answers.high[:, at])
            if (plot := _coverage(said, held, percent, of)) is not None:
                found.append(plot)
    return found


def _against_actual(truth: np.ndarray, said: np.ndarray, of: str) -> Plot:
    low, high = float(min(truth.min(), said.min())), float(max(truth.max(), said.max()))
    high = high if high > low else low + 1
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    x, y = alt.X(**axis("x", "Actual", scale=scale)), alt.Y(**axis("y", "Predicted", scale=scale))
    if len(truth) <= MAX_POINTS:
        rows = [{"x": float(a), "y": float(b)} for a, b in zip(truth, said, strict=True)]
        cloud = alt.Chart(inline_data(rows)).mark_circle(color=BLUE, opacity=0.5, size=26).encode(x=x, y=y)
    else:
        counts, edges, _ = np.histogram2d(truth, said, bins=CELLS, range=[[low, high]] * 2)
        rows = [
            {"x": edges[i], "x2": edges[i + 1], "y": edges[j], "y2": edges[j + 1], "n": int(counts[i, j])}
            for i, j in zip(*np.nonzero(counts), strict=True)
        ]
        shade = alt.Opacity("n:Q", scale=alt.Scale(type="log", range=[0.15, 1]), legend=None)
        cloud = alt.Chart(inline_data(rows)).mark_rect(color=BLUE).encode(x=x, x2="x2:Q", y=y, y2="y2:Q", opacity=shade)
    ideal = alt.Chart(inline_data([{"x": low, "y": low}, {"x": high, "y": high}])).mark_line(
        color=MUTE, strokeDash=[4, 3], strokeWidth=1
    )
    r = float(np.corrcoef(truth, said)[0, 1]) if truth.std() > 0 and said.std() > 0 else 0.0
    return draw_plot(
        alt.layer(cloud, ideal.encode(x=x, y=y)).properties(width=WIDTH, height=HEIGHT),
        title=f"Predicted against actual{of}",
        says=f"{len(truth):,} rows between {number(low)} and {number(high)}; on the dashed line a prediction is right. "
        f"Correlation {number(r)}.",
    )


def _residuals(truth: np.ndarray, said: np.ndarray, of: str) -> Plot:
    error = said - truth
    low, high = np.percentile(error, [0.5, 99.5])  # a few far ones would leave the rest in one bar
    counts, edges = np.histogram(np.clip(error, low, high), bins=BARS)
    rows = [{"x": edges[i], "x2": edges[i + 1], "y": int(count)} for i, count in enumerate(counts)]
    bars = (
        alt.Chart(inline_data(rows))
        .mark_bar(color=BLUE, opacity=0.8)
        .encode(
            x=alt.X(**axis("x", "Predicted less actual", bin="binned")),
            x2="x2:Q",
            y=alt.Y(**axis("y", "Rows")),
        )
    )
    quarter, middle, three = np.percentile(error, [25, 50, 75])
    return draw_plot(
        alt.layer(bars, dashed_line(x=0)).properties(width=WIDTH, height=HEIGHT),
        title=f"Errors{of}",
        says=f"Half of the errors lie between {number(float(quarter))} and {number(float(three))}, their median is "
        f"{number(float(middle))}; the outermost bars hold all that lie beyond.",
    )


def _coverage(said: np.ndarray, held: np.ndarray, percent: int, of: str) -> Plot | None:
    """The share of rows that the intervals hold, along the predicted value; None for few rows."""
    count = min(GROUPS, len(said) // MIN_IN_GROUP)
    if count < 2:  # noqa: PLR2004  one group is the coverage of all, which is told beside
        return None
    groups = np.array_split(np.argsort(said, kind="stable"), count)
    rows = [{"x": float(np.median(said[some])), "y": float(held[some].mean())} for some in groups]
    line = (
        alt.Chart(inline_data(rows))
        .mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, filled=True, size=45))
        .encode(
            x=alt.X(**axis("x", "Predicted", scale=alt.Scale(zero=False))),
            y=alt.Y(**axis("y", "Held by the interval", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))),
        )
    )
    wanted = (
        alt.Chart(inline_data([{"y": percent / 100}])).mark_rule(color=ORANGE, strokeDash=[6, 3]).encode(y=alt.Y("y:Q"))
    )
    worst = min(rows, key=lambda one: one["y"])
    return draw_plot(
        alt.layer(wanted, line).properties(width=WIDTH, height=HEIGHT),
        title=f"Coverage of the {percent} % intervals{of}",
        says=f"They hold {held.mean():.0%} of all rows. In {count} groups by predicted value the least is "
        f"{worst['y']:.0%}, around {number(worst['x'])}; dashed, what they should hold.",
    )
