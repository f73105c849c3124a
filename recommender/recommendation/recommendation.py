"""A recommendation: bundle, decisions, profile and record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.recommendation.reasons import reason
from rules.text.html import html_table
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
    """A recommended bundle and its justification.

    Attributes:
        bundle: The choice for each slot.
        strategy: The decision behind each choice, with its trace: `strategy.decisions["metric"].rules`.
        profile: Measured characteristics and checks of the dataset.
        roles: Target, task, and the kind and role of each column, each with its reason.
        record: The audit record, sealed.
        book: The rulebook that decided, with its proof.

    Examples:
        >>> from recommender import recommend
        >>> from recommender.examples import example
        >>> advice = recommend(example("wine"), target="cultivar")
        >>> advice.strategy.decisions["metric"].rules
        ('P001',)
    """

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
        return html_table(caption, ("", "Choice", "Rule", "Decided by"), rows)
