"""Decision for one slot with its complete trace, as stored in the audit record."""

from __future__ import annotations

from functools import cached_property
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, SerializeAsAny, model_validator

from rules.vocabulary.choices import Choice, Slot, parse_choice

Outcome = Literal["decides", "beaten", "silent"]
FROM_BUNDLE: Final = "from the bundle"
"""The reason of a pin of a bundle. The rules may choose otherwise because the user edited the bundle, or because the
budget, the book or the data has changed since it was written."""
_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")


class Pin(BaseModel):
    """A choice that the user makes instead of the rules.

    Attributes:
        slot: The slot.
        choice: The choice for that slot.
        reason: Why; the audit record keeps it.
        author: Who made the choice. Default "".

    Examples:
        >>> from rules import AdamW, Pin, Slot
        >>> pin = Pin(slot=Slot.OPTIMIZER, choice=AdamW(learning_rate=0.01), reason="as in our last paper")
        >>> str(pin.choice)
        'adamw (learning rate 0.01)'
    """

    model_config = _CLOSED

    slot: Slot
    choice: SerializeAsAny[Choice]
    reason: str
    author: str = ""
    origin: Literal["user", "bundle"] = "user"

    def from_bundle(self) -> Pin:
        """The pin with a bundle as its origin, which does not count as set, so that its digest stays the same."""
        return type(self).model_construct(self.model_fields_set, **dict(self) | {"origin": "bundle"})

    @model_validator(mode="before")
    @classmethod
    def _typed_choice(cls, fields: object) -> object:
        return _with_typed_choice(fields, "choice")


class TestResult(BaseModel):
    """Result of one unary test: wanted and measured value, and the margin between them."""

    __test__ = False  # not a pytest class
    model_config = _CLOSED

    fact: str
    wanted: str
    measured: str | float | int
    passes: bool
    margin: float | None
    """In the fact's unit, positive if the test passes; None for names and for facts without a value."""


class Defeat(BaseModel):
    """Rule that beat a firing rule. declared: by an override; otherwise by being more specific."""

    model_config = _CLOSED

    rule: str
    declared: bool


class RuleTrace(BaseModel):
    """Evaluation of one rule on one dataset."""

    model_config = _CLOSED

    rule: str
    name: str
    layer: str
    place: str
    """File, line and column."""
    author: str
    choice: str
    because: str
    rejects: dict[str, str]
    source: dict[str, str]
    stance: str
    digest: str
    """SHA-256 of the rule's condition, choice and overrides."""
    outcome: Outcome
    beaten_by: tuple[Defeat, ...]
    tests: tuple[TestResult, ...]


class Fragility(BaseModel):
    """A fact whose confidence interval includes a threshold, and the choice on the other side of it."""

    model_config = _CLOSED

    fact: str
    low: float
    high: float
    other: str


class Decision(BaseModel):
    """Choice for one slot, with its complete trace."""

    model_config = _CLOSED

    slot: Slot
    choice: SerializeAsAny[Choice]
    rules: tuple[str, ...]
    """The deciding rules; several if they make the same choice."""
    pin: Pin | None
    ruled: SerializeAsAny[Choice]
    """The choice of the rules, which a pin may replace."""
    provisional: tuple[str, ...]
    """Unknown facts on which the choice depends."""
    fragile: tuple[Fragility, ...]
    trace: tuple[RuleTrace, ...]

    @model_validator(mode="before")
    @classmethod
    def _typed_choices(cls, fields: object) -> object:
        return _with_typed_choice(_with_typed_choice(fields, "choice"), "ruled")

    @cached_property
    def winner(self) -> RuleTrace:
        return next(trace for trace in self.trace if trace.rule == self.rules[0])


def _with_typed_choice(fields: object, key: str) -> object:
    """Parse a stored choice into its class."""
    if isinstance(fields, dict) and "slot" in fields and isinstance(fields.get(key), dict):
        return fields | {key: parse_choice(Slot(fields["slot"]), fields[key])}
    return fields
