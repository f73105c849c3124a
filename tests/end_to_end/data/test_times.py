"""Dates, times and zones from the file to the predictions."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from executor.pipeline.train import train
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import recommend
from rules.errors import ChoiceError, ColumnError
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def written(path: Path, header: str, rows: Iterable[str]) -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def test_first_days_of_months_written_month_first_are_continued_by_months(tmp_path: Path) -> None:
    rows = [f"{at % 12 + 1:02d}/01/{2017 + at // 12},{200 + at + 40 * math.sin(at * math.pi / 6)}" for at in range(72)]
    sales = written(tmp_path / "sales.csv", "month,sold", rows)
    run = train(sales, target="sold", task="forecasting", horizon=3, trials=1, single=True, directory=tmp_path / "run")
    windows = run.signature.windows
    assert windows is not None
    assert windows.season == 12
    assert [str(day) for day in run.predict(sales)["month"].to_pylist()] == ["2023-01-01", "2023-02-01", "2023-03-01"]


def test_one_forecast_at_any_zone_of_the_machine_carries_the_offset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = timezone(timedelta(hours=2))
    begin = datetime(2023, 10, 1, tzinfo=zone)
    rows = [
        f"{(begin + timedelta(hours=at)).isoformat()},{50 + 10 * math.sin(at * math.pi / 12):.2f}" for at in range(400)
    ]
    load = written(tmp_path / "load.csv", "when,load", rows)
    run = train(load, target="load", task="forecasting", horizon=2, trials=1, single=True, directory=tmp_path / "run")
    found = []
    for name in ("UTC", "Europe/Berlin", "America/New_York"):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        found.append(run.predict(load))
    monkeypatch.undo()
    time.tzset()
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    stamps = found[0]["when"]
    assert str(stamps.type) == "timestamp[s, tz=+02:00]"
    assert stamps.to_pylist()[0].astimezone(UTC) == (begin + timedelta(hours=400)).astimezone(UTC)
    assert "+0200" in (tmp_path / "run" / "predictions.csv").read_text(encoding="utf-8")


@long_test
def test_a_row_is_predicted_alike_alone_and_next_to_one_that_settles_its_format(tmp_path: Path) -> None:
    days = [datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=(at * 37) % 700) for at in range(300)]
    rows = [f"{day.month}/{day.day}/{day.year},{at % 7},{100 + day.month * 10 + at % 7}" for at, day in enumerate(days)]
    visits = written(tmp_path / "visits.csv", "visit,x,spend", rows)
    run = train(visits, target="spend", trials=1, single=True, directory=tmp_path / "run")
    alone = run.predict(written(tmp_path / "alone.csv", "visit,x", ["4/10/2023,0"]))
    beside = run.predict(written(tmp_path / "beside.csv", "visit,x", ["4/10/2023,0", "4/20/2023,0"]))
    assert alone["prediction"][0].as_py() == pytest.approx(beside["prediction"][0].as_py(), rel=1e-5)
    with pytest.raises(
        ColumnError, match=r"'visit' .* in the format %m/%d/%Y, as in training, but row 1 of other\.csv has '20/4/2023'"
    ):
        run.predict(written(tmp_path / "other.csv", "visit,x", ["20/4/2023,0"]))


def test_two_formats_that_fit_are_alerted_and_a_given_one_settles_them(tmp_path: Path) -> None:
    rows = [f"{at % 9 + 1}/{at * 5 % 11 + 1}/2023,{at % 5},{at % 13}" for at in range(60)]
    path = written(tmp_path / "visits.csv", "visit,x,spend", rows)
    alerts = [one for one in recommend(path, target="spend").profile.guardrails if one.name == "ambiguous_dates"]
    assert "--date-format visit=%d/%m/%Y" in alerts[0].message
    advice = recommend(path, target="spend", date_formats={"visit": "%d/%m/%Y"})
    assert advice.record.request.date_formats == {"visit": "%d/%m/%Y"}
    assert not [one for one in advice.profile.guardrails if one.name == "ambiguous_dates"]
    assert next(one for one in advice.profile.columns if one.column == "visit").reason.endswith("by --date-format")
    with pytest.raises(ChoiceError, match="is not a format"):
        recommend(path, target="spend", date_formats={"visit": "day first"})


def test_a_value_among_dates_that_is_none_is_alerted_and_refused_as_time(tmp_path: Path) -> None:
    rows = [f"2020-{at % 12 + 1:02d}-01,{at % 5},{at % 13}" for at in range(60)]
    rows[30] = "infinity,1,2"
    path = written(tmp_path / "dates.csv", "when,x,y", rows)
    alerts = [one for one in recommend(path, target="y").profile.guardrails if one.name == "times_as_words"]
    assert "row 31" in alerts[0].message


def test_times_that_repeat_many_times_a_day_are_no_crash(tmp_path: Path) -> None:
    rows = [f"2020-01-{at // 20 + 1:02d},{at % 7 / 10},{math.sin(at):.2f}" for at in range(200)]
    path = written(tmp_path / "days.csv", "when,x,y", rows)
    found = recommend(path, target="y", task="forecasting").profile.guardrails
    assert found


def test_an_error_of_duckdb_after_reading_names_the_dataset(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "a,b", ["1,2", "2,3"])
    with Dataset.open(path) as dataset, pytest.raises(ColumnError, match=r"t\.csv"), dataset.name_failing_columns():
        dataset.connection.execute("SELECT CAST('x' AS INTEGER)")
