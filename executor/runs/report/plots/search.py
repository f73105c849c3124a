"""The search in plots: trials in parallel coordinates, how each learned, what mattered, where the time went."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    INK,
    MUTE,
    ORANGE,
    WIDE,
    WIDTH,
    Rows,
    axis,
    draw_plot,
    inline_data,
)
from rules.text.numbers import number
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.evaluation.scores import Sensitivity
    from executor.runs.report.plots.drawing import Plot
    from executor.search.records.outcome import Outcome

MAX_TRIALS: Final = 150  # that are drawn, the best; the lines of more are one surface
MAX_EPOCHS: Final = 80  # points of a trial's curve
LOGARITHMIC: Final = 20.0  # ratio of the ends of a range from which it is drawn by its logarithm, as it was searched
BEST, GOOD, OTHER = "the best trial", "the best quarter", "the others"
_LOOKS: Final = alt.Color("look:N", title=None, scale=alt.Scale(domain=[BEST, GOOD, OTHER], range=[ORANGE, BLUE, MUTE]))
_STROKES: Final[Mapping[str, tuple[float, float]]] = {OTHER: (1, 0.4), GOOD: (1.6, 0.75), BEST: (3.5, 1)}
"""Width in pixels and opacity of each kind of trial; the best is drawn last, above the others."""
WHOLE: Final = alt.Axis(tickMinStep=1, format="d")  # ticks of a count
MIN_FOR_AXES: Final = 3  # trials; fewer are read in the table


def plots_of_search(
    trials: Sequence[Outcome], *, metric: str, direction: Direction, sensitivity: Sequence[Sensitivity], best: int
) -> list[Plot]:
    """The plots of a search; trials in their order, best: the number of the one that was chosen."""
    scored = [trial for trial in trials if trial.score is not None]
    ranked = sorted(scored, key=lambda one: (one.number != best, -direction.utility(one.score)))[:MAX_TRIALS]
    found = []
    if len(ranked) >= MIN_FOR_AXES:
        found.append(_parallel(ranked, metric, direction))
    if any(trial.epoch_scores for trial in ranked):
        found.append(_curves(ranked, metric))
    if any(loss is not None for trial in ranked for loss in trial.training_loss):
        found.append(_losses(ranked))
    if any(norm is not None for trial in ranked for norm in trial.gradient_norm):
        found.append(_norms(ranked))
    if len(scored) >= MIN_FOR_AXES:
        found.append(_best_so_far(scored, metric, direction))
    if any(one.importance is not None for one in sensitivity):
        found.append(_importances(sensitivity, metric))
    return found


def stage_plot(stages: Mapping[str, float]) -> Plot | None:
    """Seconds of each stage of a run; None where they were not kept."""
    if not stages:
        return None
    rows: Rows = [{"name": name, "x": seconds, "label": f"{seconds:.1f} s"} for name, seconds in stages.items()]
    base = alt.Chart(inline_data(rows)).encode(y=alt.Y("name:N", title=None, sort=None))
    chart = alt.layer(
        base.mark_bar(color=BLUE, opacity=0.8).encode(x=alt.X(**axis("x", "Seconds"))),
        base.mark_text(align="left", dx=4, color=INK).encode(x="x:Q", text="label:N"),
    )
    longest = max(stages, key=lambda name: stages[name])
    return draw_plot(
        chart.properties(width=WIDTH - 130, height=alt.Step(24)),
        title="Where the time went",
        says=f"{sum(stages.values()):.1f} s in all, the most for {longest}: {stages[longest]:.1f} s.",
    )


def _look(place: int, count: int) -> str:
    return BEST if place == 0 else GOOD if place < count / 4 else OTHER


def _parallel(ranked: Sequence[Outcome], metric: str, direction: Direction) -> Plot:
    """An axis for each hyperparameter, and P as the last one; a line for each trial."""
    names = list(dict.fromkeys(name for trial in ranked for name in trial.hyperparameters))
    axes: dict[str, list[Any]] = {name: [trial.hyperparameters.get(name) for trial in ranked] for name in names}
    # Those that never varied say nothing.
    axes = {name: values for name, values in axes.items() if len(set(map(str, values))) > 1}
    axes[metric] = [trial.score for trial in ranked]
    rows: Rows = []
    ends: Rows = []
    for name, values in axes.items():
        title = name.replace("_", " ")
        places, low, high = _places(values)
        for at, (trial, place) in enumerate(zip(ranked, places, strict=True)):
            if place is not None:
                look = _look(at, len(ranked))
                rows.append({"axis": title, "y": place, "trial": trial.number, "look": look})
        ends += [{"axis": title, "y": 0.0, "end": low, "dy": 16}, {"axis": title, "y": 1.0, "end": high, "dy": -10}]
    x = alt.X(
        "axis:N", title=None, sort=None, axis=alt.Axis(labelAngle=0, grid=True, offset=24, domain=False, ticks=False)
    )
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    lines = [
        alt.Chart(inline_data([row for row in rows if row["look"] == look]))
        .mark_line(strokeWidth=width, opacity=opacity)
        .encode(x=x, y=y, detail="trial:N", color=_LOOKS)
        for look, (width, opacity) in _STROKES.items()
        if any(row["look"] == look for row in rows)
    ]
    labels = [
        alt.Chart(inline_data([end for end in ends if end["dy"] == dy]))
        .mark_text(dy=dy, fontSize=11, color=MUTE)
        .encode(x=x, y=y, text="end:N")
        for dy in (16, -10)
    ]
    better = "up" if direction is Direction.MAX else "down"
    return draw_plot(
        alt.layer(*lines, *labels).properties(width=WIDE - 60, height=HEIGHT + 20),
        title="The trials in parallel coordinates",
        says=f"A line for each of {len(ranked)} trials through its values of {', '.join(list(axes)[:-1])} to its "
        f"{metric} on the validation rows, where {better} is better; an axis spans what was tried. The same stands in "
        "the table of trials.".replace("_", " "),
        wide=True,
    )


def _places(values: Sequence[Any]) -> tuple[list[float | None], str, str]:
    """Where values lie between the least and the greatest, in [0, 1], and what these are called; words by the name."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known):
        words = sorted(set(map(str, known)))
        span = max(1, len(words) - 1)
        return [None if v is None else words.index(str(v)) / span for v in values], words[0], words[-1]
    low, high = min(known), max(known)
    is_log = low > 0 and high / low >= LOGARITHMIC
    start, end = (math.log(low), math.log(high)) if is_log else (low, high)

    def place(value: float | None) -> float | None:
        if value is None:
            return None
        return ((math.log(value) if is_log else value) - start) / (end - start) if end > start else 0.5

    return [place(value) for value in values], number(low), number(high)


