"""Calibration and intervals of runs on their hold-outs.

    python -m benchmarks.models.calibration titanic.csv=Survived house.csv=SalePrice --budget 15 --seeds 2
    python -m benchmarks.models.calibration house.csv=SalePrice --loss mae --loss '{name: mae, target: log1p}'

Each line is one run. For regression it shows the metric, RMSE and MAE, and the coverage and width of the intervals; for
classification the metric, and the log-loss and calibration error before and after temperature scaling. Join several
targets of a table by commas.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

from executor import train  # noqa: E402  after TensorFlow was silenced
from recommender.cli.options import read_pins  # noqa: E402

if TYPE_CHECKING:
    from executor.runs.run import Run


def told(run: Run) -> str:
    """The measured numbers of a run on one line."""
    scores = run.scores
    words = [f"{scores.metric} {scores.hold_out.value:.4g}"]
    words += [f"{name} {scores.others[name]:.4g}" for name in ("rmse", "mae", "log_loss") if name in scores.others]
    if scores.intervals is not None:
        coverage, width = min(scores.intervals.coverage), max(scores.intervals.mean_width)
        words.append(f"coverage {coverage:.3f} width {width:.4g} by {run.signature.intervals.rows} rows")
    if scores.calibration is not None:
        words += [
            f"{name} {before:.4f} -> {after:.4f}"
            for name, (before, after) in scores.calibration
            if before is not None and after is not None
        ]
    if run.summary.huber_delta is not None:
        words.append(f"delta {run.summary.huber_delta:.3f}")
    return ", ".join(words)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("tables", nargs="+", metavar="TABLE=TARGET")
    asked.add_argument("--task")
    asked.add_argument("--metric")
    asked.add_argument("--loss", action="append", help="a name or a YAML mapping; the rules' own where it is left out")
    asked.add_argument("--budget", type=float, default=15, help="seconds a run")
    asked.add_argument("--seeds", type=int, default=2)
    given = asked.parse_args()
    for table in given.tables:
        path, target = table.rsplit("=", 1)
        for seed in range(given.seeds):
            for loss in given.loss or [None]:
                words = [f"{slot}={choice}" for slot, choice in (("metric", given.metric), ("loss", loss)) if choice]
                with tempfile.TemporaryDirectory() as folder:
                    run = train(
                        path,
                        target=target.split(","),
                        task=given.task,
                        pins=read_pins(words, ["benchmark"] if words else []),
                        budget=given.budget,
                        seed=seed,
                        directory=Path(folder) / "run",
                    )
                    print(f"{Path(path).stem} seed {seed} {run.bundle.loss}: {told(run)}", flush=True)


if __name__ == "__main__":
    main()
