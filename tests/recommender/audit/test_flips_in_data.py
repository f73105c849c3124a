"""What-if carried out on the data: the choice changes where it says, and not before."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recommender.recommendation.recommend import recommend

ROWS = 1000


def table_of(target: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"x": np.random.default_rng(0).normal(size=len(target)), "y": target})


def with_top_share(share: float) -> pl.DataFrame:
    """A table whose 10 farthest of 1,000 rows carry a share of the target's squared deviations.

    Four of these rows are outliers, fewer than the 1 % at which the share of outliers decides by itself. The target is
    symmetric around 0, so its mean stays 0 whatever the outliers are.
    """
    rest = np.linspace(-1.0, 1.0, ROWS - 4)
    squares = np.sort(np.square(rest))
    outlier = np.sqrt((share * squares.sum() - squares[-6:].sum()) / (1 - share) / 4)
    return table_of(np.concatenate([rest, np.resize([-outlier, outlier], 4)]))


def with_outliers(count: int) -> pl.DataFrame:
    """A table with a number of outliers so near to the other rows that their squares stay below 30 % of all."""
    target = np.linspace(-1.0, 1.0, ROWS)
    target[np.linspace(100, 900, count, dtype=int)] = np.resize([-3.6, 3.6], count)
    return table_of(target)


def nearest(answer, record, choice: str) -> dict[str, object]:
    """The facts of the nearest change that gives a choice."""
    return {change["fact"]: change["new"] for change in answer("why-not", record, choice)["nearest"]["changes"]}


@pytest.mark.parametrize(("slot", "choice"), [("metric", "mae"), ("loss", "huber")])
@pytest.mark.parametrize(
    ("table", "start", "change", "below", "above"),
    [
        (with_top_share, 0.15, {"squared_deviation_top_share": 0.3}, 0.299, 0.301),
        (with_outliers, 9, {"outlier_share": 0.01}, 9, 10),
    ],
)
def test_a_choice_changes_where_what_if_says(  # noqa: PLR0917  fixtures and parameters
    answer, write_record, table, start, change, below, above, slot, choice
) -> None:
    record = write_record(table(start), target="y", trials=20)
    assert nearest(answer, record, f"{slot}={choice}") == change
    before, after = (recommend(table(value), target="y", trials=20).bundle for value in (below, above))
    assert getattr(before, slot).name != choice
    assert getattr(after, slot).name == choice
