"""Comparison of several systems on one dataset: same training rows, same hold-out, same scoring function.

The hold-out is the one that `recommend train` makes with seed 0. A competitor gets all other rows and may use them as
it likes. The metric is the one that the rules recommend.
"""

from __future__ import annotations

import hashlib
import math
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv
from pydantic import BaseModel, ConfigDict, TypeAdapter

from executor.components.metric import PerformanceMetric, Predictions, create_metric
from executor.data.read_rows import read_rows
from executor.data.split import Split, split
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import advise
from rules.decision.request import Request
from rules.proof.proved_book import load_book
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executor.data.raw_table import RawTable

RESULTS: Final = Path(__file__).with_name("peers.json")
RUNNERS: Final = Path(__file__).with_name("peers")
RUNNER_OF: Final = {
    "hgb": "boosting.py",
    "lightgbm": "boosting.py",
    "skmlp": "boosting.py",
    "flaml": "boosting.py",
    "autokeras": "autokeras_tables.py",
    "autogluon": "gluon.py",
    "autogluon_nn": "gluon.py",
    "autogluon_best": "gluon.py",
    "realmlp": "networks.py",
    "tabm": "networks.py",
    "catboost": "networks.py",
}
"""The peers, and what runs each of them in its own environment."""
PATIENCE: Final = 5  # budgets, after which a peer has failed
MAX_NOTE_LENGTH: Final = 200  # letters
SEED: Final = 0


class Result(BaseModel):
    """What a system scored on the hold-out of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    peer: str
    version: str = ""
    """The distribution that it comes from, and its version."""
    split: str
    """Contest.digest."""
    metric: str
    direction: Literal["max", "min"]
    score: float | None
    """None if it gave no answer."""
    note: str = ""
    """Why there is no score, or that all answers are the same class."""
    seconds: float
    """Wall clock, from the start of its process to its end."""
    budget: float
    """Seconds."""
    machine: str = ""
    load: float | None = None
    """Cores that other processes used meanwhile, in the mean; None where the system does not tell."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A dataset, split."""

    name: str
    task: Task
    metric: PerformanceMetric
    labels: tuple[str, ...]
    rows: RawTable
    parts: Split
    digest: str
    """SHA-256 of the dataset's digest and of the numbers of the hold-out's rows."""

    @property
    def truth(self) -> np.ndarray:
        """The hold-out's: class indices (rows,), or values (rows, 1)."""
        return self.rows.truth[self.parts.hold_out]

    @property
    def rare_class(self) -> int | None:
        """Index of the class with fewer training rows, of a binary task."""
        if self.task is not Task.BINARY:
            return None
        zeros, ones = np.bincount(self.rows.truth[self.parts.train], minlength=2)
        return int(ones <= zeros)


def open_contest(name: str, path: Path, target: str, *, directory: Path | None = None) -> Contest:
    """Split a dataset, and write into the directory what a peer is given, as `peers/exchange.py` describes it."""
    with Dataset.open(str(path)) as dataset:
        advice = advise(dataset, Request(target=(target,)), book=load_book())
        rows = read_rows(dataset, advice.roles)
        parts = split(rows, advice.roles, seed=SEED)
        held_out = rows.rows[parts.hold_out].astype("<i8").tobytes()
        contest = Contest(
            name=name,
            task=advice.roles.task,
            metric=create_metric(advice.bundle.metric),
            labels=advice.roles.labels,
            rows=rows,
            parts=parts,
            digest=hashlib.sha256(dataset.digest.encode() + held_out).hexdigest(),
        )
        if directory is not None:
            everything = dataset.connection.sql("SELECT * FROM dataset").to_arrow_table().drop_columns([target])
            write_material(contest, everything, directory)
    return contest


def write_material(contest: Contest, everything: pa.Table, directory: Path) -> None:
    """Write train.csv, unseen.csv and task.txt. everything: all rows of the dataset, without the target.

    The rows to learn from are shuffled, for some peers validate on the last ones.
    """
    learning = np.union1d(contest.parts.train, contest.parts.validation)
    np.random.default_rng(SEED).shuffle(learning)
    target = pa.array(contest.rows.truth[learning].ravel())
    features = everything.take(contest.rows.rows[learning])
    csv.write_csv(features.append_column("target", target), directory / "train.csv")
    csv.write_csv(everything.take(contest.rows.rows[contest.parts.hold_out]), directory / "unseen.csv")
    (directory / "task.txt").write_text(f"{contest.task.value} {contest.metric.name}", encoding="utf-8")


