import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recommender.profile.characteristics.features import (
    Alike,
    Hint,
    alike_rows,
    areas,
    correlations,
    determined,
    duplicate_rows,
    empty_rows,
    outliers,
)


def by_column(hints: object) -> dict[str, Hint]:
    return {hint.column: hint for hint in hints}


def test_rows_that_repeat_an_earlier_row_are_counted(connected) -> None:
    connection = connected(dataset={"a": [1, 1, 1, 2, None, None], "b": ["x", "x", "y", "x", "x", "x"]})
    assert duplicate_rows(connection, ["a", "b"], where="TRUE") == 2
    assert duplicate_rows(connection, ["a"], where="TRUE") == 3
    assert duplicate_rows(connection, ["a", "b"], where="a IS NOT NULL") == 1


def test_rows_that_are_alike_are_counted_with_those_that_differ_in_the_target(connected) -> None:
    columns = {"a": [1, 1, 1, 2, 2, None, None, 3], "y": ["p", "p", "q", "p", "p", "q", "q", "p"]}
    connection = connected(dataset=columns)
    assert alike_rows(connection, ["a"], ["y"], where="TRUE") == Alike(rows=4, most=3, groups=3, differing=1)
    assert alike_rows(connection, [], ["y"], where="TRUE") == Alike(rows=0, most=1, groups=0, differing=0)


def test_many_columns_are_compared_as_few(connected) -> None:
    columns = {f"c{place}": [1, 1, 2] for place in range(300)}
    assert duplicate_rows(connected(dataset=columns), list(columns), where="TRUE") == 1
    columns["c299"] = [1, 3, 2]
    assert duplicate_rows(connected(dataset=columns), list(columns), where="TRUE") == 0


def test_a_row_is_empty_above_95_percent_of_its_cells(connected) -> None:
    # 40 columns: 38 empty cells are 95 % exactly, 39 are above.
    columns = {f"c{place}": [None if place < 38 else 1, None if place < 39 else 1, 1] for place in range(40)}
    missing = {name: sum(value is None for value in values) for name, values in columns.items()}
    assert empty_rows(connected(dataset=columns), missing, where="TRUE") == 1


def test_outliers_of_a_feature_are_counted_by_hand(connected) -> None:
    # Median 3 and MAD 1: 3.5 · 1.4826 = 5.19, so 9 is out and 8 is not. In the constant column nothing is.
    connection = connected(dataset={"a": [1, 2, 2, 3, 3, 3, 4, 4, 8, 9, None], "b": [5] * 11})
    assert outliers(connection, ["a", "b"], sample="dataset") == {"a": 1, "b": 0}


def test_correlation_is_numpys_where_both_are_known(connected) -> None:
    noise = np.random.default_rng(3)
    y = noise.normal(size=60)
    a = y + noise.normal(size=60)
    connection = connected(dataset={"a": [None, *a[1:]], "y": y, "flat": [1.0] * 60})
    found = by_column(correlations(connection, ["a", "flat"], "y", sample="dataset"))
    assert found["a"].value == pytest.approx(np.corrcoef(a[1:], y[1:])[0, 1])
    assert found["a"].rows == 59
    assert "flat" not in found


def test_the_area_of_a_column_is_sklearns_with_ties(connected) -> None:
    noise = np.random.default_rng(4)
    y = noise.integers(0, 2, 200)
    a, b = noise.integers(0, 5, 200) + y, noise.integers(0, 5, 200) - y
    found = by_column(areas(connected(dataset={"a": a, "b": b, "y": y}), ["a", "b"], "y", '"y"', sample="dataset"))
    assert found["a"].value == pytest.approx(roc_auc_score(y, a))
    assert found["b"].value == pytest.approx(1 - roc_auc_score(y, b))


def test_the_area_of_several_classes_is_the_mean_of_each_against_the_rest(connected) -> None:
    noise = np.random.default_rng(5)
    y = noise.integers(0, 3, 300)
    a = noise.normal(size=300) + y
    each = [roc_auc_score(y == label, a) for label in range(3)]
    found = by_column(areas(connected(dataset={"a": a, "y": y}), ["a"], "y", '"y"', sample="dataset"))
    assert found["a"].value == pytest.approx(np.mean([max(area, 1 - area) for area in each]))


def test_categories_that_determine_the_class_are_counted_by_class(connected) -> None:
    # Class n: the 3 rows of category p are determined, those of r (a single row) and q (mixed) are not: 3 of 5.
    # Class y: level q is mixed: 0 of 1. Mean 0.3.
    connection = connected(dataset={"level": ["p", "p", "p", "q", "q", "r"], "y": ["n", "n", "n", "n", "y", "n"]})
    (hint,) = determined(connection, {"level": "VARCHAR"}, "y", '"y"', sample="dataset")
    assert (hint.value, hint.rows) == (pytest.approx(0.3), 6)


def test_columns_may_be_called_as_the_query_calls_its_own(connected) -> None:
    names = ["value", "name", "r", "p", "0", "rowid_"]
    connection = connected(dataset={**{name: [1, 2, 3, 4] for name in names}, "y": [0, 0, 1, 1]})
    found = by_column(areas(connection, names, "y", '"y"', sample="dataset"))
    assert {name: hint.value for name, hint in found.items()} == dict.fromkeys(names, 1.0)
