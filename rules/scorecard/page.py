"""The scorecard as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.scorecard.scorecard import interval_text
from rules.text.templating import environment

if TYPE_CHECKING:
    from rules.scorecard.scorecard import Scorecard


def to_markdown(card: Scorecard) -> str:
    """Write the scorecard as a page, which shows the plots in the folder pictures."""
    return environment("rules").get_template("scorecard.md").render(card=card, interval=interval_text)
