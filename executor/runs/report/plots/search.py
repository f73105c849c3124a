"""Plots of the search: parallel coordinates, learning curves of trials, hyperparameter importance, time by stage."""

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

MAX_TRIALS: Final = 150  # drawn, the best ones; more lines are not readable
MAX_EPOCHS: Final = 80  # points of a trial's curve
LOGARITHMIC: Final = 20.0  # ratio of the ends of a range from which its axis is logarithmic
BEST, GOOD, OTHER = "best trial", "best quarter", "other trials"
_LOOKS: Final = alt.Color("look:N", title=None, scale=alt.Scale(domain=[BEST, GOOD, OTHER], range=[ORANGE, BLUE, MUTE]))
_STROKES: Final[Mapping[str, tuple[float, float]]] = {OTHER: (1, 0.4), GOOD: (1.6, 0.75), BEST: (3.5, 1)}
"""Width in pixels and opacity of each kind of trial; the best is drawn last, on top."""
WHOLE: Final = alt.Axis(tickMinStep=1, format="d")  # ticks of a count
MIN_FOR_AXES: Final = 3  # trials; fewer are in the table


def plots_of_search(
    trials: Sequence[Outcome], *, metric: str, direction: Direction, sensitivity: Sequence[Sensitivity], best: int
) -> list[Plot]:
    """Plots of a search; best: number of the selected trial."""
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
    """Seconds of each stage of a run; None where they were not recorded."""
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
        title="Time by stage",
        says=f"{sum(stages.values()):.1f} s in total; the longest stage is {longest} ({stages[longest]:.1f} s).",
    )


def _look(place: int, count: int) -> str:
    return BEST if place == 0 else GOOD if place < count / 4 else OTHER


def _parallel(ranked: Sequence[Outcome], metric: str, direction: Direction) -> Plot:
    """An axis per hyperparameter, the score as the last one; a line per trial."""
    names = list(dict.fromkeys(name for trial in ranked for name in trial.hyperparameters))
    axes: dict[str, list[Any]] = {name: [trial.hyperparameters.get(name) for trial in ranked] for name in names}
    # Hyperparameters with one value are left out.
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
        title="Trials in parallel coordinates",
        says=f"One line per trial ({len(ranked)}) through its values of {', '.join(list(axes)[:-1])} to its {metric} "
        f"on the validation rows, where {better} is better. Each axis spans the values tried.".replace("_", " "),
        wide=True,
    )


def _places(values: Sequence[Any]) -> tuple[list[float | None], str, str]:
    """Positions of values in [0, 1], and labels of the smallest and the largest; words in alphabetical order."""
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
    """Validation score after each epoch, one line per trial."""
    best = ranked[0]
    return draw_plot(
        _by_epoch(ranked, [trial.epoch_scores for trial in ranked], f"{metric}, validation"),
        title="Validation score by epoch",
        says=f"Validation {metric} after each epoch. Trial {best.number}, the best one, trained for "
        f"{best.epochs} epochs; {_best_epoch(best)}.",
    )


def _best_epoch(best: Outcome) -> str:
    """The best epoch of a trial, for a sentence."""
    if best.start_score is None:
        return f"its best epoch is {best.best_epoch}"
    start = f"the linear model at which it starts has {number(best.start_score)}"
    return f"its best epoch is {best.best_epoch}; {start}" if best.best_epoch else f"{start}, which no epoch exceeds"


def _losses(ranked: Sequence[Outcome]) -> Plot:
    """Training loss in each epoch, one line per trial."""
    return draw_plot(
        _by_epoch(ranked, [trial.training_loss for trial in ranked], "Loss, training"),
        title="Training loss",
        says="Mean loss over the steps of each epoch, with dropout and row weights. "
        + _from_to(ranked[0], ranked[0].training_loss),
    )


def _norms(ranked: Sequence[Outcome]) -> Plot:
    """Gradient norm in each epoch, one line per trial."""
    values = [trial.gradient_norm for trial in ranked]
    is_positive = all(norm > 0 for one in values for norm in one if norm is not None)
    return draw_plot(
        _by_epoch(ranked, values, "Gradient norm", is_log=is_positive),
        title="Gradient norm",
        says="L2 norm of the gradient of all weights, averaged over every eighth step of an epoch"
        f"{', on a logarithmic axis' if is_positive else ''}. A norm near zero from the first epochs indicates "
        "vanishing gradients; a norm that grows with the epochs indicates exploding gradients. "
        + _from_to(ranked[0], ranked[0].gradient_norm),
    )


def _from_to(best: Outcome, values: Sequence[float | None]) -> str:
    """First and last value of the best trial."""
    known = [value for value in values if value is not None]
    if not known:
        return f"Trial {best.number}, the best one, has no finite value."
    return f"In trial {best.number}, the best one, it changes from {number(known[0])} to {number(known[-1])}."


def _by_epoch(
    ranked: Sequence[Outcome], values: Sequence[Sequence[float | None]], title: str, *, is_log: bool = False
) -> alt.LayerChart | alt.FacetChart:
    """One line per trial over its epochs; values: of each trial and epoch, None where undefined."""
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
    """Score of each trial in the order of the search, and the best so far."""
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
        title="Best score so far",
        says=f"Best validation {metric} after {len(rows)} trials: {number(best or 0.0)}, without "
        f"improvement in the last {len(rows) - 1 - last}.",
    )


def _importances(sensitivity: Sequence[Sensitivity], metric: str) -> Plot:
    rows: Rows = [
        {
            "name": f"{one.name.replace('_', ' ')} (notes: {one.rating})",
            "x": one.importance,
            "low": one.importance if one.low is None else one.low,
            "high": one.importance if one.high is None else one.high,
        }
        for one in sensitivity
        if one.importance is not None
    ]
    base, title = alt.Chart(inline_data(rows)), "Share of the explained variance"
    y = alt.Y("name:N", title=None, sort=None)
    chart = alt.layer(
        base.mark_bar(color=BLUE, opacity=0.8).encode(x=alt.X(**axis("x", title, axis=alt.Axis(format="%"))), y=y),
        base.mark_rule(color=INK).encode(x=alt.X(**axis("low", title)), x2="high:Q", y=y),
    )
    first = rows[0]
    return draw_plot(
        chart.properties(width=WIDTH - 130, height=alt.Step(24)),
        title="Hyperparameter importance",
        says="Shares of the variance of scores that a random forest over the trials explains. Lines span 95 % of the "
        "trees. "
        f"Most important for {metric}: {first['name']}, {first['x']:.0%} ({first['low']:.0%} to {first['high']:.0%}).",
    )
