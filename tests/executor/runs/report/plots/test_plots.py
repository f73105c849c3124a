"""Plots of a run's quality: what they say is what was measured, and names of the data cannot leave them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from executor.components.metric import Predictions
from executor.evaluation.diagnostics.learning_curve import LearningCurve, Point
from executor.evaluation.scores import Estimate, Sensitivity
from executor.runs.report.hold_out_predictions import HoldOutPredictions
from executor.runs.report.plots.classification import one_vs_rest, plots_of_classes
from executor.runs.report.plots.comparison import learning_curve_plot, score_plot
from executor.runs.report.plots.confusion import confusion_matrix
from executor.runs.report.plots.drawing import MAX_NAME_LENGTH, Plot, distinct_names, shorten_name
from executor.runs.report.plots.forecasts import plots_of_forecasts
from executor.runs.report.plots.regression import plots_of_numbers
from executor.runs.report.plots.search import plots_of_search, stage_plot
from executor.search.records.outcome import Outcome
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Task

HOSTILE = '"><script>alert(1)</script>'


def well_formed(plot: Plot) -> ElementTree.Element:
    """The drawing as XML: whatever a name holds, it closes no element and opens none."""
    return ElementTree.fromstring(plot.svg)  # noqa: S314  our own drawing


def binary(positive: list[int], probability: list[float], names: tuple[str, str] = ("no", "yes")) -> HoldOutPredictions:
    outcome = np.array(probability)[:, None]
    predictions = Predictions(
        task=Task.BINARY,
        truth=np.array(positive),
        outcome=outcome,
        decided=(outcome[:, 0] >= 0.5).astype(np.int64),
    )
    return HoldOutPredictions(predictions=predictions, names=names, rows=np.arange(len(positive)))


def test_the_threshold_is_marked_where_it_lies() -> None:
    # Of four positives three are at or above 0.5, and one of the four negatives.
    hold_out = binary([1, 1, 1, 1, 0, 0, 0, 0], [0.9, 0.8, 0.6, 0.3, 0.7, 0.4, 0.2, 0.1])
    roc, precision, calibration, lift = plots_of_classes(hold_out, (0.5,))
    assert "true positive rate 75%, false 25.0%" in roc.says
    assert "yes (0.8125)" in roc.says  # 13 of 16 pairs of a positive and a negative are in order
    assert "precision 75%, recall 75%" in precision.says
    assert calibration.title == "Calibration"
    assert "the lift of yes is 2;" in lift.says
    for plot in (roc, precision, calibration, lift):
        well_formed(plot)


def test_a_class_that_the_hold_out_lacks_has_no_curve() -> None:
    assert plots_of_classes(binary([1, 1], [0.9, 0.8]), (0.5,)) == []
    predictions = Predictions(
        task=Task.MULTICLASS,
        truth=np.array([0, 0, 2, 2]),
        outcome=np.eye(3)[[0, 1, 2, 2]],
        decided=np.array([0, 1, 2, 2]),
    )
    hold_out = HoldOutPredictions(predictions=predictions, names=("a", "b", "c"), rows=np.arange(4))
    assert [one.name for one in one_vs_rest(hold_out, ())] == ["a", "c"]
    found = confusion_matrix(hold_out)
    assert found is not None
    assert found.counts == ((1, 1, 0), (0, 0, 0), (0, 0, 2))
    assert found.mistakes == [("a", "b", 1)]
    assert (found.share(0, 1), found.share(1, 1)) == (0.5, 0.0)
    assert "the 2 most frequent of 3 classes" in plots_of_classes(hold_out, ())[0].says


@pytest.mark.parametrize("rows", [60, 1_000])
def test_numbers_are_drawn_as_points_or_counted_in_cells(rows: int) -> None:
    truth = np.arange(float(rows))[:, None]
    predictions = Predictions(task=Task.REGRESSION, truth=truth, outcome=truth + 1, decided=truth + 1)
    low, high = truth + 0.5, truth + 1.5
    high[: rows // 4] += 1
    low[: rows // 4] -= 1  # the first quarter of the rows is covered
    hold_out = HoldOutPredictions(predictions=predictions, names=("y",), rows=np.arange(rows), low=low, high=high)
    actual, errors, coverage = plots_of_numbers(hold_out, 90)
    assert "Correlation 1." in actual.says
    assert "Median 1;" in errors.says
    assert "25% of all rows." in coverage.says
    for plot in (actual, errors, coverage):
        well_formed(plot)
        assert len(plot.svg) < 100_000


def test_forecasts_are_consecutive_and_report_the_coverage_of_their_intervals() -> None:
    origins, horizon = 10, 2
    truth = np.column_stack([np.arange(origins), np.arange(origins) + 1.0])
    predictions = Predictions(task=Task.FORECASTING, truth=truth, outcome=truth + np.array([1, 3]), decided=truth)
    hold_out = HoldOutPredictions(
        predictions=predictions,
        names=("y +1", "y +2"),
        rows=np.arange(origins),
        low=truth - 1,
        high=truth + np.array([1, -1]),
        series=(HOSTILE,) * origins,
        time=tuple(f"2024-01-{day:02d}T00:00:00" for day in range(1, origins + 1)),
    )
    stretch, by_step = plots_of_forecasts(hold_out, targets=("y",), horizon=horizon, percent=90)
    assert stretch.says.startswith("5 consecutive forecasts of 2 steps each")
    assert "cover 50% of the values" in stretch.says
    assert "1 at step 1 and 3 at step 2" in by_step.says
    well_formed(stretch)
    assert "<script" not in stretch.svg


def trial(number: int, score: float | None, **hyperparameters: float | str) -> Outcome:
    return Outcome(
        number=number,
        hyperparameters=hyperparameters,
        status="diverged" if score is None else "completed",
        ended_by="diverged" if score is None else "completed",
        score=score,
        epochs=2,
        best_epoch=None if score is None else 2,
        planned_epochs=2,
        seconds=1.0,
        epoch_scores=() if score is None else (score - 0.1, score),
        training_loss=() if score is None else (0.5, 0.25),
        gradient_norm=() if score is None else (2.0, None),
    )


def test_a_search_is_drawn_without_the_trials_that_have_no_score() -> None:
    trials = [
        trial(number, score, units=32 * (number + 1), schedule="cosine" if number % 2 else "constant")
        for number, score in enumerate([0.5, None, 0.7, 0.6])
    ]
    sensitivity = [Sensitivity(name="units", best=96, importance=0.75, rating="high", edge="")]
    plots = plots_of_search(trials, metric="accuracy", direction=Direction.MAX, sensitivity=sensitivity, best=2)
    parallel, curves, losses, norms, so_far, mattered = plots
    assert "One line per trial (3) through its values of units, schedule" in parallel.says
    assert "Trial 2, the best one, trained for 2 epochs; its best epoch is 2." in curves.says
    assert (losses.title, norms.title) == ("Training loss", "Gradient norm")
    assert losses.says.endswith("In trial 2, the best one, it changes from 0.5 to 0.25.")
    assert norms.says.endswith("In trial 2, the best one, it changes from 2 to 2.")
    assert so_far.says == "Best validation accuracy after 3 trials: 0.7, without improvement in the last 1."
    assert "units (notes: high), 75%" in mattered.says
    for plot in plots:
        well_formed(plot)
    started = trials[2].model_copy(update={"start_score": 0.65})
    curves = plots_of_search([started], metric="accuracy", direction=Direction.MAX, sensitivity=[], best=2)[0]
    assert curves.says.endswith("its best epoch is 2; the linear model at which it starts has 0.65.")
    assert plots_of_search(trials[:2], metric="accuracy", direction=Direction.MAX, sensitivity=[], best=0)[0].title == (
        "Validation score by epoch"
    )


def test_time_and_scores_have_descriptions() -> None:
    spent = stage_plot({"search": 8.0, "hold-out": 2.0})
    assert spent is not None
    assert spent.says == "10.0 s in total; the longest stage is search (8.0 s)."
    assert stage_plot({}) is None
    groups = {HOSTILE: Estimate(value=0.5, low=0.4, high=0.6), "b": Estimate(value=None, low=None, high=None)}
    plot = score_plot(groups, "f1", title="f1 by group", level=0.5)
    assert plot is not None
    assert "0.5 (0.4 to 0.6)" in plot.says
    well_formed(plot)
    assert "<script" not in plot.svg


def test_the_learning_curve_is_drawn_from_two_numbers_of_rows_on() -> None:
    points = (Point(rows=50, scores=(0.6, 0.7)), Point(rows=100, scores=(0.8, 0.9)))
    curve = LearningCurve(metric="accuracy", direction=Direction.MAX, rows=100, points=points)
    plot = learning_curve_plot(curve)
    assert plot is not None
    assert "accuracy 0.65 with 50 training rows, 0.85 with 100." in plot.says
    well_formed(plot)
    assert learning_curve_plot(curve.model_copy(update={"points": points[:1]})) is None


def test_names_are_short_printable_and_distinct() -> None:
    long = "x" * 100
    assert len(shorten_name(long)) == MAX_NAME_LENGTH
    assert shorten_name("a\u202eb\n") == "a\\u202eb\\n"
    assert distinct_names([long, f"{long}y", "z"]) == [shorten_name(long), f"{shorten_name(long)} (2)", "z"]


def test_colours_follow_the_page_and_no_drawing_asks_for_anything() -> None:
    roc = plots_of_classes(binary([1, 0, 1, 0], [0.9, 0.8, 0.6, 0.3]), (0.5,))[0]
    assert "var(--p1)" in roc.svg
    assert not re.search(r"url\(|href|https?:", roc.svg)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', roc.svg))
    assert colours <= {"none", "transparent"} | {one for one in colours if one.startswith("var(--")}
