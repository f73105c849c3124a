"""A finished run in a notebook: P on the hold-out beside the baselines, the verdict, and where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.runs.scoreboard import value_of
from recommender.recommendation.render import number
from rules.text.html import paragraph, table

if TYPE_CHECKING:
    from executor.runs.run import Run


def shown(run: Run) -> str:
    """The run as HTML, every name and value from the data escaped."""
    scores = run.scores
    better = "higher" if scores.direction == "max" else "lower"
    caption = f"{scores.metric} on {scores.rows:,} rows that were never seen ({better} is better)"
    baselines = (
        (name, "undefined" if baseline.value is None else number(baseline.value), baseline.says)
        for name, baseline in scores.baselines.items()
    )
    rows = [("this model", value_of(scores.hold_out), f"in {run.directory}"), *baselines]
    return table(caption, ("Answers of", str(scores.metric), "Which"), rows) + paragraph(scores.verdict)
