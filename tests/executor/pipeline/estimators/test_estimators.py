"""Estimators with scikit-learn's interface, trained on a few rows."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_blobs

from executor import PcwatClassifier, PcwatForecaster, PcwatRegressor
from executor.data.frames import frame_like
from rules import Huber, Slot
from rules.errors import ChoiceError, RunError

if TYPE_CHECKING:
    from pathlib import Path

QUICK: Final[dict[str, Any]] = {
    "budget": None,
    "trials": 1,
    "validation": "holdout",
    "single": True,
    "keep_evaluated": True,
}


def passengers(rows: int = 90) -> tuple[pd.DataFrame, pd.Series]:
    """Numbers, categories and missing values; the label follows from the category."""
    dealt = np.random.default_rng(0)
    town = dealt.choice(["Kiel", "Bonn", "Ulm"], rows)
    frame = pd.DataFrame({"age": dealt.normal(40, 9, rows), "town": town}, index=np.arange(rows) + 1_000)
    frame.loc[frame.index[::7], "age"] = np.nan
    return frame, pd.Series(np.where(town == "Ulm", "01", "1"), name="class", index=frame.index)


@pytest.fixture(scope="module")
def classifier() -> PcwatClassifier:
    return PcwatClassifier(**QUICK, loss="weighted_crossentropy").fit(*passengers())


def test_labels_come_back_as_they_went_in(classifier: PcwatClassifier) -> None:
    frame, labels = passengers()
    assert classifier.classes_.tolist() == ["01", "1"]
    assert (classifier.predict(frame) == labels).mean() > 0.9
    probabilities = classifier.predict_proba(frame)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert probabilities[(labels == "01").to_numpy(), 0].mean() > 0.6
    assert classifier.score(frame, labels) == (classifier.predict(frame) == labels).mean()


def test_a_parameter_replaces_the_choice_of_the_rules(classifier: PcwatClassifier) -> None:
    assert str(classifier.bundle_.loss) == "weighted_crossentropy"
    reasons = {pin.slot: pin.reason for pin in classifier.record_.pins}
    assert reasons[Slot.LOSS] == "parameter 'loss' of PcwatClassifier"


def test_pandas_polars_and_arrow_are_predicted_alike(classifier: PcwatClassifier) -> None:
    frame, _ = passengers()
    expected = classifier.predict_proba(frame)
    for same in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        np.testing.assert_array_equal(classifier.predict_proba(same), expected)


def test_a_run_predicts_in_the_kind_of_frame_that_it_gets(classifier: PcwatClassifier) -> None:
    frame, _ = passengers()
    of_pandas = classifier.run_.predict(frame)
    assert of_pandas.index.tolist() == frame.index.tolist()
    assert list(of_pandas) == ["prediction", "probability of 01", "probability of 1"]
    assert isinstance(classifier.run_.predict(pl.from_pandas(frame)), pl.DataFrame)
    np.testing.assert_array_equal(classifier.run_.predict_proba(frame), classifier.predict_proba(frame))


def test_a_pickled_estimator_has_files_of_its_own(classifier: PcwatClassifier) -> None:
    frame, _ = passengers()
    loaded = pickle.loads(pickle.dumps(classifier))  # noqa: S301  our own
    assert loaded.run_.directory != classifier.run_.directory
    np.testing.assert_array_equal(loaded.predict_proba(frame), classifier.predict_proba(frame))
    own = loaded.run_.directory
    del loaded
    assert not own.exists()


def test_a_clone_has_the_parameters_and_is_not_fitted(classifier: PcwatClassifier) -> None:
    copy = clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert not hasattr(copy, "run_")


def test_groups_weights_and_costs_are_those_of_the_run(linear_fit: dict[str, Any]) -> None:
    features, labels = make_blobs(80, centers=2, n_features=3, random_state=0)
    weight = np.where(np.arange(80) % 8 == 0, 0.0, 1.0 + labels)
    estimator = PcwatClassifier(**linear_fit, costs={0: {1: 3}, 1: {0: 1}})
    fitted = estimator.fit(features, labels, groups=np.repeat(np.arange(20), 4), sample_weight=weight)
    run = fitted.run_
    assert (run.plan.request.entity, run.plan.request.weight) == ("group", "sample_weight")
    assert fitted.n_features_in_ == 3
    assert {column.name for column in run.signature.columns} == {"x0", "x1", "x2"}
    assert run.record.facts["rows"].value == 70
    assert run.record.facts["cost_ratio"].value == 3
    (cut,) = run.signature.cuts
    assert cut == (0.75 if run.signature.rare_class == 1 else 0.25)
    np.testing.assert_array_equal(fitted.predict(features), fitted.predict_proba(features)[:, 1] >= 0.75)
    assert run.scores.cost is not None
    assert fitted.score(features, labels, sample_weight=weight) > 0.8
    with pytest.raises(ValueError, match=r"'-1.0' in row 3"):
        estimator.fit(features, labels, sample_weight=np.where(np.arange(80) == 2, -1, 1))


def test_several_targets_are_predicted_as_columns(linear_fit: dict[str, Any]) -> None:
    numbers = np.random.default_rng(0).normal(size=(80, 3))
    targets = pd.DataFrame({"sum": numbers.sum(axis=1), "difference": numbers[:, 0] - numbers[:, 1]})
    fitted = PcwatRegressor(**linear_fit).fit(numbers, targets)
    assert fitted.run_.signature.targets == ("sum", "difference")
    assert fitted.predict(numbers).shape == (80, 2)
    if fitted.run_.signature.intervals is not None and fitted.run_.signature.intervals.half_widths:
        assert fitted.predict_interval(numbers).shape == (80, 2, 2)


def test_a_forecaster_continues_its_series_or_another_history() -> None:
    months = pd.DataFrame({"month": pd.date_range("2010-01", periods=72, freq="MS")})
    sales = pd.Series(10 + np.tile(np.arange(12.0), 6), name="sales")
    fitted = PcwatForecaster(horizon=3, season=12, time="month", budget=None, trials=1).fit(months, sales)
    assert fitted.predict().shape == (3,)
    np.testing.assert_allclose(fitted.predict(), [10, 11, 12], atol=1.5)
    earlier = fitted.predict_table(months[:60], sales[:60])
    assert earlier["month"].dt.strftime("%Y-%m").tolist() == ["2015-01", "2015-02", "2015-03"]
    with pytest.raises(ValueError, match=r"X needs the values of the series"):
        fitted.predict(months)


def test_wrong_inputs_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    frame, labels = passengers()
    with pytest.raises(ChoiceError, match=r"must be one of .*, but got 'adan'. Did you mean 'adam'"):
        PcwatClassifier(optimizer="adan", directory=tmp_path).fit(frame, labels)
    with pytest.raises(ValueError, match="only one class, '1'"):
        PcwatClassifier(directory=tmp_path).fit(frame, ["1"] * len(frame))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        PcwatClassifier(directory=tmp_path).fit(csr_matrix(np.eye(9)), np.arange(9) % 2)
    with pytest.raises(ValueError, match="requires y to be passed"):
        PcwatRegressor(directory=tmp_path).fit(frame, None)
    assert list(tmp_path.rglob("plan.json")) == []


def test_rows_with_other_columns_are_refused(classifier: PcwatClassifier) -> None:
    frame, _ = passengers()
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame.rename(columns={"town": "city"}))
    with pytest.raises(ValueError, match=r"'age' .*'old'"):
        classifier.predict(frame.assign(age="old"))


def test_probabilities_need_classes(classifier: PcwatClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    run = type(classifier.run_)(classifier.run_.directory)
    monkeypatch.setattr(run, "signature", run.signature.model_copy(update={"task": "regression"}), raising=False)
    with pytest.raises(RunError, match="Probabilities need a model that predicts classes"):
        run.predict_proba(passengers()[0])


def test_a_choice_is_given_by_name_by_mapping_or_as_an_object() -> None:
    by_name, by_mapping, by_object = (
        next(PcwatRegressor(loss=loss)._pins()).choice
        for loss in ("huber", {"name": "huber", "delta": 2}, Huber(delta=3))
    )
    assert [str(by_name), by_mapping.delta, by_object.delta] == ["huber", 2.0, 3.0]


def test_only_frames_of_the_same_length_keep_their_index() -> None:
    rows, table = pd.DataFrame({"x": [1, 2]}, index=["a", "b"]), pa.table({"y": [3]})
    assert frame_like(rows, table).index.tolist() == [0]
    assert frame_like(rows, pa.table({"y": [3, 4]})).index.tolist() == ["a", "b"]
    assert frame_like("file.csv", table) is table
