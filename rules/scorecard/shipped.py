"""The scorecard of the shipped rules."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from rules.scorecard.scorecard import RuleScore, Scorecard

FOLDER: Final = Path(__file__).parents[1] / "book" / "measured"
RESULTS_FILE: Final = FOLDER / "results.parquet"
"""All trainings."""
SCORECARD_FILE: Final = FOLDER / "scorecard.json"
"""What was computed from them, so that showing a rule does not compute it again."""


@cache
def shipped_scorecard() -> Scorecard:
    """Read the scorecard of the shipped rules."""
    return Scorecard.model_validate_json(SCORECARD_FILE.read_text(encoding="utf-8"))


def measured(rule: str, choice: str) -> RuleScore | None:
    """What was measured of a shipped rule; None if it decided on no dataset, or chooses something else now."""
    found = shipped_scorecard().rule(rule)
    return found if found is not None and found.choice == choice else None
