"""The scorecard as Markdown."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

from rules.scorecard.scorecard import AS_IF, interval_text, settings_text, share_text, spread_text
from rules.scorecard.tuners import TRIALS
from rules.text.templating import environment

if TYPE_CHECKING:
    from rules.scorecard.scorecard import Scorecard


def to_markdown(card: Scorecard) -> str:
    """Write the scorecard as a page, which shows the plots in the folder pictures."""
    texts = dict.fromkeys(settings_text(own) for one in card.contested for own in one.settings)
    template = environment("rules").get_template("scorecard.md")
    return template.render(
        card=card,
        interval=interval_text,
        share=share_text,
        spread=spread_text,
        settings=settings_text,
        letters=dict(zip(texts, ascii_lowercase, strict=False)),
        trials=TRIALS,
        as_if=AS_IF,
    )
