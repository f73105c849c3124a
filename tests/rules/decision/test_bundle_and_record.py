from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from rules.decision.engine import Strategy, decide
from rules.decision.record import DatasetSeen, Record
from rules.decision.request import RecordedRequest
from rules.decision.trace import Pin
from rules.errors import ChoiceError, RunError
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import EXTRAS, Holdout, Slot, Standard, parse_choice
from rules.vocabulary.facts import NOT_APPLICABLE, UNKNOWN, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules.proof.proved_book import ProvedBook

SEEN = DatasetSeen(
    name="rows.csv",
    path=None,
    digest="sha256:0",
    rows=1000,
    task="binary",
    task_reason="2 values",
    targets=("y",),
    target_reason="given",
    kinds={"x": "numeric", "y": "categorical"},
    rare_class="no",
)
REQUEST = RecordedRequest(
    target="y", task=None, kinds={}, time=None, entity=None, split=None, delimiter=None, budget=None, trials=None
)


@pytest.fixture
def strategy(shipped: ProvedBook) -> Strategy:
    facts = {"task": "binary", "modality": "tabular", "rows": 1000, "imbalance_ratio": 9.0, "minority_class_rows": 100}
    pin = Pin(slot=Slot.OPTIMIZER, choice=parse_choice(Slot.OPTIMIZER, "adagrad"), reason="to compare")
    known = {name: Measurement(value=value) for name, value in facts.items()}
    known |= {"trial_budget": Measurement(value=UNKNOWN), "outlier_share": Measurement(value=NOT_APPLICABLE)}
    return decide(shipped, known, pins=[pin])


def test_a_bundle_reads_back_as_it_was_written(strategy, tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    path.write_text(strategy.bundle.to_yaml({Slot.LOSS: "C101: rare classes"}), encoding="utf-8")
    assert "# C101: rare classes" in path.read_text(encoding="utf-8")
    assert Bundle.read(path) == strategy.bundle


def test_a_bundle_from_before_a_choice_had_parameters_keeps_what_it_trained(strategy, tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    text = strategy.bundle.to_yaml()
    before, _, rest = text.partition("architecture:\n")
    path.write_text(f"{before}architecture:\n  name: standard\n  bins: 16\nvalidation: holdout\n", encoding="utf-8")
    assert "  zero_output: true\n" in rest
    assert "  temperature_scaling: true\n" in rest
    read = Bundle.read(path)
    assert (read.architecture, read.validation) == (Standard(bins=16), Holdout())
    assert all(getattr(read.architecture, name) for name in EXTRAS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: adagrad", "name: adagard", r"bundle.yaml:\d+:\d+: The optimizer must be .* Did you mean 'adagrad'\?"),
        ("activation:", "activision:", r"bundle.yaml:\d+:\d+: a bundle has no slot 'activision'.* 'activation'\?"),
        ("activation: relu\n", "", "must have a choice for every slot, but activation is missing"),
        ("pcwat/bundle/1", "other", "is not a bundle"),
    ],
)
def test_a_broken_bundle_is_refused_with_its_line(old, new, message, strategy, tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    text = strategy.bundle.to_yaml()
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ChoiceError, match=message):
        Bundle.read(path)


def test_a_record_reads_back_as_it_was_written(strategy, shipped, tmp_path: Path) -> None:
    record = Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped)
    path = tmp_path / "record.json"
    path.write_text(record.to_json(), encoding="utf-8")
    read = Record.read(path)
    assert read == record
    assert read.to_bundle() == strategy.bundle
    assert read.decisions[Slot.OPTIMIZER].pin.reason == "to compare"
    assert read.measurements()["outlier_share"].value.__class__ is NOT_APPLICABLE.__class__
    assert read.measurements()["trial_budget"].value.__class__ is UNKNOWN.__class__


def altered(record: Record, change: Callable[[dict[str, Any]], object]) -> Record:
    body = json.loads(record.to_json())
    change(body)
    return Record.model_validate_json(json.dumps(body))


ALTERATIONS = {
    "dataset": lambda body: body["dataset"].update(rows=7),
    "facts": lambda body: body["facts"]["rows"].update(value=999),
    "decision on the loss": lambda body: body["decisions"]["loss"].update(rules=["C001"]),
    "bundle": lambda body: body["bundle"]["optimizer"].update(learning_rate=0.5),
    "chain": lambda body: body["chain"].update(more="sha256:0"),
}


