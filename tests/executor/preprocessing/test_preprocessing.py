"""Preprocessing is learned from training rows alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from executor.components.metric import outcome_of
from executor.data.raw_table import Form, RawTable
from executor.data.split import Split
from executor.preprocessing.encode import encode_hold_out, encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.preprocessing.inputs import TableInputs
from recommender.roles.roles import Roles
from rules.errors import ChoiceError, ColumnError
from rules.vocabulary.choices import EXTRAS, BagOfNgrams, MiniRocket, Standard
from rules.vocabulary.facts import Task

NUMBERS = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1_000.0])


def _words(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def _table(forms: dict[str, Form], **features: np.ndarray) -> RawTable:
    rows = len(next(iter(features.values())))
    return RawTable(
        features=features, forms=forms, rows=np.arange(rows), truth=np.arange(rows, dtype=np.float64)[:, None]
    )


def _roles(task: Task = Task.REGRESSION, *, targets: int = 1, labels: tuple[str, ...] = ()) -> Roles:
    names = tuple(f"y{number}" for number in range(targets))
    return Roles(task=task, task_reason="", targets=names, target_reason="", columns={}, labels=labels)


def _split(train: int, validation: int, rows: int) -> Split:
    everything = np.arange(rows)
    return Split(
        train=everything[:train],
        validation=everything[train : train + validation],
        hold_out=everything[train + validation :],
        sentence="",
    )


def test_scales_come_from_training_rows_only() -> None:
    table = _table({"x": Form.NUMBER}, x=NUMBERS)
    fitted = fit_preprocessing(table, _roles(), np.arange(5))
    # Median 2 and interquartile range 2 of the first five rows: (4 - 2) / 2 = 1; 1 / √(1 + 1/9).
    assert fitted.encode(table)[0][4, 0] == pytest.approx(1 / np.sqrt(1 + 1 / 9))


def test_without_extras_numbers_are_scaled_alone_and_predictions_are_not_clamped() -> None:
    heavy = np.exp(np.linspace(0, 12, 60))
    table = _table({"x": Form.NUMBER}, x=heavy)
    for extras in (True, False):
        architecture = Standard(**dict.fromkeys(EXTRAS, extras))
        fitted = fit_preprocessing(table, _roles(), np.arange(60), architecture)
        parts = encode_parts(table, _roles(), _split(40, 10, 60), fitted)
        (block,) = fitted.blocks
        assert (len(block.layer.ranked), parts.inputs) == (
            (1, TableInputs(numbers=1)) if extras else (0, TableInputs(input_scale=False))
        )
        assert (parts.target_range is not None) is extras


def test_a_column_has_an_indicator_if_training_rows_lack_it_now_and_then() -> None:
    nan = np.nan
    columns = {
        "full": np.array([1.0, 2.0, 3.0, nan]),
        "holes": np.array([1.0, nan, 3.0, nan]),
        "empty": np.array([nan, nan, nan, 5.0]),
    }
    table = _table(dict.fromkeys(columns, Form.NUMBER), **columns)
    fitted = fit_preprocessing(table, _roles(), np.arange(3))
    dense, codes, _ = fitted.encode(table)
    assert dense[:, 3].tolist() == [0, 1, 0, 1]
    assert dense.shape == (4, 4)
    assert dense[:, 2].tolist() == [0, 0, 0, 0]
    assert codes.shape == (4, 0)


def test_levels_seen_once_share_the_place_of_levels_never_seen() -> None:
    table = _table({"c": Form.LEVEL}, c=_words("a", "a", "b", "b", "once", "new", ""))
    fitted = fit_preprocessing(table, _roles(), np.arange(5))
    assert fitted.encode(table)[0].tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 1],
    ]


def test_without_rare_levels_an_unseen_one_is_zeros_and_missing_is_a_level() -> None:
    table = _table({"c": Form.LEVEL}, c=_words("a", "a", "", "", "new"))
    dense, _, _ = fit_preprocessing(table, _roles(), np.arange(4)).encode(table)
    assert dense[:, 0].tolist() == [0, 0, 1, 1, 0]
    assert dense[4].tolist() == [0, 0]


def test_a_category_that_is_missing_in_all_training_rows_takes_new_levels() -> None:
    table = _table({"c": Form.LEVEL}, c=_words("", "", "", "new"))
    dense, _, _ = fit_preprocessing(table, _roles(), np.arange(3)).encode(table)
    assert dense.tolist() == [[1], [1], [1], [0]]


def test_more_than_50_levels_become_codes() -> None:
    few = _words(*(f"few {number % 50}" for number in range(204)))
    many = _words(*(f"many {number % 51}" for number in range(204)))
    table = _table({"few": Form.LEVEL, "many": Form.LEVEL}, few=few, many=many)
    fitted = fit_preprocessing(table, _roles(), np.arange(204))
    dense, codes, _ = fitted.encode(table)
    assert dense.shape == (204, 50)
    assert fitted.vocabulary == 52
    assert codes.shape == (204, 1)
    # The most frequent level of the training rows comes first; the last id is for all others.
    unseen = replace(table, features={"few": few, "many": _words(*["new"] * 204)})
    assert set(fitted.encode(unseen)[1][:, 0].tolist()) == {51}


def test_a_network_has_a_dense_feature_even_if_all_columns_are_coded() -> None:
    table = _table({"many": Form.LEVEL}, many=_words(*(f"{number % 60}" for number in range(180))))
    fitted = fit_preprocessing(table, _roles(), np.arange(180))
    assert (fitted.width, fitted.vocabulary) == (51, 61)


def test_a_time_stamp_gives_waves_and_a_trend_but_no_trend_to_a_forecast() -> None:
    day = 86_400.0
    table = _table({"when": Form.TIME}, when=np.arange(400) * day)
    assert fit_preprocessing(table, _roles(), np.arange(400)).width == 5
    # Of a forecast the wave of the year stays only where training rows span two of them.
    assert fit_preprocessing(table, _roles(Task.FORECASTING), np.arange(400)).width == 2
    longer = _table({"when": Form.TIME}, when=np.arange(800) * day)
    assert fit_preprocessing(longer, _roles(Task.FORECASTING), np.arange(800)).width == 4


def test_the_words_of_a_text_are_counted_and_rare_ones_weigh_more() -> None:
    table = _table({"t": Form.TEXT}, t=_words(*["the cat"] * 3, "the dog"))
    dense, _, _ = fit_preprocessing(table, _roles(), np.arange(4)).encode(table)
    # scikit-learn's smooth idf: log((1 + 4) / (1 + rows with it)) + 1, times log(1 + 1).
    the, cat, dog = (np.log(2) * (np.log(5 / (1 + rows)) + 1) for rows in (4, 3, 1))
    assert sorted(dense[0][dense[0] > 0].tolist()) == pytest.approx(sorted([the, cat]))
    assert sorted(dense[3][dense[3] > 0].tolist()) == pytest.approx(sorted([the, dog]))


def test_nothing_to_read_is_an_error() -> None:
    table = RawTable(features={}, forms={}, rows=np.arange(3), truth=np.zeros((3, 1)))
    with pytest.raises(ColumnError, match="at least one feature"):
        fit_preprocessing(table, _roles(), np.arange(3))


def test_rows_are_encoded_the_same_alone_and_in_a_long_table() -> None:
    random = np.random.default_rng(0)
    names = _words(*random.choice(["a", "b", "c"], 5_000))
    table = _table({"x": Form.NUMBER, "c": Form.LEVEL}, x=random.normal(size=5_000), c=names)
    fitted = fit_preprocessing(table, _roles(), np.arange(4_000))
    alone = fitted.encode(table.take(np.array([4_999])))[0]
    np.testing.assert_array_equal(fitted.encode(table)[0][4_999:], alone)
    assert fitted.encode(table.take(np.empty(0, np.int64)))[0].shape == (0, fitted.width)


def test_300_columns_are_fitted_and_encoded_together() -> None:
    random = np.random.default_rng(0)
    numbers = {f"n{number}": random.normal(size=1_000) for number in range(200)}
    levels = {f"c{number}": random.choice(["a", "b", "c"], 1_000).astype(object) for number in range(100)}
    forms = {**dict.fromkeys(numbers, Form.NUMBER), **dict.fromkeys(levels, Form.LEVEL)}
    table = _table(forms, **numbers, **levels)
    fitted = fit_preprocessing(table, _roles(), np.arange(800))
    assert fitted.encode(table)[0].shape == (1_000, 500)


def test_numeric_targets_are_standardised_by_training_rows() -> None:
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=np.array([[1.0], [3.0], [1.0], [3.0], [5.0], [100.0]]))
    split = _split(4, 1, 6)
    parts = encode_parts(table, _roles(), split, fit_preprocessing(table, _roles(), split.train))
    assert (parts.target_mean[0], parts.target_scale[0]) == (2, 1)
    assert parts.train.target[:, 0].tolist() == [-1, 1, -1, 1]
    assert parts.validation.target[:, 0].tolist() == [3]
    assert parts.validation.raw_target.tolist() == [[5]]


def test_answers_stay_within_the_training_rows_unless_rows_are_ordered_by_time() -> None:
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=np.array([[1.0], [3.0], [1.0], [3.0], [5.0], [100.0]]))
    split = _split(4, 1, 6)
    fitted = fit_preprocessing(table, _roles(), split.train)
    parts = encode_parts(table, _roles(), split, fitted)
    assert parts.target_range is not None
    assert [bound.tolist() for bound in parts.target_range] == [[1], [3]]
    # One standard deviation is 1, around a mean of 2.
    assert outcome_of(np.array([[-5.0], [0.5], [5.0]]), parts).tolist() == [[1], [2.5], [3]]
    assert encode_parts(table, replace(_roles(), time_column="x"), split, fitted).target_range is None


def test_a_target_on_log1p_is_standardised_there_and_answered_in_its_own_unit() -> None:
    truth = np.expm1(np.array([[1.0], [3.0], [1.0], [3.0], [5.0], [0.0]]))
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=truth)
    split = _split(4, 1, 6)
    fitted = fit_preprocessing(table, _roles(), split.train)
    parts = encode_parts(table, _roles(), split, fitted, target_on="log1p")
    assert (parts.target_mean[0], parts.target_scale[0]) == pytest.approx((2, 1))
    assert parts.train.target[:, 0] == pytest.approx([-1, 1, -1, 1])
    assert parts.validation.raw_target.tolist() == truth[4:5].tolist()
    assert encode_hold_out(table, split, fitted, parts).target[:, 0] == pytest.approx([-2])
    assert outcome_of(np.array([[0.0], [9.0]]), parts) == pytest.approx(np.expm1([[2.0], [3.0]]))
    with pytest.raises(ChoiceError, match=r"its smallest value is -1\.28"):
        encode_parts(replace(table, truth=truth - 3), _roles(), split, fitted, target_on="log1p")


def test_of_texts_in_the_hold_out_the_targets_alone_can_be_encoded() -> None:
    texts = np.array(["good", "bad", "good", "bad", "good", "bad"], dtype=object)
    table = replace(_table({"x": Form.TEXT}, x=texts), truth=np.array([1, 0, 1, 0, 1, 0]))
    split, roles = _split(4, 1, 6), _roles(Task.BINARY, labels=("a", "b"))
    fitted = fit_preprocessing(table, roles, split.train, BagOfNgrams())
    parts = encode_parts(table, roles, split, fitted)
    assert parts.train.dense.shape == (4, 8)
    assert encode_hold_out(table, split, fitted, parts).dense.shape == (1, 8)
    hold_out = encode_hold_out(table, split, fitted, parts, has_features=False)
    assert (hold_out.dense.shape, hold_out.raw_target.tolist()) == ((1, 0), [0])


def test_a_constant_numeric_target_keeps_its_unit() -> None:
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=np.full((6, 1), 0.1))
    split = _split(4, 1, 6)
    parts = encode_parts(table, _roles(), split, fit_preprocessing(table, _roles(), split.train))
    assert parts.target_scale.tolist() == [1]


def test_a_forecast_is_scaled_by_its_changes_and_its_offset_is_in_the_same_unit() -> None:
    last = np.array([[100.0], [102.0], [104.0], [106.0], [108.0], [110.0]])
    truth = last + np.array([[2.0], [-2.0], [2.0], [-2.0], [4.0], [0.0]])
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=truth, offset=last)
    split, roles = _split(4, 1, 6), _roles(Task.FORECASTING)
    parts = encode_parts(table, roles, split, fit_preprocessing(table, roles, split.train))
    assert parts.target_scale.tolist() == [2]
    assert (parts.train.target - parts.train.offset)[:, 0] == pytest.approx([1, -1, 1, -1])
    assert (parts.validation.target - parts.validation.offset)[:, 0] == pytest.approx([2])


def test_classes_become_one_hot_and_two_classes_one_number() -> None:
    split = _split(4, 1, 6)
    classes = np.array([0, 2, 1, 2, 0, 1])
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=classes)
    roles = _roles(Task.MULTICLASS, labels=("a", "b", "c"))
    fitted = fit_preprocessing(table, roles, split.train)
    parts = encode_parts(table, roles, split, fitted)
    assert parts.train.target.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert encode_hold_out(table, split, fitted, parts).raw_target.tolist() == [1]
    two = replace(table, truth=np.array([0, 0, 0, 1, 1, 1]))
    binary = encode_parts(two, _roles(Task.BINARY, labels=("a", "b")), split, fitted)
    assert binary.train.target.tolist() == [[0], [0], [0], [1]]
    assert (binary.outputs, binary.rare_class) == (1, 1)
    swapped = replace(table, truth=np.array([1, 1, 1, 0, 0, 0]))
    assert encode_parts(swapped, _roles(Task.BINARY, labels=("a", "b")), split, fitted).rare_class == 0


def test_several_labels_stay_beside_each_other() -> None:
    split = _split(4, 1, 6)
    labels = np.array([[0, 1], [1, 1], [0, 0], [1, 0], [1, 1], [0, 0]])
    table = replace(_table({"x": Form.NUMBER}, x=NUMBERS), truth=labels)
    roles = _roles(Task.MULTILABEL, targets=2)
    parts = encode_parts(table, roles, split, fit_preprocessing(table, roles, split.train))
    assert parts.train.target.tolist() == labels[:4].tolist()
    assert parts.rare_class is None


@pytest.mark.parametrize(("features", "kept"), [(1_260, 1_000), (840, 840)])
def test_hidden_layers_read_some_random_features_and_all_other_columns(features: int, kept: int) -> None:
    sequences = np.random.default_rng(0).normal(size=(6, 30, 1)).astype(np.float32)
    table = _table({"x": Form.NUMBER, "s": Form.SEQUENCE}, x=NUMBERS, s=sequences)
    inputs = fit_preprocessing(table, _roles(), np.arange(6), MiniRocket(features=features)).inputs
    assert isinstance(inputs, TableInputs)
    assert inputs.ridge_start
    if features > kept:
        assert len(inputs.hidden) == 1 + kept
        assert inputs.hidden[:2] == (0, 1)
        assert inputs.hidden[-1] == features
    else:
        assert inputs.hidden == ()
    plain = fit_preprocessing(table, _roles(), np.arange(6), MiniRocket(features=features, ridge_start=False)).inputs
    assert plain == TableInputs(numbers=1)
