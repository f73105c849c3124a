"""Facts of a finished training decide the next recommendation on the same data."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from recommender.audit.replay import replay
from recommender.audit.subject import Subject
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from recommender.recommendation.render import show
from recommender.run_manifest import SCORES, SUMMARY, Manifest
from rules.decision.engine import slot_choices
from rules.errors import RunError
from rules.explore.presets import PRESETS
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import Measurement

if TYPE_CHECKING:
    from pathlib import Path

    from rules.decision.record import Record

WINE = example("wine")


@cache
def record_of(target: str) -> Record:
    return recommend(WINE, target=target).record


def write_run(directory: Path, *, flow: str | None, target: str = "cultivar", is_finished: bool = True) -> Path:
    """A run directory with a record, and a summary whose training has a gradient flow."""
    directory.mkdir()
    record = record_of(target)
    fact = {"value": flow, "unit": "state", "low": None, "high": None, "source": "4 epochs of trial 0, the best"}
    summary = json.dumps({"training_facts": {} if flow is None else {"gradient_flow": fact}})
    (directory / "record.json").write_text(record.to_json(), encoding="utf-8")
    (directory / SUMMARY).write_text(summary, encoding="utf-8")
    if is_finished:
        (directory / SCORES).write_text("{}", encoding="utf-8")
        manifest = Manifest.of(record=record.seal, files={SUMMARY: summary.encode()})
        (directory / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("flow", "layers", "initializer"),
    [
        ("vanishing", ("handbook",), "he"),
        ("exploding", ("handbook",), "xavier"),
        ("exploding", SHIPPED_LAYERS, "xavier"),
        ("stable", SHIPPED_LAYERS, "he"),
    ],
)
def test_gradients_of_a_training_choose_the_initial_weights(
    flow: str, layers: tuple[str, ...], initializer: str, tmp_path: Path
) -> None:
    bundle = recommend(WINE, target="cultivar", book=layers, after=write_run(tmp_path / "run", flow=flow)).bundle
    assert str(bundle.initializer) == initializer


def test_vanishing_gradients_of_imbalanced_classes_with_relu_give_larger_weights_by_the_notes() -> None:
    facts = next(one.facts for one in PRESETS if one.name == "imbalanced-classification")
    vanishing = dict(facts) | {"gradient_flow": Measurement(value="vanishing")}
    book = load_book(["handbook"])
    before, after = (slot_choices(book, known)[Slot.INITIALIZER] for known in (facts, vanishing))
    assert (str(before.choice), before.rules) == ("xavier", ("W004",))
    assert (str(after.choice), after.rules) == ("he", ("W007",))


@pytest.mark.parametrize(
    ("preset", "when"),
    [
        ("time-series-forecasting", "{task: forecasting, activation: relu, rows: {ge: 7}}"),  # narrower than W005
        ("regression", "{task: regression, modality: tabular, activation: relu}"),  # narrower than W002
    ],
)
def test_a_rule_of_the_user_that_beats_a_rule_beats_its_variant_for_a_training(
    preset: str, when: str, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        f"rules:\n- id: W900\n  name: mine\n  when: {when}\n  then: {{initializer: lecun}}\n"
        "  because: a reason\n  source: {reason: mine}\n",
        encoding="utf-8",
    )
    book = load_book([*SHIPPED_LAYERS, mine])
    before = next(one.facts for one in PRESETS if one.name == preset)
    exploding = dict(before) | {"gradient_flow": Measurement(value="exploding")}
    assert {slot_choices(book, facts)[Slot.INITIALIZER].rules for facts in (before, exploding)} == {("W900",)}


def test_a_variant_stands_for_the_rule_that_is_left_and_is_off_without_one(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    shipped = load_book().book
    assert {one.id: one.variant_of for one in shipped.rules if one.variant_of} == {"W007": "W002", "W008": "W002"}
    mine.write_text("disable:\n- {rule: W002, reason: mine}\n", encoding="utf-8")
    book = load_book([*SHIPPED_LAYERS, mine]).book
    assert {rule.id for rule in book.off} == {"W002", "W007", "W008"}


def test_before_a_training_no_rule_fires_on_its_facts_and_the_output_says_when_they_are_known() -> None:
    advice = recommend(WINE, target="cultivar")
    fact = advice.record.facts["gradient_flow"]
    assert (fact.value, fact.source) == ("unmeasured", "known only after a training; --after RUN reads it")
    assert not any(decision.provisional for decision in advice.strategy.decisions.values())
    console = Console(width=120)
    with console.capture() as shown:
        show(advice, console)
    assert "gradient_flow: known only after a training; rules test it with --after RUN" in shown.get()


def test_the_record_names_the_run_and_a_replay_keeps_its_facts(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", flow="exploding")
    advice = recommend(WINE, target="cultivar", after=run)
    assert advice.record.facts["gradient_flow"].source == "run run: 4 epochs of trial 0, the best"
    again = replay(Subject(record=advice.record, path=None, layers=tuple(advice.record.book.layers)))
    assert again.is_same
    assert again.facts == ()


def test_a_run_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path) -> None:
    def refused(run: Path, **asked: object) -> str:
        with pytest.raises(RunError) as error:
            recommend(asked.pop("data", WINE), **{"target": "cultivar"} | asked, after=run)
        return str(error.value)

    good = write_run(tmp_path / "good", flow="stable")
    assert "trained on wine.csv, which differs from diabetes.csv" in refused(
        good, data=example("diabetes"), target="progression"
    )
    assert "predicts cultivar instead of alcohol" in refused(good, target="alcohol")
    assert "has no record.json" in refused(tmp_path / "nowhere")
    unfinished = write_run(tmp_path / "unfinished", flow="stable", is_finished=False)
    assert f"recommend train --resume {unfinished}" in refused(unfinished)
    assert "an older version of pcwat trained it" in refused(write_run(tmp_path / "old", flow=None))
    assert "must be one of unmeasured, stable" in refused(write_run(tmp_path / "odd", flow="vanished"))
    (good / SUMMARY).write_text("{}", encoding="utf-8")
    assert "summary.json was altered" in refused(good)
