"""Dates and times that are written as numbers: compact dates, day numbers of spreadsheets, seconds since 1970."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from recommender import recommend
from recommender.dataset.dataset import Dataset
from rules.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAYS = pd.date_range("2023-01-20", periods=40)
DAILY = [int(day.strftime("%Y%m%d")) for day in DAYS]
BIRTHS = [19540321, 19871105, 19620730, 20010214, 19991231] * 8
SECONDS = [int(day.timestamp()) for day in DAYS]
SERIALS = [44946 + number for number in range(40)]


def csv(folder: Path, values: Sequence[object]) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(["day,y", *(f"{value},{at % 7}" for at, value in enumerate(values)), ""]))
    return path


def frame(values: Sequence[object]) -> pd.DataFrame:
    return pd.DataFrame({"day": values, "y": [at % 7 for at in range(len(values))]})


def days(dataset: Dataset) -> list[object]:
    found = dataset.connection.execute("SELECT CAST(day AS DATE) FROM dataset").fetchall()
    return [day for (day,) in found]


@pytest.mark.parametrize("as_frame", [False, True])
def test_compact_dates_at_regular_steps_are_dates(tmp_path: Path, as_frame: bool) -> None:
    with Dataset.open(frame(DAILY) if as_frame else csv(tmp_path, DAILY)) as dataset:
        assert dataset.storage["day"] == "DATE"
        assert days(dataset) == [day.date() for day in DAYS]


@pytest.mark.parametrize("as_frame", [False, True])
def test_compact_dates_at_irregular_steps_stay_numbers_with_an_alert(tmp_path: Path, as_frame: bool) -> None:
    data = frame(BIRTHS) if as_frame else csv(tmp_path, BIRTHS)
    advice = recommend(data, target="y")
    alerts = [one.message for one in advice.profile.guardrails if one.name == "numbers_like_dates"]
    assert len(alerts) == 1
    assert "use --date-format day=%Y%m%d; otherwise use --kind day=numeric" in alerts[0]
    given = recommend(data, target="y", date_formats={"day": "%Y%m%d"})
    assert given.roles.columns["day"].kind.value == "datetime"
    settled = recommend(data, target="y", kinds={"day": "numeric"})
    assert settled.roles.columns["day"].kind.value == "numeric"
    assert not [one for one in settled.profile.guardrails if one.name == "numbers_like_dates"]


@pytest.mark.parametrize("late", [20231301, 0, 99999999])
def test_a_late_value_that_is_no_date_is_alerted_and_named_under_the_format(tmp_path: Path, late: int) -> None:
    path = csv(tmp_path, [*DAILY * 2, late])
    alerts = [one.message for one in recommend(path, target="y").profile.guardrails if one.name == "numbers_like_dates"]
    assert "most values can also be dates" in alerts[0]
    with pytest.raises(ColumnError, match=rf"row 81 of rows\.csv has '{late}'"):
        recommend(path, target="y", date_formats={"day": "%Y%m%d"})


@pytest.mark.parametrize("values", [BIRTHS, SECONDS, [1000 * second for second in SECONDS], SERIALS])
@pytest.mark.parametrize("as_frame", [False, True])
def test_numbers_are_times_where_the_user_names_the_column_that_orders_rows(
    tmp_path: Path, values: Sequence[int], as_frame: bool
) -> None:
    data = frame(values) if as_frame else csv(tmp_path, values)
    with Dataset.open(data, times={"day"}) as dataset:
        expected = datetime.date(1954, 3, 21) if values is BIRTHS else DAYS[0].date()
        assert days(dataset)[0] == expected
    with Dataset.open(data, times={"day"}, not_times={"day"}) as dataset:
        assert dataset.storage["day"] == "BIGINT"


def test_seconds_since_1970_order_a_forecast(tmp_path: Path) -> None:
    advice = recommend(csv(tmp_path, SECONDS), target="y", time="day", task="forecasting")
    reasons = {one.column: one.reason for one in advice.profile.columns}
    assert reasons["day"].endswith("seconds since 1970, by --time and the range of values")


@pytest.mark.parametrize("values", [DAILY, SECONDS, SERIALS])
def test_rows_to_predict_are_read_as_in_training_from_text_and_from_numbers(
    tmp_path: Path, values: Sequence[int]
) -> None:
    with Dataset.open(csv(tmp_path, values), times={"day"}) as trained:
        readings = trained.readings
    for data in (csv(tmp_path, values[:1]), frame(values[:1]), frame([float(values[0])]), frame(list(DAYS[:1]))):
        with Dataset.open(data, readings=readings) as dataset:
            assert days(dataset) == [DAYS[0].date()]
    with pytest.raises(ColumnError, match=r"as in training, but row 1 of rows\.csv has 'soon'"):
        Dataset.open(csv(tmp_path, ["soon"]), readings=readings)


def test_text_that_can_be_read_in_two_ways_is_refused_where_the_training_had_dates(tmp_path: Path) -> None:
    with Dataset.open(frame(list(DAYS))) as trained:
        readings = trained.readings
    with pytest.raises(ColumnError, match=r"it can be %m/%d/%Y or %d/%m/%Y"):
        Dataset.open(csv(tmp_path, ["03/04/2023"]), readings=readings)
    with Dataset.open(csv(tmp_path, ["2023-04-03"]), readings=readings) as dataset:
        assert days(dataset) == [datetime.date(2023, 4, 3)]
