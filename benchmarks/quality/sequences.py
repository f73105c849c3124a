"""Hold-out scores on public sequence datasets, compared with published scores.

    PCWAT_DATASETS=folder python -m benchmarks.quality.sequences [--datasets gunpoint osu_leaf ...] [--seconds 60]

Runs `recommend train` with its defaults. The training and test rows are those of the UCR and UEA archives. The table
also shows the accuracy of the nearest neighbour by dynamic time warping (without a learned window), as published by
those archives for the same rows.
"""

from __future__ import annotations

import argparse
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.quality.contest import machine
from benchmarks.quality.images import results
from rules.text.numbers import number

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=[*WARPED], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of each training")
    given = parser.parse_args()
    console = Console(width=140)
    console.print(machine())
    table = Table("Set", "Accuracy", "1-NN DTW", "Linear", "Trials", "Seconds", "GiB", "Others' cores")
    for one in results(given.datasets, dict.fromkeys(given.datasets, given.seconds)):
        linear = one.baselines.get("linear")
        table.add_row(
            one.dataset,
            "" if one.accuracy is None else number(one.accuracy),
            number(WARPED[one.dataset]) if one.dataset in WARPED else "",
            "" if linear is None else number(linear),
            str(one.trials),
            f"{one.seconds:.0f} of {one.budget:.0f}",
            f"{one.gibibytes:.1f}",
            "unknown" if one.others is None else f"{one.others:.1f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
