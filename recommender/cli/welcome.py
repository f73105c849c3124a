"""What `recommend` alone says: three commands to begin with, on a dataset that comes with it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from recommender.examples import example

if TYPE_CHECKING:
    from pathlib import Path


def lesson() -> str:
    """Three commands that run as they stand, whatever the working directory."""
    dataset = shlex.quote(_shortest(example("breast_cancer")))
    return f"""\
Which deep-learning strategy fits a dataset, why, and the trained model.

Three commands to begin with, on a dataset that comes with it: tumours, benign
or malignant.

1. The strategy: metric, cost function, initialization, optimizer and tuning,
   each with its reason. This takes a second.

   recommend {dataset} --target diagnosis

2. The model: it is searched for under that strategy, and judged on rows that
   it never saw. This takes a minute.

   recommend train {dataset} \\
     --target diagnosis --budget 60s -o runs/first

3. New rows: their answers, by the model of that run.

   recommend predict runs/first {dataset} -o answers.csv

Then your own table: recommend TABLE.csv --target COLUMN
All commands: recommend --help; one of them: recommend train --help
For the tab key: recommend completion --help
"""


def _shortest(path: Path) -> str:
    """A path as people would type it from the working directory, where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return min(relative, str(path), key=len)
