"""What text means: numbers in words, types over all rows, missing texts, and the reading of the training."""

import datetime
import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import hypothesis.strategies as st
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from recommender import recommend
from recommender.dataset.dataset import Dataset
from recommender.dataset.readers.types import settle as settling
from recommender.dataset.readers.types.reading import ColumnReading, NumberReading, number_reading
from recommender.dataset.readers.types.settle import Exceptions
from recommender.profile.measure import measure
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.errors import ColumnError, DatasetError, TargetError
from rules.vocabulary.column_kind import Kind
from tests.effort import EFFORT

NOISE = np.random.default_rng(0)
CASES = 25 * EFFORT
"""Frames that each round trip is tried with."""


def at(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  DuckDB's TIMESTAMP has no zone


def column(dataset: Dataset, name: str) -> list[object]:
    return [row[0] for row in dataset.connection.execute(f'SELECT "{name}" FROM dataset').fetchall()]


def alerts(dataset: Dataset, target: str) -> dict[str, str]:
    return {
        one.name: f"{one.message} {one.quotes}"
        for one in measure(dataset, infer_roles(dataset, Request(target=[target]))).findings
    }


def test_decimals_after_the_first_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("score\n" + "3\n" * 20_600 + "3.4\n0.4\n")
    with Dataset.open(path) as dataset:
        assert dataset.storage["score"] == "DOUBLE"
        assert column(dataset, "score")[-2:] == [3.4, 0.4]


@pytest.mark.parametrize(
    ("late", "storage"),
    [
        ("011", "VARCHAR"),
        ("1_000", "VARCHAR"),
        ("0x1F", "VARCHAR"),
        ("1e3", "DOUBLE"),
        ("9223372036854775808", "HUGEINT"),
    ],
)
def test_every_row_decides_about_the_type(tmp_path: Path, late: str, storage: str) -> None:
    path = tmp_path / "late.csv"
    path.write_text("code\n" + "".join(f"{row % 7}\n" for row in range(21_000)) + f"{late}\n")
    with Dataset.open(path) as dataset:
        assert dataset.storage["code"] == storage
        if storage == "VARCHAR":
            assert column(dataset, "code")[-1] == late


def test_integers_beyond_64_bits_keep_every_digit(table: Callable[..., Dataset]) -> None:
    meters = [89445000000000000010 + step // 5 for step in range(25)]
    dataset = table(meter=meters, y=[1, 2, 3, 4, 5] * 5)
    assert dataset.storage["meter"] == "HUGEINT"
    assert column(dataset, "meter") == meters
    assert dataset.summaries["meter"].distinct == 5
    assert infer_roles(dataset, Request(target="y")).columns["meter"].kind is Kind.INTEGER_CODE


def test_integers_that_a_double_would_make_equal_stay_text_among_decimals(table: Callable[..., Dataset]) -> None:
    dataset = table(a=[*(["9007199254740993", "9007199254740992"] * 20), "0.5"], y=[1, *[0, 1] * 20])
    assert len(set(column(dataset, "a"))) == 3
    assert "more digits than a float can represent" in alerts(dataset, "y")["words_like_numbers"]


def test_versions_are_no_decimals(table: Callable[..., Dataset]) -> None:
    dataset = table(version=["3.9", "3.10", "3.1"] * 20, x=NOISE.normal(size=60), y=["p", "q"] * 30)
    assert column(dataset, "version")[:3] == ["3.9", "3.10", "3.1"]
    assert "versions 3.9 and 3.10" in alerts(dataset, "y")["words_like_numbers"]


def test_decimals_of_one_length_are_numbers(table: Callable[..., Dataset]) -> None:
    assert column(table(price=["3.10", "3.90", "12.00"]), "price") == [3.1, 3.9, 12.0]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["$1,257", "$940"], [1257, 940]),
        (["3%", "13%"], [3, 13]),
        (["12 573", "940"], [12573, 940]),
        (["12.573,02", "940,10"], [12573.02, 940.1]),
        (["12,573.02", "940.10"], [12573.02, 940.1]),
        (["(0.13)", "0.64"], [-0.13, 0.64]),
        (["0.6 kg", "11 kg"], [0.6, 11.0]),
        (["-1.5€", "2€"], [-1.5, 2.0]),
    ],
)
def test_numbers_in_words_are_read_and_reported(
    table: Callable[..., Dataset], texts: list[str], numbers: list[float]
) -> None:
    dataset = table(a=texts * 20, x=NOISE.normal(size=40), y=["p", "q"] * 20)
    assert column(dataset, "a")[:2] == numbers
    assert "Text was read as numbers: 'a' (" in alerts(dataset, "y")["number_formats"]


