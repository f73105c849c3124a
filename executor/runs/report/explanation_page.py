"""Page of explained predictions as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.evaluation.explanation.masking import patches
from executor.runs.report.plots.drawing import shorten_name
from executor.runs.report.plots.explanations import bar_plot, opacities, sequence_plot, summary_plot
from executor.runs.report.plots.mistaken_images import image_address
from rules.text.numbers import number
from rules.text.templating import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.evaluation.explanation.explanations import Explanations, RowExplanation
    from executor.runs.report.plots.drawing import Plot

MAX_DRAWN: Final = 50  # rows with a plot; other formats have all


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """A row on the page: plots, words with their opacity, and patches of the image at `address`."""

    one: RowExplanation
    title: str
    plots: list[Plot]
    words: list[tuple[str, float]]
    address: str
    shape: tuple[int, ...]
    patches: list[tuple[tuple[int, int, int, int], float]]


def explanation_page(found: Explanations, *, targets: Sequence[str], name: str) -> str:
    """Render explanations as HTML. Names and values from the data are escaped. name: of the run or exported model."""
    return (
        environment("executor.runs.report")
        .get_template("explanation.html")
        .render(
            targets=targets,
            name=name,
            found=found,
            summaries=_summaries(found),
            drawn=[_draw(found, at) for at in range(min(MAX_DRAWN, len(found.rows)))],
            number=number,
        )
    )


def _summaries(found: Explanations) -> list[Plot]:
    outputs = len(found.rows[0].outputs) if found.rows else 0
    return [plot for output in range(outputs) if (plot := summary_plot(found, output=output)) is not None]


def _draw(found: Explanations, at: int) -> _Drawn:
    """Draw one row."""
    one, drawn = found.rows[at], dict[str, Any]()
    title = f"Row {one.row:,}" + (f": {one.name}" if one.name else "")
    plots = [
        bar_plot(
            one, found.kind, output=output, title=f"{title}: {shorten_name(name)} {number(one.prediction[output])}"
        )
        for output, name in enumerate(one.outputs)
    ]
    name = next(iter(found.raw.features), "")
    if found.kind == "segment":
        plots.insert(0, sequence_plot(one, found.raw.features[name][at], title="Segments"))
    if found.kind == "patch":
        pixels = np.asarray(found.raw.features[name])[at]
        plots = []
        drawn = {"address": image_address(pixels), "shape": pixels.shape}
        drawn["patches"] = [*zip(patches(pixels.shape), opacities(one), strict=True)]
    words = [*zip(one.values, opacities(one), strict=True)] if found.kind in {"words", "letters"} else []
    return _Drawn(**{"address": "", "shape": (), "patches": []} | drawn, one=one, title=title, plots=plots, words=words)
