from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from executor.runtime.log import LOG, LOG_FILE, listen_to_log, write_run_log
from executor.search.records.journal import log_trials
from executor.search.records.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path


def test_each_sentence_is_one_line_with_time_and_level_and_without_control_characters(tmp_path: Path) -> None:
    with write_run_log(tmp_path):
        LOG.info("column %s", "a\nb\x1b[31m")
        LOG.warning("100 %% of %s", "it")
    first, second = (tmp_path / LOG_FILE).read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4} INFO    column a\\nb\\x1b\[31m", first)
    assert second.endswith("WARNING 100 % of it")


def test_a_run_that_goes_on_writes_behind_what_is_there(tmp_path: Path) -> None:
    for sentence in ("first", "second"):
        with write_run_log(tmp_path):
            LOG.info(sentence)
    assert [line.split()[-1] for line in (tmp_path / LOG_FILE).read_text(encoding="utf-8").splitlines()] == [
        "first",
        "second",
    ]


def test_after_a_run_nothing_is_written_any_more(tmp_path: Path) -> None:
    with write_run_log(tmp_path):
        LOG.info("in")
    LOG.info("out")
    assert "out" not in (tmp_path / LOG_FILE).read_text(encoding="utf-8")


def test_errors_and_ctrl_c_are_noted_and_raised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bad"), write_run_log(tmp_path):
        raise ValueError("bad")
    with pytest.raises(KeyboardInterrupt), write_run_log(tmp_path):
        raise KeyboardInterrupt
    text = (tmp_path / LOG_FILE).read_text(encoding="utf-8")
    assert "Ended by ValueError: bad" in text
    assert "Stopped by Ctrl-C." in text


def test_a_log_that_cannot_be_opened_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / LOG_FILE).mkdir()
    with write_run_log(tmp_path):
        LOG.info("heard by nobody")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a device of Linux")
def test_a_log_on_a_full_disk_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / LOG_FILE).symlink_to("/dev/full")
    with write_run_log(tmp_path):
        LOG.info("lost")


def test_trials_are_told_with_how_they_ended() -> None:
    heard: list[str] = []
    common = {"epochs": 2, "planned_epochs": 9, "seconds": 1.25}
    with listen_to_log(heard.append):
        log_trials(
            [
                Outcome(
                    number=0,
                    hyperparameters={"units": 64},
                    status="completed",
                    ended_by="completed",
                    score=0.5,
                    **common,
                ),
                Outcome(
                    number=1,
                    hyperparameters={},
                    status="diverged",
                    ended_by="diverged",
                    score=None,
                    message="not finite",
                    **common,
                ),
            ]
        )
    assert heard == [
        "Trial 0: score 0.5 after 2 of 9 epochs in 1.2 s (units 64).",
        "Trial 1 diverged after 2 of 9 epochs in 1.2 s (default configuration): not finite",
    ]
