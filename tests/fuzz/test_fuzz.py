"""Hostile files of every kind end with exit 0, 1 or 2, without a traceback and without a file outside the outputs.

`python -m benchmarks.checks.fuzz` runs ten thousand cases of the same generators, with limits on memory and time.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.effort import EFFORT
from tests.fuzz.inputs import GENERATORS, Case, cases, execute, write_case

if TYPE_CHECKING:
    from pathlib import Path

CASES = 5 * EFFORT  # of each kind; thirteen kinds


@pytest.mark.parametrize("kind", GENERATORS)
def test_hostile_files_end_without_a_traceback_or_a_stray_file(kind: str, tmp_path: Path) -> None:
    @settings(max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
    @given(case=cases(kind))
    def check(case: Case) -> None:
        write_case(case, tmp_path / "case")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries about what they read
            verdict = execute(case, tmp_path / "case")
        assert verdict.is_clean, (case.words, verdict)

    check()
