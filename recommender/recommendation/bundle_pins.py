"""Pins for a bundle given by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.decision.engine import decide
from rules.decision.trace import FROM_BUNDLE, Pin
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.facts import Facts


def with_bundle(bundle: Bundle, pins: Sequence[Pin], *, book: ProvedBook, facts: Facts) -> list[Pin]:
    """Pins that lead to the choices of a bundle, where the rules choose differently; explicit pins take precedence.

    Raises ChoiceError if the bundle does not fit the task or the pins.
    """
    own = {pin.slot for pin in pins}
    every = [
        Pin(slot=slot, choice=bundle.choice(slot), reason=FROM_BUNDLE, origin="bundle")
        for slot in Slot
        if slot not in own
    ]
    decisions = decide(book, facts, pins=[*every, *pins]).decisions
    return [*pins, *(pin for pin in every if pin.choice != decisions[pin.slot].ruled)]
