"""The journal outlives a process that dies while it writes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from executor.search.records.journal import Journal
from executor.search.records.outcome import Outcome
from executor.search.records.weights import read_arrays, read_weights, weights_path, write_arrays, write_weights
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable


def outcome(number: int, directory: Path) -> Outcome:
    return Outcome(
        number=number,
        hyperparameters={"learning_rate": 0.1 + 0.2, "units": 256, "schedule": "cosine"},
        status="completed",
        score=1 / 3,
        epochs=3,
        best_epoch=2,
        planned_epochs=100,
        seconds=0.5,
        ended_by="early_stopping",
        epoch_scores=(None, 1 / 3, 0.25),
        configuration={"schedule": "cosine", "batch_size": 64, "epsilon": 1e-7, "nesterov": True},
        training_loss=(0.7, 0.1 + 0.2, None),
        gradient_norm=(1.5, 1e-9, None),
        weights=weights_path(directory, number),
    )


def test_what_is_read_equals_what_was_written_to_the_last_bit(tmp_path: Path) -> None:
    first, second = outcome(0, tmp_path), outcome(1, tmp_path)
    journal = Journal(tmp_path)
    journal.append([first])
    journal.append([second])
    assert Journal(tmp_path).outcomes == [first, second]


def test_a_run_directory_may_be_moved(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    Journal(before).append([outcome(0, before)])
    before.rename(after)
    assert Journal(after).outcomes == [outcome(0, after)]


def test_a_torn_last_line_is_cut_off_and_the_next_one_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([outcome(0, tmp_path)])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + whole[: len(whole) // 2])
    reopened = Journal(tmp_path)
    assert reopened.outcomes == [outcome(0, tmp_path)]
    assert journal.path.read_bytes() == whole
    reopened.append([outcome(1, tmp_path)])
    assert [line.number for line in Journal(tmp_path).outcomes] == [0, 1]


def test_a_line_damaged_elsewhere_is_an_error_that_names_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([outcome(0, tmp_path)])
    journal.path.write_text("{}\n" + journal.path.read_text())
    with pytest.raises(RunError, match=r"trials\.jsonl must be a finished trial, but line 1 is not"):
        Journal(tmp_path)


@pytest.mark.parametrize(("status", "score"), [("completed", None), ("failed", 0.5), ("diverged", 0.5)])
def test_a_trial_has_a_score_exactly_when_it_was_completed(status: str, score: float | None) -> None:
    with pytest.raises(ValidationError, match="if, and only if"):
        Outcome.model_validate(
            {"number": 0, "hyperparameters": {}, "status": status, "score": score, "epochs": 1, "planned_epochs": 1}
            | {"seconds": 1, "ended_by": "completed"}
        )


@pytest.mark.parametrize("score", [float("inf"), float("nan")])
def test_inf_is_never_a_score(score: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Outcome(
            number=0,
            hyperparameters={},
            status="completed",
            score=score,
            epochs=1,
            planned_epochs=1,
            seconds=1,
            ended_by="completed",
        )


OLD_LINE = {
    "number": 0, "round": 0, "asked": 1, "hyperparameters": {"units": 64}, "configuration": {}, "status": "completed",
    "score": 0.5, "cost": 0.7, "epochs": 3, "best_epoch": 2, "planned_epochs": 100, "seconds": 0.5,
    "epoch_seconds": None, "message": "", "epoch_scores": [0.25, 0.5, 0.5], "epoch_rates": [], "epoch_progress": [],
    "first_weights": {}, "training_loss": [], "gradient_norm": [], "continues": None, "weights": None, "search": "",
    "digests": {},
}  # fmt: skip
"""Of a journal that did not say what ended a trial."""


@pytest.mark.parametrize(
    ("values", "ended_by"),
    [
        ({}, "early_stopping"),
        ({"epochs": 100}, "completed"),
        ({"message": "cut short by the time budget in epoch 3 of 100"}, "deadline"),
        ({"message": "cut short by Ctrl-C after epoch 3 of 100"}, "interrupt"),
        ({"status": "diverged", "score": None, "message": "roc_auc was not finite"}, "diverged"),
        ({"status": "failed", "score": None, "message": "cut short by the time budget"}, "failed"),
    ],
)
def test_lines_of_older_versions_say_what_ended_a_trial_and_keep_their_digest(
    values: dict[str, Any], ended_by: str, tmp_path: Path
) -> None:
    content = OLD_LINE | values
    canonical = json.dumps(content, separators=(",", ":"))
    line = content | {"seal": hashlib.sha256(f"|{canonical}".encode()).hexdigest()}
    (tmp_path / "trials.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    first = Journal(tmp_path).outcomes[0]
    assert first.ended_by == ended_by
    assert first.is_cut_short is (ended_by in {"deadline", "interrupt"})


def in_rounds(directory: Path, *sizes: int) -> list[Outcome]:
    """Outcomes of rounds of so many trials each, numbered on."""
    numbers = iter(range(sum(sizes)))
    return [
        outcome(next(numbers), directory).model_copy(update={"round": number, "asked": size})
        for number, size in enumerate(sizes)
        for _ in range(size)
    ]


def test_rounds_and_how_many_were_asked_for_are_read_back(tmp_path: Path) -> None:
    written = in_rounds(tmp_path, 3, 1, 2)
    journal = Journal(tmp_path)
    for number in range(3):
        journal.append([one for one in written if one.round == number])
    assert Journal(tmp_path).outcomes == written
    assert [(one.round, one.asked) for one in Journal(tmp_path).outcomes] == [
        (0, 3), (0, 3), (0, 3), (1, 1), (2, 2), (2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("bytes_of_the_second_round", [0, 1, 0.3, 0.5, 0.999])
def test_a_round_is_kept_whole_or_not_at_all(tmp_path: Path, bytes_of_the_second_round: float) -> None:
    """Wherever a kill cuts the second round of three lines, the first one is left, and the next one is whole."""
    first, second = in_rounds(tmp_path, 2, 3)[:2], in_rounds(tmp_path, 2, 3)[2:]
    journal = Journal(tmp_path)
    journal.append(first)
    kept = journal.path.read_bytes()
    journal.append(second)
    whole = journal.path.read_bytes()
    share = bytes_of_the_second_round
    journal.path.write_bytes(whole[: len(kept) + int(share if share >= 1 else share * (len(whole) - len(kept)))])

    reopened = Journal(tmp_path)
    assert reopened.outcomes == first
    assert reopened.path.read_bytes() == kept
    reopened.append(second)
    assert Journal(tmp_path).outcomes == first + second


@pytest.mark.parametrize("lines", [1, 2])
def test_a_round_that_is_cut_between_two_lines_is_not_kept(tmp_path: Path, lines: int) -> None:
    journal = Journal(tmp_path)
    journal.append(in_rounds(tmp_path, 3))
    journal.path.write_bytes(b"".join(journal.path.read_bytes().splitlines(keepends=True)[:lines]))
    assert Journal(tmp_path).outcomes == []
    assert journal.path.read_bytes() == b""


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_one_error_and_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    first, second = in_rounds(tmp_path, 2, 2)[:2], in_rounds(tmp_path, 2, 2)[2:]
    journal.append(first)
    before = journal.path.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)  # by then the lines are in the file
        with pytest.raises(RunError, match=r"Cannot write .*trials\.jsonl: No space left on device\. Free disk space"):
            journal.append(second)
    assert journal.path.read_bytes() == before
    assert journal.outcomes == first
    journal.append(second)
    assert Journal(tmp_path).outcomes == first + second


def read_only(kind: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a method refuse as a read-only disk does; the tests may run as root, whom permissions do not stop."""

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(kind, name, refused)


