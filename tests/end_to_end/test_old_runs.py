"""Finished runs of an earlier version: today's commands read them and report what that version reported."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from executor.runs.run import Run
from recommender.cli.main import group

if TYPE_CHECKING:
    from click.testing import Result

FOLDER: Final = Path(__file__).parents[1] / "old_runs"
TOLERANCE: Final = 1e-6
"""Of a predicted number, relative and absolute: on the machine of the old commit the predictions are equal to the bit,
on processors with other vector instructions float32 arithmetic rounds differently."""


RENAMED: Final = {
    "rows_apart": "holdout",
    "folds": "cross_validation",
    "folds (repeats 3)": "cross_validation (repeats 3)",
    "random_kernels (features 84)": "minirocket (features 84)",
    "bag_of_terms (letters)": "bag_of_ngrams (character ngrams)",
    "shifts_and_flips": "random_translation_and_flip",
}
"""Choices of the old runs that have another name today."""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(one) for one in arguments])


@pytest.fixture(scope="module", params=sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
def old(request: pytest.FixtureRequest) -> Path:
    """The folder of an old run, its data and what was reported of it; tests must not change it."""
    return FOLDER / request.param


def data(old: Path) -> Path:
    return next(old.glob("data.*"))


def expected(old: Path) -> dict:
    return json.loads((old / "expected.json").read_text(encoding="utf-8"))


def test_predictions_are_those_of_the_old_version(old: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    ended = invoke("predict", old / "run", data(old), "-o", output)
    assert ended.exit_code == 0, ended.output
    with output.open(encoding="utf-8") as new, (old / "expected.csv").open(encoding="utf-8") as then:
        rows, wanted = list(csv.DictReader(new)), list(csv.DictReader(then))
    assert [list(row) for row in rows] == [list(row) for row in wanted]
    for name in wanted[0]:
        was, now = [row[name] for row in wanted], [row[name] for row in rows]
        if is_number(was[0]):
            assert [float(one) for one in now] == pytest.approx(
                [float(one) for one in was], rel=TOLERANCE, abs=TOLERANCE
            )
        else:
            assert now == was


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_the_report_of_an_old_run_is_written_and_the_run_is_intact_with_it(old: Path, tmp_path: Path) -> None:
    copied = tmp_path / "run"
    shutil.copytree(old / "run", copied)
    ended = invoke("report", copied)
    assert ended.exit_code == 0, ended.output
    assert f"{Run(copied).scores.hold_out.value:.4g}" in (copied / "report.html").read_text(encoding="utf-8")
    ended = invoke("audit", "verify", copied, "--data", data(old))
    assert ended.exit_code == 0, ended.output


def test_an_old_run_is_verified_as_intact(old: Path) -> None:
    ended = invoke("audit", "verify", old / "run", "--data", data(old), "--format", "json")
    assert ended.exit_code == 0, ended.output
    found = {check["what"]: check["status"] for check in json.loads(ended.stdout)}
    # Shipped rules that decide differently since then are reported as unchecked; everything else is intact.
    assert {what: status for what, status in found.items() if not what.startswith("book: ")} == {
        what: status for what, status in expected(old)["verify"].items() if not what.startswith("book: ")
    }


def test_an_old_decision_is_replayed_with_the_recorded_choices(old: Path) -> None:
    """Where a rule that decided is gone since then, the replay names it and today's choice."""
    ended = invoke("audit", "replay", old / "run", "--data", data(old), "--format", "json")
    answer = json.loads(ended.stdout)
    assert "which is unchanged" in answer["measured"]
    changed = [one for one in answer["slots"] if one["verdict"] != "same"]
    assert ended.exit_code == (1 if changed else 0), ended.output
    for one in changed:
        assert one["verdict"] == "changed by rule"
        assert {"gone"} <= {rule["change"] for rule in one["rules"]}
    found = {one["slot"]: one["recorded"] for one in answer["slots"]}
    assert found == {slot: RENAMED.get(one["choice"], one["choice"]) for slot, one in expected(old)["replay"].items()}


def test_each_renamed_choice_of_an_old_run_is_reported_once() -> None:
    ended = invoke("audit", "explain", FOLDER / "sequences" / "run", "validation")
    assert ended.exit_code == 0, ended.output
    assert ended.stderr.count("'folds' was renamed to 'cross_validation'; both are read.") == 1
    assert "folds (repeats" not in ended.stdout
    assert "cross_validation (repeats 3)" in ended.stdout


@pytest.mark.parametrize(
    ("former", "current"), [('"count": 5', '"count": 4'), ('"name": "folds"', '"name": "cross_validation"')]
)
def test_an_old_record_is_verified_on_its_own_text(former: str, current: str, tmp_path: Path) -> None:
    copied = tmp_path / "run"
    shutil.copytree(FOLDER / "sequences" / "run", copied)
    record = copied / "record.json"
    text = record.read_text(encoding="utf-8")
    assert former in text
    record.write_text(text.replace(former, current), encoding="utf-8")
    ended = invoke("audit", "verify", copied, "--data", data(FOLDER / "sequences"), "--format", "json")
    assert ended.exit_code == 1, ended.output
    altered = {check["what"] for check in json.loads(ended.stdout) if check["status"] == "altered"}
    assert {"record: decision on the validation", "record: bundle", "record.json"} <= altered


def test_scores_and_summary_of_an_old_run_are_read(old: Path) -> None:
    run = Run(old / "run")
    assert run.scores.hold_out.value == expected(old)["hold_out"]
    assert run.summary.trials == len((old / "run" / "trials.jsonl").read_text(encoding="utf-8").splitlines())
    assert run.bundle.model_dump(mode="json") == run.record.to_bundle().model_dump(mode="json")
