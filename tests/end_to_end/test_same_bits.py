"""The prediction of a row is the same to the bit alone, with others, in any order and from any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from executor.runs.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

OLD_RUNS: Final = Path(__file__).parents[1] / "old_runs"
ROWS: Final = 1_000
RANDOM: Final = np.random.default_rng(0)
PERMUTED: Final = RANDOM.permutation(ROWS)
PARTS: Final = (np.array([999]), PERMUTED[:7], PERMUTED)
"""Some rows, or all of them in another order."""


def check(run: Run, take: Callable[[np.ndarray], list[object]]) -> None:
    """Compare predictions of some rows with those of all: labels, probabilities and numbers.

    take: the sources of some rows, of which the first, a file, is predicted with all rows.
    """
    every = run.predict(take(np.arange(ROWS))[0])
    for part in PARTS:
        for source in take(part):
            found = run.predict(source)
            if isinstance(found, pd.DataFrame):
                found = pa.Table.from_pandas(found, preserve_index=False, schema=every.schema)
            assert found.equals(every.take(part)), part


@pytest.mark.parametrize("name", ["classes", "intervals", "labels", "texts"])
def test_rows_are_predicted_alike_in_every_number_order_and_format(name: str, tmp_path: Path) -> None:
    run = Run(OLD_RUNS / name / "run")
    rows = pd.read_csv(OLD_RUNS / name / "data.csv").sample(ROWS, replace=True, random_state=0)
    for column in rows.select_dtypes("float"):
        rows[column] *= RANDOM.normal(1, 0.1, ROWS)
    for column in rows.columns if name == "texts" else ():
        rows[column] = [" ".join(RANDOM.permutation(text.split())) for text in rows[column]]
    csv, parquet = tmp_path / "some.csv", tmp_path / "some.parquet"

    def take(part: np.ndarray) -> list[object]:
        some = rows.iloc[part]
        some.to_csv(csv, index=False)
        some.to_parquet(parquet)
        return [csv, parquet, some] if name == "classes" else [parquet]

    check(run, take)


def test_images_are_predicted_alike_in_every_number_and_order(tmp_path: Path) -> None:
    images, path = RANDOM.integers(0, 256, (ROWS, 8, 8, 1), np.uint8), tmp_path / "some.npz"

    def take(part: np.ndarray) -> list[object]:
        np.savez(path, image=images[part])
        return [path]

    check(Run(OLD_RUNS / "images" / "run"), take)


def test_sequences_are_predicted_alike_in_every_number_and_order_beside_longer_ones(tmp_path: Path) -> None:
    lengths, path = RANDOM.integers(15, 19, ROWS), tmp_path / "some.csv"
    sequences = pd.DataFrame(RANDOM.normal(size=(lengths.sum(), 2)).cumsum(axis=0), columns=["x", "y"])
    sequences["patient"] = np.arange(ROWS).repeat(lengths)
    sequences["step"] = np.concatenate([np.arange(length) for length in lengths])
    ends = lengths.cumsum()

    def take(part: np.ndarray) -> list[object]:
        pd.concat([sequences[ends[row] - lengths[row] : ends[row]] for row in part]).to_csv(path, index=False)
        return [path]

    check(Run(OLD_RUNS / "sequences" / "run"), take)
