"""Findings that a proof can report, each with an example dataset and a fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.rulebook.rule import Rule
    from rules.vocabulary.choices import Slot


class Flaw(StrEnum):
    """Kind of flaw of a rulebook."""

    GAP = "GAP"
    CONFLICT = "CONFLICT"
    UNSATISFIABLE = "UNSATISFIABLE"
    SHADOWED = "SHADOWED"
    CYCLE = "CYCLE"
    SLOT_CYCLE = "SLOT_CYCLE"
    ORPHAN = "ORPHAN"
    INCOHERENT = "INCOHERENT"


FLAW_DESCRIPTIONS: Final = {
    Flaw.GAP: "no rule makes a choice for a dataset",
    Flaw.CONFLICT: "two rules make different choices for a dataset, and neither beats the other",
    Flaw.UNSATISFIABLE: "a rule cannot fire for any dataset",
    Flaw.SHADOWED: "a rule is beaten wherever it fires",
    Flaw.CYCLE: "rules override each other in a cycle",
    Flaw.SLOT_CYCLE: "a rule tests a choice that is made later",
    Flaw.ORPHAN: "an override or a disabled rule names no rule of the slot",
    Flaw.INCOHERENT: "a constraint forbids a combination of choices that the rules make",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One flaw. witness: text of an example dataset; fix: what to change; places: file, line and column."""

    flaw: Flaw
    slot: Slot
    rules: tuple[str, ...]
    places: tuple[str, ...]
    problem: str
    witness: str
    fix: str

    def __str__(self) -> str:
        where = f" Example: {self.witness}." if self.witness else ""
        return f"{self.problem}.{where} {self.fix}"


def finding(flaw: Flaw, slot: Slot, rules: Sequence[Rule], problem: str, *, fix: str, witness: str = "") -> Finding:
    """A finding about rules; the first mention of each rule in the problem gets the rule's place."""
    for rule in rules:
        problem = problem.replace(rule.id, f"{rule.id} ({rule.place})", 1)
    return Finding(
        flaw=flaw,
        slot=slot,
        rules=tuple(rule.id for rule in rules),
        places=tuple(rule.place for rule in rules),
        problem=problem,
        witness=witness,
        fix=fix if fix.endswith(("?", ".")) else f"{fix}.",
    )
