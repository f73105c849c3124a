"""Memory growth over sequential trials: small residual networks on digits.

    python -m benchmarks.speed.memory [--trials 200] [--rows 300]

Prints the peak resident memory after every tenth of the trials. Each trial takes one epoch. Configurations are drawn as
in a random search, so that graphs are compiled, reused and dropped as in a search.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from unittest import mock

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

from benchmarks.search.throughput import images  # noqa: E402  after TensorFlow was silenced
from executor.runtime.budget import Budget  # noqa: E402
from executor.search.progress import RoundProgress  # noqa: E402, TC001
from executor.search.search import search  # noqa: E402

KIBIBYTES = 1024  # of a MiB; Linux tells the peak in KiB


def peak() -> float:
    """The most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rows", type=int, default=300)
    given = parser.parse_args()
    start, shown = time.monotonic(), -1

    def progress(now: RoundProgress) -> None:
        nonlocal shown
        tenth = now.done * 10 // given.trials
        if tenth > shown:
            shown = tenth
            print(f"{now.done:5} trials  {peak():7.0f} MiB  {time.monotonic() - start:6.0f} s", flush=True)

    job = images(given.rows)
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("recommender.training_cost.MAX_IMAGE_EPOCHS", 1),
    ):
        search(
            job.bundle, job.parts, budget=Budget(trials=given.trials), seed=0, directory=Path(folder), progress=progress
        )
    print(f"{given.trials:5} trials  {peak():7.0f} MiB in the end")


if __name__ == "__main__":
    main()
