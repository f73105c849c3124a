import os
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from PIL import Image

from recommender import Request
from recommender.audit.subject import Subject, open_subject
from recommender.audit.verify import verify
from recommender.dataset.address import LocalPath
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import StrategyOptions, open_dataset, recommend
from recommender.roles.infer import infer_roles
from rules.errors import ColumnError, DatasetError, PcwatError
from rules.rulebook.rulebook import SHIPPED_LAYERS


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def rows_of(dataset: Dataset) -> Sequence[tuple[object, ...]]:
    return dataset.connection.execute("FROM dataset ORDER BY rowid").fetchall()


def test_files_of_a_pattern_are_read_in_the_order_of_their_names_and_columns_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"b.csv": "y,x\nq,3\n", "a.csv": "x,y\n1,p\n2,NA\n", ".c.csv": "z\n1\n", "_d": "", "e.tsv": "1"})
    with Dataset.open(tmp_path / "*.csv") as dataset:
        assert rows_of(dataset) == [(1, "p"), (2, None), (3, "q")]
        assert (dataset.name, dataset.stem) == (f"{tmp_path.name}/*.csv", tmp_path.name)


def test_partitions_are_columns_with_the_types_that_duckdb_infers(tmp_path: Path) -> None:
    query = (
        "SELECT i AS id, i * 1.5::DOUBLE AS x, DATE '2024-01-30' + i::INT AS day, i % 2 + 1 AS n, 'g %' || i % 2 AS g"
    )
    duckdb.sql(f"COPY ({query} FROM range(6) t(i)) TO '{tmp_path}' (FORMAT parquet, PARTITION_BY (day, n, g))")
    with Dataset.open(tmp_path) as dataset:
        found, kinds = rows_of(dataset), list(dataset.storage.items())
    read = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning=true)"
    relation = duckdb.sql(f"SELECT id, x, day, n, g FROM {read} ORDER BY day")
    assert found == relation.fetchall()
    assert kinds == [*zip(relation.columns, map(str, relation.types), strict=True)]


def test_a_partition_may_be_missing_and_may_also_be_in_the_files(tmp_path: Path) -> None:
    write(tmp_path, {"m=01/a.csv": "x,m\n1,1\n", "m=__HIVE_DEFAULT_PARTITION__/a.csv": "x\n2\n"})
    with Dataset.open(tmp_path) as dataset:
        assert rows_of(dataset) == [(1, 1), (2, None)]
    write(tmp_path, {"m=01/a.csv": "x,m\n1,1\n1,2\n"})
    with pytest.raises(ColumnError, match=r"but 'm' is '2' in row 2 of .*m=01/a.csv"):
        Dataset.open(tmp_path)


def test_a_pattern_a_folder_and_a_moved_folder_have_one_digest_and_the_result_does_not_depend_on_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "old", {f"year={year}/{part}.csv": f"x\n{year}{part}\n" for year in (1, 2) for part in (1, 2)})

    def digest(path: str | Path) -> str:
        with Dataset.open(path) as dataset:
            return dataset.digest

    whole, second = digest(tmp_path / "old"), digest(tmp_path / "old" / "year=2")
    assert {digest(tmp_path / "old" / own) for own in ("year=*/*.csv", "**/*.csv", "year=?", "*/[12].csv")} == {whole}
    monkeypatch.chdir(tmp_path / "old" / "year=2")
    assert digest("*.csv") == second != whole
    os.rename(tmp_path / "old", tmp_path / "new")  # noqa: PTH104  the current directory moves along
    assert digest(tmp_path / "new") == whole
    (tmp_path / "new" / "year=1" / "1.csv").rename(tmp_path / "new" / "year=1" / "3.csv")
    assert digest(tmp_path / "new") != whole


def test_a_path_that_exists_is_not_a_pattern_also_in_a_folder_whose_name_is_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "d[1]", {"a*.csv": "x\n1\n", "ab.csv": "x\n2\n"})
    with Dataset.open(folder / "a*.csv") as dataset:
        assert rows_of(dataset) == [(1,)]
    with Dataset.open(folder / "*.csv") as dataset:
        assert rows_of(dataset) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("first", "second", "kind", "values"),
    [
        ("1::BIGINT", "2.5::DOUBLE", "DOUBLE", [(1.0,), (2.5,)]),
        ("NULL::INTEGER", "'a'", "VARCHAR", [(None,), ("a",)]),
        ("DATE '2024-01-01'", "NULL::BOOLEAN", "DATE", None),
        ("DATE '2024-01-01'", "TIMESTAMP '2024-01-02 01:00'", "TIMESTAMP", None),
    ],
)
def test_parquet_files_get_the_common_type(
    tmp_path: Path, first: str, second: str, kind: str, values: Sequence[object] | None
) -> None:
    for name, value in (("1", first), ("2", second)):
        duckdb.sql(f"COPY (SELECT {value} AS x) TO '{tmp_path}/{name}.parquet'")
    with Dataset.open(tmp_path / "*.parquet") as dataset:
        assert dataset.storage["x"] == kind
        assert values is None or rows_of(dataset) == values


def test_parquet_files_of_different_types_are_refused_with_file_and_column(tmp_path: Path) -> None:
    for name, value in (("1", "1"), ("2", "'a'")):
        duckdb.sql(f"COPY (SELECT {value} AS x) TO '{tmp_path}/{name}.parquet'")
    with pytest.raises(ColumnError, match=r"'x' is INTEGER in .*1.parquet and VARCHAR in .*2.parquet"):
        Dataset.open(tmp_path / "*.parquet")


