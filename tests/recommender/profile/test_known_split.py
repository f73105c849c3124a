from collections.abc import Callable

import numpy as np
import pytest

from executor.data.read_rows import read_rows
from executor.data.split import split
from recommender.dataset.dataset import Dataset
from recommender.profile.characteristic import labelled_rows
from recommender.profile.known_split import (
    KnownSplit,
    known_split,
    named_hold_out,
    training_rows,
    validation_row_share,
    validation_share,
)
from recommender.roles.infer import infer_roles
from recommender.roles.roles import Roles
from rules.decision.request import Request
from rules.vocabulary.facts import Task

Table = Callable[..., Dataset]
NOISE = np.random.default_rng(8)


def divided(dataset: Dataset, roles: Roles) -> KnownSplit | None:
    return known_split(dataset, roles, labelled_rows(dataset, roles))


def values(dataset: Dataset, part: str) -> list[object]:
    return [row[0] for row in dataset.connection.execute(f"SELECT x FROM {part} ORDER BY x").fetchall()]


@pytest.mark.parametrize(
    ("rows", "share"),
    # AutoGluon: 0.2 at 2,500 and fewer (twice 500/n, at most 0.2), 0.2 at 4,999; 0.2 at 25,000; 2·2,500/n after that.
    [(100, 0.2), (2_500, 0.2), (4_999, 0.2), (5_000, 0.2), (25_000, 0.2), (50_000, 0.1), (1_000_000, 0.02)],
)
def test_validation_follows_autogluons_rule_doubled(rows: int, share: float) -> None:
    assert validation_share(rows) == pytest.approx(share)


@pytest.mark.parametrize(("rows", "share"), [(2_500, 0.16), (25_000, 0.16), (62_500, 0.08)])
def test_the_share_that_selects_is_of_all_rows(rows: int, share: float) -> None:
    # 0.8 · 0.2; of 62,500 rows 50,000 are not hold-out, and 10 % of those select.
    assert validation_row_share(rows, in_folds=False) == pytest.approx(share)


@pytest.mark.parametrize(("rows", "share"), [(1_000, 0.8), (2_498, 0.8), (24, 0.16)])
def test_in_folds_all_rows_select_that_are_not_hold_out(rows: int, share: float) -> None:
    assert validation_row_share(rows, in_folds=True) == pytest.approx(share, abs=0.01)
    assert validation_row_share(rows, in_folds=False) == pytest.approx(0.16, abs=0.01)


def test_the_rows_that_a_split_column_names_as_the_hold_out_do_not_train(table: Table) -> None:
    parts = ["train"] * 20 + ["Test "] * 40
    dataset = table(x=NOISE.normal(size=60), part=parts, y=NOISE.normal(size=60))
    assert named_hold_out(dataset, infer_roles(dataset, Request(target="y", split="part"))) == 40
    assert training_rows(60, in_folds=True, hold_out=40) == 20
    assert training_rows(60, in_folds=True) == 48


def test_a_random_split_is_not_known_beforehand(table: Table) -> None:
    dataset = table(x=NOISE.normal(size=60), who=list("abcdef") * 10, y=NOISE.normal(size=60))
    assert divided(dataset, infer_roles(dataset, Request(target="y"))) is None
    assert divided(dataset, infer_roles(dataset, Request(target="y", entity="who"))) is None
    assert named_hold_out(dataset, infer_roles(dataset, Request(target="y"))) is None


@pytest.mark.parametrize("times", [range(50), [row // 7 for row in range(50)], [0] * 45 + [1] * 5])
def test_the_last_rows_judge_as_the_executor_splits_them(table: Table, times: list[int]) -> None:
    order = NOISE.permutation(50)
    dataset = table(x=order, when=np.array(times)[order], y=NOISE.normal(size=50))
    roles = infer_roles(dataset, Request(target="y", time="when", task=Task.REGRESSION))
    division, rows = divided(dataset, roles), read_rows(dataset, roles)
    parts = split(rows, roles, seed=0) if len(set(times)) > 2 else None
    assert division is not None
    assert division.words == "the last 20% of the rows by 'when' and the earlier ones"
    held_out = sorted(order[parts.hold_out].tolist()) if parts else list(range(45, 50))
    assert values(dataset, division.hold_out) == held_out
    assert len(values(dataset, division.training)) == 50 - len(held_out)


def test_where_a_time_is_missing_the_order_of_the_file_counts(table: Table) -> None:
    dataset = table(x=range(50), z=NOISE.normal(size=50), when=[None, *range(49, 0, -1)], y=NOISE.normal(size=50))
    division = divided(dataset, infer_roles(dataset, Request(target="y", time="when", task=Task.REGRESSION)))
    assert division is not None
    assert values(dataset, division.hold_out) == list(range(40, 50))
    assert "of the file" in division.words


def test_one_time_for_all_rows_divides_nothing(table: Table) -> None:
    dataset = table(x=NOISE.normal(size=50), when=[7] * 50, y=NOISE.normal(size=50))
    assert divided(dataset, infer_roles(dataset, Request(target="y", time="when", task=Task.REGRESSION))) is None


def test_a_split_column_names_the_parts(table: Table) -> None:
    parts = ["Train ", "test", "valid", "train"] * 10
    dataset = table(x=range(40), z=NOISE.normal(size=40), part=parts, y=[None, *NOISE.normal(size=39)])
    division = divided(dataset, infer_roles(dataset, Request(target="y", split="part")))
    assert division is not None
    assert values(dataset, division.hold_out) == list(range(1, 40, 4))
    assert values(dataset, division.training) == sorted([*range(4, 40, 4), *range(3, 40, 4)])


def test_without_a_row_that_judges_a_split_column_leaves_it_to_chance(table: Table) -> None:
    dataset = table(x=range(40), z=NOISE.normal(size=40), part=["train", "valid"] * 20, y=NOISE.normal(size=40))
    assert divided(dataset, infer_roles(dataset, Request(target="y", split="part"))) is None
