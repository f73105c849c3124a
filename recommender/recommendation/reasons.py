"""Reasons of choices as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.decision.trace import FROM_BUNDLE
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.numbers import number

if TYPE_CHECKING:
    from rules.decision.trace import Decision, TestResult


def _of_bundle(decision: Decision) -> str:
    return f"{FROM_BUNDLE}; the rules choose {decision.ruled} ({decision.rules[0]})"


def reason(decision: Decision) -> str:
    """Reason of a decision: the measured facts with nearest threshold and margin, or the user's reason of a pin.

    Categorical facts, such as the task, are included only if there are no numeric ones.
    """
    if decision.pin and decision.pin.origin == "bundle":
        return _of_bundle(decision)
    if decision.pin:
        return f"{decision.pin.reason} (the rules choose {decision.ruled}, {decision.rules[0]})"
    tests = decision.winner.tests
    nearest: dict[str, TestResult] = {}
    for test in sorted(tests, key=lambda test: abs(test.margin or 0)):
        if test.margin is not None:
            nearest.setdefault(test.fact, test)
    met = "; ".join(_met(test) for test in nearest.values() or tests) or "no more specific rule applies"
    return met if decision.winner.layer in SHIPPED_LAYERS else f"{met} [{decision.winner.place}]"


def _met(test: TestResult) -> str:
    """Text of a passed test with its margin."""
    if test.margin is None:
        return f"{test.fact} is {test.measured}"
    wanted = test.wanted.removeprefix(f"{test.fact} ")
    return f"{test.fact} {number(test.measured)} {wanted} (by {number(test.margin)})"


def instead_of(decision: Decision) -> list[str]:
    """Distinct choices of beaten rules and rejected choices.

    A name is called plain if the same choice is also listed with parameters.
    """
    chosen = str(decision.choice)
    beaten = [trace.choice for trace in decision.trace if trace.outcome == "beaten"]
    others = dict.fromkeys(choice for choice in [*beaten, *decision.winner.rejects] if choice != chosen)
    with_parameters = {choice.split(" (")[0] for choice in [chosen, *others] if " (" in choice}
    return [f"plain {choice}" if choice in with_parameters else choice for choice in others]
