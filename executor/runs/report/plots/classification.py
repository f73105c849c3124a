"""Plots of a classification: ROC curve, precision-recall curve, calibration, lift."""

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
    from executor.runs.report.hold_out_predictions import HoldOutPredictions
    from executor.runs.report.plots.drawing import Plot

MAX_LINES: Final = len(PALETTE)  # classes with a curve, the most frequent ones
MAX_POINTS: Final = 200  # of a curve; more are not visible at this size
BINS: Final = 10  # of a reliability diagram, with equally many rows (Bröcker and Smith 2007)
MIN_IN_BIN: Final = 10  # rows; shares of fewer are noise
TENTH: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class ClassCurve:
    """One class against the rest, or one label. positive: (rows,) boolean; probability: (rows,)."""

    name: str
    positive: np.ndarray
    probability: np.ndarray
    threshold: float | None


def plots_of_classes(hold_out: HoldOutPredictions, thresholds: tuple[float, ...]) -> list[Plot]:
    """Plots of a classification; thresholds: decision thresholds of the classes or labels that have one."""
    against = one_vs_rest(hold_out, thresholds)
    if not against:
        return []
    found = [_roc(hold_out, against), _precision(against), _calibration(hold_out, against)]
    return found if len(against) > 1 else [*found, _lift(against[0])]


def one_vs_rest(hold_out: HoldOutPredictions, thresholds: tuple[float, ...]) -> list[ClassCurve]:
    """Classes or labels with positive and negative rows in the hold-out, at most MAX_LINES, the most frequent ones."""
    predictions, names = hold_out.predictions, distinct_names(hold_out.names)
    if predictions.task is Task.BINARY:
        at = 1 if predictions.rare_class is None else predictions.rare_class
        found = [
            (
                names[at],
                predictions.truth == at,
                class_probability(predictions.outcome, at),
                thresholds[0] if thresholds else None,
            )
        ]
    elif predictions.task is Task.MULTICLASS:
        found = [(name, predictions.truth == at, predictions.outcome[:, at], None) for at, name in enumerate(names)]
    else:
        cuts = thresholds or (None,) * len(names)
        found = [
            (name, predictions.truth[:, at] == 1, predictions.outcome[:, at], cuts[at]) for at, name in enumerate(names)
        ]
    both = [
        ClassCurve(name=name, positive=positive, probability=probability, threshold=cut)
        for name, positive, probability, cut in found
        if 0 < np.count_nonzero(positive) < len(positive)
    ]
    most = sorted(both, key=lambda one: -np.count_nonzero(one.positive))[:MAX_LINES]
    return [one for one in both if one in most]


def _thinned(*columns: np.ndarray) -> list[np.ndarray]:
    """At most MAX_POINTS points of each column, at the same places, both ends included."""
    keep = np.unique(np.linspace(0, len(columns[0]) - 1, MAX_POINTS).round().astype(int))
    return [column[keep] for column in columns]


def _omitted_classes(hold_out: HoldOutPredictions, against: list[ClassCurve]) -> str:
    """A sentence where some classes have no curve; else empty."""
    if hold_out.predictions.task is Task.BINARY or len(against) == len(hold_out.names):
        return ""
    return f" Curves are drawn for the {len(against)} most frequent of {len(hold_out.names)} classes."


def _points(name: str, x: np.ndarray, y: np.ndarray) -> Rows:
    """Points of a curve in their order."""
    return [{"x": float(a), "y": float(b), "at": at, "name": name} for at, (a, b) in enumerate(zip(x, y, strict=True))]


def _at_threshold(one: ClassCurve) -> tuple[float, float, float] | None:
    """True positive rate, false positive rate and precision at the decision threshold."""
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


def _roc(hold_out: HoldOutPredictions, against: list[ClassCurve]) -> Plot:
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
        alt.X(**axis("x", "False positive rate", scale=unit)),
        alt.Y(**axis("y", "True positive rate (recall)", scale=unit)),
    )
    chart = alt.layer(
        chance.encode(x=x, y=y), line.encode(x=x, y=y, order="at:Q", **by), _marks(marks).encode(x=x, y=y)
    )
    chosen = ""
    if len(marks) == 1:
        true_rate, false_rate = marks[0]["y"], marks[0]["x"]
        chosen = f" Diamond: decision threshold (true positive rate {true_rate:.0%}, false {false_rate:.1%})."
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="ROC curve",
        says=f"Area under the curve: {', '.join(areas)}. Dashed line: chance.{chosen}"
        f"{_omitted_classes(hold_out, against)}",
    )