@pytest.mark.parametrize(
    "texts", [["3/4", "1/2"], ["2-1", "0-3"], ["12A", "13A"], ["1.2.3", "1.2.4"], ["+49151", "+49152"]]
)
def test_codes_and_scores_are_no_numbers(table: Callable[..., Dataset], texts: list[str]) -> None:
    assert column(table(a=texts), "a") == texts


def test_a_few_values_that_are_no_numbers_are_quoted_with_their_rows(table: Callable[..., Dataset]) -> None:
    values = [*[f"{value:.3f}" for value in NOISE.normal(size=200)], "Total"]
    dataset = table(x=values, y=["p", "q", "p"] * 67)
    assert dataset.storage["x"] == "DOUBLE"
    assert column(dataset, "x")[-1] is None
    assert (
        "1 value of 201 is not a number and counts as missing, the first in row 201. Correct"
        in alerts(dataset, "y")["not_numbers"]
    )


def test_a_number_that_is_given_as_missing_is_missing_in_every_format(
    write_csv: Callable[..., Path], tmp_path: Path
) -> None:
    frame = pd.DataFrame({"x": [1, 999, 3], "z": [0.5, -9.5, 999.0]})
    frame.to_parquet(tmp_path / "rows.parquet")
    for data in (frame, tmp_path / "rows.parquet", write_csv({"x": [1, 999, 3], "z": [0.5, -9.5, 999.0]})):
        with Dataset.open(data, missing=["999", "-9.5", "none of these"]) as dataset:
            assert column(dataset, "x") == [1, None, 3]
            readings = dataset.readings
        with Dataset.open(frame, readings=readings) as dataset:
            assert column(dataset, "x") == [1, None, 3]
            assert column(dataset, "z")[:2] == [0.5, None]


def test_a_date_format_of_a_column_that_is_stored_as_dates_is_refused() -> None:
    frame = pd.DataFrame({"day": pd.date_range("2023-01-01", periods=3), "y": [1, 2, 3]})
    with pytest.raises(ColumnError, match=r"'day' of DataFrame has the type TIMESTAMP.*Remove --date-format day=…"):
        Dataset.open(frame, formats={"day": "%d/%m/%Y"})


