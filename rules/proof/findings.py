"""What a proof can find wrong with a book, each with the dataset that shows it and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.rulebook.rule import Rule
    from rules.vocabulary.choices import Slot


class Flaw(StrEnum):
    """What a proof can find wrong."""

    GAP = "GAP"
    CONFLICT = "CONFLICT"
    UNSATISFIABLE = "UNSATISFIABLE"
    SHADOWED = "SHADOWED"
    CYCLE = "CYCLE"
    SLOT_CYCLE = "SLOT_CYCLE"
    ORPHAN = "ORPHAN"
    INCOHERENT = "INCOHERENT"


MEANINGS: Final = {
    Flaw.GAP: "a dataset for which no rule chooses",
    Flaw.CONFLICT: "a dataset for which two rules choose differently, and neither beats the other",
    Flaw.UNSATISFIABLE: "a rule that no dataset can make fire",
    Flaw.SHADOWED: "a rule that is beaten wherever it fires",
    Flaw.CYCLE: "rules that override each other in a circle",
    Flaw.SLOT_CYCLE: "a rule that reads a choice that is made only after its own",
    Flaw.ORPHAN: "an override, or a rule switched off, that names no rule of the slot",
    Flaw.INCOHERENT: "choices of several slots that a constraint forbids together",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One flaw. witness: a dataset that shows it, in words; mend: what helps; places: file, line and column."""

    flaw: Flaw
    slot: Slot
    rules: tuple[str, ...]
    places: tuple[str, ...]
    problem: str
    witness: str
    mend: str

    def __str__(self) -> str:
        where = f" Shown by: {self.witness}." if self.witness else ""
        return f"{self.problem}.{where} {self.mend}"


def finding(flaw: Flaw, slot: Slot, rules: Sequence[Rule], problem: str, *, mend: str, witness: str = "") -> Finding:
    """A finding about rules, each named with its place where the problem first names it."""
    for rule in rules:
        problem = problem.replace(rule.id, f"{rule.id} ({rule.place})", 1)
    return Finding(
        flaw=flaw,
        slot=slot,
        rules=tuple(rule.id for rule in rules),
        places=tuple(rule.place for rule in rules),
        problem=problem,
        witness=witness,
        mend=mend if mend.endswith(("?", ".")) else f"{mend}.",
    )
