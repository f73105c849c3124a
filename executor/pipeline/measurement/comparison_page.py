"""A comparison of choices as one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt

from executor.evaluation.scores import Estimate
from executor.pipeline.measurement.comparison import gain_text, length_text
from executor.runs.report.plots.comparison import score_plot
from executor.runs.report.plots.drawing import DASHES, HEIGHT, PALETTE, WIDTH, Rows, axis, draw_plot, inline_data
from rules.text.numbers import number
from rules.text.templating import environment
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from executor.pipeline.measurement.comparison import ComparedChoice, ComparedTraining, Comparison, ScoreInterval
    from executor.runs.report.plots.drawing import Plot

LEGEND_COLUMNS: Final = 3
MAX_LINES: Final = len(PALETTE)  # curves of the best choices; more colours are not distinguishable


def render_comparison(comparison: Comparison) -> str:
    """Render a comparison as one self-contained HTML page, with the curves of the trainings and the intervals.

    Args:
        comparison: Result of `compare`.

    Returns:
        The text of the page. Names and values from the data are escaped.

    Examples:
        >>> from executor import compare, render_comparison
        >>> found = compare("titanic.csv", target="Survived", slot="optimizer")  # doctest: +SKIP
        >>> Path("compare.html").write_text(render_comparison(found))  # doctest: +SKIP
    """
    return (
        environment("executor.runs.report")
        .get_template("choices.html")
        .render(
            comparison=comparison,
            length=length_text(comparison),
            plots=[*_plots(comparison)],
            number=number,
            gain_text=gain_text,
            reference=next(one.name for one in comparison.choices if one.gain is None),
        )
    )


def _plots(comparison: Comparison) -> Iterator[Plot]:
    shown = [one for one in comparison.choices if any(own.epoch_scores for own in one.trainings)][:MAX_LINES]
    title = f"{comparison.metric} on validation rows"
    yield _curves(shown, title, "epoch_scores")
    if comparison.slot is not Slot.LOSS:  # losses have different scales
        yield _curves(shown, "Training loss", "training_loss")
    scores = {one.name: _estimate(one.score) for one in comparison.choices}
    gains = {one.name: _estimate(one.gain) for one in comparison.choices if one.gain is not None}
    reference = next(one.name for one in comparison.choices if one.gain is None)
    gain = f"Gain in {comparison.metric}"
    found = [
        score_plot(scores, comparison.metric, title=f"{comparison.metric} on test rows"),
        score_plot(gains, gain, title=f"Gain over {reference}: right of 0 is better", level=0.0),
    ]
    yield from (plot for plot in found if plot is not None)


def _estimate(found: ScoreInterval) -> Estimate:
    return Estimate(value=found.value, low=found.low, high=found.high)


def _curves(shown: Sequence[ComparedChoice], title: str, field: str) -> Plot:
    """Mean over the seeds after each epoch, with the range of the seeds."""
    rows: Rows = [
        {"name": one.name, "x": epoch, "y": sum(values) / len(values), "low": min(values), "high": max(values)}
        for one in shown
        for epoch, values in _by_epoch(one.trainings, field)
    ]
    names = [one.name for one in shown]
    legend = alt.Legend(columns=LEGEND_COLUMNS, symbolType="stroke")
    colours = alt.Scale(domain=names, range=list(PALETTE[: len(names)]))
    dashes = alt.Scale(domain=names, range=[list(dash) for dash in DASHES[: len(names)]])
    scale = alt.Scale(zero=False)
    base = alt.Chart(inline_data(rows)).encode(
        x=alt.X(**axis("x", "Epoch", axis=alt.Axis(tickMinStep=1, format="d"))),
        color=alt.Color("name:N", title=None, scale=colours, legend=legend),
    )
    bands = base.mark_area(opacity=0.15).encode(y=alt.Y(**axis("low", title, scale=scale)), y2="high:Q")
    lines = base.mark_line().encode(
        y=alt.Y(**axis("y", title, scale=scale)),
        strokeDash=alt.StrokeDash("name:N", title=None, scale=dashes, legend=legend),
    )
    chart = alt.layer(bands, lines).properties(width=WIDTH, height=HEIGHT)
    ends = {row["name"]: row["y"] for row in rows}
    listed = "; ".join(f"{name} {number(value)}" for name, value in ends.items())
    return draw_plot(
        chart,
        title=f"{title} by epoch",
        says=f"Mean over the seeds, with the range from the lowest to the highest. After the last epoch: {listed}.",
    )


def _by_epoch(trainings: Sequence[ComparedTraining], field: str) -> Iterator[tuple[int, list[float]]]:
    """Values of all seeds after each epoch, while every training that has values goes on."""
    curves = [values for one in trainings if (values := getattr(one, field))]
    for epoch in range(min((len(curve) for curve in curves), default=0)):
        values = [curve[epoch] for curve in curves if curve[epoch] is not None]
        if values:
            yield epoch + 1, values