@pytest.mark.parametrize("rows", [60, 21_000])
def test_a_value_that_is_no_number_among_prices_is_quoted(table: Callable[..., Dataset], rows: int) -> None:
    prices = [*(f"${1_000 + 7 * row:,}" for row in range(rows - 1)), "on request"]
    dataset = table(x=prices, y=["p", "q"] * (rows // 2))
    assert column(dataset, "x")[:2] == [1000, 1007]
    assert column(dataset, "x")[-1] is None
    assert f"'on request' in row {rows:,}" in alerts(dataset, "y")["not_numbers"]


def test_infinity_among_numbers_is_missing_and_quoted(table: Callable[..., Dataset]) -> None:
    values = ["inf", *[f"{value:.3f}" for value in NOISE.normal(size=59)]]
    dataset = table(x=values, y=["p", "q"] * 30)
    assert column(dataset, "x")[0] is None
    assert "They are: 'inf' in row 1." in alerts(dataset, "y")["not_numbers"]


def written(columns: dict[str, list[object]], form: str, folder: Path) -> object:
    """The same content as a file or a frame."""
    path = folder / f"same.{form}"
    if form == "csv":
        write_text(columns, path, ",")
    elif form == "parquet":
        pl.DataFrame(columns).write_parquet(path)
    else:
        return {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[form](columns)
    return path


FORMS = ("csv", "parquet", "pandas", "polars", "arrow")


@pytest.mark.parametrize("form", FORMS)
def test_infinity_is_missing_and_reported_in_every_format(form: str, tmp_path: Path) -> None:
    numbers = [float(value) for value in NOISE.normal(size=60)]
    numbers[7], numbers[9] = math.inf, -math.inf
    with Dataset.open(written({"x": [*numbers], "y": ["p", "q"] * 30}, form, tmp_path)) as dataset:
        assert column(dataset, "x")[6:10] == [numbers[6], None, numbers[8], None]
        assert "They are: 'inf' in row 8, '-inf' in row 10." in alerts(dataset, "y")["not_numbers"]


@pytest.mark.parametrize("form", FORMS)
def test_infinity_in_rows_to_predict_is_refused_unless_it_was_in_training(form: str, tmp_path: Path) -> None:
    numbers = [float(value) for value in NOISE.normal(size=60)]
    later = written({"x": [1.5, -math.inf]}, form, tmp_path)
    trained = [pd.DataFrame({"x": [first, *numbers]}) for first in (0.5, math.inf)]
    for frame in (*trained, *[one.astype(str) for one in trained]):
        with Dataset.open(frame) as dataset:
            readings = dataset.readings
        if "inf" in str(frame["x"][0]):
            with Dataset.open(later, readings=readings) as dataset:
                assert column(dataset, "x") == [1.5, None]
        else:
            with pytest.raises(ColumnError, match=r"'x' must contain finite numbers.* has '-inf' in row 2"):
                Dataset.open(later, readings=readings)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [2**53 + 1, 2**63 + 1, 2**64 - 1])
def test_large_integers_keep_every_digit_in_every_format(first: int, form: str, tmp_path: Path) -> None:
    values = [first, first - 1, 3]
    array = pa.array(values, pa.uint64())
    columns: dict[str, object] = {"csv": values, "pandas": pd.Series(values, dtype="uint64"), "arrow": array}
    polars = pl.Series(values, dtype=pl.UInt64)
    with Dataset.open(written({"x": columns.get(form, polars)}, form, tmp_path)) as dataset:  # type: ignore[dict-item]
        assert column(dataset, "x") == values


@pytest.mark.parametrize("form", ["parquet", "pandas", "polars", "arrow"])
def test_decimals_without_fraction_keep_every_digit(form: str, tmp_path: Path) -> None:
    values: list[object] = [Decimal(10**30 + 1), Decimal(10**30), Decimal(3)]
    with Dataset.open(written({"x": values}, form, tmp_path)) as dataset:
        assert column(dataset, "x") == [int(str(value)) for value in values]


def test_a_total_among_targets_is_refused(table: Callable[..., Dataset]) -> None:
    dataset = table(x=range(61), y=[*[f"{value:.3f}" for value in NOISE.normal(size=60)], "Total"])
    with pytest.raises(TargetError, match=r"'y' is 'Total' in row 61.* --missing 'Total'"):
        infer_roles(dataset, Request(target="y"))


def test_a_class_that_looks_missing_is_reported_and_can_be_kept(write_csv: Callable[..., Path]) -> None:
    path = write_csv({"x": NOISE.normal(size=90), "region": ["NA", "EU", "APAC"] * 30})
    with Dataset.open(path) as dataset:
        found = alerts(dataset, "region")
    assert "33% of the rows have no target, because 'NA' in 'region' counts as missing" in found["missing_class"]
    assert "'NA' in 30 rows of 'region'" in found["missing_texts"]
    assert recommend(path, target="region", missing=()).roles.labels == ("APAC", "EU", "NA")


def test_texts_given_as_missing_replace_the_usual_ones(write_csv: Callable[..., Path]) -> None:
    path = write_csv({"a": ["1", "-", "3"], "b": ["NA", "x", ""]})
    with Dataset.open(path, missing=["-"]) as dataset:
        assert column(dataset, "a") == [1, None, 3]
        assert column(dataset, "b") == ["NA", "x", None]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [(["011", "012"], [11, 12]), (["1,288", "2,500"], [1288, 2500]), (["3.9", "3.10"], [3.9, 3.1])],
)
def test_the_kind_numeric_can_be_set_for_text(
    table: Callable[..., Dataset], texts: list[str], numbers: list[float]
) -> None:
    dataset = table(a=texts * 20, x=NOISE.normal(size=40), y=["p", "q"] * 20)
    roles = infer_roles(dataset, Request(target="y", kinds={"a": Kind.NUMERIC}))
    assert column(dataset, "a")[:2] == numbers
    assert roles.columns["a"].kind is Kind.NUMERIC


def test_the_kind_numeric_is_refused_where_words_are_no_numbers(table: Callable[..., Dataset]) -> None:
    dataset = table(a=["7", "a"] * 20, y=["p", "q"] * 20)
    with pytest.raises(ColumnError, match=r"'a' is 'a' in row 2\. Correct"):
        infer_roles(dataset, Request(target="y", kinds={"a": Kind.NUMERIC}))


def test_numbers_as_text_in_parquet_and_frames_are_read_as_in_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": ["0.126", "-0.132"] * 3, "code": ["011", "012"] * 3})
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.parquet"):
        with Dataset.open(source) as dataset:
            assert dict(dataset.storage) == {"size": "DOUBLE", "code": "VARCHAR"}


def test_decimals_in_a_pandas_object_column_are_kept() -> None:
    values = np.array([1] * 3000, dtype=object)
    values[1501] = 2.5
    with Dataset.open(pd.DataFrame({"m": values})) as dataset:
        assert (dataset.storage["m"], column(dataset, "m")[1501]) == ("DOUBLE", 2.5)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([2**70, 2**70 + 1], [2**70, 2**70 + 1]),
        ([Decimal("1.5"), 2], [1.5, 2.0]),
        (["a", 1, 2.5], ["a", "1", "2.5"]),
        ([datetime.date(2020, 1, 1), at(2020, 1, 1, 5)], None),
        (
            list(pd.period_range("2020-01", periods=2, freq="M")),
            [at(2020, 1, 1), at(2020, 2, 1)],
        ),
    ],
)
def test_objects_in_a_frame_keep_their_values(values: list[object], read: list[object] | None) -> None:
    with Dataset.open(pd.DataFrame({"x": pd.Series(values, dtype=object)})) as dataset:
        expected = [at(2020, 1, 1), at(2020, 1, 1, 5)] if read is None else read
        assert column(dataset, "x") == expected


