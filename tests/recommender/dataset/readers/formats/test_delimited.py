import gzip
from pathlib import Path

import pytest

from recommender.dataset.dataset import Dataset
from rules.errors import DatasetError


def rows_of(path: Path, **options: str) -> list[tuple[object, ...]]:
    with Dataset.open(path, **options) as dataset:
        return dataset.connection.execute("SELECT * FROM dataset ORDER BY rowid").fetchall()


def written(tmp_path: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("token", ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"])
def test_a_missing_token_is_no_value(tmp_path: Path, token: str) -> None:
    assert rows_of(written(tmp_path, f"a,b\n1,x\n{token},y\n")) == [(1, "x"), (None, "y")]


def test_the_word_none_is_a_value(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a,b\nNone,1\nGrvl,2\n")) == [("None", 1), ("Grvl", 2)]


def test_rows_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "".join(f"{row},{row % 3}\n" for row in range(50_000)))
    with Dataset.open(path) as dataset:
        found = dataset.connection.execute("SELECT count(*), count_if(a = rowid) FROM dataset").fetchall()
    assert found == [(50_000, 50_000)]


def test_a_word_after_the_first_rows_makes_the_column_words(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "1,2\n" * 30_000 + "none,3\n")
    with Dataset.open(path) as dataset:
        assert dict(dataset.storage) == {"a": "VARCHAR", "b": "BIGINT"}


def test_classes_keep_their_words(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a,b,c\nyes,true,t\nno,false,f\n")) == [("yes", "true", "t"), ("no", "false", "f")]


def test_numbers_and_times_are_read_as_such(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,d\n1,1.5,2020-01-31,2020-01-31 10:00:00\n")
    with Dataset.open(path) as dataset:
        assert list(dataset.storage.values()) == ["BIGINT", "DOUBLE", "DATE", "TIMESTAMP"]


def test_tabs_and_gzip_are_read_by_their_extension(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a\tb\n1\tx,y\n", "table.tsv")) == [(1, "x,y")]
    assert rows_of(written(tmp_path, gzip.compress(b"a,b\n1,x\n"), "table.csv.gz")) == [(1, "x")]


def test_a_delimiter_can_be_given(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a;b\n1;x\n"), delimiter=";") == [(1, "x")]


def test_quoted_cells_may_hold_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    path = written(tmp_path, '"a, ""b""\nc",d\n1,"x\ny"\n')
    with Dataset.open(path) as dataset:
        assert dataset.columns == ('a, "b"\nc', "d")
    assert rows_of(path) == [(1, "x\ny")]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    with Dataset.open(written(tmp_path, "\ufeffa,b\n1,2\n")) as dataset:
        assert dataset.columns == ("a", "b")


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    with Dataset.open(written(tmp_path, ",b,\n1,2,3\n")) as dataset:
        assert dataset.columns == ("column_1", "b", "column_3")


def test_names_that_differ_only_in_case_are_kept_apart(tmp_path: Path) -> None:
    with Dataset.open(written(tmp_path, "a,A,A_1\n1,2,3\n")) as dataset:
        assert dataset.columns == ("a", "A_2", "A_1")


def test_a_pattern_in_the_path_names_that_file_only(tmp_path: Path) -> None:
    written(tmp_path, "a\n1\n", "t1.csv")
    assert rows_of(written(tmp_path, "a\n2\n", "t*.csv")) == [(2,)]
    assert rows_of(written(tmp_path, "a\n3\n", "t[1].csv")) == [(3,)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "only a header"),
        (b"\x89PNG\r\n\x1a\n\x00\x01\x02", "is a PNG image (null byte at position 8). Name it table.png, and"),
        (b"PK\x03\x04\x00", "is an Excel workbook or a zip archive (null byte at position 4). Save the sheet as CSV"),
        (b"rows\x00", "is binary data (null byte at position 4). Give a CSV, TSV, Parquet or JSON-lines file"),
        ("a;b\n1;2\n", "Use --delimiter ';'"),
        ("a|b\n1|2\n", "Use --delimiter '|'"),
        ("a\tb\n1\t2\n", "contains tabs"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 of"),
        ("a,b\n1,2\n3,é\n".encode("latin-1"), "line 3 of"),
        ("é,b\n1,2\n".encode("latin-1"), "line 1 of"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n3\n", "line 3 of"),
        ("a,b\n" + "1,2\n" * 30_000 + "3,4,5\n", "which has 2 separated by commas, but line 30,002 of"),
        ('a,b\n1,"x"y\n', "line 2 of"),
        ("# exported 2020\na,b,c\n1,2,3\n", "ove line 1 if it is a title or comment"),
        ("a,b\n1,2\n3,4,5\n", "line 3 of"),
        ('5" pipe,b\n1,2\n', "line 1 of"),
        ("5.1,5.1,x\n1,2,y\n", "are both named '5.1'. Insert a line of column names above it."),
    ],
)
def test_a_broken_table_is_refused_with_the_place(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(DatasetError) as caught:
        Dataset.open(written(tmp_path, content))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_late_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n" + b"1,x\n" * 30_000 + "3,é\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="line 30002 of"):
        Dataset.open(path)


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"must be compressed with gzip, but .* Remove the extension"):
        Dataset.open(written(tmp_path, "a,b\n1,2\n", "table.csv.gz"))
    rows = "".join(f"{row},{row * 7919 % 9973}\n" for row in range(50_000))
    for whole in (gzip.compress(b"a,b\n1,2\n"), gzip.compress(f"a,b\n{rows}".encode())):
        with pytest.raises(DatasetError, match="truncated or damaged"):
            Dataset.open(written(tmp_path, whole[: len(whole) // 2], "table.csv.gz"))


@pytest.mark.parametrize(
    "text",
    [
        "a,b\r1,x\r2,y\r",
        "a,b\r\n1,x\r\n2,y\n",
        "a,b\n1,x\n2,y\r\n",
        "a,b\n1,x\r2,y\n",
        "a,b\r\n1,x\r2,y\n",
    ],
)
def test_lines_may_end_in_any_way_also_mixed(tmp_path: Path, text: str) -> None:
    with Dataset.open(written(tmp_path, text)) as dataset:
        assert dict(dataset.storage) == {"a": "BIGINT", "b": "VARCHAR"}
    assert rows_of(written(tmp_path, text)) == [(1, "x"), (2, "y")]
    assert rows_of(written(tmp_path, gzip.compress(text.encode()), "table.csv.gz")) == [(1, "x"), (2, "y")]


def test_line_ends_that_change_late_are_read(tmp_path: Path) -> None:
    assert len(rows_of(written(tmp_path, "a,b\n" + "1,x\n" * 30_000 + "1,x\r\n" * 10))) == 30_010


def test_a_name_may_hold_a_line_end_that_differs_from_that_of_the_rows(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,"n\nl"\r\n1,x\r\n2,"y\nz"\r\n')
    with Dataset.open(path) as dataset:
        assert dataset.columns == ("a", "n\nl")
    assert rows_of(path) == [(1, "x"), (2, "y\nz")]


def test_a_broken_line_among_mixed_line_ends_is_named_with_the_users_file(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\r\n1,2\n3\r4,5\n")
    with pytest.raises(DatasetError, match=f"line 3 of {path} has 1"):
        Dataset.open(path)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a;b\n1,5;x\n-0,25;y\n3;z\n", [(1.5, "x"), (-0.25, "y"), (3.0, "z")]),
        ("a;b\n1,288;0,5\n2,500;1\n", [(1.288, 0.5), (2.5, 1.0)]),  # 0,5 tells what 1,288 means
        ("a;b\n1,288;x\n2,500;y\n", [("1,288", "x"), ("2,500", "y")]),  # thousands or decimals
        ("a;b\n1,5;0.5\n2,5;1.5\n", [("1,5", 0.5), ("2,5", 1.5)]),
        ("a;b\n1,5;x\n2,5,1;y\n", [("1,5", "x"), ("2,5,1", "y")]),
    ],
)
def test_decimal_commas_are_read_where_they_can_be_nothing_else(
    tmp_path: Path, text: str, rows: list[tuple[object, ...]]
) -> None:
    assert rows_of(written(tmp_path, text), delimiter=";") == rows


@pytest.mark.parametrize(
    "row", ["a quote,2,3", '"a quote",2,3', "Value with unterminated quote found.,2,3", "utf-8 unicode,2,3"]
)
def test_words_of_the_data_decide_nothing_about_what_is_wrong(tmp_path: Path, row: str) -> None:
    with pytest.raises(DatasetError, match=r"as many cells as the header, which has 2 .* but line 3 of .* has more"):
        rows_of(written(tmp_path, f"a,b\n1,2\n{row}\n"))


def test_a_quoted_cell_that_imitates_an_error_decides_nothing(tmp_path: Path) -> None:
    text = 'a,b\n1,2\n"Expected Number of Columns: 7 Found: 9\nPossible fixes:",2,3\n'
    with pytest.raises(DatasetError, match=r"which has 2 separated by commas, but line 3 of .* has more"):
        rows_of(written(tmp_path, text))


def test_a_cell_that_is_not_closed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"line 3 of .* Close the quote"):
        rows_of(written(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n'))


def test_more_columns_than_are_read_are_counted(tmp_path: Path) -> None:
    text = ",".join(f"c{at}" for at in range(10_001)) + "\n" + ",".join(["1"] * 10_001) + "\n"
    with pytest.raises(DatasetError, match=r"at most 10,000 columns, but .* has 10,001"):
        rows_of(written(tmp_path, text))


def test_a_header_without_an_end_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="contain the column names, in at most 16,777,216 characters"):
        rows_of(written(tmp_path, '"' + "a" * 2**24 + "\n1\n"))