def _precision(against: list[ClassCurve]) -> Plot:
    rows: Rows = []
    marks: Rows = []
    means = []
    for one in against:
        precision, recall, _ = precision_recall_curve(one.positive, one.probability)
        # For each recall the highest precision counts; a threshold with a lower one is never chosen.
        recall, first = np.unique(recall[::-1], return_index=True)
        recall, precision = _thinned(recall, np.maximum.reduceat(precision[::-1], first))
        rows += _points(one.name, recall, precision)
        mean, share = measures.average_precision(one.positive, one.probability), one.positive.mean()
        means.append(f"{one.name} ({number(mean)}, chance {share:.0%})")
        if (at := _at_threshold(one)) is not None:
            marks.append({"x": at[0], "y": at[2]})
    unit = alt.Scale(domain=[0, 1])
    x = alt.X(**axis("x", "Recall", scale=unit))
    y = alt.Y(**axis("y", "Precision", scale=unit))
    line = alt.Chart(inline_data(rows)).mark_line(interpolate="step-before")
    by = lines_by([one.name for one in against])
    chart = alt.layer(line.encode(x=x, y=y, order="at:Q", **by), _marks(marks).encode(x=x, y=y))
    chosen = ""
    if len(marks) == 1:
        chosen = f" Diamond: decision threshold (precision {marks[0]['y']:.0%}, recall {marks[0]['x']:.0%})."
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Precision-recall curve",
        says=f"Average precision: {', '.join(means)}.{chosen}",
    )


def _calibration(hold_out: HoldOutPredictions, against: list[ClassCurve]) -> Plot:
    """Reliability diagram; of several classes that of the predicted class."""
    predictions = hold_out.predictions
    if predictions.task is Task.MULTICLASS:
        happened, probability = predictions.truth == predictions.decided, predictions.outcome.max(axis=1)
        what = ("Probability of the predicted class", "Accuracy")
    elif predictions.task is Task.BINARY:
        happened, probability = against[0].positive, against[0].probability
        what = (f"Predicted probability of {against[0].name}", f"Observed share of {against[0].name}")
    else:
        happened, probability = predictions.truth.ravel() == 1, predictions.outcome.ravel()
        what = ("Predicted probability, all labels", "Observed share of positives")
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
        says=f"{len(rows)} bins of equal size with 95 % intervals. Dashed line: perfect calibration. Expected "
        f"calibration error {number(error)}.",
    )


def _wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in _wilson(0.5, 10)]
    [0.237, 0.763]
    """
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def _lift(one: ClassCurve) -> Plot:
    """Lift of a class among the rows with the highest predicted probability."""
    order = np.argsort(-one.probability, kind="stable")
    found = np.cumsum(one.positive[order])
    share = np.arange(1, len(order) + 1) / len(order)
    lift = found / np.arange(1, len(order) + 1) / one.positive.mean()
    first = max(0, round(len(order) * 0.01) - 1)  # the lift of few rows is noise
    shares, lifts = _thinned(share[first:], lift[first:])
    rows = [{"x": float(x), "y": float(y)} for x, y in zip(shares, lifts, strict=True)]
    chart = alt.layer(
        alt.Chart(inline_data([{"y": 1}])).mark_rule(color=MUTE, strokeDash=[4, 3]).encode(y="y:Q"),
        alt.Chart(inline_data(rows))
        .mark_line(color=BLUE)
        .encode(
            x=alt.X(**axis("x", "Share of rows, highest probability first", axis=alt.Axis(format="%"))),
            y=alt.Y(**axis("y", "Lift", scale=alt.Scale(zero=True))),
        ),
    )
    tenth = max(1, round(len(order) * TENTH))
    return draw_plot(
        chart.properties(width=WIDTH, height=HEIGHT),
        title="Lift",
        says=f"In the 10 % of rows with the highest probability the lift of {one.name} is {number(lift[tenth - 1])}; "
        f"they contain {found[tenth - 1] / found[-1]:.0%} of its rows. Dashed line: chance.",
    )
