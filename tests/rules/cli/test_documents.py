"""Documents that are made from the rules."""

from __future__ import annotations

from pathlib import Path

from rules.decision.decision_table import rules_document

DOCUMENT = Path(__file__).parents[3] / "docs" / "rules.md"


def test_the_published_rules_are_those_of_the_book(shipped) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == rules_document(shipped), (
        "docs/rules.md is out of date; 'recommend rules docs -o docs/rules.md' rewrites it."
    )


def test_the_document_has_every_rule_with_its_reason_and_its_source(shipped) -> None:
    text = rules_document(shipped)
    for rule in shipped.book.rules:
        assert f"\n### {rule.id} {rule.name}\n" in text
    assert "- Beats C001, C003.\n- Decides only if the user pins the metric.\n- Source: measured:" in text
    assert "- B008: no hyperparameter is searched, so only the manual tuner is possible.\n" in text