@pytest.mark.parametrize("values", [[pd.Timedelta("1h")] * 2, [[1], [2]], [1 + 2j, 2]])
def test_objects_that_are_no_plain_values_are_refused_by_column(values: list[object]) -> None:
    with pytest.raises(DatasetError, match="plain values, but 'x' has"):
        Dataset.open(pd.DataFrame({"x": pd.Series(values, dtype=object)}))
    with pytest.raises((DatasetError, ColumnError), match="plain values, but 'x' has"):
        Dataset.open(pd.DataFrame({"x": pd.to_timedelta([1, 2], unit="h")}))


def test_json_lines_keep_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 12345678901234567890123, "b": 1, "c": true}\n{"a": 1, "b": "x", "c": false}\n')
    with Dataset.open(path) as dataset:
        assert column(dataset, "a") == [12345678901234567890123, 1]
        assert column(dataset, "b") == ["1", "x"]
        assert column(dataset, "c") == [True, False]


def test_rows_are_read_as_those_of_the_training(tmp_path: Path, write_csv: Callable[..., Path]) -> None:
    known = {
        "version": ["3.9", "3.10", "beta"] * 10,
        "price": ["$1,257", "$940", "$12"] * 10,
        "paid": ["True", "False", "True"] * 10,
    }
    with Dataset.open(write_csv(known)) as dataset:
        readings = dataset.readings
    later = write_csv({"version": ["3.10"], "price": ["$2,000"], "paid": ["true"]}, "later.csv")
    with Dataset.open(later, readings=readings) as dataset:
        assert dataset.connection.execute("FROM dataset").fetchall() == [("3.10", 2000, "True")]
    typed = tmp_path / "later.parquet"
    pl.DataFrame({"version": ["3.10"], "price": [2000], "paid": [True]}).write_parquet(typed)
    with Dataset.open(typed, readings=readings) as dataset:
        assert dataset.connection.execute("FROM dataset").fetchall() == [("3.10", 2000, "True")]
    wrong = write_csv({"version": ["3.10"], "price": ["2 kg"], "paid": ["true"]}, "wrong.csv")
    with pytest.raises(ColumnError, match=r"'price' must contain finite numbers.* has '2 kg' in row 1\. Correct"):
        Dataset.open(wrong, readings=readings)


