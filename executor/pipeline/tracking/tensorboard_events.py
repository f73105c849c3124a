"""Epochs of each trial as TensorBoard events.

TensorFlow writes them by itself; the package tensorboard is needed only to view them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from executor.search.records.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.runs.run import Run
    from executor.search.records.outcome import Outcome

FOLDER = "tensorboard"  # default folder


def log_run(run: Run, place: str) -> str:
    """Write a folder of events for each trial, below a folder with the name of the run, and return that folder."""
    folder = Path(place or FOLDER) / run.directory.resolve().name
    for outcome in Journal(run.directory).outcomes:
        _write(folder / f"trial-{outcome.number:04d}", epochs_of(outcome, metric=str(run.scores.metric)))
    final = {"hold-out": [run.scores.hold_out.value]}
    final |= {f"hold-out/{name}": [value] for name, value in run.scores.others.items()}
    _write(folder / "final", final)
    return str(folder)


def epochs_of(outcome: Outcome, *, metric: str) -> dict[str, Sequence[float | None]]:
    """Values of each epoch of a trial by name; None where they are not finite."""
    return {
        f"validation {metric}": outcome.epoch_scores,
        "training loss": outcome.training_loss,
        "gradient norm": outcome.gradient_norm,
        "weight norm": outcome.weight_norm,
        "learning rate": outcome.epoch_rates,
    }


def _write(folder: Path, values: Mapping[str, Sequence[float | None]]) -> None:
    """Write values of the epochs 1, 2, … by tag."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.device("/CPU:0"):
        writer = tf.raw_ops.SummaryWriter()
        tf.raw_ops.CreateSummaryFileWriter(
            writer=writer, logdir=str(folder), max_queue=1_000, flush_millis=120_000, filename_suffix=".pcwat"
        )
        for tag, series in values.items():
            for epoch, value in enumerate(series, start=1):
                if value is not None:
                    step = tf.constant(epoch, tf.int64)
                    tf.raw_ops.WriteScalarSummary(writer=writer, step=step, tag=tag, value=float(value))
        tf.raw_ops.CloseSummaryWriter(writer=writer)