def test_json_lines_keep_the_digits_of_numbers_and_the_rows_of_mixed_values(tmp_path: Path) -> None:
    write(tmp_path, {"1.jsonl": '{"x": 1, "z": 1}\n', "2.jsonl": '{"x": 2.5, "z": 1}\n{"x": 3, "z": "a"}\n'})
    with Dataset.open(tmp_path / "*.jsonl") as dataset:
        assert rows_of(dataset) == [(1.0, "1"), (2.5, "1"), (3.0, "a")]
        assert dataset.notes["z"].mixed == (("a number", 2), ("a text", 3))


@pytest.mark.parametrize(
    ("files", "pattern", "message"),
    [
        ({"1.csv": "x,y\n1,2\n", "2.csv": "x,Y\n1,2\n"}, "*.csv", r"2.csv has no column 'y', which .*1.csv has. Did"),
        ({"1.csv": "x\n1\n", "2.csv": "x,y\n1,2\n"}, "*.csv", r"1.csv has no column 'y', which .*2.csv has"),
        ({"1.csv": "x1,x2\n1,2\n", "2.csv": "x1\n1\n"}, "*.csv", r"'x2', which .*1.csv has\. Add the column"),
        ({"1.csv": "x\n1\n", "2.jsonl": "{}"}, "*", r"one format, but .*1.csv is csv and .*2.jsonl is jsonl"),
        ({"1.csv": "x,y\n1,2\n", "2.csv": "x,y\n1,2\n3\n"}, "*.csv", r"line 3 of .*2.csv has 1"),
        ({"1.csv": "x\n1\n", "2.dat": "x"}, "*", r"extension .* '2.dat' has '.dat'"),
        ({"1.csv": "x\n"}, "*.csv", r"only a header"),
        ({"1.csv": "x\n1\n"}, "2*.csv", r"matches none. Compare it with the names in"),
        ({"1.csv": "x\n1\n"}, "sub/*.csv", r"matches none: there is no folder .*sub"),
        ({"a/1.csv": "x\n1\n"}, "*", r"matches 1 folder, not files"),
        ({"1.npz": "x"}, "*.npz", r"must be tables"),
        ({"a=1/1.csv": "x\n1\n", "2.csv": "x\n1\n"}, ".", r"2.csv has no column 'a'"),
    ],
)
def test_files_that_are_not_one_table_are_refused(
    tmp_path: Path, files: dict[str, str], pattern: str, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        Dataset.open(write(tmp_path, files) / pattern)


@pytest.mark.parametrize(
    ("cell", "request_of_user", "message"),
    [
        ("n/a?", Request(target="y", kinds={"x": "numeric"}), r"'x' is 'n/a\?' in row 2 of k=2/b.csv\."),
        ("inf", Request(target="x", task="regression"), r"first in row 2 of k=2/b.csv\."),
        ("31/02/x", Request(target="y", date_formats={"x": "%d/%m/%Y"}), r"row 1 of k=1/a.csv"),
    ],
)
def test_errors_name_the_file_of_a_row(tmp_path: Path, cell: str, request_of_user: Request, message: str) -> None:
    write(tmp_path, {"k=1/a.csv": "x,y\n1,0\n2,1\n", "k=2/b.csv": f"x,y\n3,0\n{cell},1\n"})
    with (
        pytest.raises(PcwatError, match=message),
        open_dataset(tmp_path, request_of_user) as dataset,
        dataset.name_failing_columns(),
    ):
        infer_roles(dataset, request_of_user)


def test_checks_of_the_data_name_the_file_of_a_row_and_verify_finds_changes(tmp_path: Path) -> None:
    lines = "".join(f"{row},{row % 2}\n" for row in range(60))
    write(tmp_path / "d", {"1.csv": f"x,y\n{lines}", "2.csv": f"x,y\n{lines}oops,1\n"})
    record = recommend(tmp_path / "d" / "*.csv", target="y").record
    assert any("first in row 61 of 2.csv" in one.message for one in record.guardrails)

    def status() -> str:
        subject = Subject(record=record, path=None, layers=SHIPPED_LAYERS)
        return next(check.status for check in verify(subject) if check.what == "dataset")

    def change(action: Callable[[], object]) -> str:
        action()
        return status()

    third = tmp_path / "d" / "3.csv"
    assert status() == "intact"
    assert change(lambda: third.write_text("x,y\n1,1\n")) == "altered"
    assert change(third.unlink) == "intact"
    assert change((tmp_path / "d").joinpath("1.csv").unlink) == "altered"
    assert change((tmp_path / "d").joinpath("2.csv").unlink) == "missing"


def test_audit_reads_a_folder_of_partitions_as_a_dataset(tmp_path: Path) -> None:
    lines = "".join(f"{row},{row % 2}\n" for row in range(40))
    write(tmp_path, {"k=1/a.csv": f"x,y\n{lines}", "k=2/a.csv": f"x,y\n{lines}"})
    strategy = StrategyOptions(layers=SHIPPED_LAYERS, is_own_book=False, pins=(), budget=None, trials=None)
    subject = open_subject(LocalPath(path=tmp_path), request=Request(target="y"), strategy=strategy)
    assert subject.record.dataset.rows == 80


def test_a_folder_of_images_stays_one_also_if_a_class_is_named_like_a_partition(tmp_path: Path) -> None:
    for kind in ("k=1", "k=2"):
        (tmp_path / kind).mkdir()
        Image.new("L", (2, 2)).save(tmp_path / kind / "a.png")
    with Dataset.open(tmp_path) as dataset:
        assert dataset.format == "folder"
