"""What a notebook shows: small tables, in which nothing from the data is read as HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from recommender import recommend
from recommender.audit.explain import explain
from recommender.audit.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from recommender import Recommendation

HOSTILE = "<script>alert(1)</script>"
SHOWN = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}


@pytest.fixture
def advice(tmp_path: Path) -> Recommendation:
    path = tmp_path / "rows.csv"
    rows = [f"{row},{row * 7 % 11},{'yes' if row % 3 else 'no'}" for row in range(120)]
    path.write_text("\n".join([f"a,b,{HOSTILE}", *rows]), encoding="utf-8")
    return recommend(path, target=HOSTILE)


def tags(html: str) -> set[str]:
    """The elements of a page, none with an attribute."""
    found: set[str] = set()

    class Elements(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert attrs == []
            found.add(tag)

    Elements().feed(html)
    return found


def test_a_recommendation_is_a_table_of_choices_with_rules_and_reasons(advice: Recommendation) -> None:
    html = advice._repr_html_()
    assert tags(html) <= SHOWN
    assert "120 rows; predict &lt;script&gt;" in html
    for decision in advice.strategy.decisions.values():
        assert f"<td>{decision.rules[0]}</td>" in html


def test_a_bundle_is_a_table_of_choices(advice: Recommendation) -> None:
    html = advice.bundle._repr_html_()
    assert tags(html) <= SHOWN
    assert f"<td>P</td><td>Performance metric</td><td>{advice.bundle.metric}</td>" in html


def test_an_explanation_says_what_was_chosen_measured_and_beaten(advice: Recommendation, tmp_path: Path) -> None:
    subject = Subject(record=advice.record, path=tmp_path / "record.json", layers=tuple(advice.record.book.layers))
    for one in explain(subject):
        html = one._repr_html_()
        assert tags(html) <= SHOWN
        assert f"<td>chosen</td><td>{one.choice}" in html
