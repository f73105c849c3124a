"""The importance of columns: what a model does not read costs nothing, what it reads alone costs all of P."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.data.raw_table import Form, Lagged, RawTable
from executor.data.series.lag_table import Windows
from executor.evaluation.diagnostics.permutation_importance import measure_importance
from executor.model.signature import ModelInput, Signature
from executor.runtime.clock import Clock
from recommender.time_plan import TimePlan
from rules.vocabulary.choices import Rmse
from rules.vocabulary.facts import Task

ROWS = 200
METRIC = create_metric(Rmse())


def model_of_the_first() -> keras.Model:
    """Answers with the column `read`, whatever `unread` holds."""
    inputs = {name: keras.Input((1,), dtype="float64", name=name) for name in ("read", "unread")}
    zero = keras.layers.Rescaling(0.0, dtype="float64")(inputs["unread"])
    return keras.Model(inputs, keras.layers.Add(dtype="float64")([inputs["read"], zero]))


def signature() -> Signature:
    return Signature(
        task=Task.REGRESSION,
        targets=("y",),
        labels=(),
        levels={},
        columns=(),
        known=(),
        inputs=tuple(ModelInput(name=name, form=Form.NUMBER, columns=(name,)) for name in ("read", "unread")),
        rare_class=None,
        thresholds=(),
        time_column=None,
        entity_column=None,
        windows=None,
    )


def rows(count: int = ROWS) -> RawTable:
    read, unread = np.random.default_rng(0).normal(size=(2, count))
    return RawTable(
        features={"read": read, "unread": unread},
        forms=dict.fromkeys(("read", "unread"), Form.NUMBER),
        rows=np.arange(count),
        truth=read[:, None],
    )


def test_a_column_counts_by_what_p_loses_without_it() -> None:
    table = rows()
    found = measure_importance(model_of_the_first(), signature(), table, metric=METRIC, seed=0, clock=Clock())
    assert [one.name for one in found.columns] == ["read", "unread"]
    # Two independent draws of one column differ by √2 of its spread.
    assert found.columns[0].loss == pytest.approx(np.sqrt(2) * table.features["read"].std(), rel=0.1)
    assert found.columns[0].spread > 0
    assert (found.columns[1].loss, found.columns[1].spread) == (0.0, 0.0)
    assert (found.rows, found.repeats, found.missing) == (ROWS, 5, ())


def test_the_same_seed_deals_out_alike() -> None:
    first, again = (
        measure_importance(model_of_the_first(), signature(), rows(), metric=METRIC, seed=3, clock=Clock())
        for _ in range(2)
    )
    assert first == again


def test_a_wide_table_is_answered_in_parts_and_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    together = measure_importance(model_of_the_first(), signature(), rows(), metric=METRIC, seed=0, clock=Clock())
    monkeypatch.setattr("executor.evaluation.diagnostics.permutation_importance.CELLS_PER_CALL", 1)
    assert (
        measure_importance(model_of_the_first(), signature(), rows(), metric=METRIC, seed=0, clock=Clock()) == together
    )


def test_where_a_round_would_take_too_long_fewer_rows_are_dealt_out_of_every_column() -> None:
    moments = iter([0.0, 0.0, 1.0, *[0.0] * 100])  # the model takes 1 s, two columns would take 2 s
    clock = Clock(TimePlan(limit=1.0), now=lambda: next(moments))
    found = measure_importance(model_of_the_first(), signature(), rows(1_000), metric=METRIC, seed=0, clock=clock)
    assert (found.rows, found.missing) == (500, ())


def test_columns_for_which_there_was_no_time_are_named() -> None:
    found = measure_importance(
        model_of_the_first(), signature(), rows(), metric=METRIC, seed=0, clock=Clock(TimePlan(limit=0.0))
    )
    assert found.columns == ()
    assert found.missing == ("read", "unread")


def test_the_rows_themselves_stay_as_they_are() -> None:
    table = rows()
    before = {name: values.copy() for name, values in table.features.items()}
    measure_importance(model_of_the_first(), signature(), table, metric=METRIC, seed=0, clock=Clock())
    for name, values in before.items():
        np.testing.assert_array_equal(table.features[name], values)


def test_features_of_a_series_are_permuted_with_their_column_whatever_it_is_called() -> None:
    names = {
        "time": None,
        "y [-2] - [-1]": Lagged(column="y", lag=2, minus=1),
        "y [-2] [-1]": Lagged(column="y [-2]", lag=1),
        "y [+1]": Lagged(column="y", lag=0),
    }
    features = {name: np.zeros(ROWS) for name in names}
    series = RawTable(
        features=features,
        forms=dict.fromkeys(features, Form.NUMBER),
        rows=np.arange(ROWS),
        truth=np.arange(ROWS, dtype=float)[:, None],
        lagged={name: lagged for name, lagged in names.items() if lagged is not None},
    )
    inputs = {f"input_{at}": keras.Input((1,), dtype="float64", name=f"input_{at}") for at in range(len(names))}
    model = keras.Model(inputs, keras.layers.Add(dtype="float64")([*inputs.values()]))
    asked = signature().model_copy(
        update={
            "task": Task.FORECASTING,
            "time_column": "day",
            "windows": Windows(targets=("y",), lags=(2,), season=None, step=1),
            "inputs": tuple(
                ModelInput(name=own, form=Form.NUMBER, columns=(name,)) for own, name in zip(inputs, names, strict=True)
            ),
        }
    )
    found = measure_importance(model, asked, series, metric=METRIC, seed=0, clock=Clock())
    assert sorted(one.name for one in found.columns) == ["day", "y", "y [-2]"]