def score(contest: Contest, answers: pa.Table) -> tuple[float | None, str]:
    """P of a peer's answers for the hold-out, and a note. A class that it does not know has the probability 0."""
    said = answers["prediction"].to_numpy().astype(np.float64)
    if len(said) != len(contest.truth) or not np.isfinite(said).all():
        return None, f"{np.isfinite(said).sum()} answers for {len(contest.truth)} rows"
    if contest.task is Task.REGRESSION:
        decided = outcome = said[:, None]
    else:
        decided = said.astype(np.int64)
        outcome = np.eye(len(contest.labels))[decided]  # of a peer without probabilities
        if answers.num_columns > 1:
            outcome = np.zeros_like(outcome)
            for label in answers.column_names[1:]:
                outcome[:, int(label)] = answers[label].to_numpy()
        if contest.task is Task.BINARY:
            outcome = outcome[:, 1:]
    predictions = Predictions(
        task=contest.task, truth=contest.truth, outcome=outcome, decided=decided, rare_class=contest.rare_class
    )
    value = contest.metric.of_predictions(predictions)
    is_constant = contest.task.is_classification and len(np.unique(decided)) == 1
    note = f"always {contest.labels[decided[0]]!r}" if is_constant else ""
    return (float(value), note) if math.isfinite(value) else (None, f"{contest.metric.name} is undefined")


def run_peer(contest: Contest, peer: str, python: str, *, budget: float, directory: Path) -> Result:
    """Let a peer learn and answer within its own environment; python: that environment's interpreter.

    directory: where `open_contest` wrote what it is given.
    """
    answers, version = directory / "answers.csv", directory / "version.txt"
    for left_over in (answers, version):
        left_over.unlink(missing_ok=True)
    command = [python, str(RUNNERS / RUNNER_OF[peer]), peer, str(directory), str(budget)]
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own, everyone, start = _own_seconds(), busy_seconds(), time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603  an interpreter that the caller named
            command, capture_output=True, text=True, timeout=PATIENCE * budget, env=alone, check=False
        )
        problem = (
            (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1] if done.returncode else ""
        )
    except subprocess.TimeoutExpired:
        problem = f"no answer after {PATIENCE * budget:.0f} s"
    seconds = time.monotonic() - start
    others = None if everyone is None else max(0.0, busy_seconds() - everyone - _own_seconds() + own)
    value, note = (None, problem[:MAX_NOTE_LENGTH]) if problem else score(contest, csv.read_csv(answers))
    return Result(
        dataset=contest.name,
        peer=peer,
        version=version.read_text(encoding="utf-8") if version.exists() else "",
        split=contest.digest,
        metric=contest.metric.name,
        direction=contest.metric.direction,
        score=value,
        note=note,
        seconds=round(seconds, 1),
        budget=budget,
        machine=machine(),
        load=None if others is None else round(others / seconds, 2),
    )


def machine() -> str:
    """Cores and memory of this machine, in words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, no GPU used"


def _own_seconds() -> float:
    """Core-seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def busy_seconds() -> float | None:
    """Core-seconds of all processes since the machine started, stolen ones included; None but on Linux.

    Those of a lower priority are left out: they give way. /proc/stat counts user, nice, system, idle, iowait, irq,
    softirq, steal (proc(5)).
    """
    counts = Path("/proc/stat")
    if not counts.exists():
        return None
    ticks = [int(each) for each in counts.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[1] - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def read_results(path: Path = RESULTS) -> dict[tuple[str, str, float], Result]:
    """What peers scored, by dataset, peer and budget."""
    if not path.exists():
        return {}
    found = TypeAdapter(list[Result]).validate_json(path.read_bytes())
    return {(result.dataset, result.peer, result.budget): result for result in found}


def write_results(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Keep results, one on a line."""
    ordered = sorted(results, key=lambda result: (result.dataset, result.peer, result.budget))
    lines = ",\n".join(result.model_dump_json() for result in ordered)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
