from collections.abc import Callable
from itertools import permutations

import numpy as np
import polars as pl
import pytest

from recommender.dataset.dataset import Dataset
from recommender.roles.tasks import peak_by_chance, read_task
from rules.errors import TargetError
from rules.vocabulary.facts import Task

Table = Callable[..., Dataset]


def counted(*counts: int, first: int = 1) -> list[int]:
    return [value for value, count in enumerate(counts, start=first) for _ in range(count)]


def task_of(table: Table, values: list[object], **options: object) -> Task:
    return read_task(table(y=values, x=range(len(values))), ["y"], task=None, **options).task


def test_two_values_are_binary(table: Table) -> None:
    for values in (["no", "yes"], [0, 1], [1, 2], [1.5, 2.5], ["true", "false"]):
        reading = read_task(table(y=values * 10, x=range(20)), ["y"], task=None)
        assert reading.task is Task.BINARY
        assert reading.labels == tuple(sorted(map(str, values)))


def test_labels_of_numbers_are_in_the_order_of_numbers(table: Table) -> None:
    reading = read_task(table(y=[10, 9, 8] * 20, x=range(60)), ["y"], task=None)
    assert (reading.task, reading.labels) == (Task.MULTICLASS, ("8", "9", "10"))


def test_words_are_classes_and_decimals_a_quantity(table: Table) -> None:
    assert task_of(table, ["a", "b", "c"] * 10) is Task.MULTICLASS
    assert task_of(table, [0.5, 1.0, 1.5] * 10) is Task.REGRESSION


def test_whole_numbers_are_classes_up_to_20_of_them(table: Table) -> None:
    assert task_of(table, list(range(20)) * 30) is Task.MULTICLASS
    assert task_of(table, list(range(21)) * 30) is Task.REGRESSION


def test_whole_numbers_are_classes_up_to_a_share_of_the_rows(table: Table) -> None:
    assert task_of(table, [1, 2, 3] * 10) is Task.MULTICLASS  # 3 of 30: 10 %
    assert task_of(table, [*[1, 2, 3] * 9, 1, 2]) is Task.REGRESSION  # 3 of 29


def test_whole_numbers_with_one_peak_are_a_quantity(table: Table) -> None:
    # The counts of wine grades 3 to 9, and of glass types 1 to 7.
    grades = counted(20, 163, 1457, 2198, 880, 175, 5, first=3)
    types = counted(70, 76, 17, 0, 13, 9, 29)
    assert task_of(table, grades) is Task.REGRESSION
    assert task_of(table, types) is Task.MULTICLASS


def test_five_whole_numbers_with_one_peak_may_be_so_by_chance(table: Table) -> None:
    assert task_of(table, counted(5, 50, 200, 40, 6)) is Task.MULTICLASS


def test_balanced_classes_have_no_peak(table: Table) -> None:
    assert task_of(table, list(range(10)) * 20) is Task.MULTICLASS


@pytest.mark.parametrize("size", [3, 4, 5, 6, 7])
def test_the_chance_of_a_peak_is_its_share_among_all_orders(size: int) -> None:
    def peaks(order: tuple[int, ...]) -> bool:
        top = order.index(max(order))
        rest = (*order[:top], *reversed(order[top + 1 :]))
        halves = order[:top], tuple(reversed(order[top + 1 :]))
        return bool(rest) and all(half and list(half) == sorted(half) for half in halves)

    every = list(permutations(range(size)))
    hits = [order for order in every if peaks(order)]
    assert peak_by_chance(hits[0]) == pytest.approx(len(hits) / len(every))
    assert [peak_by_chance(order) < 1 for order in every] == [peaks(order) for order in every]


def test_several_targets_are_labels_or_numbers(table: Table) -> None:
    dataset = table(a=[0, 1] * 20, b=["n", "y"] * 20, c=range(40), w=["p", "q", "r", "s"] * 10)
    assert read_task(dataset, ["a", "b"], task=None).task is Task.MULTILABEL
    assert read_task(dataset, ["a", "c"], task=None).task is Task.MULTIOUTPUT_REGRESSION
    with pytest.raises(TargetError, match="'w' is 'p' in row 1"):
        read_task(dataset, ["c", "w"], task=None)


