"""The text that `recommend` prints without arguments: three commands for a shipped dataset."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from recommender.examples import example

if TYPE_CHECKING:
    from pathlib import Path


def lesson() -> str:
    """Three commands that run in any working directory."""
    dataset = shlex.quote(_shortest(example("breast_cancer")))
    return f"""\
Recommend a deep-learning strategy for a dataset, and train a model.

Try these three commands on a shipped dataset of benign and malignant tumours.

1. Recommend a strategy: metric, cost function, initialization, optimizer,
   tuning and others, each with its reason. This takes a second.

   recommend {dataset} --target diagnosis

2. Train a model with that strategy, and evaluate it on a hold-out. This takes a
   minute.

   recommend train {dataset} \\
     --target diagnosis --budget 60s -o runs/first

3. Predict new rows with that model.

   recommend predict runs/first {dataset} -o predictions.csv

Your own table: recommend TABLE.csv --target COLUMN
Help: recommend --help, recommend train --help
Shell completion: recommend completion --help
"""


def _shortest(path: Path) -> str:
    """A path relative to the working directory, if that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return min(relative, str(path), key=len)
