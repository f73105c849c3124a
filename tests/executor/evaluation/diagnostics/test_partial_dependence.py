from __future__ import annotations

from collections import Counter
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from executor.data.raw_table import Form, RawTable
from executor.evaluation.diagnostics.partial_dependence import measure_dependence
from executor.evaluation.scores import ColumnImportance, Importance
from executor.model.signature import ModelInput, Signature
from executor.runs.report.plots.dependence import dependence_plots
from executor.runtime.clock import Clock
from rules.vocabulary.facts import Task

ROWS = 200
FORMS = {"x": Form.NUMBER, "kind": Form.LEVEL, "unread": Form.NUMBER}


@keras.saving.register_keras_serializable(package="tests")
class PlusLength(keras.layers.Layer):
    """x plus the length of a word."""

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        number, word = inputs
        return number + tf.cast(tf.strings.length(word), tf.float64)


def model() -> keras.Model:
    inputs = {
        name: keras.Input((1,), dtype="string" if form.is_words else "float64", name=name)
        for name, form in FORMS.items()
    }
    return keras.Model(inputs, PlusLength(dtype="float64")([inputs["x"], inputs["kind"]]))


def signature(task: Task = Task.REGRESSION) -> Signature:
    return Signature(
        task=task,
        targets=("y",),
        labels=(),
        levels={},
        columns=(),
        known=(),
        inputs=tuple(ModelInput(name=name, form=form, columns=(name,)) for name, form in FORMS.items()),
        rare_class=None,
        thresholds=(),
        time_column=None,
        entity_column=None,
        windows=None,
    )


def importance(**losses: float) -> Importance:
    columns = [ColumnImportance(name=name, loss=loss, spread=0) for name, loss in losses.items()]
    return Importance(metric="rmse", rows=ROWS, repeats=1, columns=tuple(columns))


TABLE = RawTable(
    features={
        "x": np.arange(ROWS, dtype=float),
        "kind": np.array(["a", "a", "bbb", ""] * (ROWS // 4), object),
        "unread": np.zeros(ROWS),
    },
    forms=FORMS,
    rows=np.arange(ROWS),
    truth=np.zeros((ROWS, 1)),
)
WORD_LENGTH = 5 / 4  # mean of 1, 1, 3, 0


def test_the_mean_follows_the_column_and_the_band_is_that_of_the_rows() -> None:
    found = measure_dependence(model(), signature(), TABLE, importance(x=2.0, kind=1.0, unread=0.0), clock=Clock())
    assert [one.name for one in found] == ["x", "kind"]
    number, category = found
    (output,) = number.outputs
    assert len(number.values) == 20
    assert (number.values[0], number.values[-1]) == (4, 195)  # the nearest rows to shares 0.02 and 0.98 of 0 to 199
    assert output.mean == pytest.approx([float(value) + WORD_LENGTH for value in number.values])
    assert output.low == pytest.approx(number.values)  # a quarter of the words is empty
    assert output.high == pytest.approx([float(value) + 3 for value in number.values])
    assert category.values == ("a", "bbb", "")
    mean = (ROWS - 1) / 2
    assert category.outputs[0].mean == pytest.approx([mean + 1, mean + 3, mean])


def test_rare_categories_and_missing_numbers_are_no_values() -> None:
    kinds = np.array(["a", "bbb"] * (ROWS // 2), object)
    kinds[:4] = "rare"
    numbers = TABLE.features["x"].copy()
    numbers[:50] = np.nan
    table = replace(TABLE, features={**TABLE.features, "kind": kinds, "x": numbers})
    found = measure_dependence(model(), signature(), table, importance(kind=1.0, x=1.0), clock=Clock())
    assert Counter(found[0].values) == {"a": 1, "bbb": 1}
    assert np.isfinite(found[1].values).all()


def test_plots_name_the_lowest_and_the_highest_mean() -> None:
    found = importance(x=2.0, kind=1.0)
    measured = measure_dependence(model(), signature(), TABLE, found, clock=Clock())
    first, second = dependence_plots(found.model_copy(update={"dependence": measured}))
    assert first.says == "Mean y: from 5.25 at 4 to 196.2 at 195. Band: 80 % of 200 rows."
    assert second.says == "Mean y: from 99.5 at missing to 102.5 at bbb. Lines: 80 % of 200 rows."
    assert "<svg" in first.svg
