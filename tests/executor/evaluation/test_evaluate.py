"""One look at the hold-out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import norm

from executor.components.metric import Predictions, create_metric
from executor.data.raw_table import RawTable
from executor.evaluation.evaluate import Evaluation, bootstrap_scores, evaluate
from executor.evaluation.scores import Scores
from executor.model.signature import Signature
from executor.runtime.clock import Clock
from rules.vocabulary.choices import F1, Accuracy, Mae, Metric, Rmse, RocAuc
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts


def _signature(task: Task, **more: Any) -> Signature:
    plain = {
        "task": task,
        "targets": ("y",),
        "labels": ("no", "yes") if task is Task.BINARY else (),
        "levels": {},
        "columns": (),
        "known": (),
        "inputs": (),
        "rare_class": 1 if task is Task.BINARY else None,
        "thresholds": (),
        "time_column": None,
        "entity_column": None,
        "windows": None,
    }
    return Signature.model_validate(plain | more)


def _judged(metric: Metric, parts: Parts, outcome: np.ndarray, *, signature: Signature | None = None) -> Evaluation:
    """The validation rows play the hold-out."""
    rows = RawTable(features={}, forms={}, rows=np.arange(len(parts.validation)) + 1_000)
    return evaluate(
        outcome,
        metric=create_metric(metric),
        parts=parts,
        hold_out=parts.validation,
        rows=rows,
        signature=_signature(parts.task) if signature is None else signature,
        validation=0.9,
        seed=0,
        clock=Clock(),
    )


def test_a_good_model_beats_the_constant_and_is_level_with_a_linear_one(breast_cancer: Parts) -> None:
    truth = breast_cancer.validation.raw_target
    outcome = np.where(truth == 1, 0.9, 0.1)[:, None]
    outcome[:2] = 1 - outcome[:2]
    scores = _judged(Accuracy(), breast_cancer, outcome).scores
    assert scores.hold_out.value == pytest.approx(112 / 114)
    assert scores.has_signal
    assert scores.verdict.startswith("Use the linear model: it is simpler, and the network is not certainly better.")
    assert set(scores.baselines) == {"constant", "linear"}
    assert scores.validation == 0.9
    assert (scores.rows, scores.resamples) == (114, 1_000)


def test_a_model_that_guesses_is_told_that_no_signal_was_found(breast_cancer: Parts) -> None:
    share = breast_cancer.train.raw_target.mean()
    noise = np.random.default_rng(0).random((114, 1)) < share
    scores = _judged(RocAuc(), breast_cancer, noise.astype(float)).scores
    assert not scores.has_signal
    assert scores.verdict.startswith("Do not use this model: no signal was found")


def test_a_model_that_is_worse_than_the_constant_is_told_so(breast_cancer: Parts) -> None:
    wrong = 1.0 - breast_cancer.validation.raw_target[:, None]
    scores = _judged(Accuracy(), breast_cancer, wrong).scores
    assert scores.hold_out.value == 0
    assert scores.verdict.startswith("Do not use this model: it is worse than always 'yes'")


def test_a_gain_is_positive_where_the_error_is_smaller(make_parts: MakeParts) -> None:
    random = np.random.default_rng(0)
    target = random.normal(size=(500, 1))
    parts = make_parts(np.zeros((500, 1)), target, task=Task.REGRESSION)
    scores = _judged(Mae(), parts, parts.validation.raw_target + 0.1).scores
    assert scores.direction == "min"
    assert scores.hold_out.value == pytest.approx(0.1)
    gain = scores.baselines["constant"].gain
    assert gain.low is not None
    assert gain.value is not None
    assert 0 < gain.low < gain.value


def test_the_same_seed_gives_the_same_interval(breast_cancer: Parts) -> None:
    outcome = np.random.default_rng(1).random((114, 1))
    first, again = (_judged(RocAuc(), breast_cancer, outcome).scores for _ in range(2))
    assert first.hold_out == again.hold_out


def test_the_interval_of_an_accuracy_is_the_binomials() -> None:
    rows, right = 400, 0.8
    truth = np.zeros(rows, np.int64)
    said = Predictions(
        task=Task.BINARY,
        truth=truth,
        outcome=np.zeros((rows, 1)),
        decided=(np.arange(rows) >= right * rows).astype(np.int64),
    )
    samples = bootstrap_scores(create_metric(Accuracy()), [said], seed=0, in_blocks=False)
    half = norm.ppf(0.975) * np.sqrt(right * (1 - right) / rows)
    assert np.percentile(samples, [2.5, 97.5]) == pytest.approx([right - half, right + half], abs=0.006)


def test_blocks_widen_the_interval_of_a_series_whose_errors_last() -> None:
    rows = 512
    lasting = np.repeat(np.random.default_rng(0).normal(size=rows // 8), 8)[:, None]
    said = Predictions(task=Task.FORECASTING, truth=lasting, outcome=np.zeros((rows, 1)), decided=np.zeros((rows, 1)))
    metric = create_metric(Rmse())
    alone, together = (bootstrap_scores(metric, [said], seed=0, in_blocks=blocks).std() for blocks in (False, True))
    # Blocks of 8 rows that share an error hold as much as one row: the spread is about √8 as wide.
    assert 1.8 < together / alone < 3


def test_models_are_compared_on_the_same_samples() -> None:
    truth = np.random.default_rng(0).normal(size=(100, 1))
    said = Predictions(task=Task.REGRESSION, truth=truth, outcome=truth * 0, decided=truth * 0)
    samples = bootstrap_scores(create_metric(Rmse()), [said, said], seed=0, in_blocks=False)
    np.testing.assert_array_equal(samples[:, 0], samples[:, 1])


def test_a_large_hold_out_is_resampled_in_part_and_its_interval_is_still_the_binomials(make_parts: MakeParts) -> None:
    rows, right = 80_000, 0.8
    target = np.tile([1.0, 0.0], rows * 5 // 2)[:, None]
    parts = make_parts(np.zeros((len(target), 1)), target, task=Task.BINARY)
    truth = parts.validation.raw_target
    is_right = np.arange(rows) % 10 < right * 10
    scores = _judged(Accuracy(), parts, np.where(is_right, truth, 1 - truth)[:, None].astype(float)).scores
    assert scores.hold_out.value == pytest.approx(right)
    assert scores.hold_out.low is not None
    half = norm.ppf(0.975) * np.sqrt(right * (1 - right) / rows)
    assert right - scores.hold_out.low == pytest.approx(half, rel=0.2)
    assert scores.resamples == 250


def test_a_hold_out_of_one_class_has_no_area_and_scores_are_still_json(make_parts: MakeParts) -> None:
    target = np.array([1.0, 0] * 40 + [0] * 20)[:, None]
    parts = make_parts(np.arange(100.0)[:, None], target, task=Task.BINARY)
    scores = _judged(RocAuc(), parts, np.linspace(0, 1, 20)[:, None]).scores
    assert scores.hold_out.value is None
    assert "undefined" in scores.verdict
    assert Scores.model_validate_json(scores.model_dump_json()) == scores


def test_predictions_hold_row_truth_and_answers_but_no_feature(make_parts: MakeParts) -> None:
    target = np.array([1.0, 0] * 50)[:, None]
    parts = make_parts(np.arange(100.0)[:, None], target, task=Task.BINARY)
    predictions = _judged(Accuracy(), parts, np.full((20, 1), 0.25)).predictions
    assert set(predictions) == {"row", "truth", "prediction", "probability of no", "probability of yes"}
    assert predictions["row"].tolist() == list(range(1_000, 1_020))
    assert predictions["truth"].tolist() == ["yes", "no"] * 10
    assert predictions["prediction"].tolist() == ["no"] * 20


def test_the_tuned_threshold_decides_and_is_reported(make_parts: MakeParts) -> None:
    target = np.array([1.0, 0, 0, 0] * 25)[:, None]
    parts = make_parts(np.arange(100.0)[:, None], target, task=Task.BINARY)
    outcome = np.where(parts.validation.raw_target == 1, 0.3, 0.1)[:, None]
    threshold = {"value": 0.2, "why": "tuned for F1"}
    scores = _judged(
        F1(average="binary"), parts, outcome, signature=_signature(Task.BINARY, thresholds=(threshold,))
    ).scores
    assert scores.hold_out.value == 1
    assert scores.thresholds == ("0.2 (tuned for F1)",)


def test_a_temperature_is_judged_before_and_after(make_parts: MakeParts) -> None:
    target = np.array([1.0, 0, 0, 0] * 25)[:, None]
    parts = make_parts(np.arange(100.0)[:, None], target, task=Task.BINARY)
    # At temperature 2 the answer is 1/4 for every row, as it should be: before it was 1/10, for (1/9)^(1/2) = 1/3.
    signature = _signature(Task.BINARY, temperatures=({"value": 2.0, "why": "lowers the log-loss"},))
    scores = _judged(RocAuc(), parts, np.full((20, 1), 0.25), signature=signature).scores
    assert scores.calibration is not None
    assert scores.calibration.calibration_error == pytest.approx((0.15, 0.0))
    assert scores.calibration.log_loss == pytest.approx(
        [-(np.log(says) + 3 * np.log(1 - says)) / 4 for says in (0.1, 0.25)]
    )
    assert scores.others["log_loss"] == pytest.approx(scores.calibration.log_loss[1])
    assert scores.remarks == (
        "Calibration by temperature 2: on the hold-out log-loss 0.6547 → 0.5623, calibration error 0.15 → 0.",
    )


def test_where_a_temperature_does_harm_on_the_hold_out_the_remark_says_so(make_parts: MakeParts) -> None:
    target = np.array([1.0, 0, 0, 0] * 25)[:, None]
    parts = make_parts(np.arange(100.0)[:, None], target, task=Task.BINARY)
    # Before it the answer was 1/4, as it should be: (1/9)^2 = (1/3)^4.
    signature = _signature(Task.BINARY, temperatures=({"value": 0.5, "why": "lowers the log-loss"},))
    scores = _judged(RocAuc(), parts, np.full((20, 1), 0.1), signature=signature).scores
    assert scores.remarks[0].startswith("Calibration by temperature 0.5: on the hold-out log-loss 0.5623 → 0.6547")
    assert "The log-loss rose, although it fell on the validation rows" in scores.remarks[0]


def test_a_temperature_that_is_not_changed_says_why(make_parts: MakeParts) -> None:
    parts = make_parts(np.arange(100.0)[:, None], np.array([1.0, 0] * 50)[:, None], task=Task.BINARY)
    signature = _signature(Task.BINARY, temperatures=({"value": 1.0, "why": "20 rows are too few"},))
    scores = _judged(RocAuc(), parts, np.full((20, 1), 0.25), signature=signature).scores
    assert scores.calibration is None
    assert scores.remarks == ("Probabilities are not calibrated: 20 rows are too few.",)


def _regression(make_parts: MakeParts, targets: int = 1) -> Parts:
    values = np.random.default_rng(0).normal(size=(100, targets))
    return make_parts(np.zeros((100, 1)), values, task=Task.REGRESSION if targets == 1 else Task.MULTIOUTPUT_REGRESSION)


def test_intervals_are_judged_and_stand_beside_each_prediction(make_parts: MakeParts) -> None:
    parts = _regression(make_parts)
    outcome = parts.validation.raw_target + np.array([0.0, 0.0, 0.0, 0.0, 2.0] * 4)[:, None]
    intervals = {"percent": 90, "rows": 50, "half_widths": (1.0,)}
    judged = _judged(Rmse(), parts, outcome, signature=_signature(Task.REGRESSION, intervals=intervals))
    assert judged.scores.intervals is not None
    assert judged.scores.intervals.coverage == (0.8,)
    assert not judged.scores.intervals.falls_short  # the standard error of 50 and 20 rows is 0.079
    assert judged.scores.intervals.mean_width == pytest.approx((2.0,))
    assert judged.scores.remarks == ("The 90 % prediction intervals cover 80.0 % of the hold-out (width 2).",)
    assert list(judged.predictions) == ["row", "truth", "prediction", "low", "high"]
    np.testing.assert_allclose(judged.predictions["high"] - judged.predictions["prediction"], 1)


def test_intervals_of_several_targets_are_told_by_name(make_parts: MakeParts) -> None:
    parts = _regression(make_parts, targets=2)
    intervals = {"percent": 90, "rows": 50, "half_widths": (1.0, 0.0)}
    signature = _signature(Task.MULTIOUTPUT_REGRESSION, targets=("y", "z"), intervals=intervals)
    judged = _judged(Rmse(), parts, parts.validation.raw_target + 0.5, signature=signature)
    (remark,) = judged.scores.remarks
    assert "cover on the hold-out 100.0 % of 'y' (width 2), 0.0 % of 'z' (width 0): too few" in remark
    assert judged.scores.intervals is not None
    assert judged.scores.intervals.falls_short
    assert {"low of y", "high of y", "low of z", "high of z"} < set(judged.predictions)


def test_too_few_validation_rows_give_no_interval_and_a_remark(make_parts: MakeParts) -> None:
    parts = _regression(make_parts)
    intervals = {"percent": 90, "rows": 8, "half_widths": ()}
    signature = _signature(Task.REGRESSION, intervals=intervals)
    judged = _judged(Rmse(), parts, parts.validation.raw_target, signature=signature)
    assert judged.scores.intervals is None
    assert judged.scores.remarks == ("No prediction intervals: 8 validation rows are too few, 90 % needs 9.",)
    assert "low" not in judged.predictions


def test_a_forecast_reports_its_error_in_units_of_the_last_values(make_parts: MakeParts) -> None:
    values = np.arange(100.0)[:, None]
    parts = make_parts(np.zeros((100, 1)), values, task=Task.FORECASTING)
    parts = replace(
        parts,
        train=replace(parts.train, offset=parts.train.target - 1),
        validation=replace(parts.validation, offset=parts.validation.target - 1),
    )
    scores = _judged(Rmse(), parts, parts.validation.raw_target + 0.5).scores
    assert scores.others["mase"] == pytest.approx(0.5)
    assert scores.baselines["constant"].value == pytest.approx(1)


def test_the_expected_cost_of_the_model_and_the_baselines_has_intervals(breast_cancer: Parts) -> None:
    parts = replace(breast_cancer, costs=np.array([[0.0, 8.0], [1.0, 0.0]]))  # class 0 for 1 costs 1, 1 for 0 costs 8
    truth = parts.validation.raw_target
    outcome = np.where(truth == 1, 0.95, 0.6)[:, None]  # the threshold of class 1 is 8 / 9
    threshold = {"value": 8 / 9, "why": "least expected cost"}
    scores = _judged(RocAuc(), parts, outcome, signature=_signature(Task.BINARY, thresholds=(threshold,))).scores
    assert scores.cost is not None
    assert scores.cost.model.value == 0
    zeros = float((truth == 0).mean())
    assert scores.cost.most_probable == pytest.approx(8 * zeros)
    constant = scores.cost.baselines["constant"]
    assert constant.value == pytest.approx(1 - zeros)  # always class 0
    assert constant.saving.value == pytest.approx(1 - zeros)
    assert constant.saving.is_positive
    assert scores.cost.sentence.startswith("Expected cost per row: 0  (95 %: 0 to 0); ")
    assert Scores.model_validate_json(scores.model_dump_json()) == scores
