"""Plots as static SVG that stands in the page: drawn by Vega-Lite, coloured by the page, with words beside them.

Altair describes a chart and vl-convert draws it, without a browser or a network. Colours are variables of the page's
style sheet, so that a plot follows it from light to dark. The palette is that of Okabe and Ito (2008), which people
with colour-blindness can tell apart; lines that differ in colour differ in their dashes, too. A chart that cannot be
drawn is replaced by a sentence with the reason.
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
WIDTH, HEIGHT, WIDE = 360, 240, 960  # pixels of the plane; a phone shows WIDTH with its axis at nearly full size
FONT: Final = (
    "Arial, Helvetica, sans-serif"  # vl-convert measures words in a font of these widths; the page shows it, too
)
MAX_NAME_LENGTH: Final = 28  # characters of a name from the data that a plot shows

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
    "padding": {"left": 14, "right": 8, "top": 8, "bottom": 4},
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
    """A drawn plot. says: in words what it shows, for those who do not see it. svg: or why there is none."""

    title: str
    says: str
    svg: Markup
    wide: bool = False


def draw_plot(chart: alt.Chart | alt.LayerChart | alt.FacetChart, *, title: str, says: str, wide: bool = False) -> Plot:
    """Draw a chart. Its title stands above it in the page; wide: it takes the page's whole width."""
    try:
        text = SVG_PROCESS.convert(chart.to_dict(validate=False), CONFIG)
    except DrawingError as error:
        LOG.warning("The plot %r is left out: %s.", title, error)
        reason = escape(f"This plot was not drawn: {error}. 'recommend report RUN' draws it again.")
        return Plot(title=title, says=says, svg=Markup("<p>{}</p>").format(reason), wide=wide)
    label = escape(f"{title}. {says}")
    found = _OUTER.match(text)
    if found is None:
        raise ValueError("a drawing begins with its size")
    width, height = found.groups()
    # The namespaces of a file of its own are not needed in HTML.
    start = f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}">'
    return Plot(title=title, says=says, svg=Markup(start + text[found.end() :]), wide=wide)  # noqa: S704  Vega escapes


def inline_data(rows: Rows) -> dict[str, Any]:
    """Inline data for a chart; the fields have fixed names, and only values come from a dataset.

    A plain value and none of Altair's: that would hold each row against a schema, for most of the time of a page.
    """
    return {"values": rows}


def shorten_name(name: object) -> str:
    """A name or value from the data as a plot shows it: control characters spelled out, and not too long."""
    text = printable(str(name))
    return text if len(text) <= MAX_NAME_LENGTH else f"{text[: MAX_NAME_LENGTH - 1]}…"


def distinct_names(names: Iterable[object]) -> list[str]:
    """The names as a plot shows them, numbered where two would look alike."""
    made: list[str] = []
    for name in names:
        text, number = shorten_name(name), 1
        while text in made:
            number += 1
            text = f"{shorten_name(name)} ({number})"
        made.append(text)
    return made


def axis(field: str, title: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  Altair's own options
    """The arguments of a numeric axis: field `field` with a title."""
    return {"shorthand": f"{field}:Q", "title": title, **more}


def lines_by(names: list[str]) -> dict[str, Any]:
    """The encodings by which the lines of several names differ: colour and dashes; field `name`."""
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
