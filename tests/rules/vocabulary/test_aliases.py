"""Former names of choices, parameters, values, facts and tasks are read everywhere, and reported once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from rules.decision.former_record import current_record
from rules.errors import ChoiceError
from rules.proof.proved_book import load_book
from rules.text.yaml_document import parse
from rules.vocabulary import aliases
from rules.vocabulary.choices import (
    F1,
    BagOfNgrams,
    CrossValidation,
    Gru,
    Holdout,
    InceptionTime,
    MiniRocket,
    RandomTranslation,
    RandomTranslationAndFlip,
    Slot,
    Standard,
    names,
    parse_choice,
)
from rules.vocabulary.condition import Test, categories_of
from rules.vocabulary.facts import FACTS, Task

if TYPE_CHECKING:
    from pathlib import Path

FORMER = {
    "a hold-out set": ("validation", "rows_apart", Holdout()),
    "folds": (
        "validation",
        {"name": "folds", "count": 3, "temperature": False},
        CrossValidation(folds=3, temperature_scaling=False),
    ),
    "random kernels": ("architecture", {"name": "random_kernels", "features": 84}, MiniRocket(features=84)),
    "inception": ("architecture", "inception", InceptionTime()),
    "recurrent": ("architecture", "recurrent", Gru()),
    "bag of terms": ("architecture", {"name": "bag_of_terms", "letters": True}, BagOfNgrams(character_ngrams=True)),
    "ranks": ("architecture", {"name": "standard", "ranks": False}, Standard(quantile_transform=False)),
    "shifts": ("augmentation", {"name": "shifts", "pixels": 3}, RandomTranslation(pixels=3)),
    "shifts and flips": ("augmentation", "shifts_and_flips", RandomTranslationAndFlip()),
    "F1": ("metric", {"name": "f1", "average": "rare", "threshold": "half"}, F1(average="binary", threshold="fixed")),
}


@pytest.fixture(autouse=True)
def nothing_is_reported_yet() -> None:
    aliases.forget_reports()


@pytest.mark.parametrize("what", FORMER)
def test_a_choice_is_read_under_its_former_name(what: str) -> None:
    slot, former, choice = FORMER[what]
    assert parse_choice(Slot(slot), former) == choice


def test_each_former_name_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger=aliases.LOG.name):
        for _ in range(3):
            parse_choice(Slot.VALIDATION, {"name": "folds", "count": 3})
            parse_choice(Slot.VALIDATION, "cross_validation")
    assert caplog.messages == [
        "'folds' was renamed to 'cross_validation'; both are read.",
        "'count' was renamed to 'folds'; both are read.",
    ]


def test_a_parameter_under_both_of_its_names_is_refused() -> None:
    with pytest.raises(ChoiceError, match="got 'count'"):
        parse_choice(Slot.VALIDATION, {"name": "folds", "count": 3, "folds": 4})


def test_every_name_of_the_table_exists_and_no_former_name_is_in_use() -> None:
    for slot, choices in aliases.CHOICES.items():
        known = names(Slot(slot))
        assert {*choices.values()} <= known.keys()
        assert not choices.keys() & known.keys()
    for (slot, choice, *_), renamed in aliases.PARAMETERS.items():
        fields = names(Slot(slot))[choice].model_fields
        assert {*renamed.values()} <= fields.keys()
        assert not renamed.keys() & fields.keys()
    assert {*aliases.FACTS.values()} <= FACTS.keys()
    assert not aliases.FACTS.keys() & FACTS.keys()
    for fact, renamed in aliases.LEVELS.items():
        categories = categories_of(fact)
        assert categories is not None
        assert {*renamed.values()} <= {*categories}
        assert not {*renamed} & {*categories}


def test_a_task_is_read_under_its_former_name() -> None:
    assert Task("multi_regression") is Task.MULTIOUTPUT_REGRESSION
    with pytest.raises(ValueError, match="regresion"):
        Task("regresion")


OWN_BOOK = """rules:
- id: V900
  name: own
  when: {CONDITION}
  then: {CHOICE}
  because: a test
  rejects: {FOLDS: "takes long"}
  source: {reason: a test}
  overrides: [V001, V101, V102, V103, V104]
  tests:
  - {given: {CONDITION}, expect: fires}
