"""A stopped run is resumed only from the files that it wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from executor import resume, train
from executor.pipeline.prepare import prepare, reopen
from executor.runs.files import PLAN
from executor.runs.plan import read_plan
from executor.runtime.budget import Budget
from executor.search.records.journal import JOURNAL, Journal, read_lines, search_digest
from executor.search.records.outcome import Outcome
from executor.search.records.weights import WEIGHTS, read_weights, state_path, weights_path, write_arrays, write_weights
from recommender.dataset.dataset import Dataset
from recommender.dataset.digest import digest_of
from recommender.run_manifest import RECORD, SCORES
from rules.decision.record import Record
from rules.decision.request import Request
from rules.decision.trace import Pin
from rules.errors import RunError
from rules.text.temporary import process_prefix
from rules.vocabulary.choices import Holdout

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was stopped after two rounds of one trial, with weights and a state."""
    table = tmp_path / "table.csv"
    rows = [f"{number},{number * 7 % 11},{'yes' if number % 3 else 'no'}" for number in range(90)]
    table.write_text("\n".join(["a,b,y", *rows, ""]), encoding="utf-8")
    directory = tmp_path / "run"
    with Dataset.open(str(table)) as dataset:
        prepare(dataset, Request(target="y"), budget=Budget(trials=4), directory=directory, at_once=3)
    plan = read_plan(directory)
    journal = Journal(directory, search=search_digest(plan.bundle, plan.seed))
    for number in range(2):
        write_weights(weights_path(directory, number), [np.full(3, number, np.float32)])
        write_arrays(state_path(directory, number), {"weight 000": np.full(3, number, np.float32)})
        journal.append([outcome(number, directory)])
    return directory


def outcome(number: int, directory: Path) -> Outcome:
    return Outcome(
        number=number,
        round=number,
        hyperparameters={"learning_rate": 0.1},
        status="completed",
        score=0.5,
        epochs=3,
        best_epoch=2,
        planned_epochs=3,
        ended_by="completed",
        seconds=0.5,
        weights=weights_path(directory, number),
    )


def test_files_that_a_killed_process_left_in_trials_are_removed_when_the_search_resumes(stopped: Path) -> None:
    kept = {path.name for path in (stopped / WEIGHTS).iterdir()}
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    node = process_prefix().removesuffix(f"-{os.getpid()}")
    for name in ("0002.weights.npz", "0002.state.npz", "partial.0001.weights.npz", f".{node}-{ended.pid}-0.npz"):
        (stopped / WEIGHTS / name).write_bytes(b"PK half")
    (stopped / WEIGHTS / "notes.txt").write_text("mine", encoding="utf-8")
    running = stopped / WEIGHTS / f".{process_prefix()}-0.npz"
    running.write_bytes(b"PK half")
    Journal(stopped).remove_unfinished()
    assert {path.name for path in (stopped / WEIGHTS).iterdir()} == kept | {"notes.txt", running.name}


def test_a_run_that_a_full_disk_refuses_leaves_nothing_behind(
    stopped: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    directory = stopped.parent / "full"
    with (
        Dataset.open(str(stopped.parent / "table.csv")) as dataset,
        pytest.raises(RunError, match=r"Cannot write .*record\.json: File too large\. Free disk space"),
        file_size_limit(10_000),  # bytes: room for bundle.yaml
    ):
        prepare(dataset, Request(target="y"), budget=Budget(trials=4), directory=directory)
    assert not directory.exists()


def refused(directory: Path) -> str:
    with pytest.raises(RunError) as error:
        reopen(directory)
    return str(error.value)


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values), encoding="utf-8")


def test_an_untouched_run_is_resumed_with_its_number_of_trials_at_once(stopped: Path) -> None:
    begun = reopen(stopped)
    begun.dataset.close()
    assert begun.plan.at_once == 3
    assert [one.number for one in Journal(stopped).outcomes] == [0, 1]


@pytest.mark.parametrize(
    "change", [{"seed": 7}, {"trials": 9}, {"at_once": 1}, {"digest": "sha256:0"}, {"record": "sha256:0"}, {"seal": ""}]
)
def test_an_edited_plan_is_refused(stopped: Path, change: dict[str, Any]) -> None:
    edit(stopped / PLAN, **change)
    assert str(stopped / PLAN) in refused(stopped)


