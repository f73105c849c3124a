"""Plots of a forecast: forecasts with intervals next to actual values, and error by step ahead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import numpy as np

from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    INK,
    ORANGE,
    WIDE,
    WIDTH,
    Rows,
    axis,
    draw_plot,
    inline_data,
    shorten_name,
)
from rules.text.numbers import number

if TYPE_CHECKING:
    from executor.runs.report.hold_out_predictions import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot

MAX_SERIES: Final = 3  # with a plot, likewise targets
MAX_STEPS: Final = 150  # of a series, the latest; more are not readable
MIN_STEPS: Final = 2  # ahead, from which errors are plotted by step


def plots_of_forecasts(
    hold_out: HoldOutPredictions, *, targets: tuple[str, ...], horizon: int, percent: int | None
) -> list[Plot]:
    """Plots of a forecast; percent: nominal coverage of the intervals."""
    names = hold_out.series or ("",) * len(hold_out)
    first = list(dict.fromkeys(names))[:MAX_SERIES]
    found = []
    for series in first:
        rows = np.flatnonzero([name == series for name in names])
        for at, target in enumerate(targets[: max(1, MAX_SERIES // len(first))]):
            steps = slice(at * horizon, (at + 1) * horizon)
            of = f"{shorten_name(target)}{f' of {shorten_name(series)}' if series else ''}"
            found.append(_stretch(hold_out, rows, steps, of, percent))
    if horizon >= MIN_STEPS:
        found.append(_by_step(hold_out, targets, horizon))
    return found


def _stretch(hold_out: HoldOutPredictions, rows: np.ndarray, steps: slice, of: str, percent: int | None) -> Plot:
    """Actual values of one series, and consecutive forecasts."""
    horizon = steps.stop - steps.start
    begins = np.arange((len(rows) - 1) % horizon if len(rows) >= horizon else 0, len(rows), horizon)
    begins = begins[-max(1, MAX_STEPS // horizon) :]
    places, is_time = _places(hold_out, rows, horizon)
    truth, predicted = hold_out.predictions.truth[rows, steps], hold_out.predictions.outcome[rows, steps]
    low = None if hold_out.low is None else hold_out.low[rows, steps]
    high = None if hold_out.high is None else hold_out.high[rows, steps]
    data: Rows = []
    for part, begin in enumerate(begins):
        for step in range(horizon):
            cell: dict[str, Any] = {"x": places[begin + step], "truth": float(truth[begin, step])}
            cell |= {"forecast": float(predicted[begin, step]), "part": 0 if horizon == 1 else part}
            if low is not None and high is not None:
                cell |= {"low": float(low[begin, step]), "high": float(high[begin, step])}
            data.append(cell)
    base = alt.Chart(inline_data(data))
    x = (
        alt.X("x:T", title=None, scale=alt.Scale(type="utc"))
        if is_time
        else alt.X("x:Q", title="Step of the hold-out", scale=alt.Scale(zero=False))
    )
    scale = alt.Scale(zero=False)
    y = alt.Y(**axis("forecast", of, scale=scale))
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=["actual", "forecast"], range=[INK, ORANGE]))
    layers = [
        base.mark_line(strokeWidth=1.5)
        .encode(x=x, y=alt.Y(**axis("truth", of, scale=scale)), color=colour)
        .transform_calculate(kind="'actual'"),
        base.mark_line(strokeDash=[6, 2])
        .encode(x=x, y=y, detail="part:N", color=colour)
        .transform_calculate(kind="'forecast'"),
    ]
    band = ""
    if low is not None and high is not None:
        area = base.mark_area(color=ORANGE, opacity=0.2).encode(
            x=x, y=alt.Y(**axis("low", of, scale=scale)), y2="high:Q", detail="part:N"
        )
        layers.insert(0, area)
        covered = np.mean([cell["low"] <= cell["truth"] <= cell["high"] for cell in data])
        band = f" The {percent} % prediction intervals cover {covered:.0%} of the values shown."
    miss = np.mean([abs(cell["forecast"] - cell["truth"]) for cell in data])
    return draw_plot(
        alt.layer(*layers).properties(width=WIDE - 90, height=HEIGHT + 30),
        title=f"Forecasts of {of}",
        says=f"{len(begins)} consecutive forecasts of {horizon} step{'s' * (horizon > 1)} each, and the actual values. "
        f"Mean absolute error {number(float(miss))}.{band}",
        wide=True,
    )


def _places(hold_out: HoldOutPredictions, rows: np.ndarray, horizon: int) -> tuple[list[Any], bool]:
    """Places of the first step of each row and of the steps after the last row; and whether they are times."""
    count = len(rows) + horizon
    if hold_out.time is None or len(rows) < MIN_STEPS:
        return list(range(1, count + 1)), False
    words = [hold_out.time[row] for row in rows]
    try:
        own = np.array([datetime.fromisoformat(word).replace(tzinfo=UTC).timestamp() for word in words])
        is_time = True
    except ValueError:
        own, is_time = np.array([float(word) for word in words]), False
    distance = float(np.median(np.diff(own)))
    places = np.concatenate([own, own[-1] + distance * np.arange(1, horizon + 1)])
    return [float(place) * (1_000 if is_time else 1) for place in places], is_time


def _by_step(hold_out: HoldOutPredictions, targets: tuple[str, ...], horizon: int) -> Plot:
    """Mean absolute error by step ahead; of several targets relative to their mean error."""
    error = (
        np.abs(hold_out.predictions.outcome - hold_out.predictions.truth).mean(axis=0).reshape(len(targets), horizon)
    )
    errors = error.mean(axis=0) if len(targets) == 1 else (error / error.mean(axis=1, keepdims=True)).mean(axis=0)
    rows = [{"x": step + 1, "y": float(value)} for step, value in enumerate(errors)]
    chart = (
        alt.Chart(inline_data(rows))
        .mark_bar(color=BLUE, opacity=0.8)
        .encode(
            x=alt.X("x:O", title="Steps ahead", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y(**axis("y", "Mean absolute error" if len(targets) == 1 else "Error relative to its mean")),
        )
    )
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Error by step ahead",
        says=f"Mean absolute error {number(float(errors[0]))} at step 1 and {number(float(errors[-1]))} at step "
        f"{horizon}.",
    )