@pytest.mark.parametrize("part", ALTERATIONS)
def test_the_altered_part_of_a_record_is_named(part: str, strategy, shipped) -> None:
    record = Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped)
    assert record.altered() == []
    assert altered(record, ALTERATIONS[part]).altered() == [part]


def test_a_part_that_is_sealed_anew_still_breaks_the_next_link(strategy, shipped) -> None:
    record = Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped)
    forged = altered(record, ALTERATIONS["facts"])
    again = forged.model_copy(update={"chain": record.chain | {"facts": "sha256:forged"}})
    assert again.altered() == ["facts", "decision on the activation"]


def test_a_record_from_before_a_choice_had_a_parameter_is_intact(strategy, shipped, tmp_path: Path) -> None:
    body = json.loads(Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped).to_json())
    for choice in (body["decisions"]["optimizer"]["choice"], body["decisions"]["optimizer"]["ruled"]):
        del choice["schedule"]  # as if a later version had added it
    del body["bundle"]["optimizer"]["schedule"]
    body["chain"] = chain_of(body)
    (tmp_path / "record.json").write_text(json.dumps(body), encoding="utf-8")
    assert Record.read_intact(tmp_path / "record.json").to_bundle().optimizer.schedule == "constant"
    body["decisions"]["optimizer"]["choice"]["learning_rate"] = 0.5
    (tmp_path / "record.json").write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(RunError, match="does not match decision on the optimizer"):
        Record.read_intact(tmp_path / "record.json")


@pytest.mark.parametrize(("reason", "origin"), [("from the bundle", "bundle"), ("to compare", "user")])
def test_a_record_from_before_pins_had_an_origin_is_intact_and_has_the_origin(
    reason: str, origin: str, strategy, shipped, tmp_path: Path
) -> None:
    body = json.loads(Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped).to_json())
    del body["decisions"]["optimizer"]["pin"]["origin"]
    body["decisions"]["optimizer"]["pin"]["reason"] = reason
    body["chain"] = chain_of(body)
    (tmp_path / "record.json").write_text(json.dumps(body), encoding="utf-8")
    read = Record.read_intact(tmp_path / "record.json")
    assert read.decisions[Slot.OPTIMIZER].pin.origin == origin
    assert read.altered() == []


def test_a_pin_of_the_user_stays_one_whatever_its_reason(strategy, shipped, tmp_path: Path) -> None:
    body = json.loads(Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped).to_json())
    body["decisions"]["optimizer"]["pin"]["reason"] = "from the bundle"
    body["chain"] = chain_of(body)
    (tmp_path / "record.json").write_text(json.dumps(body), encoding="utf-8")
    assert Record.read_intact(tmp_path / "record.json").decisions[Slot.OPTIMIZER].pin.origin == "user"


def chain_of(body: dict[str, Any]) -> dict[str, str]:
    """The chain of a record's file: each link is the SHA-256 of the link before it and of the part."""
    parts = {"heading": {key: body[key] for key in ("format", "version", "created")}}
    parts |= {name: body[name] for name in ("dataset", "asked", "book", "facts")}
    parts |= {f"decision on the {slot}": decision for slot, decision in body["decisions"].items()}
    parts |= {name: body[name] for name in ("guardrails", "bundle")}
    chain: dict[str, str] = {}
    before = ""
    for name, part in parts.items():
        canonical = json.dumps(part, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        before = chain[name] = f"sha256:{hashlib.sha256(f'{before}|{canonical}'.encode()).hexdigest()}"
    return chain


def test_an_altered_record_is_refused(strategy, shipped, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = Record.of(strategy, dataset=SEEN, request=REQUEST, proved=shipped)
    path.write_text(altered(record, ALTERATIONS["facts"]).to_json(), encoding="utf-8")
    with pytest.raises(RunError, match="was altered: its hash chain does not match facts"):
        Record.read_intact(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format": "pcwat/record/1"}', "has format pcwat/record/1 of another version of pcwat"),
        ('{"format": "pcwat/record/2"}', "is not (version: Field required)"),
        ("no JSON", "is not (Invalid JSON"),
    ],
)
def test_what_is_no_record_of_this_format_is_refused_with_the_remedy(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunError) as caught:
        Record.read(path)
    assert says in str(caught.value)
    assert "recommend DATASET --record FILE" in str(caught.value)
