"""The scorecard as Markdown."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.scorecard.scorecard import interval_text, share_text, spread_text
from rules.text.templating import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.scorecard.scorecard import RuleScore, Scorecard

NOT_COVERED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "V101": "The trainings have no search: they measure that networks of several folds are averaged, but not that "
        "trials are selected on more rows."
    }
)
"""What the trainings do not measure of a rule."""


def to_markdown(card: Scorecard) -> str:
    """Write the scorecard as a page, which shows the plots in the folder pictures."""
    template = environment("rules").get_template("scorecard.md")
    return template.render(card=card, interval=interval_text, share=share_text, spread=spread_text, why_kept=why_kept)


def why_kept(rule: RuleScore) -> str:
    """Why a rule stays whose interval includes worse."""
    if rule.handbook is None:
        raise ValueError(f"{rule.rule} makes the choice of the handbook")
    percent = 100 * (rule.handbook.ratio - 1)
    if percent < 0:
        return f"has {-percent:.1f} % more error than the handbook on average."
    if rule.left_out is None or rule.left_out <= 1:
        reason = (
            f"stays, because without it the mean error would be {percent:.1f} % higher. This is not confirmed on "
            "left-out datasets, so further ones decide about it."
        )
        return f"{reason} {NOT_COVERED.get(rule.rule, '')}".rstrip()
    return f"stays, because without it the mean error would be {percent:.1f} % higher, also on left-out datasets."
