from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.dataset.readers.types.times import (
    COMPACT,
    COMPACT_MONTH,
    DATE_FORMATS,
    EPOCH,
    EPOCH_MS,
    EXCEL,
    ISO,
    QUARTER,
    TimeReading,
    date_formats,
    parse_format,
    settle_time,
)
from recommender.dataset.sql import quoted
from rules.errors import ChoiceError, ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DAYS = [datetime(2023, 1, 1) + timedelta(days=day) for day in range(60)]  # noqa: DTZ001  as in a table, without a zone
MONTHS = [datetime(2017 + month // 12, month % 12 + 1, 1) for month in range(72)]  # noqa: DTZ001


def words(values: Iterable[str | None], name: str = "when") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE dataset ({quoted(name)} VARCHAR)")
    for value in values:
        connection.execute("INSERT INTO dataset VALUES (?)", [value])
    return connection


def read(values: Iterable[str | None], name: str = "when") -> tuple[TimeReading | None, list[object]]:
    connection = words(values, name)
    reading = settle_time(connection, "dataset", name)
    if reading is None:
        return None, []
    found = connection.execute(f"SELECT {reading.expression(quoted(name))} FROM dataset").fetchall()
    return reading, [value for (value,) in found]


@pytest.mark.parametrize(
    ("written", "format_", "storage"),
    [
        ("%d/%m/%Y", "%d/%m/%Y", "DATE"),
        ("%m/%d/%Y", "%m/%d/%Y", "DATE"),
        ("%d/%m/%y", "%d/%m/%y", "DATE"),
        ("%d.%m.%Y", "%d.%m.%Y", "DATE"),
        ("%Y-%m-%d", ISO, "DATE"),
        ("%Y-%m-%dT00:00:00", ISO, "DATE"),
        ("%Y-%m-%d %H:%M:%S.5", ISO, "TIMESTAMP"),
        ("%d %B %Y", "%d %b %Y", "DATE"),
        ("%b %d, %Y", "%b %d %Y", "DATE"),
        ("%d-%b-%y", "%d-%b-%y", "DATE"),
        ("%m/%d/%Y %I:30 PM", "%m/%d/%Y", "TIMESTAMP"),
        ("%d/%m/%Y %H:15", "%d/%m/%Y", "TIMESTAMP"),
        ("%a, %d %b %Y", "%d %b %Y", "DATE"),
        ("%a %d %b %Y", "%d %b %Y", "DATE"),
        ("%A, %B %d, %Y", "%b %d %Y", "DATE"),
        ("%a %m/%d/%Y", "%m/%d/%Y", "DATE"),
        ("%a, %d %b %Y %H:15:00", "%d %b %Y", "TIMESTAMP"),
    ],
)
def test_a_format_is_found_and_stored_with_or_without_a_clock(written: str, format_: str, storage: str) -> None:
    days = [day + timedelta(hours=12) for day in DAYS] if "%I" in written else DAYS
    reading, values = read(day.strftime(written) for day in days)
    assert reading is not None
    assert (reading.format, reading.storage, reading.alternatives) == (format_, storage, ())
    assert [value.date() for value in values if isinstance(value, datetime)] == [day.date() for day in days]


@pytest.mark.parametrize("values", [["5 Sept 2023", "1 Oct 2023"], ["Sept. 5, 2023", "Oct. 1, 2023"]])
def test_september_may_be_written_in_four_letters_and_abbreviations_with_a_point(values: list[str]) -> None:
    assert read(values)[1] == [datetime(2023, 9, 5), datetime(2023, 10, 1)]  # noqa: DTZ001


def test_the_day_of_the_week_tells_which_of_two_formats_is_meant_and_must_be_right() -> None:
    reading, values = read(["Tue 10/01/2023", "Wed 11/01/2023"])
    assert reading is not None
    assert (reading.format, values) == ("%d/%m/%Y", [datetime(2023, 1, 10), datetime(2023, 1, 11)])  # noqa: DTZ001
    assert read(["Mon 10/01/2023"])[0] is None
    given_ = settle_time(words(["Tue, 10 Jan 2023"]), "dataset", "when", given="%a, %d %b %Y")
    assert given_ is not None
    assert given_.description == "%a %d %b %Y"


@pytest.mark.parametrize(
    ("numbers", "format_", "first"),
    [
        (["1672531200", "1672617600"], EPOCH, datetime(2023, 1, 1)),  # noqa: DTZ001
        (["1672531200500", "1672617600000"], EPOCH_MS, datetime(2023, 1, 1, 0, 0, 0, 500_000)),  # noqa: DTZ001
        (["44927", "44928.5"], EXCEL, datetime(2023, 1, 1)),  # noqa: DTZ001
        (["20230105", "20240229"], COMPACT, datetime(2023, 1, 5)),  # noqa: DTZ001
        (["202012", "202101"], COMPACT_MONTH, datetime(2020, 12, 1)),  # noqa: DTZ001
    ],
)
def test_numbers_of_a_column_that_is_called_a_time_are_times_by_their_range(
    numbers: list[str], format_: str, first: datetime
) -> None:
    reading = settle_time(words(numbers), "dataset", "when", is_time=True)
    assert reading is not None
    assert reading.format == format_
    found = words(numbers).execute(f"SELECT min({reading.expression(quoted('when'))}) FROM dataset").fetchall()
    assert found == [(first,)]


def test_times_in_the_basic_format_of_iso_8601_are_read() -> None:
    reading, values = read(["20230131T120000", "20230201T000000"])
    assert reading is not None
    assert (reading.storage, values) == ("TIMESTAMP", [datetime(2023, 1, 31, 12), datetime(2023, 2, 1)])  # noqa: DTZ001
    assert read(["20230131T1200Z"])[1] == [datetime(2023, 1, 31, 12)]  # noqa: DTZ001
    assert read(["20230131T120000+0200"])[1] == [datetime(2023, 1, 31, 10)]  # noqa: DTZ001
    assert read(["20230131T120000", "20230131T1200"])[0] is None
    given_ = settle_time(words(["2023-01-31T12:00"]), "dataset", "when", given="%Y-%m-%dT%H:%M")
    assert given_ is not None


@pytest.mark.parametrize("numbers", [["1", "2"], ["315532799", "315532800"], ["20231301", "20230105"]])
def test_numbers_outside_those_ranges_stay_numbers(numbers: list[str]) -> None:
    assert settle_time(words(numbers), "dataset", "when", is_time=True) is None


def test_first_days_of_months_are_months_and_not_days_of_january() -> None:
    reading, values = read(month.strftime("%m/%d/%Y") for month in MONTHS)
    assert reading is not None
    assert (reading.format, values) == ("%m/%d/%Y", MONTHS)
    assert "100.0% of the steps are 1 month; as %d/%m/%Y, 93.0% are equal" in reading.reason


def test_of_two_formats_the_one_that_keeps_the_order_of_rows_is_chosen() -> None:
    days = [datetime(2023, month, day) for month in (1, 2, 3, 5, 8) for day in (2, 3, 7, 11)]  # noqa: DTZ001
    reading, values = read(day.strftime("%d/%m/%Y") for day in days)
    assert reading is not None
    assert (reading.format, values) == ("%d/%m/%Y", days)
    assert "in order of time" in reading.reason


def test_two_formats_that_fit_equally_well_are_both_named() -> None:
    reading, _ = read(["4/10/2023"])
    assert reading is not None
    assert (reading.format, reading.alternatives) == ("%m/%d/%Y", ("%d/%m/%Y",))
    reading, _ = read(day.strftime("%d/%m/%Y") for day in DAYS[:12])
    assert reading is not None
    assert {reading.format, *reading.alternatives} == {"%d/%m/%Y", "%m/%d/%Y"}


@pytest.mark.parametrize(
    "values",
    [
        ["3/4", "1/2", "7/8"],
        ["2-1", "0-3", "1-1"],
        ["1.2.3", "1.10.0"],
        ["2020-01-01", "infinity"],
        ["2020-01-01", "2020-02-30"],
        ["1/13/2023", "13/1/2023"],
        ["2020-01-01 10:00", "2020-01-01T10:00+02:00"],
        ["1/1/2023 1:30", "1/1/2023 2:30 PM"],
        ["12", "13"],
        ["may", "june"],
        ["10:30", "11:45"],
        [None, None],
        [],
    ],
)
def test_what_is_not_a_time_in_every_row_is_none(values: Sequence[str | None]) -> None:
    assert read(values)[0] is None


@pytest.mark.parametrize(
    ("text", "expected", "zone"),
    [
        ("2023-10-01T00:00:00+02:00", datetime(2023, 9, 30, 22), "+02:00"),  # noqa: DTZ001  in UTC
        ("2023-10-01 00:00-0830", datetime(2023, 10, 1, 8, 30), "-08:30"),  # noqa: DTZ001
        ("2023-10-01T00:00Z", datetime(2023, 10, 1), "UTC"),  # noqa: DTZ001
        ("1/10/2023 1:30 PM UTC", datetime(2023, 1, 10, 13, 30), "UTC"),  # noqa: DTZ001
        ("2023-07-01 00:00 Europe/Berlin", datetime(2023, 6, 30, 22), "Europe/Berlin"),  # noqa: DTZ001
        ("2023-07-01 00:00 EST", datetime(2023, 7, 1, 5), "EST"),  # noqa: DTZ001
    ],
)
def test_a_time_with_a_zone_is_read_in_utc(text: str, expected: datetime, zone: str) -> None:
    reading, values = read([text, None])
    assert reading is not None
    assert (values, reading.zone) == ([expected, None], zone)


def test_predictions_are_written_in_the_offset_of_the_latest_time() -> None:
    reading, values = read(["2023-10-29T04:00+01:00", "2023-10-29T02:00+02:00"])
    assert reading is not None
    assert reading.zone == "+01:00"
    assert values == [datetime(2023, 10, 29, 3), datetime(2023, 10, 29)]  # noqa: DTZ001


def test_no_zone_of_the_machine_counts() -> None:
    connection = words(["2023-10-01T00:00:00+02:00"])
    reading = settle_time(connection, "dataset", "when")
    assert reading is not None
    found = []
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        connection.execute(f"SET TimeZone = '{zone}'")
        found += connection.execute(f"SELECT {reading.expression(quoted('when'))} FROM dataset").fetchall()
    assert found == [(datetime(2023, 9, 30, 22),)] * 3  # noqa: DTZ001


def test_day_numbers_of_a_spreadsheet_are_dates_under_a_name_that_tells_so() -> None:
    reading, values = read(["44927", "44928.5"], "order_date")
    assert reading is not None
    assert (reading.format, values) == (EXCEL, [datetime(2023, 1, 1), datetime(2023, 1, 2, 12)])  # noqa: DTZ001
    assert read(["44927", "44928"], "price")[0] is None


def test_quarters_and_months_are_their_first_days() -> None:
    reading, values = read(["2023 Q1", "Q4-2023"])
    assert reading is not None
    assert (reading.format, values) == (QUARTER, [datetime(2023, 1, 1), datetime(2023, 10, 1)])  # noqa: DTZ001
    assert read(["2023-04", "2023-12"])[1] == [datetime(2023, 4, 1), datetime(2023, 12, 1)]  # noqa: DTZ001
    assert read(["Jan 1980", "February 1980"])[1] == [datetime(1980, 1, 1), datetime(1980, 2, 1)]  # noqa: DTZ001


def test_a_given_format_is_taken_and_a_value_in_another_one_is_an_error_with_its_row() -> None:
    connection = words(["4/10/2023", "5/10/2023"])
    reading = settle_time(connection, "dataset", "when", given="%d/%m/%Y")
    assert reading is not None
    value = reading.expression(quoted("when"))
    assert connection.execute(f"SELECT min({value}) FROM dataset").fetchall() == [(datetime(2023, 10, 4),)]  # noqa: DTZ001
    with pytest.raises(ColumnError, match=r"row 2 of visits\.csv has '4/20/2023'.*--date-format when=F"):
        settle_time(words(["4/10/2023", "4/20/2023"]), "dataset", "when", given="%d/%m/%Y", name="visits.csv")


def test_rows_to_predict_are_read_in_the_format_of_the_training() -> None:
    training, _ = read(["3/10/2023", "4/20/2023"])
    connection = words(["4/10/2023", "20/4/2023"])
    reading = settle_time(connection, "dataset", "when", given=training)
    assert reading is not None
    assert reading == training
    found = connection.execute(f"SELECT {reading.expression(quoted('when'))} FROM dataset").fetchall()
    assert found == [(datetime(2023, 4, 10),), (None,)]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["visit"], "must be COLUMN=FORMAT"),
        (["visit=day first"], "is not a format"),
        (["visit=exel"], "Did you mean 'excel'"),
        (["visit=%d/%m"], "must have a year and a month"),
        (["visit=%d/%m/%Q%Y"], "got %Q in"),
        (["a=iso", "a=%Y-%m"], "but 'a' has two"),
    ],
)
def test_a_wrong_date_format_is_refused(pairs: list[str], message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        date_formats(pairs)


@settings(max_examples=20, deadline=None)
@given(
    format_=st.sampled_from([each for each in DATE_FORMATS if each not in {ISO, QUARTER}]),
    weekday=st.sampled_from(["", "%a, ", "%A "]),
    clock=st.sampled_from(["", " %H:%M", " %H:%M:%S", " %I:%M %p"]),
    offset=st.sampled_from(["", "Z", "+02:00", "-0530"]),
    times=st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)), min_size=1, max_size=20),  # noqa: DTZ001
)
def test_times_come_back_as_they_were_written(
    format_: str, weekday: str, clock: str, offset: str, times: list[datetime]
) -> None:
    if "%d" not in format_:  # the day of the week is that of another day
        weekday = ""
    written = weekday + format_ + clock
    ending = f" {offset}" if "%p" in clock else offset if clock else ""
    texts = [(time.strftime(written) + ending).strip() for time in times]
    shift = {"": 0.0, "Z": 0.0, "+02:00": 2.0, "-0530": -5.5}[offset if clock else ""]
    expected = [datetime.strptime(time.strftime(written), written) - timedelta(hours=shift) for time in times]  # noqa: DTZ007
    given_ = settle_time(words(texts), "dataset", "when", given=weekday + format_)
    inferred, _ = read(texts)
    assert inferred is not None
    assert format_ in {inferred.format, *inferred.alternatives} or inferred.reason.startswith("read as")
    for reading in (given_, inferred if inferred.format == format_ else given_):
        assert reading is not None
        found = words(texts).execute(f"SELECT {reading.expression(quoted('when'))} FROM dataset").fetchall()
        assert [value for (value,) in found] == expected


def test_a_given_format_says_that_it_was_given() -> None:
    assert parse_format("visit", "%d/%m/%Y").reason == "given by --date-format"
    assert parse_format("visit", "ISO").format == ISO
