from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.decision_table import decision_table, to_html, to_markdown
from rules.decision.engine import decide
from rules.proof.proved_book import ProvedBook, load_book
from rules.text.templating import markdown
from rules.vocabulary.choices import Slot

BOOK = load_book()
TABLES = {slot: decision_table(BOOK, slot) for slot in Slot}


@given(st.data())
def test_the_first_row_that_fits_makes_the_engines_decision(datasets, data: st.DataObject) -> None:
    strategy = decide(BOOK, data.draw(datasets))
    for slot, table in TABLES.items():
        fitting = (
            rule for rule in table.rows if all(test.holds(strategy.facts[test.fact].value) for test in rule.when)
        )
        assert next(fitting).choice == strategy.decisions[slot].choice


@pytest.mark.parametrize("slot", Slot)
def test_a_table_has_every_rule_of_its_slot_once(slot: Slot) -> None:
    assert sorted(rule.id for rule in TABLES[slot].rows) == sorted(rule.id for rule in BOOK.book.of(slot))


def test_a_table_has_the_tested_facts_in_the_vocabularys_order() -> None:
    assert TABLES[Slot.METRIC].facts == (
        "task",
        "modality",
        "imbalance_ratio",
        "minority_class_rows",
        "outlier_share",
        "squared_deviation_top_share",
    )


def test_a_cell_says_what_a_rule_wants_and_nothing_where_it_does_not_ask() -> None:
    table = TABLES[Slot.METRIC]
    mild = BOOK.book.by_id["P002"]
    assert table.cell(mild, "task") == "binary"
    assert table.cell(mild, "imbalance_ratio") == "> 1.5, ≤ 4"
    assert table.cell(mild, "outlier_share") == ""
    assert TABLES[Slot.OPTIMIZER].cell(BOOK.book.by_id["A104"], "rows") == "≥ 50,000"


def test_thresholds_of_many_digits_are_not_rounded(write_book) -> None:
    mine = write_book("id: N900\n  when: {rows: {ge: 1234567}}\n  then: {activation: tanh}")
    table = decision_table(load_book(["handbook", mine]), Slot.ACTIVATION)
    assert table.cell(table.rows[0], "rows") == "≥ 1,234,567"


def test_markdown_escapes_what_would_be_a_table_emphasis_a_link_or_html() -> None:
    assert markdown("a | b *c* [d](e) <f> & `g`\nh_i") == r"a \| b \*c\* \[d\](e) &lt;f&gt; &amp; \`g\` h\_i"


HOSTILE = """\
rules:
- id: N900
  name: "<script>alert(1)</script> | [bold]x[/bold] *y*"
  when: {rows: {ge: 5}}
  then: {activation: tanh}
  because: "<img src=x onerror=alert(2)> | `z`"
  source: {reason: "</small><b>c</b> | d"}
"""


@pytest.fixture
def hostile(tmp_path) -> ProvedBook:
    path = tmp_path / "mine.yaml"
    path.write_text(HOSTILE, encoding="utf-8")
    return load_book(["handbook", path])


def test_no_text_of_a_book_becomes_html(hostile) -> None:
    page = to_html(decision_table(hostile, Slot.ACTIVATION))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;img src=x onerror=alert(2)&gt;" in page
    assert "&lt;/small&gt;&lt;b&gt;c&lt;/b&gt;" in page
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page


def test_no_choice_breaks_a_row_of_markdown(write_book) -> None:
    steps = "{name: manual, configurations: [{units: 'a|b'}]}"
    mine = write_book(f"id: T900\n  when: {{trial_budget: {{lt: 2}}}}\n  then: {{tuner: {steps}}}\n  overrides: [T006]")
    table = to_markdown(decision_table(load_book(["handbook", mine]), Slot.TUNER))
    rows = [line.replace(r"\|", "") for line in table.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
