"""A run that is killed repeatedly ends like a run that is never interrupted.

    python -m benchmarks.checks.resume [--kills 50] [--tuner random]

Runs `recommend train --trials` on a generated table: once undisturbed, and once per seed in runs that are killed with
SIGKILL at random moments, from the start of the process to its end, and resumed. After each kill no finished trial may
be lost or changed. At the end the trials must equal those of the undisturbed run: the same numbers, hyperparameters,
epochs and scores, each once. Exits with 1 if they differ.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import make_classification

RECOMMEND: Final = (sys.executable, "-c", "from recommender.cli.start import main; main()", "train")
TRIALS: Final = 12
AT_ONCE: Final = 4
ROWS: Final = 600
COLUMNS: Final = 8
COMPARED: Final = ("number", "hyperparameters", "planned_epochs", "continues", "epochs", "best_epoch", "score")
"""What two runs of one seed have in common; they differ in seconds."""

Line = dict[str, Any]


def write_rows(path: Path) -> None:
    """A table of two classes that overlap."""
    columns, target = make_classification(ROWS, COLUMNS, n_informative=5, flip_y=0.1, random_state=0)
    names = [f"x{index}" for index in range(COLUMNS)]
    words = np.where(target == 1, "yes", "no")
    lines = [",".join([*(f"{value:.6f}" for value in row), word]) for row, word in zip(columns, words, strict=True)]
    path.write_text("\n".join([",".join([*names, "answer"]), *lines]) + "\n", encoding="utf-8")


def command(rows: Path, run: Path, *, tuner: str, seed: int) -> list[str]:
    """What begins the run, or goes on with it where it has begun."""
    if (run / "plan.json").exists():
        return [*RECOMMEND, "--resume", str(run), "--at-once", str(AT_ONCE)]
    shutil.rmtree(run, ignore_errors=True)
    pin = ["--pin", f"tuner={tuner}", "--reason", "what is measured"]
    begin = [*RECOMMEND, str(rows), "--target", "answer", *pin, "--seed", str(seed)]
    return [*begin, "--trials", str(TRIALS), "--at-once", str(AT_ONCE), "-o", str(run)]


def finished(arguments: list[str], *, kill_after: float | None) -> bool:
    """Run until the end, or for so many seconds; returns whether it ended by itself."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603  our own command
        try:
            _, said = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return False
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments[3:])} ended with {process.returncode}:\n{said}")
    return True


def kept(run: Path) -> list[Line]:
    """The finished trials in the journal; a last line that is torn does not count."""
    path = run / "trials.jsonl"
    text = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def whole_rounds(lines: list[Line]) -> list[Line]:
    """Those of rounds that were written whole; the others run again."""
    return [line for line in lines if sum(other["round"] == line["round"] for other in lines) == line["asked"]]


def essence(lines: list[Line]) -> list[Line]:
    return [{name: line[name] for name in COMPARED} for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--tuner", default="random", help="grid, random, bayesian, hyperband or manual")
    parser.add_argument("--seed", type=int, default=0, help="of the runs and of the moments")
    given = parser.parse_args()
    moments = random.Random(given.seed)  # noqa: S311  no secret
    table = Table("kill", "run", "after seconds", "trials kept", "lost", "repeated", "changed")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        write_rows(rows)
        start = time.perf_counter()
        finished(command(rows, Path(folder) / "whole", tuner=given.tuner, seed=given.seed), kill_after=None)
        took = time.perf_counter() - start
        expected = essence(kept(Path(folder) / "whole"))
        print(f"undisturbed: {len(expected)} trials in {took:.0f} s", flush=True)
        kills, runs, same = 0, 0, 0
        while kills < given.kills:
            runs += 1
            run = Path(folder) / f"killed-{runs}"
            before: list[Line] = []
            done = False
            while not done:
                # The last kill is survived: its run goes on to the end.
                moment = moments.uniform(0, took) if kills < given.kills else None
                ended = finished(command(rows, run, tuner=given.tuner, seed=given.seed), kill_after=moment)
                done = ended or (run / "scores.json").exists()  # killed when all was written
                now = whole_rounds(kept(run))
                lost, changed = max(0, len(before) - len(now)), before != now[: len(before)]
                repeated = len(now) - len({line["number"] for line in now})
                wrong += bool(lost or changed or repeated)
                if not ended:
                    kills += 1
                    cells = (kills, runs, f"{moment:.1f}", len(now), lost, repeated, "yes" if changed else "no")
                    table.add_row(*map(str, cells))
                before = now
            found = essence(kept(run))
            same += found == expected
            for ours, theirs in zip(found, expected, strict=False):
                if ours != theirs:
                    print(f"run {runs} differs:\n  {ours}\n  {theirs}", flush=True)
            shutil.rmtree(run)
    Console().print(table)
    print(f"{kills} kills in {runs} runs; {same} of {runs} ended with the table of the undisturbed run")
    if wrong or same < runs:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
