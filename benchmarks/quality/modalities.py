"""All benchmarks of images, sequences, texts and series, one after the other.

    PCWAT_DATASETS=folder python -m benchmarks.quality.modalities [--peers PYTHON]

Runs the images, sequences, texts and series benchmarks of this folder with their defaults. All four take about 50
minutes on two cores.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import click

MODALITIES: Final = ("images", "sequences", "texts", "series")


@click.command()
@click.option("--peers", "peer", metavar="PYTHON", help="Python with the competitors of series.")
def main(peer: str | None) -> None:
    for name in MODALITIES:
        print(f"\n{name}", flush=True)
        more = ["--peers", peer] if peer is not None and name == "series" else []
        subprocess.run([sys.executable, "-m", f"benchmarks.quality.{name}", *more], check=True)  # noqa: S603  our own


if __name__ == "__main__":
    main()
