"""The scorecard as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.scorecard.scorecard import interval_text
from rules.text.templating import environment

if TYPE_CHECKING:
    from rules.scorecard.scorecard import Scorecard


def to_markdown(card: Scorecard) -> str:
    """Write the scorecard as a page; its plots are expected in the folder pictures beside it."""
    return environment("rules").get_template("scorecard.md").render(card=card, interval=interval_text)
