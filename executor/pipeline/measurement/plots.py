"""Forest plots of a scorecard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import altair as alt

from executor.runs.report.plots.drawing import BLUE, INK, axis, dashed_line, draw_plot, inline_data
from rules.scorecard.scorecard import interval_text, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from executor.runs.report.plots.drawing import Plot
    from rules.scorecard.scorecard import Scorecard, SensitivityScore, SlotScore

MOST: Final = 10  # policies of a slot
PER_CHARACTER: Final = 7.5  # pixels of a name left of a plot, enough for any sans-serif font
COLOURS: Final = {"--ink": "#1d2733", "--mute": "#5b6673", "--line": "#d5dbe1", "--p1": "#0072b2", "--p2": "#d55e00"}
"""Colours of plots outside of a report, which has them in its style sheet."""


def write_plots(card: Scorecard, folder: Path) -> list[Path]:
    """Draw the regrets of each slot into files scorecard-SLOT.svg; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    if card.sensitivities:
        written.append(folder / "scorecard-sensitivity.svg")
        written[0].write_text(_standalone(sensitivity_plot(card.sensitivities)), encoding="utf-8")
    for slot in card.slots:
        path = folder / f"scorecard-{slot.slot}.svg"
        path.write_text(_standalone(forest_plot(slot)), encoding="utf-8")
        written.append(path)
    return written


def forest_plot(slot: SlotScore) -> Plot:
    """Regret of each policy with its 95 % interval."""
    shown = slot.regrets[:MOST]
    rows = [{"name": one.policy, **one.effect.model_dump(include={"ratio", "low", "high"})} for one in shown]
    width = PER_CHARACTER * max(len(one.policy) for one in shown)
    names = alt.Y(
        "name:N",
        title=None,
        sort=[one.policy for one in shown],
        axis=alt.Axis(labelLimit=width, minExtent=width, ticks=False, domain=False, grid=False),
    )
    scale = alt.Scale(type="log", zero=False, nice=False)
    ratio = alt.X(**axis("ratio", "Error relative to the best choice in hindsight", scale=scale))
    low = alt.X(**axis("low", "Error relative to the best choice in hindsight", scale=scale))
    base = alt.Chart(inline_data(rows))
    chart = alt.layer(
        dashed_line(x=1),
        base.mark_rule(color=INK).encode(y=names, x=low, x2="high:Q"),
        base.mark_circle(color=BLUE, size=70, opacity=1).encode(y=names, x=ratio),
    ).properties(width=420, height=alt.Step(24))
    listed = "; ".join(f"{one.policy} {interval_text(one.effect)}" for one in shown)
    return draw_plot(chart, title=f"Regret: {slot.slot.label}", says=f"Ratios with 95 % intervals: {listed}.")


def sensitivity_plot(scores: Sequence[SensitivityScore]) -> Plot:
    """Share of each hyperparameter with its 95 % interval: one column for each kind of data."""
    rows = [
        {"kind": f"{one.kind} ({one.datasets})", "name": f"{own.name} ({own.rating})"}
        | {name: 100 * value for name, value in own.model_dump(include={"share", "low", "high"}).items()}
        for one in scores
        for own in one.hyperparameters
    ]
    listed = list(dict.fromkeys(row["name"] for row in rows))
    width = PER_CHARACTER * max(map(len, listed))
    names = alt.Y(
        "name:N",
        title=None,
        sort=listed,
        axis=alt.Axis(labelLimit=width, minExtent=width, ticks=False, domain=False, grid=False),
    )
    title = "Share of the variance in %"
    charts = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        base = alt.Chart(inline_data([row for row in rows if row["kind"] == kind]))
        share, low = alt.X(**axis("share", title)), alt.X(**axis("low", title))
        charts.append(
            alt.layer(
                dashed_line(x=0),
                base.mark_rule(color=INK).encode(y=names, x=low, x2="high:Q"),
                base.mark_circle(color=BLUE, size=70, opacity=1).encode(y=names, x=share),
            ).properties(width=420, height=alt.Step(24), title=alt.Title(kind, anchor="start"))
        )
    said = "; ".join(f"{own.name} {share_text(own)}" for own in scores[0].hyperparameters)
    return draw_plot(
        alt.vconcat(*charts), title="Sensitivity to hyperparameters", says=f"Shares with 95 % intervals: {said}."
    )


def _standalone(plot: Plot) -> str:
    """A plot as a file of its own, with a white ground."""
    svg = re.sub(r"var\((--\w+)\)", lambda found: COLOURS[found[1]], str(plot.svg))
    first, rest = svg.split(">", 1)
    return f'{first} xmlns="http://www.w3.org/2000/svg"><rect width="100%" height="100%" fill="#fff"/>{rest}\n'
