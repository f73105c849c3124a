"""`recommend report`: one page of a run, in which names of the data stay text."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from executor.report.cli import report
from executor.report.confusion import confusion
from executor.report.page import page
from executor.run import PREDICTIONS, Run
from rules.errors import PcwatError, RunError

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = """<script>alert(1)</script></style>{{ 7*7 }}"'\u202e"""


@pytest.fixture
def copied(cancer_run: Run, tmp_path: Path) -> Run:
    """The run in a directory that a test may change."""
    shutil.copytree(cancer_run.directory, tmp_path / "run")
    return Run(tmp_path / "run")


def test_the_page_has_the_answer_and_asks_for_nothing_from_elsewhere(cancer_run: Run) -> None:
    text = page(cancer_run)
    for part in ("roc_auc", "rows that were never seen", "The strategy, and why", "To repeat it"):
        assert part in text
    for outside in ("<script", "http://", "https://", "src=", "@import", "url("):
        assert outside not in text


def test_a_hostile_name_stays_text(copied: Run) -> None:
    record = copied.record
    seen = record.dataset.model_copy(update={"name": HOSTILE, "targets": (HOSTILE,)})
    copied.__dict__["record"] = record.model_copy(update={"dataset": seen})
    text = page(copied)
    assert "<script" not in text
    assert text.count("</style>") == 1
    assert "{{ 7*7 }}" in text


def test_the_confusion_matrix_counts_the_rows_of_the_hold_out(cancer_run: Run) -> None:
    found = confusion(cancer_run)
    assert found is not None
    with (cancer_run.directory / PREDICTIONS).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = sum(row["truth"] == row["prediction"] for row in rows)
    assert sum(map(sum, found.counts)) == len(rows)
    assert sum(found.counts[at][at] for at in range(2)) == right


def test_damage_is_told_with_the_file(copied: Run) -> None:
    (copied.directory / PREDICTIONS).unlink()
    with pytest.raises(RunError, match=r"predictions\.csv cannot be read: .*\. Restore the file"):
        page(copied)


def test_the_page_never_overwrites_what_the_run_holds(copied: Run) -> None:
    words = [str(copied.directory), "-o", str(copied.directory / PREDICTIONS)]
    ended = CliRunner().invoke(report, words)
    assert isinstance(ended.exception, PcwatError)
    assert "must not overwrite what is read" in str(ended.exception)


def test_writing_the_page_does_not_import_tensorflow(cancer_run: Run, tmp_path: Path) -> None:
    command = (
        "import sys; from executor.report.cli import report; report(sys.argv[1:], standalone_mode=False); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    words = [str(cancer_run.directory), "-o", str(tmp_path / "report.html")]
    subprocess.run([sys.executable, "-c", command, *words], check=True, timeout=60)
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
