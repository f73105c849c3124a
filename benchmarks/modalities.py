"""`recommend train` with its defaults on images, sequences, texts and series: the table of each, one below the other.

    PCWAT_DATASETS=folder python benchmarks/modalities.py [--statsforecast PYTHON]

The folder holds the datasets and their catalogue.csv. Each of images.py, sequences.py, texts.py and series.py prints
its own part, and says what stands beside the model there; all four take about 50 minutes on two cores.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import click

SCRIPTS: Final = ("images.py", "sequences.py", "texts.py", "series.py")


@click.command()
@click.option("--statsforecast", "peer", metavar="PYTHON", help="A Python that has statsforecast, for series.")
def main(peer: str | None) -> None:
    for name in SCRIPTS:
        print(f"\n{name}", flush=True)
        more = ["--statsforecast", peer] if peer is not None and name == "series.py" else []
        subprocess.run([sys.executable, str(Path(__file__).parent / name), *more], check=True)  # noqa: S603  our own


if __name__ == "__main__":
    main()