def test_a_boolean_of_a_training_is_read_from_words(write_csv: Callable[..., Path]) -> None:
    with Dataset.open(pl.DataFrame({"paid": [True, False]})) as dataset:
        readings = dataset.readings
    with Dataset.open(write_csv({"paid": ["True", "no", ""]}), readings=readings) as dataset:
        assert column(dataset, "paid") == [True, False, None]
    with pytest.raises(ColumnError, match=r"'paid' must contain true or false.* has 'maybe' in row 1"):
        Dataset.open(write_csv({"paid": ["maybe"]}, "wrong.csv"), readings=readings)


def test_a_value_that_was_no_number_in_training_is_missing_again(write_csv: Callable[..., Path]) -> None:
    values = [*[f"{value:.3f}" for value in NOISE.normal(size=200)], "Total"]
    with Dataset.open(write_csv({"x": values})) as dataset:
        readings = dataset.readings
    assert (readings["x"].exceptions, readings["x"].exception_rows) == (1, (201,))
    assert "Total" not in readings["x"].model_dump_json()
    with Dataset.open(write_csv({"x": ["1.5", "Sum"]}, "later.csv"), readings=readings) as dataset:
        assert column(dataset, "x") == [1.5, None]
        assert dataset.notes["x"].exceptions == Exceptions(count=1, quoted=((2, "Sum"),))


def test_a_reading_of_an_older_version_that_lists_exceptions_counts_them() -> None:
    assert ColumnReading.model_validate({"storage": "DOUBLE", "exceptions": ["Total", "n.a."]}).exceptions == 2


QUICK_TEXTS = ("1", "-2", "17", "0", "-0", "1.5", "2.50", "-0.125", "1e5", "1.5e-05", "NA", " 3", "007", "9" * 18)
NUMBER_TEXTS = st.text(alphabet="0123456789.,-+eE_ infxa'", min_size=1, max_size=8)


@settings(max_examples=CASES, deadline=None)
@given(st.lists(NUMBER_TEXTS, min_size=1, max_size=30))
def test_sql_and_the_pattern_agree_on_what_a_plain_number_is(texts: list[str]) -> None:
    reading = NumberReading()
    cells = [text.strip(" ") for text in texts]
    query = f"SELECT {reading.plain('cell')} IS NOT NULL FROM (SELECT unnest(?) AS cell)"
    found = duckdb.execute(query, [cells]).fetchall()
    for cell, (is_number,) in zip(cells, found, strict=True):
        fits = re.fullmatch(reading.pattern, cell) is not None
        assert bool(is_number) is (fits and math.isfinite(float(cell))), cell


