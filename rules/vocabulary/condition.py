"""Unary tests, `fact op constant`, with their margin and text."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.vocabulary.aliases import former_category, former_fact
from rules.vocabulary.facts import FACTS, Categories, Interval, NotApplicable, Unknown, Value, exact_text

if TYPE_CHECKING:
    from collections.abc import Callable

Constant = float | int | tuple[str, ...]

COMPARISONS: Final[MappingProxyType[str, Callable[[float, float], bool]]] = MappingProxyType(
    {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
)
SIGNS: Final = MappingProxyType({"lt": "<", "le": "≤", "gt": ">", "ge": "≥"})
_NO_VALUE: Final = (NotApplicable, Unknown)


@dataclass(frozen=True, kw_only=True)
class Test:
    """Unary test of a rule's condition. op: "in" for names; lt, le, gt, ge for numbers."""

    __test__ = False  # not a pytest class

    fact: str
    op: str
    constant: Constant

    def holds(self, value: Value) -> bool:
        """Whether a value passes; an unknown or inapplicable fact passes no test."""
        if isinstance(self.constant, tuple):
            return value in self.constant
        if isinstance(value, _NO_VALUE):
            return False
        return COMPARISONS[self.op](value, self.constant)  # type: ignore[arg-type]  # numeric facts hold numbers

    def margin(self, value: Value) -> float | None:
        """Distance from the threshold in the fact's unit, positive if the test passes; None for names.

        >>> round(Test(fact="imbalance_ratio", op="gt", constant=4).margin(9.7), 1)
        5.7
        """
        if isinstance(value, str | NotApplicable | Unknown) or isinstance(self.constant, tuple):
            return None
        distance = value - self.constant
        return distance if self.op in {"gt", "ge"} else -distance

    def formerly(self) -> Test:
        """The same test in the names of the versions before they changed."""
        constant = self.constant
        if isinstance(constant, tuple):
            constant = tuple(former_category(self.fact, one) for one in constant)
        return Test(fact=former_fact(self.fact), op=self.op, constant=constant)

    def __str__(self) -> str:
        """Text of the test.

        >>> str(Test(fact="task", op="in", constant=("binary", "multilabel")))
        'task is binary or multilabel'
        """
        if isinstance(self.constant, tuple):
            return f"{self.fact} is {' or '.join(self.constant)}"
        return f"{self.fact} {SIGNS[self.op]} {exact_text(self.constant)}"


def categories_of(fact: str) -> tuple[str, ...] | None:
    """The names that a fact can take, or None for a number."""
    domain = FACTS[fact].domain
    return domain.values if isinstance(domain, Categories) else None


def interval_of(fact: str) -> Interval:
    """The interval of a numeric fact."""
    domain = FACTS[fact].domain
    if not isinstance(domain, Interval):
        raise TypeError(f"{fact} is not a number")
    return domain