@pytest.mark.parametrize("seal", ["kept", "recomputed"])
def test_an_edited_record_is_refused_even_with_a_new_chain(stopped: Path, seal: str) -> None:
    path = stopped / RECORD
    if seal == "kept":
        edit(path, created="1999-01-01T00:00:00Z")
    else:
        other = stopped.parent / "other"
        with Dataset.open(str(stopped.parent / "table.csv")) as dataset:
            prepare(dataset, Request(target="y"), budget=Budget(trials=5), directory=other)
        path.write_bytes((other / RECORD).read_bytes())
        assert not Record.read(path).altered()
    assert str(path) in refused(stopped)


@pytest.mark.parametrize(
    ("before", "after"),
    [('"score":0.5', '"score":0.9'), ('"learning_rate":0.1', '"learning_rate":0.2'), ('"seconds":0.5', '"seconds":9')],
)
def test_an_edited_trial_is_refused(stopped: Path, before: str, after: str) -> None:
    path = stopped / JOURNAL
    path.write_text(path.read_text(encoding="utf-8").replace(before, after, 1), encoding="utf-8")
    assert f"{path} was altered: line 1" in refused(stopped)


def test_a_removed_trial_is_refused(stopped: Path) -> None:
    path = stopped / JOURNAL
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[1])
    assert f"{path} was altered: line 1" in refused(stopped)


def test_a_trial_without_a_digest_is_refused(stopped: Path) -> None:
    path = stopped / JOURNAL
    line = json.loads(path.read_bytes().splitlines()[0])
    path.write_text(json.dumps(line | {"seal": ""}) + "\n", encoding="utf-8")
    assert f"{path} cannot be resumed: line 1 has no digest" in refused(stopped)


def test_the_trials_of_another_seed_are_refused(stopped: Path) -> None:
    (stopped / JOURNAL).unlink()
    plan = read_plan(stopped)
    Journal(stopped, search=search_digest(plan.bundle, 1)).append([outcome(0, stopped)])
    assert "line 1 has another bundle or seed" in refused(stopped)


@pytest.mark.parametrize("where", [weights_path, state_path])
@pytest.mark.parametrize("damage", ["truncated", "foreign", "missing"])
def test_damaged_weights_are_refused_by_their_name(stopped: Path, where: Any, damage: str) -> None:
    path = where(stopped, 1)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "foreign":
        path.write_bytes(where(stopped, 0).read_bytes())
    else:
        path.unlink()
    assert str(path) in refused(stopped)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one trained trial, as it is before the model is chosen; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [f"{number},{number * 7 % 11},{'yes' if number % 3 else 'no'}" for number in range(90)]
    (folder / "table.csv").write_text("\n".join(["a,b,y", *rows, ""]), encoding="utf-8")
    pin = Pin(slot="validation", choice=Holdout(), reason="one network is faster")
    run = train(folder / "table.csv", target="y", trials=1, pins=[pin], directory=folder / "run")
    (run.directory / SCORES).unlink()
    return run.directory


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: [np.zeros(3, np.float32) for _ in weights], "does not hold the weights of its trial"),
        (lambda weights: weights[:-1], "does not hold the weights of its trial"),
        (lambda weights: [np.full_like(one, np.nan) for one in weights], "must be finite numbers"),
        (lambda weights: [np.array(["a"]) for _ in weights], "must be finite numbers"),
    ],
    ids=["other shapes", "one fewer", "not finite", "text"],
)
def test_foreign_weights_with_recomputed_digests_are_refused(
    change: Any, message: str, trained: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "run"
    shutil.copytree(trained, directory)
    path = weights_path(directory, 0)
    write_weights(path, change(read_weights(path)))
    (line,), _, _ = read_lines(directory)
    line = line.model_copy(update={"digests": {name: digest_of(directory / name) for name in line.digests}})
    line = line.model_copy(update={"seal": line.fingerprint("")})
    (directory / JOURNAL).write_text(line.model_dump_json(exclude_unset=True) + "\n", encoding="utf-8")
    with pytest.raises(RunError, match=f"{path.name}.*{message}|{message}.*{path.name}"):
        resume(directory)
