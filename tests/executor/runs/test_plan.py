"""The plan of a run, and the command that trains as planned."""

from __future__ import annotations

import hashlib
import json
import shlex
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from executor.runs.files import PLAN, write_json
from executor.runs.plan import Plan, read_plan
from executor.runs.report.reproduce import reproduce_command
from recommender.planning.training_memory import Streaming
from recommender.speed.device_speed import DeviceChoice
from rules.decision.request import ImageReading, Request
from rules.errors import RunError
from rules.vocabulary.facts import Task
from tests.requests import CASES, from_options

if TYPE_CHECKING:
    from pathlib import Path


def plan_of(request: Request, **search: Any) -> Plan:
    own: dict[str, Any] = {"seed": 3, "budget": None, "trials": 2, "changed": {}, "bundle": "sha256:0", "record": ""}
    return Plan(dataset="/data/my table.csv", digest="sha256:1", request=request, **own | search).sealed()


def words_of(plan: Plan, directory: Path, devices: DeviceChoice | None = None) -> list[str]:
    run: Any = SimpleNamespace(plan=plan, directory=directory, summary=SimpleNamespace(devices=devices))
    return shlex.split(reproduce_command(run))


@pytest.mark.parametrize("flag", CASES)
def test_every_field_of_a_request_goes_from_option_to_plan_to_command_line_to_option(flag: str, tmp_path: Path) -> None:
    write_json(tmp_path / PLAN, plan_of(from_options(CASES[flag].words())))
    plan = read_plan(tmp_path)
    assert plan.request == CASES[flag]
    program, verb, dataset, *words = words_of(plan, tmp_path)
    assert [program, verb, dataset] == ["recommend", "train", "/data/my table.csv"]
    assert from_options(words[: words.index("--bundle")]) == CASES[flag]


def test_the_command_has_the_options_of_the_search(tmp_path: Path) -> None:
    plan = plan_of(
        Request(target="y"), budget=90.0, at_once=4, single=True, satisfied_at=0.5, after="/runs/a b", cluster="auto"
    )
    words = words_of(plan, tmp_path)
    assert words[3:5] == ["--target", "y"]
    assert (
        " ".join(words[7:])
        == "--after /runs/a b --budget 90s --trials 2 --seed 3 --cluster auto --at-once 4 --satisfied-at 0.5 --single"
    )


def test_the_command_requests_the_devices_that_the_run_chose(tmp_path: Path) -> None:
    chosen = DeviceChoice(devices=("GPU:1",), reason="measured")
    words = words_of(plan_of(Request(target="y")), tmp_path, chosen)
    assert words[:3] == ["PCWAT_DEVICE=gpu:1", "recommend", "train"]


def test_the_command_has_the_memory_limit_with_which_rows_were_streamed(tmp_path: Path) -> None:
    plan = plan_of(Request(target="y"), streaming=Streaming(needed=10**9, limit=1_500_000, sample=1_000))
    write_json(tmp_path / PLAN, plan)
    assert words_of(read_plan(tmp_path), tmp_path)[:3] == ["PCWAT_MEMORY=1.5MB", "recommend", "train"]


OLD = {
    "format": "pcwat/run/1",
    "dataset": "/data/t.csv",
    "digest": "sha256:1",
    "delimiter": ";",
    "targets": ["y"],
    "task": "multi_regression",
    "kinds": {"a": "text"},
    "time_column": "t",
    "entity_column": "e",
    "split_column": "s",
    "horizon": 3,
    "season": None,
    "known": ["k"],
    "bundle": "sha256:0",
    "seed": 0,
    "budget": 1e-05,
    "trials": None,
    "images": {"size": [4, 5], "fit": "pad", "unreadable": "refuse", "channels": None, "value_range": None},
    "changed": {},
    "record": "",
}
"""A plan of the version before the request was one field of it."""


def old_file(directory: Path, **changed: object) -> None:
    """Write such a plan, with the seal that the version gave it, and then change some values."""
    text = json.dumps(OLD, separators=(",", ":")).replace("1e-05", "0.00001")  # as pydantic writes the number
    seal = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    (directory / PLAN).write_text(json.dumps(OLD | {"seal": seal} | changed), encoding="utf-8")


def test_a_plan_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    old_file(tmp_path)
    request = read_plan(tmp_path).request
    assert request == Request(
        target="y",
        task=Task.MULTIOUTPUT_REGRESSION,
        kinds={"a": "text"},
        time="t",
        entity="e",
        split="s",
        delimiter=";",
        horizon=3,
        known="k",
        images=ImageReading(size=(4, 5), fit="pad"),
    )


@pytest.mark.parametrize("changed", [{"targets": ["z"]}, {"seed": 1}])
def test_an_altered_plan_of_an_earlier_version_is_refused(changed: dict, tmp_path: Path) -> None:
    old_file(tmp_path, **changed)
    with pytest.raises(RunError, match="was altered: it does not match its digest"):
        read_plan(tmp_path)


def test_an_altered_plan_is_refused(tmp_path: Path) -> None:
    content = json.loads(plan_of(Request(target="y")).model_dump_json())
    content["request"]["targets"] = ["z"]
    (tmp_path / PLAN).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RunError, match="was altered"):
        read_plan(tmp_path)
