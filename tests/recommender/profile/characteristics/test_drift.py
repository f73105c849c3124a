from collections.abc import Callable

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import stats

from recommender.profile.characteristics.drift import Drift, chance_distance, drift, lay_out
from rules.vocabulary.column_kind import Kind

NOISE = np.random.default_rng(5)


@pytest.fixture(scope="session")
def compared(connected) -> Callable[..., list[Drift]]:
    def compare(training: dict[str, object], hold_out: dict[str, object], kind: Kind) -> list[Drift]:
        connection = connected(training=training, hold_out=hold_out)
        described = connection.execute("SELECT * FROM training LIMIT 0").description or []
        storage = {column[0]: str(column[1]) for column in described}
        kinds = dict.fromkeys(storage, kind)
        return [*drift(connection, kinds, storage, training="training", hold_out="hold_out")]

    return compare


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_numbers_are_compared_as_scipy_does_with_and_without_ties(compared, decimals: int) -> None:
    one, other = NOISE.normal(size=311).round(decimals), NOISE.normal(0.3, 1.2, size=97).round(decimals)
    (found,) = compared({"x": one}, {"x": other}, Kind.NUMERIC)
    assert found.distance == pytest.approx(stats.ks_2samp(one, other).statistic, abs=1e-12)
    assert found.measure == "Kolmogorov-Smirnov distance"


def test_empty_cells_are_no_values_and_their_shares_are_compared_apart(compared) -> None:
    one, other = [1, 2, 3, None], [2, 3, 4, 5]
    by_measure = {found.measure: found for found in compared({"x": one}, {"x": other}, Kind.NUMERIC)}
    expected = stats.ks_2samp([1, 2, 3], other).statistic
    assert by_measure["Kolmogorov-Smirnov distance"].distance == pytest.approx(expected)
    assert by_measure["difference of the missing shares"].distance == 0.25


def test_a_column_that_one_part_does_not_know_differs_in_its_missing_share(compared) -> None:
    (found,) = compared({"x": [1.5] * 500}, {"x": pl.Series([None] * 500, dtype=pl.Float64)}, Kind.NUMERIC)
    assert (found.measure, found.distance, found.is_drift) == ("difference of the missing shares", 1.0, True)


def test_levels_are_compared_by_hand(compared) -> None:
    # Shares 1/2, 1/4, 1/4, 0 against 1/4, 1/4, 0, 1/2: half of 1/4 + 0 + 1/4 + 1/2.
    (found,) = compared({"x": ["a", "a", "b", "c"]}, {"x": ["a", "b", "d", "d"]}, Kind.CATEGORICAL)
    assert (found.measure, found.distance) == ("total variation distance", 0.5)


@pytest.mark.parametrize(("yes", "is_drift"), [(6_000, True), (5_999, False)])
def test_a_tenth_of_the_rows_is_drift_and_one_row_less_is_none(compared, yes: int, is_drift: bool) -> None:
    half, more = [0, 1] * 5_000, [1] * yes + [0] * (10_000 - yes)
    (found,) = compared({"x": half}, {"x": more}, Kind.BOOLEAN)
    assert found.is_drift is is_drift


def test_a_difference_that_chance_explains_is_no_drift(compared) -> None:
    (few,) = compared({"x": range(10)}, {"x": range(3, 13)}, Kind.NUMERIC)
    assert (few.distance, few.is_drift) == (pytest.approx(0.3), False)
    (many,) = compared({"x": range(1_000)}, {"x": range(300, 1_300)}, Kind.NUMERIC)
    assert (many.distance, many.is_drift) == (pytest.approx(0.3), True)


@pytest.mark.parametrize(("pairs", "comparisons"), [(50, 1), (3_200, 12), (10_000, 1_000)])
def test_the_bound_for_numbers_is_kolmogorovs_quantile(pairs: float, comparisons: int) -> None:
    bound = chance_distance(pairs, comparisons=comparisons, tails=2)
    assert stats.kstwobign.sf(np.sqrt(pairs) * bound) == pytest.approx(0.01 / comparisons, rel=1e-6)


@pytest.mark.parametrize("categories", [2, 40, 400])
def test_the_bound_for_categories_is_seldom_exceeded_by_chance(compared, categories: int) -> None:
    beyond, excess = 0, []
    for _ in range(60):
        one, other = (NOISE.integers(categories, size=size).astype(str) for size in (400, 100))
        (found,) = compared({"x": one}, {"x": other}, Kind.CATEGORICAL)
        beyond += found.distance > found.chance
        excess.append(found.chance - chance_distance(80, comparisons=1, tails=1) - found.distance)
    assert beyond <= 3  # 0.6 expected at most; 3 of 60 at 1 % happen once in 50
    assert np.mean(excess) > 0  # the mean under chance is not underestimated


def test_levels_that_occur_once_say_nothing(compared) -> None:
    names = [f"n{row}" for row in range(400)]
    (found,) = compared({"x": names[:300]}, {"x": names[300:]}, Kind.CATEGORICAL)
    assert (found.distance, found.is_drift) == (1.0, False)


def test_texts_are_compared_by_their_length_and_times_by_their_second(compared) -> None:
    (text,) = compared({"x": ["a b c"] * 600}, {"x": ["a much longer text"] * 600}, Kind.TEXT)
    assert text.distance == 1
    days = [f"2020-01-{1 + row % 20:02d}" for row in range(600)]
    later = [f"2020-01-{11 + row % 20:02d}" for row in range(600)]
    (time,) = compared({"x": days}, {"x": later}, Kind.DATETIME)
    assert time.distance == pytest.approx(0.5)


def test_what_drifts_comes_first_among_more_columns_than_a_query_takes(compared) -> None:
    names = ["part", "name", "value", "x", "own", 'a "b"', *(f"c{place}" for place in range(300))]
    one = {name: NOISE.normal(size=600) for name in names}
    other = {name: NOISE.normal(size=600) for name in names} | {"c299": NOISE.normal(2, size=600)}
    found = compared(one, other, Kind.NUMERIC)
    assert len(found) == len(names)
    assert [each.column for each in found if each.is_drift] == ["c299"]
    assert found[0].column == "c299"


def test_a_part_without_rows_is_not_compared(compared) -> None:
    assert compared({"x": [1.5, 2.5]}, {"x": pl.Series([], dtype=pl.Float64)}, Kind.NUMERIC) == []


@pytest.mark.parametrize(("columns", "rows"), [(10, 20_000), (1_000, 2_500), (10_000, 500)])
def test_a_wide_part_is_compared_on_fewer_rows(columns: int, rows: int) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE dataset AS SELECT i AS x FROM range(100_000) t(i)")
    lay_out(connection, "laid", "rowid >= 20_000", rows=80_000, columns=columns)
    ((laid, first),) = connection.execute("SELECT count(*), min(x) FROM laid").fetchall()
    assert laid == pytest.approx(rows, rel=0.01)
    assert first >= 20_000
