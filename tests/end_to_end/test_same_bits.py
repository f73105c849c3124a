"""The prediction of a row is the same to the bit alone, with others, in any order and from any format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from executor import train
from rules.decision.trace import Pin
from rules.vocabulary.choices import Holdout
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path

    from executor.runs.run import Run

TRAINED = 160
PINS = (Pin(slot="validation", choice=Holdout(), reason="faster than folds"),)
ROWS = 1_000
RANDOM = np.random.default_rng(0)
PERMUTED = RANDOM.permutation(ROWS)
PARTS = (np.array([0]), np.array([999]), np.array([500, 3]), PERMUTED[:7], PERMUTED)
"""Some rows, or all of them in another order."""


def check(run: Run, every: pa.Table, part: np.ndarray, source: object) -> None:
    """Predict some rows, and compare with those of all rows; labels, probabilities and numbers."""
    found = run.predict(source)
    if isinstance(found, pd.DataFrame):
        found = pa.Table.from_pandas(found, preserve_index=False, schema=every.schema)
    assert found.equals(every.take(part)), part


def sources(frame: pd.DataFrame, folder: Path) -> list[object]:
    frame.to_csv(folder / "some.csv", index=False)
    frame.to_parquet(folder / "some.parquet")
    return [folder / "some.csv", folder / "some.parquet", frame]


@pytest.mark.parametrize("task", [pytest.param("regression", marks=long_test), "multiclass"])
def test_rows_of_a_table_are_predicted_alike_in_every_number_order_and_format(task: str, tmp_path: Path) -> None:
    numbers = RANDOM.normal(size=(ROWS, 6)) * [1, 10, 100, 1, 1, 1e-3] + 7
    frame = pd.DataFrame(numbers, columns=[f"x{place}" for place in range(6)])
    frame["word"] = RANDOM.choice(["red", "green", "blue"], ROWS)
    frame.loc[::9, "x1"] = np.nan
    value = numbers[:, 0] * 3 + numbers[:, 3] + (frame["word"] == "red")
    frame["y"] = value if task == "regression" else np.array(["p", "q", "r"])[np.digitize(value, [28, 30])]
    run = train(frame[:TRAINED], target="y", task=task, trials=1, pins=PINS, directory=tmp_path / "run")
    rows = frame.drop(columns="y")
    every = run.predict(pa.Table.from_pandas(rows, preserve_index=False))
    for part in PARTS:
        for source in sources(rows.iloc[part], tmp_path):
            check(run, every, part, source)


def test_texts_are_predicted_alike_in_every_number_and_order(tmp_path: Path) -> None:
    words = np.array(["good", "bad", "fine", "poor", "the", "plot", "scene", "music", "very", "not"])
    texts = [f"{' '.join(RANDOM.choice(words, RANDOM.integers(6, 30)))} {row}" for row in range(ROWS)]
    labels = ["p" if text.count("good") > text.count("bad") else "n" for text in texts]
    frame = pd.DataFrame({"said": texts, "mood": labels})
    run = train(frame[:TRAINED], target="mood", kinds={"said": "text"}, trials=1, pins=PINS, directory=tmp_path / "run")
    rows = frame.drop(columns="mood")
    every = run.predict(pa.Table.from_pandas(rows, preserve_index=False))
    for part in PARTS:
        for source in sources(rows.iloc[part], tmp_path):
            check(run, every, part, source)


def arrays_are_predicted_alike(values: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    np.savez(folder / "train.npz", values=values[:TRAINED], y=labels[:TRAINED])
    run = train(folder / "train.npz", target="y", trials=1, pins=PINS, directory=folder / "run")
    path = folder / "some.npz"
    np.savez(path, values=values)
    every = run.predict(path)
    for part in PARTS:
        np.savez(path, values=values[part])
        check(run, every, part, path)


def test_images_are_predicted_alike_in_every_number_and_order(tmp_path: Path) -> None:
    images = RANDOM.integers(0, 255, (ROWS, 8, 8, 1)).astype(np.uint8)
    arrays_are_predicted_alike(images, images[:, :4].mean((1, 2, 3)) > images[:, 4:].mean((1, 2, 3)), tmp_path)


def test_sequences_are_predicted_alike_in_every_number_and_order_beside_longer_ones(tmp_path: Path) -> None:
    steps = np.cumsum(RANDOM.normal(size=(ROWS, 40, 2)), axis=1)
    rises = steps[:, 9, 0] > steps[:, 0, 0]
    steps[np.arange(40) >= RANDOM.integers(10, 41, ROWS)[:, None]] = np.nan
    arrays_are_predicted_alike(steps, rises, tmp_path)
