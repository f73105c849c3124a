"""Accuracy on public and drawn sequences, with the nearest neighbour and aeon's MiniRocket.

    PCWAT_DATASETS=folder python -m benchmarks.quality.sequences [--datasets gunpoint long_1460 ...] [--seconds 60]
        [--one-core] [--aeon PYTHON]

Runs `recommend train` with its defaults. The training and test rows of public sets are those of the UCR and UEA
archives. Drawn sets have the shapes of archive sets with long sequences; each class has a waveform that occurs at six
random places of noisy sequences, and a level, by which the nearest neighbour recognizes some of them.

The table also shows the nearest neighbour by Euclidean distance, the nearest neighbour by dynamic time warping (without
a learned window) as published by the archives for the same rows, and, with --aeon, MiniRocket with RidgeClassifierCV
and its processor seconds. PYTHON has `pip install aeon==1.6.0`; then ACSF1, which aeon contains, is among the sets.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.catalogue import catalogue
from benchmarks.quality.contest import RUNNERS, machine
from benchmarks.quality.images import train
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Mapping

WARPED: Final = {
    "gunpoint": 0.907,
    "arrowhead": 0.703,
    "italy_power_demand": 0.950,
    "osu_leaf": 0.591,
    "basic_motions": 0.975,
    "japanese_vowels": 0.949,
}
"""Accuracy of the nearest neighbour by dynamic time warping: Dau et al. 2019 (UCR archive, DTW with w = 100) for one
channel, Bagnall et al. 2018 (UEA archive, DTW_D) for several."""
PUBLIC: Final = (*WARPED, "trace", "pickup_gesture")
ARCHIVED: Final = "acsf1"
PEER: Final = RUNNERS / "aeon_minirocket.py"
ONE_CORE: Final = ("taskset", "-c", "0")
WAVE: Final = 40  # steps of the waveform of a class
PLACES: Final = 6  # where it occurs in a sequence


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Shape of a drawn set: as many training as test rows."""

    rows: int
    steps: int
    channels: int
    classes: int


DRAWN: Final = {
    "long_1460": Shape(rows=100, steps=1_460, channels=1, classes=10),
    "long_1344": Shape(rows=537, steps=1_344, channels=1, classes=11),
    "long_2618": Shape(rows=105, steps=2_618, channels=6, classes=7),
}


def draw(shape: Shape) -> dict[str, np.ndarray]:
    """Draw a set, by the number of its steps as the seed."""
    random = np.random.default_rng(shape.steps)
    rows = 2 * shape.rows
    classes = random.integers(0, shape.classes, rows)
    waves = random.normal(size=(shape.classes, shape.channels, WAVE)).cumsum(2)
    waves = (waves - waves.mean(2, keepdims=True)) / waves.std(2, keepdims=True)
    levels = 0.3 * random.normal(size=(shape.classes, shape.channels))
    size = (rows, shape.steps, shape.channels)
    values = random.normal(size=size) + 0.02 * random.normal(size=size).cumsum(1) + levels[classes][:, None]
    for row, own in enumerate(classes):
        for place in random.integers(0, shape.steps - WAVE, PLACES):
            values[row, place : place + WAVE] += waves[own].T
    return {
        "X": values.astype(np.float32),
        "y": np.array([f"c{one}" for one in classes]),
        "split": np.repeat(["train", "test"], shape.rows),
    }


def nearest_neighbour(arrays: Mapping[str, np.ndarray]) -> float:
    """Accuracy of the nearest neighbour by Euclidean distance; a sequence is zero after its end."""
    values = np.nan_to_num(arrays["X"]).reshape(len(arrays["y"]), -1).astype(np.float64)
    is_test = arrays["split"] == "test"
    known, unseen = values[~is_test], values[is_test]
    nearest = ((known**2).sum(1) - 2 * unseen @ known.T).argmin(1)
    return float(np.mean(arrays["y"][~is_test][nearest] == arrays["y"][is_test]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", metavar="NAME")
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of each training")
    parser.add_argument("--one-core", action="store_true", help="train on one core (taskset -c 0)")
    parser.add_argument("--aeon", type=Path, metavar="PYTHON", help="interpreter with aeon")
    given = parser.parse_args()
    console = Console(width=140)
    console.print(machine())
    table = Table(
        "Set", "Rows x steps x channels", "Accuracy", "1-NN", "1-NN DTW", "aeon", "its CPU s", "Linear", "Trials",
        "Seconds", "GiB", "Others' cores",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for dataset in given.datasets or [*PUBLIC, *([ARCHIVED] if given.aeon else []), *DRAWN]:
            path = _path(dataset, folder, given.aeon)
            with np.load(path) as file:
                arrays = dict(file)
            peer = _peer(given.aeon, str(path)) if given.aeon else {}
            one = train(dataset, path, "y", budget=given.seconds, prefix=ONE_CORE if given.one_core else ())
            linear = one.baselines.get("linear")
            rows = int((arrays["split"] != "test").sum())
            table.add_row(
                dataset,
                " x ".join(f"{size:,}" for size in (rows, *arrays["X"].shape[1:])),
                "" if one.accuracy is None and one.value is None else number(one.accuracy or one.value),
                number(nearest_neighbour(arrays)),
                number(WARPED[dataset]) if dataset in WARPED else "",
                number(peer["accuracy"]) if peer else "",
                number(peer["seconds"]) if peer else "",
                "" if linear is None else number(linear),
                str(one.trials),
                f"{one.seconds:.0f} of {one.budget:.0f}",
                f"{one.gibibytes:.1f}",
                "unknown" if one.others is None else f"{one.others:.1f}",
            )
    console.print(table)


def _path(dataset: str, folder: Path, aeon: Path | None) -> Path:
    """File of a set, which is drawn or written if it is not in the catalogue."""
    path = folder / f"{dataset}.npz"
    if dataset in DRAWN:
        np.savez(path, **draw(DRAWN[dataset]))
    elif dataset == ARCHIVED and aeon is not None:
        _peer(aeon, "--write", "ACSF1", str(path))
    else:
        return Path(catalogue()[dataset]["path"])
    return path


def _peer(python: Path, *arguments: str) -> dict[str, float]:
    ended = subprocess.run([str(python), str(PEER), *arguments], capture_output=True, text=True, check=True)  # noqa: S603  our own command
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
