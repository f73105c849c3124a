"""What more rows and other seeds bring, against laws that are known."""

from __future__ import annotations

import pytest

from executor.evaluation.diagnostics.learning_curve import LearningCurve, Point, learning_curve
from rules.vocabulary.direction import Direction

ROWS = (125, 250, 500, 1_000)


def _curve(*errors: float, spread: float = 0.0, rows: tuple[int, ...] = ROWS) -> LearningCurve:
    """A curve of an accuracy with three seeds, the middle one at the mean."""
    points = [
        Point(rows=size, scores=(1 - error - spread, 1 - error, 1 - error + spread))
        for size, error in zip(rows, errors, strict=True)
    ]
    return learning_curve(points, metric="accuracy", direction=Direction.MAX, rows=1_000)


def test_a_power_law_is_found_again_and_goes_on() -> None:
    # The error halves with four times the rows: 0.4 · 125^0.5 · n^-0.5.
    curve = _curve(0.4, 0.4 / 2**0.5, 0.2, 0.2 / 2**0.5)
    assert curve.exponent == pytest.approx(0.5, abs=1e-4)
    assert curve.doubled is not None
    assert curve.doubled.value == pytest.approx(0.2 / 2**0.5 - 0.1, abs=1e-4)
    assert curve.error_reduction == pytest.approx(1 - 0.5**0.5)
    assert "Predicted gain of twice the rows: 0.04142 (95 % interval" in curve.sentences(None)[-1]


def test_a_flat_curve_promises_nothing() -> None:
    curve = _curve(0.2, 0.21, 0.19, 0.2, spread=0.01)
    assert curve.doubled is not None
    assert curve.doubled.low is not None
    assert curve.doubled.low < 0
    assert "which is not certainly a gain" in curve.sentences(None)[-1]


def test_an_error_to_minimise_falls_as_well() -> None:
    points = [Point(rows=size, scores=(8 * 2.0**-place,)) for place, size in enumerate(ROWS)]
    curve = learning_curve(points, metric="rmse", direction=Direction.MIN, rows=1_000)
    assert curve.doubled is not None
    assert curve.doubled.value == pytest.approx(0.5, abs=1e-3)


def test_seeds_that_differ_widen_the_interval() -> None:
    widths = []
    for spread in (0.001, 0.02):
        doubled = _curve(0.4, 0.3, 0.22, 0.17, spread=spread).doubled
        assert doubled is not None
        assert doubled.low is not None
        assert doubled.high is not None
        widths.append(doubled.high - doubled.low)
    assert widths[1] > 2 * widths[0]


def test_two_points_give_the_gain_of_half_of_the_rows_but_not_of_twice() -> None:
    curve = _curve(0.2, 0.19, rows=(500, 1_000))
    assert curve.doubled is None
    assert curve.error_reduction == pytest.approx(0.05)
    assert "too few points" in curve.sentences(None)[-1]


def test_a_perfect_score_has_no_error_to_fit() -> None:
    curve = _curve(0.1, 0.01, 0.0, 0.0)
    assert curve.doubled is None
    assert "No error is left" in curve.sentences(None)[-1]


def test_the_spread_between_seeds_is_reported_next_to_the_selected_trial() -> None:
    curve = _curve(0.2, spread=0.01, rows=(1_000,))
    assert curve.whole is not None
    assert curve.whole.spread == pytest.approx(0.01)
    (sentence,) = curve.sentences(0.83)
    assert "accuracy 0.8 ± 0.01 on the validation rows (mean and standard deviation of 3 other seeds)" in sentence
    assert "the selected trial, chosen by this score, has 0.83" in sentence
    assert LearningCurve.model_validate_json(curve.model_dump_json()) == curve


def test_without_anything_measured_it_says_why() -> None:
    curve = learning_curve([], metric="f1", direction=Direction.MAX, rows=9, missing="No time.")
    assert curve.sentences(0.5) == ["No time."]
    assert curve.error_reduction is None
