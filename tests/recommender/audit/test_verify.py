from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from recommender.audit.subject import Subject
from recommender.audit.verify import verify
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from recommender.run_manifest import MANIFEST, Manifest, reseal
from rules import __version__
from rules.errors import PcwatError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recommender.audit.verify import Check


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A directory that looks like a finished run, on a copy of the cancer rows and with a book of its own."""
    data, book, folder = tmp_path / "rows.csv", tmp_path / "mine.yaml", tmp_path / "run"
    shutil.copy(example("breast_cancer"), data)
    book.write_text("disable:\n- {rule: C103, reason: old}\n", encoding="utf-8")
    folder.mkdir()
    record = recommend(data, target="diagnosis", book=["handbook", "evidence", book]).record
    files = {"record.json": record.to_json(), "bundle.yaml": "a bundle", "model.keras": "a model"}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    manifest = Manifest.of(record=record.seal, files={name: folder / name for name in files})
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    return folder


def findings(checks: list[dict]) -> set[tuple[str, str]]:
    return {(check["what"], check["status"]) for check in checks if check["status"] != "intact"}


def test_an_untouched_run_is_intact(answer, invoke, run: Path) -> None:
    assert findings(answer("verify", run)) == set()
    assert invoke("verify", run).exit_code == 0


def test_a_change_of_the_table_in_a_folder_of_images_is_found(answer, tmp_path: Path) -> None:
    folder, kept = tmp_path / "pictures", tmp_path / "decision.json"
    folder.mkdir()
    for number in range(40):
        Image.new("L", (4, 4), 5 * number).save(folder / f"{number}.png")
    rows = [f"{number}.png,{number % 2}" for number in range(40)]
    (folder / "labels.csv").write_text("\n".join(["picture,y", *rows]))
    kept.write_text(recommend(folder, target="y").record.to_json(), encoding="utf-8")
    assert findings(answer("verify", kept)) == set()
    (folder / "labels.csv").write_text("\n".join(["picture,y", *rows[:-1], "39.png,0"]))
    assert findings(answer("verify", kept)) == {("dataset", "altered")}


def checked_book(*, version: str = __version__, rules: dict[str, str] | None = None) -> Check:
    """The check of the shipped evidence, whose text is another than the one that a record names."""
    record = recommend(example("breast_cancer"), target="diagnosis").record
    used = record.book
    layers = used.layers | {"evidence": "sha256:0"}
    book = used.model_copy(update={"layers": layers, "rules": used.rules | (rules or {})})
    old = record.model_copy(update={"book": book, "version": version})
    checks = verify(Subject(record=old, path=None, layers=tuple(layers)))
    return next(check for check in checks if check.what == "book: evidence")


def test_another_wording_of_a_shipped_rule_is_no_finding() -> None:
    assert checked_book().status == "intact"


def test_a_rule_that_a_later_version_changed_is_reported_but_no_finding() -> None:
    check = checked_book(version="0.0.1", rules={"M301": "sha256:0"})
    assert check.status == "unchecked"
    assert "pcwat 0.0.1 made the record" in check.detail
    assert check.detail.endswith("rules that decide differently: M301")


def test_a_shipped_rule_that_was_edited_is_a_finding() -> None:
    check = checked_book(rules={"M301": "sha256:0"})
    assert check.status == "altered"
    assert "M301" in check.detail


def rewritten(path: Path, change: Callable[[dict], object]) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")


TAMPERED = {
    "model": (lambda run: (run / "model.keras").write_text("another"), {("model.keras", "altered")}),
    "bundle": (lambda run: (run / "bundle.yaml").write_text("another"), {("bundle.yaml", "altered")}),
    "a file taken away": (lambda run: (run / "model.keras").unlink(), {("model.keras", "missing")}),
    "book": (
        lambda run: (run.parent / "mine.yaml").write_text("disable:\n- {rule: C101, reason: old}\n"),
        {("book: BOOK", "altered")},
    ),
    "book taken away": (lambda run: (run.parent / "mine.yaml").unlink(), {("book: BOOK", "missing")}),
    "dataset": (lambda run: (run.parent / "rows.csv").write_text("a,b\n1,2"), {("dataset", "altered")}),
    "dataset taken away": (lambda run: (run.parent / "rows.csv").unlink(), {("dataset", "missing")}),
    "fact": (
        lambda run: rewritten(run / "record.json", lambda body: body["facts"]["rows"].update(value=7)),
        {("record: facts", "altered"), ("record.json", "altered")},
    ),
    "decision": (
        lambda run: rewritten(run / "record.json", lambda body: body["decisions"]["loss"].update(rules=["C003"])),
        {("record: decision on the loss", "altered"), ("record.json", "altered")},
    ),
    "manifest": (
        lambda run: rewritten(run / MANIFEST, lambda body: body["files"].update({"model.keras": "sha256:0"})),
        {(MANIFEST, "altered"), ("model.keras", "altered")},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_altered_is_named(what: str, answer, invoke, run: Path) -> None:
    tamper, wanted = TAMPERED[what]
    tamper(run)
    book = str(run.parent / "mine.yaml")
    assert findings(answer("verify", run)) == {(name.replace("BOOK", book), status) for name, status in wanted}
    assert invoke("verify", run).exit_code == 1


def test_a_record_that_was_forged_throughout_does_not_fit_the_seal_that_was_noted(answer, run: Path) -> None:
    seal = recommend(run.parent / "rows.csv", target="diagnosis").record.seal
    checks = answer("verify", run, "--seal", seal)
    assert ("seal", "altered") in findings(checks)
    own = json.loads((run / "record.json").read_text(encoding="utf-8"))["chain"]["bundle"]
    assert findings(answer("verify", run, "--seal", own)) == set()


def test_another_record_put_into_a_run_is_named(answer, run: Path) -> None:
    other = recommend(run.parent / "rows.csv", target="diagnosis", trials=3).record
    (run / "record.json").write_text(other.to_json(), encoding="utf-8")
    assert {("record of the run", "altered"), ("record.json", "altered")} <= findings(answer("verify", run))


def test_a_run_that_was_not_finished_has_no_manifest(answer, run: Path) -> None:
    (run / MANIFEST).unlink()
    assert findings(answer("verify", run)) == {(MANIFEST, "unchecked")}


def test_a_finished_run_without_a_manifest_is_a_finding(answer, invoke, run: Path) -> None:
    (run / "scores.json").write_text("{}", encoding="utf-8")
    (run / MANIFEST).unlink()
    assert findings(answer("verify", run)) == {(MANIFEST, "missing")}
    assert invoke("verify", run).exit_code == 1
    refused = invoke("explain", run)
    assert "manifest.json of a finished run is missing" in str(refused.exception)


def test_digests_that_were_computed_again_do_not_match_the_seal_of_the_run_that_was_noted(answer, run: Path) -> None:
    manifest = Manifest.read(run)
    assert manifest is not None
    assert findings(answer("verify", run, "--seal", manifest.seal)) == set()
    (run / "model.keras").write_text("another", encoding="utf-8")
    forged = Manifest.of(record=manifest.record, files={name: run / name for name in manifest.files})
    (run / MANIFEST).write_text(forged.model_dump_json(), encoding="utf-8")
    assert findings(answer("verify", run)) == set()
    assert findings(answer("verify", run, "--seal", manifest.seal)) == {("seal", "altered")}


def test_a_record_forged_with_all_digests_computed_again_is_found_by_the_seal_of_the_run_alone(
    answer, invoke, run: Path
) -> None:
    noted = Manifest.read(run)
    assert noted is not None
    book = ["handbook", "evidence", run.parent / "mine.yaml"]
    forged = recommend(run.parent / "rows.csv", target="diagnosis", trials=3, book=book).record
    (run / "record.json").write_text(forged.to_json(), encoding="utf-8")
    manifest = Manifest.of(record=forged.seal, files={name: run / name for name in noted.files})
    (run / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    assert findings(answer("verify", run)) == set()
    assert "detected only with --seal" in " ".join(invoke("verify", run).stdout.split())
    assert findings(answer("verify", run, "--seal", noted.seal)) == {("seal", "altered")}
    assert invoke("verify", run, "--seal", noted.seal).exit_code == 1
    assert findings(answer("verify", run, "--seal", noted.record)) == {("seal", "altered")}


def test_a_seal_that_was_written_into_a_forged_manifest_does_not_hide_the_change(answer, run: Path) -> None:
    noted = Manifest.read(run)
    assert noted is not None
    (run / "model.keras").write_text("another", encoding="utf-8")
    forged = Manifest.of(record=noted.record, files={name: run / name for name in noted.files})
    text = forged.model_copy(update={"seal": noted.seal}).model_dump_json()
    (run / MANIFEST).write_text(text, encoding="utf-8")
    assert findings(answer("verify", run, "--seal", noted.seal)) == {("seal", "altered"), (MANIFEST, "altered")}


def test_a_seal_is_taken_in_capitals_and_without_its_prefix(answer, run: Path) -> None:
    noted = Manifest.read(run)
    assert noted is not None
    assert findings(answer("verify", run, "--seal", noted.seal.removeprefix("sha256:").upper())) == set()


def test_a_file_that_the_finished_run_did_not_have_is_named(answer, run: Path) -> None:
    (run / "trials").mkdir()
    (run / "trials" / "0000.weights.npz").write_text("weights", encoding="utf-8")
    (run / "log.txt").write_text("the log goes on", encoding="utf-8")
    assert findings(answer("verify", run)) == {("trials/0000.weights.npz", "unchecked")}


def test_a_manifest_names_only_files_within_the_run(answer, run: Path) -> None:
    manifest = Manifest.of(record="", files={"../rows.csv": run.parent / "rows.csv"})
    (run / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    assert ("../rows.csv", "altered") in findings(answer("verify", run))


def test_the_seal_follows_a_file_that_is_written_anew_and_other_changes_are_still_found(answer, run: Path) -> None:
    (run / "report.html").write_text("a page", encoding="utf-8")
    (run / "model.keras").write_text("another", encoding="utf-8")
    manifest = reseal(run, "report.html")
    assert manifest is not None
    (run / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    assert findings(answer("verify", run, "--seal", manifest.seal)) == {("model.keras", "altered")}


QUESTIONS = {
    "explain": (),
    "why-not": ("loss=huber",),
    "what-if": (),
    "replay": (),
    "guardrails": (),
    "export": (),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_refuses_an_altered_record_and_names_the_part(question: str, invoke, run: Path) -> None:
    assert invoke(question, run, *QUESTIONS[question]).exit_code in {0, 1}
    rewritten(run / "record.json", lambda body: body["facts"]["rows"].update(value=7))
    error = invoke(question, run, *QUESTIONS[question]).exception
    assert isinstance(error, RunError)
    assert "was altered: its hash chain does not match facts" in str(error)
    shutil.copy(run / "record.json", run.parent / "decision.json")
    assert isinstance(invoke(question, run.parent / "decision.json", *QUESTIONS[question]).exception, RunError)


def test_every_question_refuses_an_intact_record_of_another_run(invoke, run: Path) -> None:
    other = recommend(run.parent / "rows.csv", target="diagnosis", trials=3).record
    (run / "record.json").write_text(other.to_json(), encoding="utf-8")
    assert "is not the record of this run" in str(invoke("explain", run).exception)


def test_altered_guardrails_of_a_run_are_refused(invoke, run: Path) -> None:
    text = '{"format":"pcwat/guardrails/1","guardrails":[]}'
    (run / "guardrails.json").write_text(text, encoding="utf-8")
    manifest = reseal(run, "guardrails.json")
    assert manifest is not None
    (run / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    assert invoke("guardrails", run).exit_code == 0
    (run / "guardrails.json").write_text(text.replace("[]", "[ ]"), encoding="utf-8")
    assert "guardrails.json was altered" in str(invoke("guardrails", run).exception)


@pytest.mark.parametrize("name", ["record.json", MANIFEST])
def test_a_damaged_file_is_refused_by_name(name: str, invoke, run: Path) -> None:
    (run / name).write_text("{", encoding="utf-8")
    error = invoke("verify", run).exception
    assert isinstance(error, PcwatError)
    assert name in str(error)


def test_a_directory_that_is_no_run_is_refused(invoke, tmp_path: Path) -> None:
    error = invoke("verify", tmp_path).exception
    assert isinstance(error, PcwatError)
    assert "A run is a directory with a record.json" in str(error)


def test_a_url_of_an_unknown_scheme_is_refused(invoke) -> None:
    error = invoke("explain", "ftp://example.org/rows.csv").exception
    assert isinstance(error, PcwatError)
    assert "must start with https://" in str(error)


@pytest.mark.parametrize("place", ["/dev/zero", "/", "pipe"])
def test_a_record_with_a_special_file_fails_without_blocking(answer, invoke, run: Path, place: str) -> None:
    path = run.parent / "pipe"
    os.mkfifo(path)
    rewritten(run / "record.json", lambda body: body["dataset"].update(path=str(path) if place == "pipe" else place))
    found = {check["what"]: check["status"] for check in answer("verify", run)}
    assert found["dataset"] in {"missing", "altered"}
    assert invoke("replay", run).exit_code in {0, 1, 2}
