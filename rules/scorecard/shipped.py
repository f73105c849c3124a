"""The scorecard of the shipped rules, and the sentences that quote it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rules.scorecard.scorecard import Scorecard, interval_text
from rules.text.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.scorecard.scorecard import Alternative, RuleScore

FOLDER: Final = Path(__file__).parents[1] / "book" / "measured"
RESULTS_FILE: Final = FOLDER / "results.parquet"
"""Trainings of all alternatives."""
MEASUREMENTS: Final = (RESULTS_FILE, *sorted(FOLDER.glob("handbook-*.parquet")))
"""These, and trainings of the choices of rules and of the handbook alone, of each setting in a file of its own."""
SCORECARD_FILE: Final = FOLDER / "scorecard.json"
"""What was computed from them, so that showing a rule does not compute it again."""
MAX_QUOTED: Final = 3  # alternatives as evidence for a rule, and against it
MIN_DATASETS: Final = 10
"""Of an alternative that is quoted: with fewer, a bootstrap interval excludes the true value too often."""


@cache
def shipped_scorecard() -> Scorecard:
    """Read the scorecard of the shipped rules."""
    return Scorecard.model_validate_json(SCORECARD_FILE.read_text(encoding="utf-8"))


def measured_score(rule: str, choice: str) -> RuleScore | None:
    """What was measured of a shipped rule; None if it decided on no dataset, or chose something else then."""
    found = shipped_scorecard().rule(rule)
    return found if found is not None and found.choice == choice else None


def evidence_for(rule: str, choice: str) -> list[str]:
    """Alternatives with more error than the choice of a rule, where the interval excludes equality; the worst first."""
    found = [one for one in quotable(rule, choice) if one.effect.low > 1]
    return [effect_sentence(one) for one in sorted(found, key=lambda one: -one.effect.low)[:MAX_QUOTED]]


def evidence_against(rule: str, choice: str) -> list[str]:
    """Alternatives with less error than the choice of a rule, where the interval excludes equality; the best first."""
    found = [one for one in quotable(rule, choice) if one.effect.high < 1]
    return [effect_sentence(one) for one in sorted(found, key=lambda one: one.effect.high)[:MAX_QUOTED]]


def quotable(rule: str, choice: str) -> Iterator[Alternative]:
    """Alternatives of a rule that were measured on at least MIN_DATASETS datasets."""
    score = measured_score(rule, choice)
    if score is not None:
        yield from (one for one in score.alternatives if one.effect.datasets >= MIN_DATASETS)


def effect_sentence(alternative: Alternative) -> str:
    """The effect of an alternative in words.

    >>> from rules.scorecard.scorecard import Alternative, Effect
    >>> effect = Effect(ratio=1.019, low=1.008, high=1.031, datasets=61, wins=40, ties=11, losses=10)
    >>> effect_sentence(Alternative(choice="adam", effect=effect, worst=()))
    'Measured on 61 datasets: the error with adam is 1.9 % higher (95 % interval 0.8 % to 3.1 %).'
    >>> effect = Effect(ratio=0.98, low=0.97, high=0.99, datasets=1, wins=0, ties=0, losses=1)
    >>> effect_sentence(Alternative(choice="adam", effect=effect, worst=()))
    'Measured on 1 dataset: the error with adam is 2.0 % lower (95 % interval 1.0 % to 3.0 %).'
    >>> effect = Effect(ratio=0.98, low=0.9, high=1.02, datasets=9, wins=3, ties=2, losses=4)
    >>> effect_sentence(Alternative(choice="adam", effect=effect, worst=()))
    'Measured on 9 datasets: no clear difference to adam (ratio of errors 0.980 (0.900 to 1.020)).'
    """
    effect, measured = alternative.effect, f"Measured on {counted(alternative.effect.datasets, 'dataset')}"
    if effect.low <= 1 <= effect.high:
        return f"{measured}: no clear difference to {alternative.choice} (ratio of errors {interval_text(effect)})."
    sign, word = (1, "higher") if effect.ratio >= 1 else (-1, "lower")
    low, high = sorted((sign * (effect.low - 1), sign * (effect.high - 1)))
    difference = f"{_percent(sign * (effect.ratio - 1))} {word} (95 % interval {_percent(low)} to {_percent(high)})"
    return f"{measured}: the error with {alternative.choice} is {difference}."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
