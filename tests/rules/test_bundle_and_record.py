from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rules.bundle import Bundle
from rules.choices import Slot, parse_choice
from rules.engine import Pin, ProvedBook, Strategy, decide
from rules.errors import ChoiceError, RunError
from rules.facts import NOT_APPLICABLE, UNKNOWN, Measurement
from rules.record import DatasetSeen, Record, value_of

if TYPE_CHECKING:
    from pathlib import Path

SEEN = DatasetSeen(
    name="rows.csv",
    digest="sha256:0",
    rows=1000,
    task="binary",
    task_reason="2 values",
    targets=("y",),
    target_reason="given",
    kinds={"x": "numeric", "y": "categorical"},
)


@pytest.fixture
def strategy(shipped: ProvedBook) -> Strategy:
    facts = {"task": "binary", "modality": "tabular", "rows": 1000, "imbalance_ratio": 9.0, "rare_class_rows": 100}
    pin = Pin(slot=Slot.OPTIMIZER, choice=parse_choice(Slot.OPTIMIZER, "adagrad"), reason="to compare")
    known = {name: Measurement(value=value) for name, value in facts.items()}
    known |= {"trial_budget": Measurement(value=UNKNOWN), "outlier_share": Measurement(value=NOT_APPLICABLE)}
    return decide(shipped, known, pins=[pin])


def test_a_bundle_reads_back_as_it_was_written(strategy, tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    path.write_text(strategy.bundle.to_yaml({Slot.LOSS: "C102: few rare rows"}), encoding="utf-8")
    assert "# C102: few rare rows" in path.read_text(encoding="utf-8")
    assert Bundle.read(path) == strategy.bundle


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: adagrad", "name: adagard", r"bundle.yaml:\d+: The optimizer must be .* Did you mean 'adagrad'\?"),
        ("activation:", "activision:", r"bundle.yaml:\d+: a bundle has no slot 'activision'.* 'activation'\?"),
        ("activation: relu\n", "", "must choose for every slot, but activation is missing"),
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
    record = Record.of(strategy, dataset=SEEN, layers=shipped.book.layers)
    path = tmp_path / "record.json"
    path.write_text(record.to_json(), encoding="utf-8")
    read = Record.read(path)
    assert read == record
    assert read.to_bundle() == strategy.bundle
    assert read.decisions[Slot.OPTIMIZER].pin.reason == "to compare"
    assert value_of(read.facts["outlier_share"]).__class__ is NOT_APPLICABLE.__class__
    assert value_of(read.facts["trial_budget"]).__class__ is UNKNOWN.__class__


def test_an_altered_record_is_refused(strategy, shipped, tmp_path: Path) -> None:
    body = json.loads(Record.of(strategy, dataset=SEEN, layers=shipped.book.layers).to_json())
    body["facts"]["rows"]["value"] = 999
    path = tmp_path / "record.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(RunError, match="was altered"):
        Record.read(path)
