"""Decision table of a slot, in which the first matching row decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.decision.reachability import Reach, scopes_of
from rules.text.templating import environment
from rules.vocabulary.choices import Slot
from rules.vocabulary.condition import SIGNS, Test
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Rule


@dataclass(frozen=True, kw_only=True)
class DecisionTable:
    """Rules of one slot, each before those that it beats."""

    slot: Slot
    facts: tuple[str, ...]
    """The columns: facts that the rules test, in the order of the vocabulary."""
    rows: tuple[Rule, ...]

    def cell(self, rule: Rule, fact: str) -> str:
        """Text of a rule's tests on a fact; empty if there are none."""
        return ", ".join(_wanted(test) for test in rule.when if test.fact == fact)


def decision_table(proved: ProvedBook, slot: Slot) -> DecisionTable:
    """Decision table of a slot. A rule is below all that beat it, so the first matching row is unbeaten."""
    beaten_by = proved.proof.slots[slot].beaten_by
    left = {rule.id: rule for rule in proved.book.of(slot)}
    rows = []
    while left:
        rule = next(rule for rule in left.values() if not beaten_by[rule.id] & left.keys())
        rows.append(left.pop(rule.id))
    asked = {test.fact for rule in rows for test in rule.when}
    return DecisionTable(slot=slot, facts=tuple(fact for fact in FACTS if fact in asked), rows=tuple(rows))


def to_markdown(table: DecisionTable) -> str:
    """Decision table as Markdown."""
    return environment("rules").get_template("table.md").render(table=table, facts=FACTS)


def to_html(table: DecisionTable) -> str:
    """Decision table as a complete HTML page."""
    return environment("rules").get_template("table.html").render(table=table, facts=FACTS)


def rules_document(proved: ProvedBook) -> str:
    """The book as Markdown: a decision table per slot, and each rule with its reason and source."""
    tables = [decision_table(proved, slot) for slot in Slot]
    beats = {
        rule.id: sorted(other for other, winners in proof.beaten_by.items() if rule.id in winners)
        for slot, proof in proved.proof.slots.items()
        for rule in proved.book.of(slot)
    }
    template = environment("rules").get_template("rules.md")
    where = {
        rule: found.words.replace("\n", " ")
        for rule, found in scopes_of(proved).items()
        if found.reach is not Reach.DATASETS
    }
    return template.render(tables=tables, facts=FACTS, beats=beats, where=where, constraints=proved.book.constraints)


def _wanted(test: Test) -> str:
    if isinstance(test.constant, tuple):
        return " or ".join(test.constant)
    return f"{SIGNS[test.op]} {test.constant:,.15g}"
