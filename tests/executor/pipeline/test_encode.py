from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.pipeline.encoding.encode_data import encode
from executor.pipeline.prepare import prepare
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from recommender.dataset.dataset import Dataset
from rules.decision.request import Request

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("column", "seconds"), [("", 9.0), (",age", 1.0)], ids=["texts alone", "a column of texts"])
def test_a_column_of_texts_reserves_less_than_texts_alone(column: str, seconds: float, tmp_path: Path) -> None:
    """The linear model on TF-IDF has 15 % of the time limit; five words in each of 80 rows take far less."""
    rows = [
        f"guest {row} of the house{',' + str(20 + row % 31) if column else ''},{'yes' if row % 3 else 'no'}"
        for row in range(100)
    ]
    (tmp_path / "guests.csv").write_text("\n".join([f"note{column},stays", *rows]), encoding="utf-8")
    request = Request(target=("stays",))
    with Dataset.open(tmp_path / "guests.csv") as dataset:
        data = encode(prepare(dataset, request, budget=Budget(seconds=60), directory=tmp_path / "run"), Clock())

    assert data.plan_time(60).tf_idf == pytest.approx(seconds)