def _curves(ranked: Sequence[Outcome], metric: str) -> Plot:
    """P after each epoch, a line for each trial."""
    best = ranked[0]
    return draw_plot(
        _by_epoch(ranked, [trial.epoch_scores for trial in ranked], f"{metric}, validation"),
        title="How the trials learned",
        says=f"{metric} on the validation rows after each epoch. The best trial, {best.number}, trained {best.epochs} "
        f"epochs and was best after {best.best_epoch}.",
    )


def _losses(ranked: Sequence[Outcome]) -> Plot:
    """C on the training rows in each epoch, a line for each trial."""
    return draw_plot(
        _by_epoch(ranked, [trial.training_loss for trial in ranked], "Loss, training"),
        title="Training loss",
        says="Mean loss of the training steps in each epoch, with dropout and row weights. "
        + _from_to(ranked[0], ranked[0].training_loss),
    )


def _norms(ranked: Sequence[Outcome]) -> Plot:
    """Norm of the gradient in each epoch, a line for each trial."""
    values = [trial.gradient_norm for trial in ranked]
    is_positive = all(norm > 0 for one in values for norm in one if norm is not None)
    return draw_plot(
        _by_epoch(ranked, values, "Gradient norm", is_log=is_positive),
        title="Gradient norm",
        says="L2 norm of the gradient of all weights, the mean of every eighth step of an epoch"
        f"{', on a logarithmic axis' if is_positive else ''}. A norm near zero from the first epochs on indicates "
        "vanishing gradients, one that grows from epoch to epoch exploding gradients. "
        + _from_to(ranked[0], ranked[0].gradient_norm),
    )


