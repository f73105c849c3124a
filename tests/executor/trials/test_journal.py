"""The journal outlives a process that dies while it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from executor.trials.journal import Journal, Outcome, weights_path
from rules.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


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
        epoch_scores=(None, 1 / 3, 0.25),
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
            | {"seconds": 1}
        )


@pytest.mark.parametrize("score", [float("inf"), float("nan")])
def test_inf_is_never_a_score(score: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Outcome(number=0, hyperparameters={}, status="completed", score=score, epochs=1, planned_epochs=1, seconds=1)