def test_a_read_only_run_directory_is_one_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        read_only(Path, "mkdir", context)
        with pytest.raises(RunError, match=r"Cannot use the run directory .*: Read-only file system\. Allow reading"):
            Journal(tmp_path)
    journal = Journal(tmp_path)
    read_only(Path, "open", monkeypatch)
    with pytest.raises(RunError, match=r"Cannot write .*: Read-only file system\..*allow writing"):
        journal.append([outcome(0, tmp_path)])
    assert journal.outcomes == []
    assert not journal.path.exists()


def test_a_torn_journal_on_a_read_only_disk_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.path.write_text('{"number": 0, "hyp')
    read_only(os, "truncate", monkeypatch)  # type: ignore[arg-type]  # a module
    with pytest.raises(RunError, match="Cannot use the run directory"):
        Journal(tmp_path)


ARRAYS = {"steps": np.float32(3), "0 000": np.arange(6, dtype=np.float32).reshape(2, 3), "0 001": np.zeros((0, 2))}


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "some.npz", ARRAYS)
    read = read_arrays(tmp_path / "some.npz")
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
    write_weights(tmp_path / "weights.npz", [np.full(1, number) for number in range(12)])
    assert [int(weight[0]) for weight in read_weights(tmp_path / "weights.npz")] == [*range(12)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_of_arrays_is_an_error_that_names_it(tmp_path: Path, share: float) -> None:
    path = tmp_path / "some.npz"
    write_arrays(path, ARRAYS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(RunError, match=r"A run must hold .*some\.npz, but it cannot be read"):
        read_arrays(path)


@pytest.mark.parametrize("damage", [lambda whole: b"\0" * len(whole), lambda whole: whole.replace(b"NUMPY", b"numpy")])
def test_a_damaged_file_of_arrays_is_an_error_that_names_it(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "some.npz"
    write_arrays(path, ARRAYS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunError, match=r"some\.npz, but it cannot be read"):
        read_arrays(path)


def test_a_missing_file_of_arrays_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"some\.npz, but it cannot be read"):
        read_arrays(tmp_path / "some.npz")


def test_arrays_that_a_full_disk_refuses_leave_the_older_ones_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some.npz"
    write_arrays(path, ARRAYS)

    def half(beside: Path, **_: object) -> None:
        beside.write_bytes(b"PK")
        no_room()

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(RunError, match=r"Cannot write .*some\.npz: No space left on device\. Free disk space"):
        write_arrays(path, {})
    assert [file.name for file in tmp_path.iterdir()] == ["some.npz"]
    assert read_arrays(path).keys() == ARRAYS.keys()
