"""The scorecard as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.scorecard.scorecard import interval_text, share_text
from rules.text.templating import environment

if TYPE_CHECKING:
    from rules.scorecard.scorecard import RuleScore, Scorecard


def to_markdown(card: Scorecard) -> str:
    """Write the scorecard as a page, which shows the plots in the folder pictures."""
    template = environment("rules").get_template("scorecard.md")
    return template.render(card=card, interval=interval_text, share=share_text, why_kept=why_kept)


def why_kept(rule: RuleScore) -> str:
    """Why a rule stays whose interval includes worse."""
    if rule.handbook is None:
        raise ValueError(f"{rule.rule} makes the choice of the handbook")
    percent = 100 * (rule.handbook.ratio - 1)
    if percent < 0:
        return f"has {-percent:.1f} % more error than the handbook on average."
    if rule.left_out is None or rule.left_out <= 1:
        return f"stays for a mean error that is {percent:.1f} % lower, which is not confirmed on left-out datasets."
    return f"stays, because without it the mean error would be {percent:.1f} % higher, also on left-out datasets."
