from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from recommender.recommendation.reasons import instead_of, reason
from recommender.recommendation.recommend import recommend
from recommender.recommendation.render import show, show_profile, why
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.numbers import number
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from pathlib import Path

duckdb = pytest.importorskip("duckdb")


def table(values: str) -> object:
    """An Arrow table of 300 rows: x, and a target by SQL of the row's number i."""
    return duckdb.sql(f"SELECT sin(i * 7) AS x, {values} FROM range(300) t(i)").to_arrow_table()


@pytest.mark.parametrize(
    ("value", "shown"), [(4.0, "4"), (0.012345, "0.01235"), (12345.6, "12,346"), (1684, "1,684"), ("n/a", "n/a")]
)
def test_numbers_have_four_significant_digits(value: float | str, shown: str) -> None:
    assert number(value) == shown


def test_a_reason_names_the_fact_its_nearest_threshold_and_the_margin() -> None:
    advice = recommend(table("CASE WHEN i % 6 = 0 THEN 'rare' ELSE 'common' END AS y"), target="y")
    decision = advice.strategy.decisions[Slot.METRIC]
    assert reason(decision) == "imbalance_ratio 5 > 4 (by 1)"
    assert instead_of(decision) == ["accuracy"]
    assert why(decision).startswith("Performance metric, by P003 (imbalance_ratio 5 > 4 (by 1)): F1 combines precision")


def test_names_from_the_data_are_never_read_as_markup() -> None:
    advice = recommend(table("""CASE WHEN i % 2 = 0 THEN '[red]a' ELSE 'b' END AS "[bold]y[/bold]" """))
    text = io.StringIO()
    show(advice, Console(file=text, width=200))
    assert "predict [bold]y[/bold]" in text.getvalue()
    assert "[red]a" in text.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_character_of_the_table_is_lost(width: int) -> None:
    # Eight classes, the rarest with two rows: the cost function stands instead of the longest names.
    advice = recommend(
        table("CASE WHEN i < 2 THEN 'c0' WHEN i < 30 THEN 'c' || i % 7 + 1 ELSE 'c7' END AS y"), target="y"
    )
    text = io.StringIO()
    show(advice, Console(file=text, width=width))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace(",", " ").replace(";", " ").split()
    for slot, decision in advice.strategy.decisions.items():
        for part in (str(decision.choice), reason(decision), *instead_of(decision)):
            for word in part.replace(",", " ").replace(";", " ").split():
                assert word in words, (slot, word)
    assert "categorical_crossentropy" in words


def test_control_characters_from_the_data_never_reach_the_terminal() -> None:
    escape = "\x1b[31m"
    data = duckdb.sql(
        f"""SELECT sin(i * 7) AS "{escape}\x9bx", CASE WHEN i % 2 = 0 THEN '{escape}a' ELSE 'b' END AS "{escape}y",
        'k' AS "{escape}same", '{escape}' || i AS "{escape}id" FROM range(300) t(i)"""
    ).to_arrow_table()
    advice = recommend(data)
    text = io.StringIO()
    show(advice, Console(file=text, width=200))
    show_profile(advice.profile, Console(file=text, width=200))
    assert "\x1b" not in text.getvalue()
    assert "\x9b" not in text.getvalue()
    assert r"predict \x1b[31my" in text.getvalue()


def test_a_choice_of_an_own_rule_names_its_file_and_line(tmp_path: Path) -> None:
    book = tmp_path / "mine.yaml"
    book.write_text(
        "rules:\n- id: N900\n  name: ours\n  when: {rows: {ge: 9}}\n  then: {activation: tanh}\n"
        "  because: we say so\n  source: {reason: habit}\n",
        encoding="utf-8",
    )
    advice = recommend(table("i % 2 AS y"), target="y", book=[*SHIPPED_LAYERS, book])
    assert reason(advice.strategy.decisions[Slot.ACTIVATION]).endswith("mine.yaml:2:3]")
    assert "mine.yaml" not in reason(advice.strategy.decisions[Slot.METRIC])
    text = io.StringIO()
    show(advice, Console(file=text, width=300))
    assert "mine.yaml:2:3]" in text.getvalue()


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    advice = recommend(table("CASE WHEN i % 6 = 0 THEN 'rare' ELSE 'common' END AS y"), target="y")
    text = io.StringIO()
    show(advice, Console(file=text, width=80))
    assert max(len(line) for line in text.getvalue().splitlines()) <= 80
    assert re.search(r"^P +f1", text.getvalue(), re.MULTILINE)