@pytest.mark.parametrize(
    ("targets", "task", "says"),
    [
        (["word"], Task.REGRESSION, "'word' is 'p' in row 1"),
        (["seven"], Task.BINARY, "'seven' has 7. Use --task regression"),
        (["word"], Task.BINARY, "'word' has 3. Use --task multiclass"),
        (["many"], Task.MULTICLASS, "'many' has 70 distinct values in 70 rows. Use --task regression"),
        (["seven", "many"], Task.REGRESSION, "The task regression has one target, but got 2"),
        (["seven"], Task.MULTIOUTPUT_REGRESSION, "has several targets, but got one"),
        (["seven", "flag"], Task.MULTILABEL, "'seven' has 7"),
    ],
)
def test_a_task_that_cannot_be_is_refused(table: Table, targets: list[str], task: Task, says: str) -> None:
    words = [*"pqr" * 23, "p"]
    dataset = table(seven=[*range(7)] * 10, word=words, many=[0.5 + row for row in range(70)], flag=[0, 1] * 35)
    with pytest.raises(TargetError) as caught:
        read_task(dataset, targets, task=task)
    assert says in str(caught.value)


def test_a_task_that_can_be_is_kept(table: Table) -> None:
    dataset = table(y=[0, 1] * 20, z=[1, 2, 3, 4] * 10)
    assert read_task(dataset, ["y"], task=Task.REGRESSION).task is Task.REGRESSION
    assert read_task(dataset, ["z"], task=Task.MULTICLASS).labels == ("1", "2", "3", "4")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([None] * 20, "is empty in all 20"),
        (["a"] * 20, "'y' is 'a' in all 20 rows"),
        ([*[1.5, 2.5] * 10, "inf"], "infinite in 1 row, first in row 21"),
        ([*[1.5, 2.5] * 10, "NAN"], "is NaN in row 21"),
        ([*[1.5, 2.5] * 10, "inf", "inf"], "infinite in 2 rows, first in row 21"),
        ([*["a"] * 20, "c", "d"], "has only row 21 (and 1 more class). Give more rows, or merge classes"),
        ([*["a"] * 20, "c", "d", "e"], "has only row 21 (and 2 more classes)"),
        (
            [f"{row},037" for row in range(1, 30)],
            "They are numbers with thousands separators or decimal commas, read as",
        ),
        (["0", "0", "1", "0"], "class '1' of 'y' has only row 3. Give more rows of it"),
        ([f"w{row}" for row in range(30)], "has 30 distinct values in 30 rows. Choose another target"),
        ([*[f"{row}.5" for row in range(40)], "n.a."], "'y' is 'n.a.' in row 41"),
        (["2020-01-01", "2020-01-02", "2020-01-03"] * 10, "contains times"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(table: Table, values: list[object], says: str) -> None:
    with pytest.raises(TargetError) as caught:
        read_task(table(y=values, x=range(len(values))), ["y"], task=None)
    assert says in str(caught.value)


def test_an_empty_cell_of_the_target_is_no_error(table: Table) -> None:
    assert task_of(table, [*[1.5, 2.5, 3.5] * 10, None]) is Task.REGRESSION


def test_classes_of_one_row_are_kept_if_two_others_have_several(table: Table) -> None:
    assert task_of(table, [*["a", "b"] * 20, "c", "d"]) is Task.MULTICLASS


def test_classes_of_two_rows_can_be_learned(table: Table) -> None:
    assert task_of(table, [*["a", "b"] * 20, "c", "c"]) is Task.MULTICLASS


def test_nan_in_a_frame_is_named_by_its_row() -> None:
    with (
        Dataset.open(pl.DataFrame({"y": [1.5, np.nan, 2.5], "x": [1, 2, 3]})) as dataset,
        pytest.raises(TargetError, match="in row 2"),
    ):
        read_task(dataset, ["y"], task=None)
