"""The end of a training on a terminal: of runs of each kind it fits 24 lines at 100 columns."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from executor.evaluation.diagnostics.next_steps import NextStep, NextSteps
from executor.evaluation.verdict import reach_verdict
from executor.runs.run import Run
from executor.runs.scoreboard import MAX_LINES, describe_trials, print_result
from rules.text.numbers import number

RUNS: Final = Path(__file__).parents[2] / "old_runs"
TERMINAL_LINES: Final = 24
SEAL_AND_INTERRUPT: Final = 2  # lines after the result: the seal, and what stopped the run


def printed(run: Run, width: int = 100) -> str:
    text = io.StringIO()
    print_result(run, Console(file=text, width=width, highlight=False))
    return text.getvalue()


@pytest.fixture(params=sorted(path.name for path in RUNS.iterdir() if path.is_dir()))
def run(request: pytest.FixtureRequest) -> Run:
    return Run(RUNS / request.param / "run")


def test_the_result_of_each_kind_of_run_fits_a_terminal(run: Run) -> None:
    lines = printed(run).splitlines()
    assert len(lines) + SEAL_AND_INTERRUPT <= TERMINAL_LINES
    assert max(map(len, lines)) <= 100


def test_the_result_has_the_score_the_verdict_and_the_command_that_predicts(run: Run) -> None:
    text = " ".join(printed(run).split())
    assert run.scores.metric in text
    assert all(name in text for name in run.scores.baselines)
    assert reach_verdict(run.scores).text in text
    assert f"recommend predict {run.directory} ROWS" in text


def test_names_and_scores_are_complete_however_long_a_description_is(run: Run) -> None:
    scores = run.scores
    long = {name: one.model_copy(update={"says": "a description " * 9}) for name, one in scores.baselines.items()}
    run.__dict__["scores"] = scores.model_copy(update={"baselines": long})
    lines = printed(run, 80).splitlines()
    assert max(map(len, lines)) <= 80
    for name, baseline in long.items():
        value = "undefined" if baseline.value is None else number(baseline.value)
        (line,) = [line for line in lines if line.startswith(f"{name}  ") and "a description" in line]
        assert line.removeprefix(name).split()[0] == value


@pytest.mark.parametrize("width", [80, 100, 200])
def test_details_are_left_out_where_the_terminal_is_full(run: Run, width: int) -> None:
    sentence = "A long sentence about the data that takes a line of its own on a terminal of one hundred columns. "
    steps = tuple(NextStep(name="labels", advice=sentence, because="") for _ in range(5))
    run.__dict__["scores"] = run.scores.model_copy(
        update={"missing_classes": (sentence * 3,) * 5, "remarks": (sentence * 2,) * 5}
    )
    run.__dict__["summary"] = run.summary.model_copy(
        update={"next_steps": NextSteps(level=None, is_satisfied=False, why="", steps=steps), "started_late": True}
    )
    lines = printed(run, width).splitlines()
    assert len(lines) <= MAX_LINES
    assert any("The time limit was too short" in line for line in lines)


def test_markup_of_names_is_printed_as_it_is() -> None:
    run = Run(RUNS / "classes" / "run")
    run.__dict__["scores"] = run.scores.model_copy(update={"missing_classes": ("Not learned: class '[red]x[/red]'.",)})
    assert "[red]x[/red]" in printed(run)


def test_a_search_whose_trials_ended_by_themselves_is_not_said_to_be_ended_by_the_time_limit() -> None:
    summary = Run(RUNS / "classes" / "run").summary.model_copy(update={"stopped_by": "budget"})
    assert "ended because no other trial fits into the time limit; the best is trial" in describe_trials(summary)
    cut = summary.model_copy(update={"cut_short": 1})
    assert "ended by the time limit; the best is trial" in describe_trials(cut)