"""


def own_rule(folder: Path, *, condition: str, choice: str, folds: str) -> tuple[object, ...]:
    path = folder / "mine.yaml"
    text = OWN_BOOK.replace("CONDITION", condition).replace("CHOICE", choice).replace("FOLDS", folds)
    path.write_text(text, encoding="utf-8")
    rule = load_book(["handbook", "evidence", path]).book.by_id["V900"]
    return rule.when, rule.choice, dict(rule.rejects), rule.examples, rule.digest


def test_a_book_with_former_names_holds_the_same_rules(tmp_path: Path) -> None:
    former = own_rule(
        tmp_path,
        condition="division: given, task: multi_regression, architecture: standard",
        choice="validation: {name: rows_apart, temperature: false}",
        folds="folds",
    )
    current = own_rule(
        tmp_path,
        condition="split: predefined, task: multioutput_regression, architecture: standard",
        choice="validation: {name: holdout, temperature_scaling: false}",
        folds="cross_validation",
    )
    assert former == current


def test_the_digest_of_a_rule_under_its_former_names_is_its_own() -> None:
    book = load_book(["handbook", "evidence"]).book
    # As rule V101 is in a record of commit 52f4617 (tests/old_runs).
    digest = "sha256:88da029a534c0a3e436f738621daee75d0a3160c2702b01e91301e68c06d61fd"
    assert book.by_id["V101"].has_digest(digest)
    assert not book.by_id["V101"].has_digest(digest[:-1])


def test_a_condition_reads_formerly_as_it_was_written() -> None:
    test = Test(fact="split", op="in", constant=("random", "entity", "predefined"))
    assert str(test.formerly()) == "division is chance or entity or given"
    assert str(Test(fact="minority_class_rows", op="lt", constant=500).formerly()) == "rare_class_rows < 500"
    assert str(Test(fact="rows", op="ge", constant=25).formerly()) == "rows ≥ 25"


def test_the_texts_of_a_record_are_those_of_the_current_names() -> None:
    body = parse(
        """
        facts: {division: {value: chance}, rows: {value: 30}}
        decisions:
          validation:
            choice: {name: folds, count: 3}
            provisional: [rare_class_rows]
            fragile: [{fact: rare_class_rows, other: folds (count 3)}]
            trace:
            - choice: rows_apart (no temperature)
              rejects: {folds: takes long}
              tests: [{fact: division, wanted: division is chance or entity, measured: chance}]
          metric:
            trace: [{choice: "f1 (average rare, threshold half)", tests: []}]
        bundle: {architecture: {name: recurrent}}
        dataset: {task: multi_regression}
        """,
        source="a record",
        error=ChoiceError,
    ).data
    assert current_record(body) == {
        "facts": {"split": {"value": "random"}, "rows": {"value": 30}},
        "decisions": {
            "validation": {
                "choice": {"name": "cross_validation", "folds": 3},
                "provisional": ["minority_class_rows"],
                "fragile": [{"fact": "minority_class_rows", "other": "cross_validation (folds 3)"}],
                "trace": [
                    {
                        "choice": "holdout (no temperature scaling)",
                        "rejects": {"cross_validation": "takes long"},
                        "tests": [
                            {"fact": "split", "wanted": "split is random or entity", "measured": "random"},
                        ],
                    }
                ],
            },
            "metric": {"trace": [{"choice": "f1 (average binary, threshold fixed)", "tests": []}]},
        },
        "bundle": {"architecture": {"name": "gru"}},
        "dataset": {"task": "multioutput_regression"},
    }
