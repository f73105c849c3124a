"""Plots of explained predictions: contributions of one row, and of all rows by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt
import numpy as np

from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    MUTE,
    ORANGE,
    PALETTE,
    WIDTH,
    Rows,
    axis,
    dashed_line,
    distinct_names,
    draw_plot,
    inline_data,
    lines_by,
    shorten_name,
)
from rules.text.numbers import number

if TYPE_CHECKING:
    from executor.evaluation.explanation.explanations import Explanations, PartKind, RowExplanation
    from executor.runs.report.plots.drawing import Plot

MAX_BARS: Final = 10  # parts with a bar, those of the largest contributions
MAX_COLUMNS: Final = 12  # columns with dots
MAX_CHANNELS: Final = len(PALETTE)  # lines of a sequence
NAMES: Final = 150  # pixels for names left of the plot
MAX_OPACITY: Final = 0.75  # of the part with the largest contribution
THIRDS: Final = ("low value", "middle", "high")
NO_NUMBER: Final = "category or missing"
DOT_COLORS: Final = (BLUE, MUTE, ORANGE, PALETTE[2])  # of low, middle and high numbers, and of other values


def bar_plot(one: RowExplanation, kind: PartKind, *, output: int = 0, title: str) -> Plot:
    """Bars of the largest contributions to an output of one row."""
    parts = one.largest(MAX_BARS, output)
    labels = distinct_names(part_label(one, kind, part) for part in parts)
    rows: Rows = [
        {"name": label, "x": float(one.contributions[part, output])} for label, part in zip(labels, parts, strict=True)
    ]
    said = f"Expected value {number(one.expected[output])}, prediction {number(one.prediction[output])}."
    rest = float(one.contributions[:, output].sum()) - sum(row["x"] for row in rows)
    if others := np.count_nonzero(one.contributions[:, output]) - len(parts):
        said += f" The other {others:,} contributions add up to {number(rest)}."
    color = alt.condition("datum.x > 0", alt.value(BLUE), alt.value(ORANGE))
    chart = (
        alt.Chart(inline_data(rows))
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X(**axis("x", f"Contribution to {shorten_name(one.outputs[output])}")),
            y=alt.Y("name:N", title=None, sort=None),
            color=color,
        )
    )
    return draw_plot(
        alt.layer(dashed_line(x=0), chart).properties(width=WIDTH - NAMES + 60, height=alt.Step(20)),
        title=title,
        says=said,
    )


def part_label(one: RowExplanation, kind: PartKind, part: int) -> str:
    """Name of a part, with the value of a column."""
    name = one.parts[part]
    return f"{shorten_name(name)} = {one.values[part] or 'missing'}" if kind == "column" else name


def summary_plot(found: Explanations, *, output: int = 0) -> Plot | None:
    """Contributions of each column in all rows; None for one row, and for other parts than columns."""
    if found.kind != "column" or len(found.rows) <= 1:
        return None
    names = found.rows[0].parts
    all_rows = np.array([one.contributions[:, output] for one in found.rows])
    means = np.abs(all_rows).mean(axis=0)
    columns = np.argsort(-means, kind="stable")[:MAX_COLUMNS]
    labels = distinct_names(names[column] for column in columns)
    rows: Rows = []
    for label, column in zip(labels, columns, strict=True):
        thirds = _thirds(np.asarray(found.raw.features[names[column]]))
        rows += [
            {"label": label, "x": float(value), "name": third, "jitter": (at * 7 % 11 - 5) / 5}
            for at, (value, third) in enumerate(zip(all_rows[:, column], thirds, strict=True))
        ]
    present = {row["name"] for row in rows}
    colors = {name: one for name, one in zip((*THIRDS, NO_NUMBER), DOT_COLORS, strict=True) if name in present}
    color = alt.Color("name:N", title=None, scale=alt.Scale(domain=[*colors], range=[*colors.values()]))
    one_output = {one.outputs[output] for one in found.rows}
    of = one_output.pop() if len(one_output) == 1 else "the probability of the predicted class"
    dots = (
        alt.Chart(inline_data(rows))
        .mark_circle(size=36, opacity=0.8)
        .encode(
            x=alt.X(**axis("x", f"Contribution to {shorten_name(of)}")),
            y=alt.Y("label:N", title=None, sort=labels),
            yOffset=alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-3, 3])),
            color=color,
        )
    )
    most = "; ".join(f"{label} {number(means[column])}" for label, column in zip(labels[:3], columns[:3], strict=True))
    return draw_plot(
        alt.layer(dashed_line(x=0), dots).properties(width=WIDTH, height=alt.Step(26)),
        title="Contributions by column",
        says=f"One dot per row and column. Largest mean absolute contributions: {most}.",
        wide=True,
    )


def sequence_plot(one: RowExplanation, steps: np.ndarray, *, title: str) -> Plot:
    """A sequence over its segments, shaded by their contribution. steps: (steps, channels), NaN after the end."""
    shares = opacities(one)
    spans = [tuple(int(end) for end in name.removeprefix("steps ").split("-")) for name in one.parts]
    shades: Rows = [
        {"x": first - 0.5, "end": last + 0.5, "share": abs(share), "sign": bool(share > 0)}
        for (first, last), share in zip(spans, shares, strict=True)
    ]
    known = ~np.isnan(steps).all(axis=1)
    channels = min(steps.shape[1], MAX_CHANNELS)
    names = [f"channel {channel + 1}" for channel in range(channels)]
    lines: Rows = [
        {"x": int(at) + 1, "y": float(steps[at, channel]), "name": names[channel]}
        for channel in range(channels)
        for at in np.flatnonzero(known)
        if np.isfinite(steps[at, channel])
    ]
    x: dict[str, Any] = axis("x", "Step", scale=alt.Scale(zero=False, nice=False))
    shaded = (
        alt.Chart(inline_data(shades))
        .mark_rect()
        .encode(
            x=alt.X(**x),
            x2="end:Q",
            color=alt.condition("datum.sign", alt.value(BLUE), alt.value(ORANGE)),
            opacity=alt.Opacity("share:Q", scale=None, legend=None),
        )
    )
    drawn = alt.Chart(inline_data(lines)).mark_line(strokeWidth=1.4)
    colors = {"color": alt.value("var(--ink)")} if channels == 1 else lines_by(names)
    drawn = drawn.encode(x=alt.X(**x), y=alt.Y(**axis("y", "Value", scale=alt.Scale(zero=False))), **colors)
    more = f" The first {channels} of {steps.shape[1]} channels are drawn." if steps.shape[1] > channels else ""
    return draw_plot(
        alt.layer(shaded, drawn).resolve_scale(color="independent").properties(width=WIDTH, height=HEIGHT - 60),
        title=title,
        says=f"Shaded blue: segments that raise {one.outputs[0]}; orange: that lower it.{more}",
    )


def opacities(one: RowExplanation, output: int = 0) -> list[float]:
    """Opacity of each part by its contribution, negative where that is negative."""
    values = one.contributions[:, output]
    most = float(np.abs(values).max(initial=0))
    return [0.0] * len(values) if most == 0 else [float(MAX_OPACITY * value / most) for value in values]


def _thirds(values: np.ndarray) -> list[str]:
    """Third of the values of a column in which each lies; words and missing values are in none."""
    if values.dtype.kind != "f":
        return [NO_NUMBER] * len(values)
    known = values[np.isfinite(values)]
    if not len(known):
        return [NO_NUMBER] * len(values)
    low, high = np.quantile(known, [1 / 3, 2 / 3])
    return [NO_NUMBER if not np.isfinite(value) else THIRDS[int(value > low) + int(value > high)] for value in values]
