import gzip
import os
from pathlib import Path

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from pyarrow import parquet

from recommender.dataset.dataset import Dataset
from recommender.dataset.readers import table
from rules.errors import ColumnError, DatasetError


def test_parquet_and_json_lines_hold_what_was_written(tmp_path: Path) -> None:
    parquet, lines = tmp_path / "t.parquet", tmp_path / "t.jsonl"
    duckdb.sql("SELECT range AS a, 'k' || range AS b FROM range(3)").write_parquet(str(parquet))
    lines.write_text('{"a": 0, "b": "NA"}\n{"a": 1, "b": null}\n')
    with Dataset.open(parquet) as dataset:
        assert (dataset.format, dataset.row_count, dict(dataset.storage)) == (
            "parquet",
            3,
            {"a": "BIGINT", "b": "VARCHAR"},
        )
    with Dataset.open(lines) as dataset:
        assert dataset.format == "jsonl"
        # JSON has a null of its own, so that the text "NA" is a value.
        assert dataset.connection.execute("FROM dataset").fetchall() == [(0, "NA"), (1, None)]


def test_a_missing_file_is_met_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "churn.csv").write_text("a\n1\n")
    with pytest.raises(DatasetError, match=r"Did you mean 'churn.csv'\?"):
        Dataset.open(tmp_path / "chrun.csv")


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist either"):
        Dataset.open(tmp_path / "nowhere" / "churn.csv")


def test_a_directory_is_refused_and_its_tables_are_listed(tmp_path: Path) -> None:
    (tmp_path / "churn.csv").write_text("a\n1\n")
    with pytest.raises(DatasetError, match=r"is a directory. Give one of its files: churn.csv"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.npy", "a single array"),
        ("a.png", "an image"),
        ("a.dat", "must be one of a supported format"),
        ("a", "has 'none'"),
    ],
)
def test_what_is_not_a_table_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_text("a\n1\n")
    with pytest.raises(DatasetError) as caught:
        Dataset.open(tmp_path / name)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.parquet", "must be Parquet.* Rename the file to match its format"),
        ("a.jsonl", "must be JSON lines.* line 1 of"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_text("neither of the two")
    with pytest.raises(DatasetError, match=says):
        Dataset.open(tmp_path / name)


@pytest.mark.parametrize("line", ["{bad}", '{"a":', '{"a": 1} {"a": 2}'])
def test_a_broken_json_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    whole = '{"a": 1, "y": "p"}\n'
    (tmp_path / "a.jsonl").write_text(f"{whole * 2}{line}\n{whole * 2}")
    with pytest.raises(DatasetError, match=r"line 3 of .* Correct or remove that line\."):
        Dataset.open(tmp_path / "a.jsonl")


def test_a_json_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a": "\xe9"}\n')
    with pytest.raises(DatasetError, match=r"line 1 of .* is not .byte 0xe9.*Latin-1"):
        Dataset.open(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_bytes(b"\x7fELF\0\0")
    with pytest.raises(DatasetError, match="binary data"):
        Dataset.open(tmp_path / "b.jsonl")


def test_a_truncated_parquet_file_is_distinguished_from_another_format(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.sql("SELECT range AS a FROM range(1000)").write_parquet(str(path))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DatasetError, match="truncated or damaged"):
        Dataset.open(path)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "é"])
def test_a_delimiter_is_one_plain_character(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(DatasetError, match="one ASCII character"):
        Dataset.open(tmp_path / "a.csv", delimiter=delimiter)


def test_a_delimiter_does_not_apply_to_parquet(tmp_path: Path) -> None:
    duckdb.sql("SELECT 1 AS a").write_parquet(str(tmp_path / "a.parquet"))
    with pytest.raises(DatasetError, match="Remove --delimiter"):
        Dataset.open(tmp_path / "a.parquet", delimiter=";")


def test_a_nested_column_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": [1, 2], "b": 1}\n')
    with pytest.raises(ColumnError, match=r"column 'a' of a\.jsonl is of type"):
        Dataset.open(tmp_path / "a.jsonl")


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.csv.gz", "x.jsonl", "x.parquet"])
def test_a_folder_named_like_a_partition_gives_no_column(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a=3" / "fold=1" / name
    path.parent.mkdir(parents=True)
    if name.endswith("parquet"):
        duckdb.sql("SELECT 1 AS a, 7 AS b UNION ALL SELECT 2, 1").write_parquet(str(path))
    elif name.endswith("jsonl"):
        path.write_text('{"a": 1, "b": 7}\n{"a": 2, "b": 1}\n')
    else:
        text = "a,b\n1,7\n2,1\n".replace(",", "\t" if ".tsv" in name else ",").encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    with Dataset.open(path) as dataset:
        assert dataset.columns == ("a", "b")
        assert dataset.connection.execute("FROM dataset").fetchall() == [(1, 7), (2, 1)]


def test_special_files_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, kind in (
        (tmp_path / "pipe.csv", "a named pipe"),
        (Path("/dev/zero"), "a device"),
        (Path("/"), "the root of the file system"),
    ):
        with pytest.raises(DatasetError, match=rf"but {path} is {kind}"):
            Dataset.open(path)


def test_names_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    for name, says in (("a" * 300 + ".csv", "File name too long"), ("a\0.csv", "contains a null character")):
        with pytest.raises(DatasetError, match=says):
            Dataset.open(tmp_path / name)


def test_a_pipe_among_images_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    os.mkfifo(tmp_path / "cat" / "1.png")
    with pytest.raises(DatasetError, match=r"'cat/1.png' \(.*it is a named pipe"):
        Dataset.open(tmp_path)


def test_a_small_gzip_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**24 + b"1,2\n"))
    with pytest.raises(DatasetError, match=r"may unpack to at most 67,108,864 bytes, but .*bomb.csv.gz"):
        Dataset.open(path)


def test_errors_in_a_compressed_table_name_the_file_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n1,2,3\n"))
    with pytest.raises(DatasetError) as caught:
        Dataset.open(path)
    assert f"line 3 of {path}" in str(caught.value)
    assert "pcwat-" not in str(caught.value)


def test_a_small_parquet_file_of_many_cells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    duckdb.sql("SELECT 1 AS a, 2 AS b FROM range(70_000_000)").write_parquet(str(path), row_group_size=10_000_000)
    with pytest.raises(DatasetError, match=r"at most 134,217,728 cells, but .* has 70,000,000 rows of 2 columns"):
        Dataset.open(path)


def test_a_parquet_file_that_takes_too_much_of_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "max_spill", lambda _: 2**20)
    path = tmp_path / "long.parquet"
    duckdb.sql("SELECT repeat('x', 100_000) AS a FROM range(9_000)").write_parquet(str(path))
    with pytest.raises(DatasetError, match="fit into the available memory and disk space"):
        Dataset.open(path)


def test_the_index_of_a_frame_is_no_column_of_its_parquet_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]}).iloc[::-1]
    frame.to_parquet(tmp_path / "t.parquet")
    with Dataset.open(tmp_path / "t.parquet") as dataset:
        assert dataset.columns == ("a",)
        assert dataset.connection.execute("FROM dataset").fetchall() == [(3,), (2,), (1,)]


def test_a_column_of_parquet_whose_name_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"name": [1, 2], "y": [0, 1]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"name", b"\xffame"))
    with pytest.raises(DatasetError, match="is truncated or damaged"):
        Dataset.open(path)
