"""Plots of scores: gains over baselines, runs, groups, learning curve and permutation importance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt

from executor.evaluation.verdict import compared_scores
from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    INK,
    MUTE,
    ORANGE,
    WIDTH,
    Rows,
    axis,
    dashed_line,
    distinct_names,
    draw_plot,
    inline_data,
    shorten_name,
)
from rules.text.numbers import number
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.evaluation.diagnostics.learning_curve import LearningCurve
    from executor.evaluation.scores import Estimate, Importance, Scores
    from executor.runs.report.plots.drawing import Plot

MAX_COLUMNS: Final = 20  # with a bar, the most important ones
MIN_POINTS: Final = 2  # numbers of rows
NAMES: Final = 120  # pixels for names left of the plot


def gain_plot(scores: Scores) -> Plot | None:
    """Gain over each baseline with 95 % intervals; None where no gain is defined."""
    scores = compared_scores(scores)
    gains = {name: one.gain for name, one in scores.baselines.items() if one.gain.value is not None}
    if not gains:
        return None
    listed = "; ".join(f"{name} {_interval(gain)}" for name, gain in gains.items())
    return draw_plot(
        alt.layer(dashed_line(x=0), *_estimates(gains, f"Gain in {scores.metric}")).properties(
            width=WIDTH - NAMES, height=alt.Step(30)
        ),
        title="Gain over the baselines",
        says=f"Gain on the hold-out with 95 % intervals; above 0 the model is better: {listed}.",
    )


def score_plot(scores: Mapping[str, Estimate], metric: str, *, title: str, level: float | None = None) -> Plot | None:
    """Scores with 95 % intervals; level: a score to compare them with."""
    known = {name: one for name, one in scores.items() if one.value is not None}
    if not known:
        return None
    layers = _estimates(known, metric)
    if level is not None:
        layers.insert(0, dashed_line(x=level))
    listed = "; ".join(f"{shorten_name(name)} {_interval(one)}" for name, one in known.items())
    return draw_plot(
        alt.layer(*layers).properties(width=WIDTH - NAMES, height=alt.Step(30)),
        title=title,
        says=f"{metric} with 95 % intervals: {listed}.",
    )


def learning_curve_plot(curve: LearningCurve) -> Plot | None:
    """Learning curve of the selected configuration; None for fewer than two numbers of rows."""
    if len(curve.points) < MIN_POINTS:
        return None
    rows: Rows = [{"x": point.rows, "y": score} for point in curve.points for score in point.scores]
    means: Rows = [{"x": point.rows, "y": point.mean} for point in curve.points]
    x = alt.X(**axis("x", "Training rows", scale=alt.Scale(type="log"), axis=alt.Axis(format=",d", tickCount=5)))
    y = alt.Y(**axis("y", f"{curve.metric}, validation", scale=alt.Scale(zero=False)))
    chart = alt.layer(
        alt.Chart(inline_data(means)).mark_line(color=BLUE).encode(x=x, y=y),
        alt.Chart(inline_data(rows)).mark_circle(color=ORANGE, size=50, opacity=0.8).encode(x=x, y=y),
    )
    first, last = curve.points[0], curve.points[-1]
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Learning curve",
        says=f"The selected configuration, one dot per seed: {curve.metric} {number(first.mean)} with "
        f"{first.rows:,} training rows, {number(last.mean)} with {last.rows:,}.",
    )


def importance_plot(found: Importance) -> Plot | None:
    """Permutation importance of columns; None where it was not measured."""
    if not found.columns:
        return None
    first = found.columns[:MAX_COLUMNS]
    rows: Rows = [
        {"name": name, "x": one.loss, "low": one.loss - one.spread, "high": one.loss + one.spread}
        for name, one in zip(distinct_names(one.name for one in first), first, strict=True)
    ]
    y = alt.Y("name:N", title=None, sort=None)
    base = alt.Chart(inline_data(rows))
    title = f"Loss of {found.metric} when permuted"
    chart = alt.layer(
        base.mark_bar(color=BLUE, opacity=0.8).encode(x=alt.X(**axis("x", title)), y=y),
        base.mark_rule(color=INK).encode(x=alt.X(**axis("low", title)), x2="high:Q", y=y),
    )
    most = "; ".join(f"{row['name']} {number(row['x'])}" for row in rows[:3])
    of = f" of the {len(found.columns)} columns that were measured" if found.missing else ""
    return draw_plot(
        chart.properties(width=WIDTH - NAMES, height=alt.Step(20)),
        title="Permutation importance",
        says=f"The most important{of}: {most}. The values of each column were permuted "
        f"{counted(found.repeats, 'time')} among {found.rows:,} rows of the hold-out. Thin lines: ± one standard "
        "deviation.",
    )


def _estimates(values: Mapping[str, Estimate], title: str) -> list[alt.Chart]:
    """A dot and its interval for each value."""
    rows: list[dict[str, Any]] = [
        {"name": name, "x": one.value, "low": one.value if one.low is None else one.low}
        | {"high": one.value if one.high is None else one.high}
        for name, one in zip(distinct_names(values), values.values(), strict=True)
    ]
    base = alt.Chart(inline_data(rows)).encode(y=alt.Y("name:N", title=None, sort=None))
    scale = alt.Scale(zero=False)
    return [
        base.mark_rule(color=BLUE, strokeWidth=3, opacity=0.55).encode(
            x=alt.X(**axis("low", title, scale=scale)), x2="high:Q"
        ),
        base.mark_circle(color=ORANGE, size=90, opacity=1, stroke=MUTE).encode(
            x=alt.X(**axis("x", title, scale=scale))
        ),
    ]


def _interval(one: Estimate) -> str:
    value = number(one.value or 0.0)
    if one.low is None or one.high is None:
        return value
    return f"{value} ({number(one.low)} to {number(one.high)})"
