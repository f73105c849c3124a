"""How good a classification is, in plots: ROC, precision against recall, calibration, lift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import altair as alt
import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from executor.components import metric_functions as measures
from executor.components.metric import class_probability
from executor.runs.report.plots.drawing import (
    BLUE,
    HEIGHT,
    INK,
    MUTE,
    ORANGE,
    PALETTE,
    WIDTH,
    Rows,
    axis,
    distinct_names,
    draw_plot,
    inline_data,
    lines_by,
)
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.runs.report.hold_out_answers import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot

MAX_LINES: Final = len(PALETTE)  # classes of which each has a curve; of more, the most frequent ones
MAX_POINTS: Final = 200  # of a curve: more cannot be seen at this size
BINS: Final = 10  # of a reliability diagram, of equally many rows each (Bröcker and Smith 2007)
MIN_IN_BIN: Final = 10  # rows; a share of fewer is noise
TENTH: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class ClassCurve:
    """One class against all others, or one label. positive: (rows,) boolean; probability: (rows,)."""

    name: str
    positive: np.ndarray
    probability: np.ndarray
    threshold: float | None


def plots_of_classes(answers: HoldOutPredictions, thresholds: tuple[float, ...]) -> list[Plot]:
    """The plots of a classification; thresholds: of the classes or labels that have one."""
    against = one_vs_rest(answers, thresholds)
    if not against:
        return []
    found = [_roc(answers, against), _precision(against), _calibration(answers, against)]
    return found if len(against) > 1 else [*found, _lift(against[0])]


def one_vs_rest(answers: HoldOutPredictions, thresholds: tuple[float, ...]) -> list[ClassCurve]:
    """The classes or labels of which the hold-out holds both kinds of rows, at most MAX_LINES of the most frequent."""
    said, names = answers.said, distinct_names(answers.names)
    if said.task is Task.BINARY:
        at = 1 if said.rare_class is None else said.rare_class
        found = [
            (names[at], said.truth == at, class_probability(said.outcome, at), thresholds[0] if thresholds else None)
        ]
    elif said.task is Task.MULTICLASS:
        found = [(name, said.truth == at, said.outcome[:, at], None) for at, name in enumerate(names)]
    else:
        cuts = thresholds or (None,) * len(names)
        found = [(name, said.truth[:, at] == 1, said.outcome[:, at], cuts[at]) for at, name in enumerate(names)]
    both = [
        ClassCurve(name=name, positive=positive, probability=probability, threshold=cut)
        for name, positive, probability, cut in found
        if 0 < np.count_nonzero(positive) < len(positive)
    ]
    most = sorted(both, key=lambda one: -np.count_nonzero(one.positive))[:MAX_LINES]
    return [one for one in both if one in most]


def _thinned(*columns: np.ndarray) -> list[np.ndarray]:
    """The same points of every column, at most MAX_POINTS of them, with both ends."""
    keep = np.unique(np.linspace(0, len(columns[0]) - 1, MAX_POINTS).round().astype(int))
    return [column[keep] for column in columns]


def _omitted_classes(answers: HoldOutPredictions, against: list[ClassCurve]) -> str:
    """That some classes have no curve; "" where all have, or the task has one."""
    if answers.said.task is Task.BINARY or len(against) == len(answers.names):
        return ""
    return f" The {len(against)} most frequent of {len(answers.names)} are drawn."


def _points(name: str, x: np.ndarray, y: np.ndarray) -> Rows:
    """The points of a curve in their order."""
    return [{"x": float(a), "y": float(b), "at": at, "name": name} for at, (a, b) in enumerate(zip(x, y, strict=True))]


def _at_threshold(one: ClassCurve) -> tuple[float, float, float] | None:
    """Share of the positives found, of the negatives taken for them, and precision, at the chosen threshold."""
    if one.threshold is None:
        return None
    yes = one.probability >= one.threshold
    hits = np.count_nonzero(yes & one.positive)
    positives, negatives = np.count_nonzero(one.positive), np.count_nonzero(~one.positive)
    precision = hits / np.count_nonzero(yes) if yes.any() else 1.0
    return hits / positives, np.count_nonzero(yes & ~one.positive) / negatives, precision


def _marks(points: Rows) -> alt.Chart:
    made: alt.Chart = alt.Chart(inline_data(points)).mark_point(
        filled=True, size=110, shape="diamond", color=ORANGE, stroke=INK, strokeWidth=1, opacity=1
    )
    return made


def _roc(answers: HoldOutPredictions, against: list[ClassCurve]) -> Plot:
    rows: Rows = []
    marks: Rows = []
    areas = []
    for one in against:
        false, true, _ = roc_curve(one.positive, one.probability)
        false, true = _thinned(false, true)
        rows += _points(one.name, false, true)
        areas.append(f"{one.name} ({number(measures.roc_auc(one.positive, one.probability))})")
        if (at := _at_threshold(one)) is not None:
            marks.append({"x": at[1], "y": at[0]})
    by = lines_by([one.name for one in against])
    unit = alt.Scale(domain=[0, 1])
    line = alt.Chart(inline_data(rows)).mark_line(interpolate="step-after")
    chance = alt.Chart(inline_data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        color=MUTE, strokeDash=[4, 3], strokeWidth=1
    )
    x, y = (
        alt.X(**axis("x", "Share of other rows taken for it", scale=unit)),
        alt.Y(**axis("y", "Share of its rows found", scale=unit)),
    )
    chart = alt.layer(
        chance.encode(x=x, y=y), line.encode(x=x, y=y, order="at:Q", **by), _marks(marks).encode(x=x, y=y)
    )
    chosen = ""
    if len(marks) == 1:
        chosen = f" The diamond is the chosen threshold: it finds {marks[0]['y']:.0%} at {marks[0]['x']:.1%}."
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="ROC",
        says=f"Area under the curve: {', '.join(areas)}. The dashed line is chance.{chosen}"
        f"{_omitted_classes(answers, against)}",
    )


def _precision(against: list[ClassCurve]) -> Plot:
    rows: Rows = []
    marks: Rows = []
    means = []
    for one in against:
        precision, recall, _ = precision_recall_curve(one.positive, one.probability)
        # Of one recall the highest precision counts: a threshold with a lower one would be no one's choice.
        recall, first = np.unique(recall[::-1], return_index=True)
        recall, precision = _thinned(recall, np.maximum.reduceat(precision[::-1], first))
        rows += _points(one.name, recall, precision)
        mean, share = measures.average_precision(one.positive, one.probability), one.positive.mean()
        means.append(f"{one.name} ({number(mean)}, by chance {share:.0%})")
        if (at := _at_threshold(one)) is not None:
            marks.append({"x": at[0], "y": at[2]})
    unit = alt.Scale(domain=[0, 1])
    x = alt.X(**axis("x", "Recall: share of its rows found", scale=unit))
    y = alt.Y(**axis("y", "Precision: share of answers right", scale=unit))
    line = alt.Chart(inline_data(rows)).mark_line(interpolate="step-before")
    by = lines_by([one.name for one in against])
    chart = alt.layer(line.encode(x=x, y=y, order="at:Q", **by), _marks(marks).encode(x=x, y=y))
    chosen = ""
    if len(marks) == 1:
        chosen = f" The diamond is the chosen threshold: precision {marks[0]['y']:.0%}, recall {marks[0]['x']:.0%}."
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Precision and recall",
        says=f"Average precision: {', '.join(means)}.{chosen}",
    )


def _calibration(answers: HoldOutPredictions, against: list[ClassCurve]) -> Plot:
    """Reliability diagram; of several classes that of the class that is answered."""
    said = answers.said
    if said.task is Task.MULTICLASS:
        happened, probability = said.truth == said.decided, said.outcome.max(axis=1)
        what = ("Probability of the answer", "Share of right answers")
    elif said.task is Task.BINARY:
        happened, probability = against[0].positive, against[0].probability
        what = (f"Probability of {against[0].name}", f"Share that is {against[0].name}")
    else:
        happened, probability = said.truth.ravel() == 1, said.outcome.ravel()
        what = ("Probability of a yes, all labels", "Share that is a yes")
    order = np.argsort(probability, kind="stable")
    bins = np.array_split(order, max(1, min(BINS, len(order) // MIN_IN_BIN)))
    rows: Rows = []
    for some in bins:
        share, count = float(happened[some].mean()), len(some)
        low, high = _wilson(share, count)
        rows.append({"x": float(probability[some].mean()), "y": share, "low": low, "high": high})
    unit = alt.Scale(domain=[0, 1])
    x, y = alt.X(**axis("x", what[0], scale=unit)), alt.Y(**axis("y", what[1], scale=unit))
    base = alt.Chart(inline_data(rows))
    perfect = alt.Chart(inline_data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        color=MUTE, strokeDash=[4, 3], strokeWidth=1
    )
    chart = alt.layer(
        perfect.encode(x=x, y=y),
        base.mark_rule(color=BLUE, opacity=0.5).encode(x=x, y=alt.Y("low:Q", title=what[1]), y2="high:Q"),
        base.mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, filled=True, size=45)).encode(x=x, y=y),
    )
    error = measures.calibration_error(happened, probability)
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Calibration",
        says=f"Rows in {len(rows)} groups of equal size by probability, with 95 % intervals; on the dashed line what "
        f"is said comes true. Expected calibration error {number(error)}.",
    )


def _wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in _wilson(0.5, 10)]
    [0.237, 0.763]
    """
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def _lift(one: ClassCurve) -> Plot:
    """How much more often than by chance the class is among the rows that it is most probable for."""
    order = np.argsort(-one.probability, kind="stable")
    found = np.cumsum(one.positive[order])
    share = np.arange(1, len(order) + 1) / len(order)
    lift = found / np.arange(1, len(order) + 1) / one.positive.mean()
    first = max(0, round(len(order) * 0.01) - 1)  # a lift of a few rows jumps about
    shares, lifts = _thinned(share[first:], lift[first:])
    rows = [{"x": float(x), "y": float(y)} for x, y in zip(shares, lifts, strict=True)]
    chart = alt.layer(
        alt.Chart(inline_data([{"y": 1}])).mark_rule(color=MUTE, strokeDash=[4, 3]).encode(y="y:Q"),
        alt.Chart(inline_data(rows))
        .mark_line(color=BLUE)
        .encode(
            x=alt.X(**axis("x", "Share of the rows, most probable first", axis=alt.Axis(format="%"))),
            y=alt.Y(**axis("y", "Times as often as by chance", scale=alt.Scale(zero=True))),
        ),
    )
    tenth = max(1, round(len(order) * TENTH))
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Lift",
        says=f"Among the tenth of the rows that is most probable for it, {one.name} is {number(lift[tenth - 1])} times "
        f"as frequent as in all; that tenth holds {found[tenth - 1] / found[-1]:.0%} of its rows.",
    )