@settings(max_examples=CASES, deadline=None)
@given(st.lists(st.lists(st.one_of(NUMBER_TEXTS, st.sampled_from(QUICK_TEXTS)), min_size=6, max_size=6), min_size=1))
def test_columns_are_read_alike_together_side_by_side_and_without_a_quick_look(texts: list[list[str]]) -> None:
    frame = pd.DataFrame({str(place): cells * 3 for place, cells in enumerate(texts)}, dtype=object)

    def read() -> object:
        with Dataset.open(frame) as dataset:
            rows = dataset.connection.execute("FROM dataset").fetchall()
            return dict(dataset.storage), str(rows), dict(dataset.readings), dict(dataset.notes)

    expected = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "MAX_UNPIVOTED_CELLS", 0)
        assert read() == expected
        patch.setattr(settling, "MAX_UNPIVOTED_ROWS", 0)
        assert read() == expected
        patch.setattr(settling, "_quick_numbers", lambda *_: {})
        assert read() == expected


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6)
COLUMNS = {
    "integer": st.integers(-(2**62), 2**62),
    "huge": st.integers(2**64, 2**100),
    "double": st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda value: value != 0 or math.copysign(1, value) > 0
    ),
    "word": WORDS.map(lambda word: f"w{word}"),
    "code": st.integers(0, 999).map(lambda value: f"0{value:03d}"),
    "boolean": st.sampled_from(["yes", "no"]),
    "day": st.dates(datetime.date(1950, 1, 1), datetime.date(2090, 1, 1)),
    "time": st.datetimes(at(1950, 1, 1), at(2090, 1, 1)).map(lambda time: time.replace(microsecond=0)),
}


@st.composite
def frames(draw: st.DrawFn) -> dict[str, list[object]]:
    """Columns of all kinds, some cells missing."""
    rows = draw(st.integers(3, 12))
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=5))
    found: dict[str, list[object]] = {"row": list(range(rows))}
    for number, kind in enumerate(names):
        cells = st.lists(st.one_of(COLUMNS[kind], COLUMNS[kind], st.none()), min_size=rows, max_size=rows)
        found[f"{kind}_{number}"] = draw(cells.filter(lambda values: any(value is not None for value in values)))
    return found


def as_read(value: object) -> object:
    """A value as it must come back, whatever its column's type: a column of whole doubles may be of integers."""
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return at(value.year, value.month, value.day)
    return value


def text_of(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def write_text(columns: dict[str, list[object]], path: Path, delimiter: str) -> None:
    rows: Sequence[Sequence[str]] = [
        list(columns),
        *zip(*[map(text_of, values) for values in columns.values()], strict=True),
    ]
    quote = [
        '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in '",\t\n') else cell
        for row in rows
        for cell in row
    ]
    width = len(columns)
    lines = [delimiter.join(quote[start : start + width]) for start in range(0, len(quote), width)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet", "pandas"])
def test_a_frame_comes_back_as_it_was_written(form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp(form)

    @settings(
        max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )  # other work on the machine
    @given(frames())
    def round_trip(columns: dict[str, list[object]]) -> None:
        path = folder / f"t.{form}"
        source: object = path
        if form in {"csv", "tsv"}:
            write_text(columns, path, "," if form == "csv" else "\t")
        elif form == "jsonl":
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
        else:
            objects = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
            source = pd.DataFrame(objects)
            if form == "parquet":
                texts = {
                    name: [None if value is None else str(value) for value in values] if name[:4] == "huge" else values
                    for name, values in columns.items()
                }
                pl.DataFrame(pa.table(texts)).write_parquet(path)
                source = path
        with Dataset.open(source) as dataset:
            for name, values in columns.items():
                found = [as_read(value) for value in column(dataset, name)]
                assert found == [as_read(value) for value in values], name

    round_trip()


@pytest.mark.parametrize(
    "cells", [["1", "x"], ["2020-01-01"], ["a1"], ["--5"], ["1.2.3"], [""], ["1 2 3 4"], ["e5"], ["."], ["$"]]
)
def test_words_have_no_number_reading(cells: list[str]) -> None:
    assert number_reading(cells) == (None, False)
