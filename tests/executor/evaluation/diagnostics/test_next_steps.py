"""What to try next: nothing where P satisfies, and otherwise only what a measurement speaks for."""

from __future__ import annotations

import pytest

from executor.evaluation.diagnostics.learning_curve import LearningCurve, Point, learning_curve
from executor.evaluation.diagnostics.next_steps import NextSteps, check_level, recommend_next_steps
from executor.evaluation.scores import BaselineScore, CutOff, Estimate, Scores
from rules.errors import ChoiceError
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Modality


def _scores(*, hold_out: float | None = 0.8, training: float = 0.95, boosting: tuple[float, float]) -> Scores:
    """An accuracy; boosting: the 95 % interval of the gain over it."""
    gains = {"constant": (0.2, 0.4), "gradient boosting": boosting}
    return Scores(
        metric="accuracy",
        direction=Direction.MAX,
        validation=0.85,
        training=training,
        hold_out=Estimate(value=hold_out, low=None, high=None),
        rows=100,
        resamples=1_000,
        others={},
        baselines={
            name: BaselineScore(says="", value=0.7, gain=Estimate(value=(low + high) / 2, low=low, high=high))
            for name, (low, high) in gains.items()
        },
        thresholds=(),
        has_signal=True,
        verdict="",
    )


def _curve(half: float, whole: float) -> LearningCurve:
    points = [Point(rows=500, scores=(half,)), Point(rows=1_000, scores=(whole,))]
    return learning_curve(points, metric="accuracy", direction=Direction.MAX, rows=1_000)


FLAT, STEEP = _curve(0.8, 0.808), _curve(0.8, 0.811)
BETTER, LEVEL, WORSE = (0.05, 0.15), (-0.05, 0.05), (-0.15, -0.05)


def _names(found: NextSteps) -> list[str]:
    return [step.name for step in found.steps]


def test_a_model_better_than_every_baseline_needs_no_next_step() -> None:
    found = recommend_next_steps(_scores(boosting=BETTER), STEEP, level=None, modality=Modality.TABULAR)
    assert found.is_satisfied
    assert not found.steps


def test_of_a_network_that_was_cut_off_only_more_time_is_advised() -> None:
    cut = CutOff(trial=0, epochs=3, planned=256, seconds=130)
    scores = _scores(boosting=WORSE, training=0.84).model_copy(update={"cut_off": cut})
    (step,) = recommend_next_steps(scores, STEEP, level=None, modality=Modality.TABULAR).steps
    assert (step.name, step.advice) == ("time", "Train again with --budget 3m")
    assert step.because.startswith("training was cut off after 3 of 256 planned epochs; at the measured speed")


def test_a_model_that_is_level_with_a_baseline_is_not_satisfactory() -> None:
    found = recommend_next_steps(_scores(boosting=LEVEL), FLAT, level=None, modality=Modality.TABULAR)
    assert not found.is_satisfied
    assert found.why == "Use this model or gradient boosting: they are level"


def test_no_next_step_is_recommended_where_the_score_is_at_its_ceiling() -> None:
    found = recommend_next_steps(_scores(hold_out=0.999, boosting=LEVEL), STEEP, level=None, modality=Modality.TABULAR)
    assert found.is_satisfied
    assert (found.why, found.steps) == ("accuracy 0.999 is at its ceiling", ())


def test_a_better_baseline_speaks_for_another_architecture() -> None:
    found = recommend_next_steps(_scores(boosting=WORSE), FLAT, level=None, modality=Modality.TABULAR)
    assert _names(found) == ["architecture", "transfer"]
    assert found.steps[0].because == "gradient boosting reaches accuracy 0.7"


def test_a_training_error_as_high_as_the_hold_outs_speaks_for_another_architecture_alone() -> None:
    # Errors 0.16 and 0.2: the training error is four fifths of the hold-out's.
    found = recommend_next_steps(_scores(boosting=LEVEL, training=0.84), FLAT, level=None, modality=Modality.TABULAR)
    assert _names(found) == ["architecture"]
    assert "the network underfits: its accuracy on training rows is 0.84" in found.steps[0].because
    lower = recommend_next_steps(_scores(boosting=LEVEL, training=0.845), FLAT, level=None, modality=Modality.TABULAR)
    assert _names(lower) == ["transfer"]


def test_a_curve_that_still_falls_by_a_twentieth_speaks_for_labels() -> None:
    # Of an error of 0.2 with half of the rows, 0.811 leaves 5.5 % less, 0.808 leaves 4 % less.
    steep, flat = (
        recommend_next_steps(_scores(boosting=LEVEL), curve, level=None, modality=Modality.TABULAR)
        for curve in (STEEP, FLAT)
    )
    assert _names(steep) == ["labels", "transfer"]
    assert "6% lower with all 1,000 training rows than with half of them" in steep.steps[0].because
    assert _names(flat) == ["transfer"]


def test_what_was_not_measured_speaks_for_nothing() -> None:
    nothing = learning_curve([], metric="accuracy", direction=Direction.MAX, rows=1_000, missing="No time.")
    found = recommend_next_steps(_scores(boosting=LEVEL), nothing, level=None, modality=Modality.IMAGE)
    assert _names(found) == ["transfer"]
    assert "images" in found.steps[0].advice


@pytest.mark.parametrize(("level", "is_satisfied"), [(0.8, True), (0.81, False)])
def test_a_level_is_the_measure_where_a_person_names_one(level: float, is_satisfied: bool) -> None:
    found = recommend_next_steps(_scores(boosting=WORSE), FLAT, level=level, modality=Modality.TABULAR)
    assert found.is_satisfied is is_satisfied
    assert found.level == level


def test_training_rows_that_are_nearly_all_right_are_not_underfitted() -> None:
    right = _scores(boosting=LEVEL).model_copy(
        update={"training": 0.995, "hold_out": Estimate(value=0.996, low=None, high=None)}
    )
    assert recommend_next_steps(right, FLAT, level=None, modality=Modality.TABULAR).steps == ()
    less = right.model_copy(update={"training": 0.98, "hold_out": Estimate(value=0.98, low=None, high=None)})
    (step,) = recommend_next_steps(less, FLAT, level=None, modality=Modality.TABULAR).steps
    assert "underfits" in step.because


def test_training_rows_below_the_level_are_underfitted() -> None:
    found = recommend_next_steps(_scores(boosting=BETTER, training=0.95), FLAT, level=0.97, modality=Modality.TABULAR)
    assert _names(found) == ["architecture"]


def test_a_perfect_model_is_satisfactory_next_to_a_perfect_baseline() -> None:
    assert recommend_next_steps(
        _scores(hold_out=1.0, boosting=(0.0, 0.0)), FLAT, level=None, modality=Modality.TABULAR
    ).is_satisfied


def test_an_undefined_score_is_not_satisfactory() -> None:
    found = recommend_next_steps(_scores(hold_out=None, boosting=LEVEL), FLAT, level=None, modality=Modality.TABULAR)
    assert not found.is_satisfied
    assert "undefined" in found.why


def test_a_level_that_p_cannot_have_is_refused() -> None:
    check_level(None, "accuracy")
    check_level(25.0, "rmse")
    with pytest.raises(ChoiceError, match="metric accuracy, between 0 and 1, but got 90"):
        check_level(90, "accuracy")
    with pytest.raises(ChoiceError, match="a number of at least 0"):
        check_level(float("nan"), "rmse")
