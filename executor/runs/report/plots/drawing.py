"""Static SVG plots: drawn by Vega-Lite, coloured by the page's style sheet, each with a description.

Altair describes a chart and vl-convert draws it, without a browser or a network. Colours are CSS variables, so that
plots follow the page from light to dark. The palette of Okabe and Ito (2008) suits colour-blind readers; lines that
differ in colour differ in their dashes, too. A chart that cannot be drawn is replaced by a sentence with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt
from markupsafe import Markup, escape

from executor.runs.report.plots.svg import SVG_PROCESS, DrawingError
from executor.runtime.log import LOG
from rules.text.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Rows = list[dict[str, Any]]
INK, MUTE, LINE = "var(--ink)", "var(--mute)", "var(--line)"
PALETTE: Final = tuple(f"var(--p{number})" for number in range(1, 7))
BLUE, ORANGE = PALETTE[:2]
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [12, 3], [1, 3])
WIDTH, HEIGHT, WIDE = 360, 240, 960  # pixels of the plotting area; a phone shows WIDTH at nearly full size
FONT: Final = "Arial, Helvetica, sans-serif"  # vl-convert measures text with these widths; the page uses the same font
MAX_NAME_LENGTH: Final = 28  # characters of a name from the data

_AXIS: Final = {
    "labelColor": MUTE,
    "titleColor": INK,
    "gridColor": LINE,
    "domainColor": LINE,
    "tickColor": LINE,
    "labelFontSize": 12,
    "titleFontSize": 12.5,
    "titleFontWeight": "normal",
    "titlePadding": 9,
    "labelLimit": 170,
}
CONFIG: Final[Mapping[str, Any]] = {
    "background": None,
    "aria": False,
    "font": FONT,
    "padding": {"left": 26, "right": 8, "top": 8, "bottom": 4},
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {
        "labelColor": INK,
        "titleColor": MUTE,
        "labelFontSize": 12,
        "orient": "bottom",
        "labelLimit": 200,
        "symbolOpacity": 1,
        "symbolStrokeWidth": 3,
    },
    "line": {"strokeWidth": 2},
    "text": {"color": INK, "fontSize": 11.5},
    "range": {"category": list(PALETTE)},
}
_OUTER: Final = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*?>')


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot. says: description for screen readers and as caption. svg: the drawing, or why there is none."""

    title: str
    says: str
    svg: Markup
    wide: bool = False


def draw_plot(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart, *, title: str, says: str, wide: bool = False
) -> Plot:
    """Draw a chart. The page shows its title above it; wide: it takes the whole width of the page."""
    try:
        text = SVG_PROCESS.convert(chart.to_dict(validate=False), CONFIG)
    except DrawingError as error:
        LOG.warning("The plot %r is left out: %s.", title, error)
        reason = escape(f"This plot was not drawn: {error}. 'recommend report RUN' draws it again.")
        return Plot(title=title, says=says, svg=Markup("<p>{}</p>").format(reason), wide=wide)
    label = escape(f"{title}. {says}")
    found = _OUTER.match(text)
    if found is None:
        raise ValueError("a drawing starts with its size")
    width, height = found.groups()
    # HTML needs no XML namespaces.
    start = f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}">'
    return Plot(title=title, says=says, svg=Markup(start + text[found.end() :]), wide=wide)  # noqa: S704  Vega escapes


def inline_data(rows: Rows) -> dict[str, Any]:
    """Inline data for a chart; field names are fixed, only values come from a dataset.

    A plain dict, because Altair's own class validates each row, which takes most of the time of a page.
    """
    return {"values": rows}


def shorten_name(name: object) -> str:
    """Shorten a name from the data, and escape control characters."""
    text = printable(str(name))
    return text if len(text) <= MAX_NAME_LENGTH else f"{text[: MAX_NAME_LENGTH - 1]}…"


def distinct_names(names: Iterable[object]) -> list[str]:
    """Shorten names, and number those that would look equal."""
    made: list[str] = []
    for name in names:
        text, number = shorten_name(name), 1
        while text in made:
            number += 1
            text = f"{shorten_name(name)} ({number})"
        made.append(text)
    return made


def axis(field: str, title: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  Altair's own options
    """Arguments of a numeric axis: a field with a title."""
    return {"shorthand": f"{field}:Q", "title": title, **more}


def lines_by(names: list[str]) -> dict[str, Any]:
    """Colour and dashes for lines by the field `name`."""
    domain = names[: len(PALETTE)]
    if len(domain) == 1:
        return {"color": alt.value(BLUE)}
    return {
        "color": alt.Color("name:N", title=None, scale=alt.Scale(domain=domain, range=list(PALETTE[: len(domain)]))),
        "strokeDash": alt.StrokeDash(
            "name:N", title=None, scale=alt.Scale(domain=domain, range=[list(dash) for dash in DASHES[: len(domain)]])
        ),
    }


def dashed_line(*, x: float | None = None, y: float | None = None) -> alt.Chart:
    """A thin dashed line across the plot."""
    mark: alt.Chart = alt.Chart(inline_data([{"x": x, "y": y}])).mark_rule(color=MUTE, strokeDash=[4, 3])
    made: alt.Chart = mark.encode(x="x:Q") if y is None else mark.encode(y="y:Q")
    return made
