"""The files that a competitor reads and writes, in one folder. Needs pandas alone and imports nothing of pcwat.

Every script in this folder is called, with the Python of the competitor's own environment, as

    PYTHON SCRIPT.py PEER FOLDER SECONDS

and finds in FOLDER
- `train.csv`: all columns and `target`: the index of the class, or the number;
- `unseen.csv`: the same columns without `target`;
- `task.txt`: binary, multiclass or regression, and the metric that is scored, such as roc_auc.

It writes `answers.csv`: the column `prediction` and, for a classifier, the probability of each class that it was
trained on, in a column named by the class's index; and `version.txt`.
"""

from __future__ import annotations

import importlib.metadata
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

STARTED = time.monotonic()
"""Importing the peer counts as its time; the start of Python and pandas, less than a second, does not."""


@dataclass(frozen=True)
class Work:
    """Rows to learn from, rows to answer for, and until when."""

    features: pd.DataFrame
    target: pd.Series
    unseen: pd.DataFrame
    task: str
    metric: str
    seconds: float

    @property
    def is_classification(self) -> bool:
        return self.task != "regression"

    def left(self, reserve: float = 0.0) -> float:
        """Seconds that are left, less what is kept for answering; at least five."""
        return max(5.0, self.seconds - (time.monotonic() - STARTED) - reserve)


@dataclass(frozen=True)
class Answers:
    """A prediction for each unseen row; probabilities: (rows, classes), whose columns are `classes`."""

    prediction: np.ndarray
    probabilities: np.ndarray | None = None
    classes: np.ndarray | None = None


def word_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that are not numbers."""
    return [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]


def with_codes(work: Work) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features and the unseen rows with words as ordinal codes; -1 where missing or never seen."""
    features, unseen = work.features.copy(), work.unseen.copy()
    for name in word_columns(features):
        levels = pd.Categorical(features[name]).categories
        features[name] = pd.Categorical(features[name], categories=levels).codes
        unseen[name] = pd.Categorical(unseen[name], categories=levels).codes
    return features, unseen


def answers_of(model: object, work: Work, unseen: pd.DataFrame) -> Answers:
    """What a fitted model with the interface of scikit-learn says."""
    prediction = model.predict(unseen)
    if not work.is_classification:
        return Answers(prediction)
    return Answers(prediction, model.predict_proba(unseen), model.classes_)


def answer(peers: Mapping[str, tuple[str, Callable[[Work], Answers]]]) -> None:
    """Do what the command line asks. peers: name → the distribution that it comes from, and what answers."""
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    distribution, fit = peers[name]
    train, unseen = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "unseen.csv")
    task, metric = (folder / "task.txt").read_text(encoding="utf-8").split()
    (folder / "version.txt").write_text(f"{distribution} {importlib.metadata.version(distribution)}", encoding="utf-8")
    said = fit(Work(train.drop(columns="target"), train["target"], unseen, task, metric, seconds))
    columns = {"prediction": said.prediction}
    if said.probabilities is not None and said.classes is not None:
        columns |= {str(int(label)): said.probabilities[:, at] for at, label in enumerate(said.classes)}
    pd.DataFrame(columns).to_csv(folder / "answers.csv", index=False)
