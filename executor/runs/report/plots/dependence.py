"""Plots of partial dependence: mean prediction by the value of a column, with a band over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt

from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    ORANGE,
    WIDTH,
    Rows,
    axis,
    distinct_names,
    draw_plot,
    inline_data,
    lines_by,
    shorten_name,
)
from rules.text.numbers import number

if TYPE_CHECKING:
    from executor.evaluation.scores import ColumnDependence, Importance
    from executor.runs.report.plots.drawing import Plot

NAMES: Final = 120  # pixels for categories left of the plot
MISSING: Final = "missing"


def dependence_plots(found: Importance) -> list[Plot]:
    """A plot for each column whose partial dependence was measured."""
    return [_number_plot(one) if one.is_number else _category_plot(one) for one in found.dependence]


def _number_plot(column: ColumnDependence) -> Plot:
    rows, names = _rows(column)
    x = alt.X(**axis("x", shorten_name(column.name), scale=alt.Scale(zero=False, nice=False)))
    y: dict[str, Any] = axis("y", _title(column), scale=alt.Scale(zero=False))
    base = alt.Chart(inline_data(rows))
    lines = base.mark_line().encode(x=x, y=alt.Y(**y), **lines_by(names))
    low = alt.Y(**{**y, "shorthand": "low:Q"})
    band = base.mark_area(color=BLUE, opacity=0.2).encode(x=x, y=low, y2="high:Q")
    chart = alt.layer(band, lines) if len(names) == 1 else lines
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT), title=shorten_name(column.name), says=_caption(column, names)
    )


def _category_plot(column: ColumnDependence) -> Plot:
    rows, names = _rows(column)
    y = alt.Y("x:N", title=None, sort=None)
    scale = alt.Scale(zero=False)
    base = alt.Chart(inline_data(rows))
    color = {"color": alt.value(ORANGE)} if len(names) == 1 else {"color": lines_by(names)["color"]}
    dots = base.mark_circle(size=80, opacity=1).encode(x=alt.X(**axis("y", _title(column), scale=scale)), y=y, **color)
    spans = base.mark_rule(color=BLUE, strokeWidth=3, opacity=0.55).encode(
        x=alt.X(**axis("low", _title(column), scale=scale)), x2="high:Q", y=y
    )
    chart = alt.layer(spans, dots) if len(names) == 1 else dots
    return draw_plot(
        chart.properties(width=WIDTH - NAMES, height=alt.Step(26)),
        title=shorten_name(column.name),
        says=_caption(column, names),
    )


def _rows(column: ColumnDependence) -> tuple[Rows, list[str]]:
    """A row for each value and output, and the names of the outputs."""
    names = distinct_names(output.name for output in column.outputs)
    values = column.values if column.is_number else distinct_names(value or MISSING for value in column.values)
    rows: Rows = [
        {"name": name, "x": value, "y": output.mean[at], "low": output.low[at], "high": output.high[at]}
        for name, output in zip(names, column.outputs, strict=True)
        for at, value in enumerate(values)
    ]
    return rows, names


def _title(column: ColumnDependence) -> str:
    if len(column.outputs) == 1:
        return shorten_name(column.outputs[0].name)
    return "Probability" if column.outputs[0].name.startswith("probability of ") else "Prediction"


def _caption(column: ColumnDependence, names: list[str]) -> str:
    """The lowest and highest mean of the first output, and what the band is."""
    means = column.outputs[0].mean
    low, high = means.index(min(means)), means.index(max(means))

    def at(value: int) -> str:
        own = column.values[value]
        return number(own) if column.is_number else shorten_name(own or MISSING)

    band = f" {'Band' if column.is_number else 'Lines'}: 80 % of {column.rows:,} rows." if len(names) == 1 else ""
    return f"Mean {names[0]}: from {number(means[low])} at {at(low)} to {number(means[high])} at {at(high)}.{band}"
