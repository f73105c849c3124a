import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from recommender.dataset.dataset import Dataset
from rules.errors import DatasetError
from tests.effort import long_test

COLUMNS = {"a": [1, 2, 3], "b": ["x", None, "NA"]}


@pytest.mark.parametrize(
    ("frame", "format_name"),
    [(pd.DataFrame(COLUMNS), "pandas"), (pl.DataFrame(COLUMNS), "polars"), (pa.table(COLUMNS), "arrow")],
)
def test_a_frame_holds_what_it_held(frame: object, format_name: str) -> None:
    with Dataset.open(frame) as dataset:
        assert (dataset.name, dataset.address, dataset.format) == ("DataFrame", None, format_name)
        assert dataset.connection.execute("FROM dataset").fetchall() == [(1, "x"), (2, None), (3, "NA")]


def test_nan_is_missing_in_pandas_and_no_number_in_polars() -> None:
    values = [1.0, math.nan, 2.0]
    with Dataset.open(pd.DataFrame({"a": values})) as dataset:
        assert dataset.not_a_number == {}
        assert dataset.connection.execute("FROM dataset").fetchall() == [(1.0,), (None,), (2.0,)]
    with Dataset.open(pl.DataFrame({"a": values})) as dataset:
        assert dataset.not_a_number == {"a": 1}
        assert dataset.connection.execute("FROM dataset").fetchall() == [(1.0,), (None,), (2.0,)]


def test_any_arrow_stream_is_read() -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table(COLUMNS).__arrow_c_stream__(requested_schema)

    with Dataset.open(Stream()) as dataset:
        assert (dataset.format, dataset.row_count) == ("arrow", 3)


def test_the_digest_of_a_frame_follows_its_values_and_their_order() -> None:
    def digest(values: list[int]) -> str:
        with Dataset.open(pl.DataFrame({"a": values})) as dataset:
            return dataset.digest

    assert digest([1, 2]) == digest([1, 2])
    assert len({digest([1, 2]), digest([2, 1]), digest([1, 3])}) == 3


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"a": [1]}, "of type 'dict'"),
        (np.zeros((2, 2)), "of type 'ndarray'"),
        (pl.DataFrame(COLUMNS).lazy(), "Use the result of its collect"),
        (pd.DataFrame([[1, 2]]), "Column names must be text"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' occurs twice"),
        (pd.DataFrame({"a": []}), "only a header"),
        (pd.DataFrame(), "must have columns and rows"),
    ],
)
def test_what_is_not_a_frame_is_refused(frame: object, says: str) -> None:
    with pytest.raises(DatasetError) as caught:
        Dataset.open(frame)
    assert says in str(caught.value)


class ClassLabel:
    names = ("no", "yes")


class HuggingFaceDataset:
    """What is read of a dataset of the library `datasets`, which takes long to install."""

    __module__ = "datasets.arrow_dataset"
    features = {"x": None, "y": ClassLabel()}  # noqa: RUF012  never changed
    num_rows = 3

    def with_format(self, name: str) -> pa.Table:
        assert name == "arrow"
        return pa.table({"x": [2.5, 1.5, 0.5], "y": [-1, 1, 0]})


def test_class_labels_of_a_hugging_face_dataset_are_read_as_their_names() -> None:
    with Dataset.open(HuggingFaceDataset()) as dataset:
        rows = dataset.connection.execute("SELECT x, CAST(y AS VARCHAR) FROM dataset").fetchall()
        assert rows == [(2.5, None), (1.5, "yes"), (0.5, "no")]
        assert (dataset.categorical, dataset.address) == ({"y"}, None)


@long_test
def test_a_hugging_face_dataset_is_read_with_its_selected_rows_and_the_names_of_its_classes() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"x": datasets.Value("float64"), "y": datasets.ClassLabel(names=["no", "yes"])})
    whole = datasets.Dataset.from_dict({"x": [0.5, 1.5, 2.5], "y": [0, 1, -1]}, features=features)
    with Dataset.open(whole.select([2, 1, 0]).with_format("numpy", columns=["x"])) as dataset:
        rows = dataset.connection.execute("SELECT x, CAST(y AS VARCHAR) FROM dataset").fetchall()
        assert rows == [(2.5, None), (1.5, "yes"), (0.5, "no")]
        assert dataset.categorical == {"y"}
    with pytest.raises(DatasetError, match=r"with the splits 'train'. Give one of them, such as dataset\['train'\]"):
        Dataset.open(datasets.DatasetDict({"train": whole}))
    with pytest.raises(DatasetError, match=r"which is streamed\. Load it with streaming=False"):
        Dataset.open(whole.to_iterable_dataset())
