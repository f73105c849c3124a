"""Names of the columns of predictions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from executor.data.labels import LabelType
from executor.data.series.lag_table import Windows
from executor.model.calibration.conformal_quantiles import conformal_quantiles
from executor.model.prediction_columns import (
    free_name,
    label_positions,
    names_in_file,
    prediction_columns,
    prediction_names,
    step_columns,
)
from executor.model.signature import Signature
from rules.vocabulary.facts import Task


def _signature(task: Task, targets: tuple[str, ...], **more: object) -> Signature:
    plain: dict[str, object] = {
        "task": task,
        "targets": targets,
        "labels": (),
        "levels": {},
        "columns": (),
        "known": (),
        "inputs": (),
        "rare_class": None,
        "thresholds": (),
        "time_column": None,
        "entity_column": None,
        "windows": None,
    }
    return Signature.model_validate(plain | more)


def test_a_column_of_the_rows_keeps_its_name_and_the_prediction_gets_another() -> None:
    names = prediction_names(_signature(Task.REGRESSION, ("y",)), taken=["prediction"])
    assert names.prediction == ("prediction_2",)
    assert names.changed == (("prediction", "prediction_2"),)


def test_a_label_that_is_called_as_a_probability_loses_no_column() -> None:
    signature = _signature(
        Task.MULTILABEL, ("probability of a", "a"), levels={"probability of a": ("0", "1"), "a": ("0", "1")}
    )
    names = prediction_names(signature)
    assert names.prediction == ("probability of a", "a")
    assert names.probability == ("probability of probability of a", "probability of a_2")
    read = prediction_columns(signature, np.array([[0.75, 0.25]]), names)
    assert {name: values.tolist() for name, values in read.items()} == {
        "probability of a": ["1"],
        "a": ["0"],
        "probability of probability of a": [0.75],
        "probability of a_2": [0.25],
    }


def test_no_suffix_takes_the_name_that_another_column_wants() -> None:
    assert free_name("a", {"a"}, avoid={"a_2"}) == "a_3"


def test_a_label_called_row_does_not_replace_the_row_number_in_the_file() -> None:
    signature = _signature(Task.MULTILABEL, ("row", "file"), levels={"row": ("0", "1"), "file": ("0", "1")})
    assert names_in_file(signature).prediction == ("row_2", "file")


@pytest.mark.parametrize("is_categorical", [False, True])
def test_labels_have_their_own_type_and_probabilities_keep_their_names(*, is_categorical: bool) -> None:
    kinds = {"y": LabelType(storage="DOUBLE", is_categorical=is_categorical)}
    signature = _signature(Task.MULTICLASS, ("y",), labels=("0", "1", "2.5"), label_types=kinds)
    outcome = np.array([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25]])
    read = pa.table(prediction_columns(signature, outcome, prediction_names(signature)))
    own = pa.dictionary(pa.int32(), pa.float64()) if is_categorical else pa.float64()
    assert read.schema.field("prediction").type == own
    assert read["prediction"].to_pylist() == [2.5, 0.0]
    assert read.column_names[1:] == ["probability of 0", "probability of 1", "probability of 2.5"]
    in_text = prediction_columns(signature, outcome, prediction_names(signature), as_text=True)
    assert in_text["prediction"].tolist() == ["2.5", "0.0"]
    assert label_positions(signature, "y") == {"0": 0, "0.0": 0, "1": 1, "1.0": 1, "2.5": 2}


def test_labels_of_an_older_signature_are_text() -> None:
    signature = _signature(Task.BINARY, ("y",), labels=("0", "1"), rare_class=1)
    read = prediction_columns(signature, np.array([[0.75]]), prediction_names(signature))
    assert read["prediction"].tolist() == ["1"]


def test_steps_of_several_targets_are_rows() -> None:
    windows = Windows(targets=("y", "z"), lags=(2,), season=None, step=1, horizon=2)
    signature = _signature(Task.FORECASTING, ("y", "z")).model_copy(update={"windows": windows})
    outcome = np.array([[1.0, 2.0, 10.0, 20.0]])  # y +1, y +2, z +1, z +2
    read = step_columns(signature, outcome, prediction_names(signature, outputs=signature.targets))
    assert {name: values.tolist() for name, values in read.items()} == {
        "prediction of y": [1, 2],
        "prediction of z": [10, 20],
    }


def test_quantiles_of_each_target_follow_the_predictions() -> None:
    windows = Windows(targets=("y", "z"), lags=(2,), season=None, step=1, horizon=2)
    # Errors of 1 to 9 at every step: the intervals around the median have half-widths 2, 4, 6 and 8.
    quantiles = conformal_quantiles(np.tile(np.arange(1.0, 10)[:, None], 4), np.zeros((9, 4)))
    more = {"windows": windows, "quantiles": quantiles}
    signature = _signature(Task.FORECASTING, ("y", "z")).model_copy(update=more)
    names = prediction_names(signature, outputs=signature.targets, levels=quantiles.levels)
    read = step_columns(signature, np.array([[1.0, 2.0, 10.0, 20.0]]), names)
    assert [*read][:4] == ["prediction of y", "prediction of z", "quantile 0.1 of y", "quantile 0.2 of y"]
    assert len(read) == 2 + 2 * 9
    assert read["quantile 0.1 of y"].tolist() == [-7, -6]
    assert read["quantile 0.5 of z"].tolist() == [10, 20]
    assert read["quantile 0.9 of z"].tolist() == [18, 28]
    without = prediction_names(signature, outputs=signature.targets)
    assert [*step_columns(signature, np.array([[1.0, 2.0, 10.0, 20.0]]), without)] == [
        "prediction of y",
        "prediction of z",
    ]
