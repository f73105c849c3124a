from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.cli.schema import KINDS, path_of, schema
from rules.proof.new_rule import add_rule
from rules.rulebook.rulebook import BOOKS, SHIPPED_LAYERS
from rules.vocabulary.bundle import Bundle, fingerprint
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from recommender.recommendation.recommendation import Recommendation


def published(kind: str) -> Draft202012Validator:
    text = json.loads(path_of(kind).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(text)
    return Draft202012Validator(text)


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


@pytest.fixture(scope="module")
def advice() -> Recommendation:
    return recommend(example("wine"), target="cultivar")


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_is_the_one_that_the_vocabulary_gives(kind: str, golden) -> None:
    golden(path_of(kind), json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("path", sorted(BOOKS.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_shipped_book_fits_the_schema(path) -> None:
    published("book").validate(read(path.read_text(encoding="utf-8")))


def test_a_written_bundle_fits_the_schema(advice: Recommendation) -> None:
    published("bundle").validate(read(advice.bundle.to_yaml()))


def test_a_written_record_fits_the_schema(advice: Recommendation) -> None:
    published("record").validate(json.loads(advice.record.to_json()))


def test_a_book_that_switches_a_rule_off_fits_the_schema() -> None:
    published("book").validate({"disable": [{"rule": "C103", "reason": "we trust the model"}]})


GOOD = """\
rules:
- id: C900
  name: a-rule
  when: {task: regression, outlier_share: {ge: 0.02}}
  then: {loss: {name: huber, delta: 2.0}}
  because: a reason
  source: {doi: 10.1000/1}
  tests:
  - {given: {task: regression, outlier_share: 0.02}, expect: fires}
"""
SLIPS = {
    "a misspelt fact": ("outlier_share: {ge", "outlier_sher: {ge"),
    "a misspelt fact in an example": ("outlier_share: 0.02}, expect", "outlier_sher: 0.02}, expect"),
    "a threshold outside the domain": ("{ge: 0.02}", "{ge: 1.5}"),
    "an unknown operator": ("{ge: 0.02}", "{gte: 0.02}"),
    "a word for a number": ("{ge: 0.02}", "{ge: many}"),
    "no bound": ("{ge: 0.02}", "{}"),
    "an unknown name": ("when: {task: regression", "when: {task: regresion"),
    "an unknown choice": ("name: huber, delta", "name: hubber, delta"),
    "an unknown parameter": ("delta: 2.0", "detla: 2.0"),
    "a parameter outside its range": ("delta: 2.0", "delta: 0"),
    "a missing reason": ("  because: a reason\n", ""),
    "an empty reason": ("because: a reason", "because: ''"),
    "a missing source": ("  source: {doi: 10.1000/1}\n", ""),
    "an unknown kind of source": ("{doi:", "{url:"),
    "a misspelt key": ("tests:", "test:"),
    "another kind of id": ("id: C900", "id: Z900"),
    "an expectation that is none": ("expect: fires", "expect: fire"),
    "two slots at once": ("delta: 2.0}}", "delta: 2.0}, metric: mae}"),
}


def test_the_good_book_fits_the_schema() -> None:
    published("book").validate(read(GOOD))


@pytest.mark.parametrize("case", SLIPS)
def test_a_slip_in_a_book_does_not_fit_the_schema(case: str) -> None:
    old, new = SLIPS[case]
    assert GOOD.count(old) == 1
    assert not published("book").is_valid(read(GOOD.replace(old, new)))


@pytest.mark.parametrize("slip", [{"activation": "rellu"}, {"activision": "relu"}, {"format": "other"}])
def test_a_slip_in_a_bundle_does_not_fit_the_schema(slip: dict[str, str], advice: Recommendation) -> None:
    assert not published("bundle").is_valid(read(advice.bundle.to_yaml()) | slip)


def test_a_record_without_its_facts_does_not_fit_the_schema(advice: Recommendation) -> None:
    record = json.loads(advice.record.to_json())
    del record["facts"]
    assert not published("record").is_valid(record)


def test_a_record_with_an_unknown_choice_does_not_fit_the_schema(advice: Recommendation) -> None:
    record = json.loads(advice.record.to_json())
    record["decisions"]["loss"]["choice"]["name"] = "hubber"
    assert not published("record").is_valid(record)


def test_yaml_that_we_write_names_its_schema_in_a_comment_that_readers_ignore(tmp_path, advice) -> None:
    bundle = advice.bundle
    path = tmp_path / "bundle.yaml"
    path.write_text(bundle.to_yaml(), encoding="utf-8")
    assert fingerprint(Bundle.read(path)) == fingerprint(bundle)
    book = tmp_path / "mine.yaml"
    add_rule(book, Slot.OPTIMIZER, then="adamw", when=["rows>=5000"], because="a reason", below=SHIPPED_LAYERS)
    for kind, file in (("bundle", path), ("book", book)):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema={path_of(kind).name}"
