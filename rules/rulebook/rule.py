"""Elements of a rulebook: rules, constraints on combinations of choices, and disabled rules."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from rules.vocabulary.aliases import former_choice
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rules.vocabulary.choices import Choice, Slot
    from rules.vocabulary.condition import Test
    from rules.vocabulary.facts import Facts

Stance = Literal["agreed", "contested"]


class Example(BaseModel):
    """Test case of a rule: facts, and whether the rule fires on them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    given: dict[str, str | int | float]
    expect: Literal["fires", "silent"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A condition on facts, and the choice for one slot if the condition holds."""

    id: str
    name: str
    slot: Slot
    when: tuple[Test, ...]
    choice: Choice
    because: str
    rejects: Mapping[str, str]
    source: Mapping[str, str]
    stance: Stance
    overrides: tuple[str, ...]
    examples: tuple[Example, ...]
    author: str
    layer: str
    place: str
    """File, line and column."""
    variant_of: str = ""
    """Of a shipped rule that tests a fact of the training, the rule with its other tests; else empty.

    A rule that beats this rule also beats its variant, unless it tests such a fact itself or the variant overrides it.
    """

    def declares(self, other: Rule) -> bool:
        """Whether it overrides another rule, or the rule of which that is a variant."""
        return other.id in self.overrides or (self._replaces(other) and other.variant_of in self.overrides)

    def is_narrower(self, other: Rule, inside: Callable[[str, str], bool]) -> bool:
        """Whether its condition is narrower than that of another rule, or of the rule of which that is a variant.

        inside: whether the region of a rule is strictly inside that of another, by their ids.
        """
        return inside(self.id, other.id) or (self._replaces(other) and inside(self.id, other.variant_of))

    def _replaces(self, variant: Rule) -> bool:
        return bool(variant.variant_of) and not self.tests_training and self.id not in variant.overrides

    @property
    def tests_training(self) -> bool:
        """Whether it tests a fact that only a training measures."""
        return any(FACTS[test.fact].after_training for test in self.when)

    @property
    def condition(self) -> str:
        return " and ".join(map(str, self.when)) or "always"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rule's condition, choice and overrides."""
        return _digest_of(self.when, self.choice.model_dump(mode="json"), self.overrides)

    def has_digest(self, digest: str | None) -> bool:
        """Whether a recorded digest is the rule's, with its names as they are or as they were."""
        if digest == self.digest:
            return True
        former = former_choice(self.slot, self.choice.model_dump(mode="json"))
        return digest == _digest_of([test.formerly() for test in self.when], former, self.overrides)


def _digest_of(when: Iterable[Test], choice: Mapping[str, Any], overrides: Iterable[str]) -> str:
    does = [list(map(str, when)), choice, sorted(overrides)]
    return f"sha256:{hashlib.sha256(json.dumps(does, ensure_ascii=False).encode()).hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A forbidden combination of choices and facts.

    choices: slot → parameter ("name" for the choice itself) → values that are forbidden in this combination.
    """

    id: str
    choices: Mapping[Slot, Mapping[str, tuple[Any, ...]]]
    when: tuple[Test, ...]
    because: str
    place: str

    def forbids(self, slot: Slot, choice: Choice) -> bool:
        return all(getattr(choice, key, None) in values for key, values in self.choices[slot].items())

    def is_broken_by(self, chosen: Mapping[Slot, Choice], facts: Facts) -> bool:
        """Whether the choices are the forbidden combination; a test on a missing fact counts as passed."""
        return all(self.forbids(slot, chosen[slot]) for slot in self.choices) and all(
            test.fact not in facts or test.holds(facts[test.fact].value) for test in self.when
        )


@dataclass(frozen=True, kw_only=True)
class Disabled:
    """A rule that a later layer disables, with the reason and author."""

    rule: str
    reason: str
    author: str
    layer: str
    place: str
    """File, line and column."""
