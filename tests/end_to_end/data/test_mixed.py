"""Images, sequences, numbers, categories and texts in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits

from executor import train
from rules.decision.trace import Pin
from rules.vocabulary.choices import InceptionTime, MiniRocket
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300


@long_test
def test_columns_beside_images_tell_what_no_image_does(tmp_path: Path, one_split: Pin) -> None:
    """The class hangs on the side alone: images of digits say nothing of it."""
    random = np.random.default_rng(0)
    side = random.choice(["left", "right"], ROWS)
    np.savez(
        tmp_path / "mixed.npz",
        pixels=load_digits().images[:ROWS].astype(np.uint8),
        side=side,
        weight=random.normal(size=ROWS),
        note=np.array([f"seen on day {day} of the year" for day in random.integers(0, 365, ROWS)]),
        turns=np.where(side == "left", "yes", "no"),
    )
    run = train(tmp_path / "mixed.npz", target="turns", trials=1, pins=[one_split], directory=tmp_path / "run")
    assert [entry.name for entry in run.signature.inputs] == ["pixels", "side", "weight", "note"]
    assert run.scores.hold_out.value > 0.9
    assert run.predict(tmp_path / "mixed.npz").num_rows == ROWS


@long_test
def test_columns_beside_sequences_are_read_with_them_however_these_are(tmp_path: Path, one_split: Pin) -> None:
    random = np.random.default_rng(0)
    side, values = random.choice(["left", "right"], ROWS), random.normal(size=(ROWS, 20, 1))
    is_fast = random.random(ROWS) < 0.5
    values[..., 0] += 6 * np.sin(np.arange(20) * np.where(is_fast, 1.4, 0.9)[:, None])
    target = np.where(side == "right", "c", np.where(is_fast, "a", "b"))
    path = tmp_path / "mixed.npz"
    np.savez(path, signal=values, lengths=np.full(ROWS, 20), side=side, target=target)
    for choice in (MiniRocket(features=840), InceptionTime()):
        pin = Pin(slot="architecture", choice=choice, reason="fewer features are faster")
        run = train(path, target="target", trials=1, pins=[pin, one_split], directory=tmp_path / choice.name)
        assert [entry.name for entry in run.signature.inputs] == ["signal", "side"]
        assert run.scores.hold_out.value > 0.9
