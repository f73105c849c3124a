from __future__ import annotations

import numpy as np

from executor.data.raw_table import Form, RawTable
from executor.evaluation.explanation.masking import Masking, describe_value, kind_of_parts, masking_for, patches

ALL = np.array([0])


def table(forms: dict[str, Form], **features: object) -> RawTable:
    values = {name: np.array(own, object if forms[name].is_words else None) for name, own in features.items()}
    return RawTable(features=values, forms=forms, rows=np.arange(len(next(iter(values.values())))))


def masking(row: RawTable, background: RawTable) -> Masking:
    return masking_for(kind_of_parts(row), background)(row)


def test_a_masked_column_takes_the_value_of_the_named_background_row() -> None:
    forms = {"age": Form.NUMBER, "port": Form.LEVEL}
    found = masking(table(forms, age=[30.0], port=["S"]), table(forms, age=[1.0, 2.0], port=["a", ""]))
    masked = found.mask(np.array([[True, False], [False, True]]), np.array([1, 0]))
    assert masked.features["age"].tolist() == [30, 1]
    assert masked.features["port"].tolist() == ["", "S"]
    assert (found.names, found.values, found.background) == (("age", "port"), ("30", "S"), 2)


def test_masked_words_are_removed_and_kept_words_keep_their_marks() -> None:
    row = table({"text": Form.TEXT}, text=["Not  good, 天气!"])
    found = masking(row, row)
    assert found.names == ("1: Not", "2: good,", "3: 天", "4: 气!")
    masked = found.mask(np.array([[True, False, True, True], [False] * 4]), np.zeros(2, int))
    assert masked.features["text"].tolist() == ["Not  天气!", ""]


def test_words_of_a_long_text_are_masked_in_at_most_64_groups_of_neighbours() -> None:
    row = table({"text": Form.TEXT}, text=[" ".join(f"w{number}" for number in range(1_000))])
    found = masking(row, row)
    assert len(found.names) == 64
    assert "".join(found.values) == row.features["text"][0]


def test_an_empty_text_has_one_part() -> None:
    row = table({"text": Form.TEXT}, text=[""])
    assert masking(row, row).values == ("",)


def test_masked_letters_keep_their_number() -> None:
    row = table({"dna": Form.LETTERS}, dna=["ACGT"])
    masked = masking(row, row).mask(np.array([[True, False, False, True]]), ALL)
    assert masked.features["dna"].tolist() == ["A??T"]


def test_masked_patches_take_the_mean_of_the_background() -> None:
    forms = {"image": Form.IMAGE}
    row = RawTable(features={"image": np.full((1, 1, 2, 1), 200, np.uint8)}, forms=forms, rows=ALL)
    background = RawTable(
        features={"image": np.array([[[[0], [4]]], [[[2], [6]]]], np.uint8)}, forms=forms, rows=np.arange(2)
    )
    masked = masking(row, background).mask(np.array([[False, True], [False, False]]), np.zeros(2, int))
    assert masked.features["image"][..., 0].tolist() == [[[1, 200]], [[1, 5]]]


def test_patches_cover_each_pixel_once() -> None:
    covered = np.zeros((13, 30), int)
    for top, bottom, left, right in patches((13, 30, 3)):
        covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


def test_masked_segments_take_the_mean_of_the_steps_that_background_sequences_have() -> None:
    forms, nan = {"y": Form.SEQUENCE}, np.nan
    row = RawTable(features={"y": np.array([[[9.0], [9.0], [nan]]], np.float32)}, forms=forms, rows=ALL)
    both = np.array([[[1.0], [5.0], [nan]], [[3.0], [nan], [nan]]], np.float32)
    background = RawTable(features={"y": both}, forms=forms, rows=np.arange(2))
    masked = masking(row, background).mask(np.array([[False, False], [True, False]]), np.zeros(2, int))
    assert masked.features["y"][:, :2, 0].tolist() == [[2, 5], [9, 5]]
    assert np.isnan(masked.features["y"][:, 2]).all()


def test_values_are_described_by_their_form_and_missing_ones_are_empty() -> None:
    assert describe_value(np.float64(86_400), Form.TIME) == "1970-01-02"
    assert describe_value(np.float64(1.5), Form.NUMBER) == "1.5"
    assert describe_value(np.nan, Form.NUMBER) == describe_value("", Form.LEVEL) == ""
