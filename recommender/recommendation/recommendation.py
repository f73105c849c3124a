"""A recommendation: bundle, decisions, profile and record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.recommendation.reasons import reason
from rules.text.html import table
from rules.text.wording import counted
from rules.vocabulary.choices.slot import NOTES_ORDER

if TYPE_CHECKING:
    from recommender.profile.profile import Profile
    from recommender.roles.roles import Roles
    from rules.decision.engine import Strategy
    from rules.decision.record import Record
    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """A bundle, and everything that it rests on."""

    bundle: Bundle
    strategy: Strategy
    profile: Profile
    roles: Roles
    record: Record
    book: ProvedBook

    def _repr_html_(self) -> str:
        seen = self.record.dataset
        caption = f"{seen.name}: {counted(seen.rows, 'row')}; predict {', '.join(seen.targets)} ({seen.task})"
        rows = (
            (slot.letter, decision.choice, ", ".join(decision.rules), reason(decision))
            for slot, decision in ((slot, self.strategy.decisions[slot]) for slot in NOTES_ORDER)
        )
        return table(caption, ("", "Choice", "Rule", "Decided by"), rows)
