"""The explore page as a file: what it contains, and that no text of a book becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from rules.decision.engine import decide
from rules.explore.books import shown_books
from rules.explore.page import embedded_json, explore_page
from rules.explore.presets import PRESETS
from rules.vocabulary.choices import Slot

SHOWN = Path(__file__).parents[3] / "docs" / "reference" / "explore.html"
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
NOTES = {  # P, C, W, A and T of each configuration, as the notes have them
    "classification": ["accuracy", "categorical_crossentropy", "he", "adam", "random"],
    "imbalanced-classification": ["f1", "weighted_crossentropy", "xavier", "adamw", "bayesian"],
    "regression": ["rmse", "mse", "he", "adam", "grid"],
    "regression-with-outliers": ["mae", "huber", "he", "adam", "grid"],
    "time-series-forecasting": ["rmse", "mse", "he", "rmsprop", "grid"],
    "image-tasks": ["accuracy", "categorical_crossentropy", "he", "sgd_momentum", "hyperband"],
}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_handbook_decides_on_a_configuration_as_the_notes_say(preset, handbook) -> None:
    bundle = decide(handbook, preset.facts).bundle
    slots = (Slot.METRIC, Slot.LOSS, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.TUNER)
    assert [bundle.choice(slot).model_dump()["name"] for slot in slots] == NOTES[preset.name]


def test_the_page_of_the_documentation_is_that_of_the_command(golden, recommend) -> None:
    ended = recommend("rules", "explore", "-o", "page.html")
    assert (ended.code, ended.out) == (0, "")
    golden(SHOWN, Path("page.html").read_text(encoding="utf-8"))


def test_an_existing_file_is_overwritten_with_force_only(recommend) -> None:
    Path("explore.html").write_text("mine", encoding="utf-8")
    refused = recommend("rules", "explore")
    assert (refused.code, Path("explore.html").read_text(encoding="utf-8")) == (2, "mine")
    assert "already exists" in refused.err
    assert recommend("rules", "explore", "--force").code == 0


def test_text_of_a_book_cannot_end_the_data_or_start_a_script(write_book) -> None:
    hostile = "</script><img src=x onerror=alert(1)>&\u2028"
    mine = write_book(
        "id: A900\n  when: {rows: {ge: 70}}\n  then: {optimizer: adamw}\n  author: " + json.dumps(hostile)
        + "\n  overrides: [A001, A002, A003, A004, A005, A006, A101, A103, A104, A105]"
    )  # fmt: skip
    text = explore_page(shown_books(("handbook", "evidence", str(mine))))
    assert (text.count("<script"), text.count("</script>")) == (2, 2)
    assert "<img" not in text
    data = json.loads(DATA.findall(text)[0])
    assert [book["name"] for book in data["books"]] == ["own", "shipped", "handbook"]
    assert next(rule for rule in data["rules"] if rule["id"] == "A900")["author"] == hostile


def test_embedded_json_has_no_character_that_html_interprets() -> None:
    value = {"<a>": ["&", "</script>", "<!--", "\u2028", "\u2029"]}
    text = str(embedded_json(value))
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_the_policy_allows_the_inline_script_and_style_and_nothing_else() -> None:
    text = SHOWN.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    hashes = [
        base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode() for found in (script, style) if found
    ]
    assert policy[1] == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    markup = DATA.sub("", text).replace(script[1] if script else "", "")
    assert not re.search(r"""\s(?:src|href|style|on\w+)=["'](?!#)""", markup)
