from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from recommender.audit.replay import compare_devices
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from recommender.speed.device_speed import DeviceChoice, DeviceSpeed, StackTime, TrainedSize, remember_speeds
from rules.decision.record import Record
from rules.decision.trace import Pin
from rules.errors import DatasetError
from rules.vocabulary.choices import Slot, parse_choice

if TYPE_CHECKING:
    from pathlib import Path

CANCER = example("breast_cancer")


def by_slot(answer: dict) -> dict[str, dict]:
    return {one["slot"]: one for one in answer["slots"]}


def test_an_untouched_record_comes_out_the_same(answer, invoke, cancer_record) -> None:
    found = answer("replay", cancer_record)
    assert {one["verdict"] for one in found["slots"]} == {"same"}
    assert (found["facts"], found["rules"]) == ([], [])
    assert found["measured"].endswith("which is unchanged")
    assert invoke("replay", cancer_record).exit_code == 0


def test_a_change_by_rule_names_the_rules_that_changed(answer, invoke, cancer_record) -> None:
    found = by_slot(answer("replay", cancer_record, "--book", "handbook"))
    optimizer = found["optimizer"]
    assert (optimizer["verdict"], optimizer["recorded"], optimizer["today"]) == (
        "changed by rule",
        "adam (learning rate 0.0025, schedule cosine)",
        "adam",
    )
    assert (optimizer["recorded_by"], optimizer["today_by"]) == (["A101"], ["A001"])
    assert {one["rule"]: one["change"] for one in optimizer["rules"]} == {
        "A101": "gone"
    }  # not A102 to A104, which did not decide
    assert found["metric"]["verdict"] == "same"
    assert invoke("replay", cancer_record, "--book", "handbook").exit_code == 1


def test_a_rule_that_says_something_else_today_is_different(answer, cancer_record, tmp_path: Path) -> None:
    book = tmp_path / "mine.yaml"
    book.write_text(
        "rules:\n- id: P900\n  name: a\n  when: {rows: {ge: 500}}\n  then: {metric: f1}\n  because: b\n"
        "  source: {reason: c}\n  overrides: [P001, P002, P003, P005, P006, P007, P008, P009, P010]\n"
        "- id: P901\n  name: d\n  when: {task: {in: [regression, multioutput_regression, forecasting]}, "
        "rows: {ge: 500}}\n"
        "  then: {metric: rmse}\n  because: b\n  source: {reason: c}\n  overrides: [P006, P007, P009]\n",
        encoding="utf-8",
    )
    metric = by_slot(answer("replay", cancer_record, "--book", book))["metric"]
    assert (metric["verdict"], metric["today"]) == ("changed by rule", "f1")
    assert {"rule": "P900", "change": "new"} in metric["rules"]


@pytest.fixture
def moved(tmp_path: Path, write_record) -> tuple[Path, Path]:
    """A record on a copy of the cancer rows, and the copy with most malignant rows taken out."""
    data = tmp_path / "rows.csv"
    shutil.copy(CANCER, data)
    record = write_record(data, target="diagnosis", trials=20)
    header, *rows = data.read_text(encoding="utf-8").splitlines()
    malignant = [row for row in rows if row.endswith("malignant")]
    kept = [row for row in rows if row not in malignant[40:]]
    data.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    return record, data


def test_a_change_by_measurement_names_the_facts_that_changed(answer, moved) -> None:
    found = answer("replay", moved[0])
    metric = by_slot(found)["metric"]
    assert (metric["verdict"], metric["today"]) == ("changed by measurement", "f1 (average binary)")
    assert {one["fact"]: (one["recorded"], one["today"]) for one in metric["facts"]} == {
        "imbalance_ratio": (pytest.approx(357 / 212), pytest.approx(357 / 40)),
        "minority_class_rows": (212, 40),
    }
    assert found["measured"].endswith("which has changed since")


def test_a_missing_dataset_is_reported_and_the_rules_are_replayed(answer, moved) -> None:
    record, data = moved
    data.unlink()
    found = answer("replay", record)
    assert "does not exist; give its new path with --data" in found["measured"]
    assert {one["verdict"] for one in found["slots"]} == {"same"}


def test_an_unreadable_dataset_is_reported(answer, moved) -> None:
    moved[1].write_text("diagnosis\n", encoding="utf-8")
    assert "not measured again: The dataset must have rows" in answer("replay", moved[0])["measured"]


def test_data_names_where_the_dataset_is_now(answer, invoke, moved, tmp_path: Path) -> None:
    record, data = moved
    shutil.copy(CANCER, tmp_path / "elsewhere.csv")
    data.unlink()
    assert answer("replay", record, "--data", tmp_path / "elsewhere.csv")["measured"].endswith("which is unchanged")
    error = invoke("replay", record, "--data", tmp_path / "nowhere.csv").exception
    assert isinstance(error, DatasetError)


def test_a_pinned_choice_stays_pinned_in_a_replay(answer, write_record) -> None:
    pin = Pin(slot=Slot.OPTIMIZER, choice=parse_choice(Slot.OPTIMIZER, "sgd"), reason="ours")
    path = write_record(CANCER, target="diagnosis", pins=[pin])
    optimizer = by_slot(answer("replay", path, "--book", "handbook"))["optimizer"]
    assert (optimizer["verdict"], optimizer["today"], optimizer["today_by"]) == ("same", "sgd", ["user"])


def test_a_replay_uses_the_recorded_request(answer, write_record) -> None:
    fields = {"target": "diagnosis", "task": "binary", "kinds": {"mean radius": "categorical"}, "trials": 7}
    path = write_record(CANCER, **fields)
    assert Record.read(path).request == recommend(CANCER, **fields).record.request
    assert json.loads(path.read_text(encoding="utf-8"))["asked"]["trials"] == 7
    assert answer("replay", path)["facts"] == []


def test_a_replay_says_where_this_machine_has_other_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCWAT_CACHE", str(tmp_path))
    times = (StackTime(networks=1, step_seconds=1, compile_seconds=1),)
    cpu, old, new = (
        DeviceSpeed(devices=(name,), model=model, times=times)
        for name, model in (("CPU:0", ""), ("GPU:0", "A10"), ("GPU:0", "H200"))
    )
    choice = DeviceChoice(devices=("GPU:0",), reason="measured", measured=(cpu, old))
    assert compare_devices(None) == ""
    assert compare_devices(choice) == (
        "Trained on GPU:0 (A10); the devices of this machine are not known before a training measures them."
    )
    size = TrainedSize(network="cnn", columns=64, batch=128)
    remember_speeds(size, [cpu, old])
    assert compare_devices(choice) == "Trained on GPU:0 (A10), which this machine has, too."
    remember_speeds(size, [cpu, new])
    assert compare_devices(choice) == (
        "Trained on GPU:0 (A10); this machine has CPU:0 and GPU:0 (H200), so that scores may differ in the last "
        "digits, and another number of trials may fit into a time limit."
    )