def _from_to(best: Outcome, values: Sequence[float | None]) -> str:
    """The first and the last value of the best trial."""
    known = [value for value in values if value is not None]
    if not known:
        return f"The best trial, {best.number}, has no finite value."
    return f"In the best trial, {best.number}, it went from {number(known[0])} to {number(known[-1])}."


def _by_epoch(
    ranked: Sequence[Outcome], values: Sequence[Sequence[float | None]], title: str, *, is_log: bool = False
) -> alt.LayerChart | alt.FacetChart:
    """A line for each trial over its epochs; values: of each trial and epoch, None where there is none."""
    rows: Rows = []
    for at, (trial, own) in reversed(list(enumerate(zip(ranked, values, strict=True)))):
        points = [(epoch, value) for epoch, value in enumerate(own, start=1) if value is not None]
        thin = max(1, math.ceil(len(points) / MAX_EPOCHS))
        kept = points[::thin] if not points or points[-1] in points[::thin] else [*points[::thin], points[-1]]
        look = _look(at, len(ranked))
        rows += [{"x": epoch, "y": value, "trial": trial.number, "look": look} for epoch, value in kept]
    scale = alt.Scale(type="log") if is_log else alt.Scale(zero=False)
    lines = [
        alt.Chart(inline_data([row for row in rows if row["look"] == look]))
        .mark_line(strokeWidth=width, opacity=opacity)
        .encode(
            x=alt.X(**axis("x", "Epoch", scale=alt.Scale(zero=False), axis=WHOLE)),
            y=alt.Y(**axis("y", title, scale=scale)),
            detail="trial:N",
            color=_LOOKS,
        )
        for look, (width, opacity) in _STROKES.items()
        if any(row["look"] == look for row in rows)
    ]
    return alt.layer(*lines).properties(width=WIDTH, height=HEIGHT)


def _best_so_far(scored: Sequence[Outcome], metric: str, direction: Direction) -> Plot:
    """P of each trial in the order in which they were asked for, and the best so far."""
    rows: Rows = []
    best: float | None = None
    last = 0
    for at, trial in enumerate(sorted(scored, key=lambda one: one.number)):
        score = trial.score or 0.0
        if best is None or direction.better(score, best):
            best, last = score, at
        rows.append({"x": at + 1, "y": score, "best": best})
    base = alt.Chart(inline_data(rows))
    scale = alt.Scale(zero=False)
    x = alt.X(**axis("x", "Trials", scale=scale, axis=WHOLE))
    title = f"{metric}, validation"
    chart = alt.layer(
        base.mark_circle(color=BLUE, opacity=0.6, size=30).encode(x=x, y=alt.Y(**axis("y", title, scale=scale))),
        base.mark_line(color=ORANGE, interpolate="step-after").encode(x=x, y=alt.Y(**axis("best", title, scale=scale))),
    )
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="The best so far",
        says=f"After {len(rows)} trials the best {metric} on the validation rows was {number(best or 0.0)}; it did not "
        f"get better in the last {len(rows) - 1 - last}.",
    )


def _importances(sensitivity: Sequence[Sensitivity], metric: str) -> Plot:
    rows: Rows = [
        {"name": f"{one.name.replace('_', ' ')} (notes: {one.rating})", "x": one.importance}
        for one in sensitivity
        if one.importance is not None
    ]
    chart = (
        alt.Chart(inline_data(rows))
        .mark_bar(color=BLUE, opacity=0.8)
        .encode(
            x=alt.X(**axis("x", "Share of what the search explains", axis=alt.Axis(format="%"))),
            y=alt.Y("name:N", title=None, sort=None),
        )
    )
    first = rows[0]
    return draw_plot(
        chart.properties(width=WIDTH - 130, height=alt.Step(24)),
        title="Which hyperparameters mattered",
        says=f"By permutation in a random forest over the trials; the most to {metric}: {first['name']}, "
        f"{first['x']:.0%}.",
    )
