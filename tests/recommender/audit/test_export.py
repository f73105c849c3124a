from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from prov.model import ProvDocument

from recommender.examples import example
from rules.decision.trace import Pin
from rules.errors import PcwatError
from rules.vocabulary.choices import Slot, parse_choice

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = '<script>alert("x")</script> [bold]|`'


@pytest.fixture
def hostile_record(tmp_path: Path, write_record) -> Path:
    """A record whose column, class, reason and author are all hostile."""
    data = tmp_path / "rows.csv"
    rows = "\n".join(f"{number * 7 % 13},{'<b>yes</b>' if number % 3 else 'no'}" for number in range(60))
    column = HOSTILE.replace('"', '""')
    data.write_text(f'x,"{column}"\n{rows}\n', encoding="utf-8")
    pin = Pin(slot=Slot.OPTIMIZER, choice=parse_choice(Slot.OPTIMIZER, "sgd"), reason=HOSTILE, author=HOSTILE)
    return write_record(data, target=HOSTILE, pins=[pin])


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.seen.add(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]


def test_nothing_from_the_data_becomes_html(invoke, hostile_record) -> None:
    page = invoke("export", hostile_record, "--to", "html").stdout
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.seen
    assert page.count("<b>") == 1  # of the list of overrides, where the slot is in bold
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("form", ["markdown", "html", "json", "prov"])
def test_no_control_character_of_the_data_is_in_the_document(form: str, invoke, tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    red = "\x1b[31myes"
    rows = "\n".join(f"{number * 7 % 13},{red if number % 3 else 'no'}" for number in range(60))
    data.write_text(f"x,\x1b[31my\n{rows}\n", encoding="utf-8")
    document = invoke("export", data, "--target", "\x1b[31my", "--to", form).stdout
    assert "rows.csv" in document
    assert "\x1b" not in document


def test_the_page_is_self_contained(invoke, cancer_record) -> None:
    tags = Tags()
    tags.feed(invoke("export", cancer_record, "--to", "html").stdout)
    assert all(link.startswith("#") for link in tags.links)


def test_nothing_from_the_data_becomes_markdown_or_html_in_markdown(invoke, hostile_record) -> None:
    text = invoke("export", hostile_record, "--to", "markdown").stdout
    assert "<script>" not in text
    assert '&lt;script&gt;alert("x")&lt;/script&gt; \\[bold\\]\\|\\`' in text


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_reviewer_finds_rationale_assumptions_data_overrides_and_seal(form: str, invoke, cancer_record) -> None:
    text = invoke("export", cancer_record, "--to", form).stdout.replace("\\_", "_")
    for part in (
        "Decision on breast_cancer.csv",
        "With one larger class accuracy is optimistic",
        "569 rows, 31 columns",
        "Assumptions",
        "The task is binary",
        "The kinds of 31 of 31 columns were inferred",
        "None: the rules made all choices",
        "notes: Step examples / P",
        "26 more rows of class",
        "Seal",
        json.loads(cancer_record.read_text(encoding="utf-8"))["chain"]["bundle"],
    ):
        assert part in text


def test_overrides_come_with_author_reason_and_what_the_rules_say(invoke, tmp_path: Path, write_record) -> None:
    book = tmp_path / "mine.yaml"
    book.write_text("disable:\n- {rule: C103, reason: we trust the model, author: Ada}\n", encoding="utf-8")
    pin = Pin(slot=Slot.OPTIMIZER, choice=parse_choice(Slot.OPTIMIZER, "sgd"), reason="as before", author="Grace")
    layers = ["handbook", "evidence", book]
    text = invoke("export", write_record(example("breast_cancer"), pins=[pin], book=layers)).stdout.replace("\\_", "_")
    assert (
        "sgd. Source: user (Grace). Reason: as before. "
        "The rules choose adam (learning rate 0.0025, schedule cosine) by A101." in text
    )
    assert f"Rule C103 is disabled by Ada ({book}:2:3): we trust the model" in text


def test_json_holds_record_assumptions_and_explanations(invoke, cancer_record) -> None:
    found = json.loads(invoke("export", cancer_record, "--to", "json").stdout)
    assert set(found) == {"record", "assumptions", "decisions"}
    assert {one["slot"] for one in found["decisions"]} == set(Slot)
    assert "decisions" not in found["record"]


def test_prov_reads_back_and_links_bundle_choices_rules_and_data(invoke, hostile_record) -> None:
    text = invoke("export", hostile_record, "--to", "prov").stdout
    document = ProvDocument.deserialize(io.StringIO(text), format="json")
    assert len(list(document.get_records())) > 20
    found = json.loads(text)
    assert len(found["hadMember"]) == len(Slot)
    assert {one["prov:entity"] for one in found["wasAttributedTo"].values()} == {"choice-optimizer"}
    assert {"book-handbook", "book-evidence"} <= set(found["entity"])


def test_the_document_is_written_where_it_is_asked_for(invoke, cancer_record, tmp_path: Path) -> None:
    result = invoke("export", cancer_record, "--to", "html", "-o", tmp_path / "decision.html")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "decision.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_document_never_overwrites_the_record_that_it_documents(invoke, cancer_record) -> None:
    before = cancer_record.read_bytes()
    error = invoke("export", cancer_record, "-o", cancer_record).exception
    assert isinstance(error, PcwatError)
    assert "must not overwrite" in str(error)
    assert cancer_record.read_bytes() == before
