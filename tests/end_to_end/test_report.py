"""`recommend report` and `recommend runs`: a page of one run or several, in which names of the data stay text."""

from __future__ import annotations

import csv
import json
import logging
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from sklearn.metrics import roc_auc_score

from executor import datasheet, measure_fairness, model_card
from executor.runs import seal
from executor.runs.files import IMPORTANCE, PREDICTIONS, REPORT
from executor.runs.plan import reopen_dataset
from executor.runs.report import write as writing
from executor.runs.report.cli import report, runs
from executor.runs.report.compare import comparison_page
from executor.runs.report.fairness import Fairness
from executor.runs.report.hold_out_predictions import read_predictions
from executor.runs.report.page import page
from executor.runs.report.plots.confusion import confusion_matrix
from executor.runs.report.reproduce import reproduce_command
from executor.runs.run import Run
from recommender.cli.main import group
from recommender.examples import example
from recommender.run_manifest import MANIFEST, SCORES, Manifest, run_files
from rules.errors import ChoiceError, ColumnError, DatasetError, PcwatError, RunError
from rules.text.templating import markdown
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

HOSTILE = """<script>alert(1)</script></style>{{ 7*7 }}"'\u202e"""


@pytest.fixture
def run_copy(cancer_run: Run, tmp_path: Path) -> Run:
    """The run in a directory that a test may change."""
    shutil.copytree(cancer_run.directory, tmp_path / "run")
    return Run(tmp_path / "run")


def test_the_page_has_the_sections_of_the_field_and_loads_nothing(cancer_run: Run) -> None:
    text = page(cancer_run)
    for part in (
        "roc_auc",
        "rows of the hold-out",
        "ROC curve",
        "Precision-recall curve",
        "Confusion matrix",
        "Reproduce",
    ):
        assert part in text
    for outside in ("<script", "http://", "https://", "src=", "@import", "url("):
        assert outside not in text


def test_training_leaves_the_page_in_the_run_as_the_verb_writes_it_again(cancer_run: Run, tmp_path: Path) -> None:
    written = (cancer_run.directory / REPORT).read_text(encoding="utf-8")
    again = tmp_path / "again.html"
    ended = CliRunner().invoke(report, [str(cancer_run.directory), "-o", str(again)])
    assert ended.exit_code == 0, ended.output
    assert again.read_text(encoding="utf-8") == written
    assert len(written) < 5_000_000
    assert str(again) in ended.stderr


def test_a_quiet_report_prints_nothing(cancer_run: Run, tmp_path: Path) -> None:
    ended = CliRunner().invoke(report, ["--quiet", str(cancer_run.directory), "-o", str(tmp_path / "again.html")])
    assert (ended.exit_code, ended.output) == (0, "")
    assert (tmp_path / "again.html").exists()


def test_a_page_that_cannot_be_written_is_reported_and_loses_nothing(
    run_copy: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (run_copy.directory / REPORT).unlink()

    def broken(*_: object) -> str:
        raise MemoryError("no room for a plot")

    monkeypatch.setattr(writing, "page", broken)
    monkeypatch.setattr(logging.getLogger(writing.__name__), "handlers", [])
    writing.write_report(run_copy, None)
    assert "recommend report" in caplog.text
    assert "no room for a plot" in caplog.text
    assert run_copy.scores.rows > 0
    assert not (run_copy.directory / REPORT).exists()


def test_a_report_that_cannot_be_sealed_is_removed_and_the_run_stays_intact(
    run_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = (run_copy.directory / MANIFEST).read_bytes()

    def full(path: Path, _: object) -> None:
        raise RunError(f"Cannot write {path}: No space left on device.")

    monkeypatch.setattr(seal, "write_json", full)
    monkeypatch.setattr(logging.getLogger(writing.__name__), "handlers", [])
    seal._seal_report(run_copy.directory, record=run_copy.record.seal)
    assert not (run_copy.directory / REPORT).exists()
    assert (run_copy.directory / MANIFEST).read_bytes() == manifest


def test_a_report_is_written_anew_together_with_its_manifest_or_not_at_all(
    run_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {name: (run_copy.directory / name).read_bytes() for name in (REPORT, MANIFEST)}

    def full(path: Path, _: object) -> None:
        raise RunError(f"Cannot write {path}: No space left on device.")

    with monkeypatch.context() as context:
        context.setattr("executor.runs.report.cli.write_json", full)
        assert isinstance(CliRunner().invoke(report, [str(run_copy.directory)]).exception, RunError)
    assert {name: (run_copy.directory / name).read_bytes() for name in kept} == kept
    assert not [path for path in run_copy.directory.iterdir() if path.name.startswith(".")]
    assert CliRunner().invoke(report, [str(run_copy.directory)]).exit_code == 0
    manifest = Manifest.read(run_copy.directory)
    assert manifest is not None
    assert manifest.seal == Manifest.of(record=manifest.record, files=run_files(run_copy.directory)).seal


def test_each_plot_has_a_description(cancer_run: Run) -> None:
    drawings = re.findall(r"<svg [^>]*>", page(cancer_run))
    assert len(drawings) >= 8
    labels = [re.search(r'role="img" aria-label="([^"]{30,})"', drawing) for drawing in drawings]
    assert all(labels)


def test_a_hostile_name_stays_text(run_copy: Run) -> None:
    record = run_copy.record
    seen = record.dataset.model_copy(update={"name": HOSTILE, "targets": (HOSTILE,)})
    run_copy.__dict__["record"] = record.model_copy(update={"dataset": seen})
    text = page(run_copy)
    assert "<script" not in text
    assert text.count("</style>") == 1
    assert "{{ 7*7 }}" in text


def test_predictions_are_read_as_they_were_scored(cancer_run: Run) -> None:
    hold_out = read_predictions(cancer_run)
    assert len(hold_out) == cancer_run.scores.rows
    area = roc_auc_score(hold_out.predictions.truth, hold_out.predictions.outcome[:, 0])
    assert area == pytest.approx(cancer_run.scores.hold_out.value)
    assert f"Area under the curve: {hold_out.names[1]} ({area:.4g})" in page(cancer_run)


def test_the_confusion_matrix_counts_the_rows_of_the_hold_out(cancer_run: Run) -> None:
    found = confusion_matrix(read_predictions(cancer_run))
    assert found is not None
    with (cancer_run.directory / PREDICTIONS).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = sum(row["truth"] == row["prediction"] for row in rows)
    assert sum(map(sum, found.counts)) == len(rows)
    assert sum(found.counts[at][at] for at in range(2)) == right


def test_the_importance_of_columns_is_kept_as_aggregates_and_sealed(cancer_run: Run) -> None:
    found = cancer_run.importance
    assert found is not None
    assert {one.name for one in found.columns} | set(found.missing) == {
        column.name for column in cancer_run.signature.columns
    }
    assert found.rows == cancer_run.scores.rows
    losses = [one.loss for one in found.columns]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0
    manifest = Manifest.read(cancer_run.directory)
    assert manifest is not None
    assert {IMPORTANCE, REPORT, SCORES, "trials/0000.weights.npz"} <= manifest.files.keys()
    assert manifest.seal == cancer_run.seal


def test_the_seal_covers_every_file_of_a_run_but_the_log_and_the_lock(run_copy: Run) -> None:
    folder = run_copy.directory
    manifest = Manifest.read(folder)
    assert manifest is not None
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found - manifest.files.keys() == {MANIFEST, "log.txt", "search.lock", "search.process"}
    assert manifest.files.keys() <= found
    for name in manifest.files:
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b" ")
        forged = Manifest.of(record=manifest.record, files=run_files(folder))
        assert forged.seal != manifest.seal
        (folder / name).write_bytes(before)
    assert Manifest.of(record=manifest.record, files=run_files(folder)).seal == manifest.seal


def test_damage_is_reported_with_the_file(run_copy: Run) -> None:
    (run_copy.directory / PREDICTIONS).unlink()
    with pytest.raises(RunError, match=r"predictions\.csv cannot be read: .*\. Restore the file"):
        page(run_copy)
    (run_copy.directory / PREDICTIONS).write_text('"row","truth"\n1,"benign"\n')
    with pytest.raises(RunError, match=r"predictions\.csv cannot be read: it lacks .*\. Restore the file"):
        page(run_copy)


def test_the_page_never_overwrites_what_the_run_holds(run_copy: Run) -> None:
    words = [str(run_copy.directory), "-o", str(run_copy.directory / PREDICTIONS)]
    ended = CliRunner().invoke(report, words)
    assert isinstance(ended.exception, PcwatError)
    assert "must not overwrite an input" in str(ended.exception)


def test_scores_are_reported_for_each_group_of_a_column(cancer_run: Run) -> None:
    kinds = cancer_run.record.dataset.kinds
    text = page(cancer_run, by=next(name for name, kind in kinds.items() if kind == "numeric"))
    table = text[text.index("<th>Group</th>") :]
    counts = [int(found) for found in re.findall(r'</bdi></td><td class="number">(\d+)</td>', table)]
    assert len(counts) == 4
    assert sum(counts) == cancer_run.scores.rows
    with pytest.raises(ColumnError, match=r"--by must be a column of the dataset, but .* has no column 'radiuss'"):
        page(cancer_run, by="radiuss")


def test_rows_of_a_changed_dataset_are_refused(run_copy: Run, tmp_path: Path) -> None:
    changed = tmp_path / "changed.csv"
    changed.write_text(example("breast_cancer").read_text() + "\n")
    run_copy.__dict__["plan"] = run_copy.plan.model_copy(update={"dataset": str(changed)})
    assert reopen_dataset(run_copy.plan, must=False) == (None, f"{changed} has changed since the run")
    with pytest.raises(DatasetError, match=r"--by reads a column of the dataset again, but .* has changed"):
        page(run_copy, by="diagnosis")


def test_the_command_of_a_run_trains_it_again(cancer_run: Run) -> None:
    words = reproduce_command(cancer_run).split()
    assert words[:2] == ["recommend", "train"]
    assert "--target diagnosis" in reproduce_command(cancer_run)
    assert reproduce_command(cancer_run).endswith("--trials 3 --seed 0")


def test_runs_are_compared(cancer_run: Run, run_copy: Run, tmp_path: Path) -> None:
    output = tmp_path / "compare.html"
    ended = CliRunner().invoke(report, [str(cancer_run.directory), str(run_copy.directory), "-o", str(output)])
    assert ended.exit_code == 0, ended.output
    text = output.read_text(encoding="utf-8")
    assert "<bdi>cancer</bdi>" in text
    assert "<bdi>run</bdi>" in text
    assert "differs" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert "<script" not in text
    again = CliRunner().invoke(report, [str(cancer_run.directory), str(run_copy.directory), "-o", str(output)])
    assert "already exists" in str(again.exception)
    missing = CliRunner().invoke(report, [str(cancer_run.directory), str(run_copy.directory)])
    assert missing.exit_code == 2
    assert "-o compare.html" in missing.output


def test_runs_on_different_data_are_not_to_be_compared_by_score(cancer_run: Run, run_copy: Run) -> None:
    record = run_copy.record
    other = record.dataset.model_copy(update={"digest": "sha256:0", "name": HOSTILE})
    run_copy.__dict__["record"] = record.model_copy(update={"dataset": other})
    text = comparison_page([cancer_run, run_copy])
    assert "trained on different datasets" in text
    assert "<script" not in text


def test_runs_are_listed_with_how_far_they_are(cancer_run: Run, tmp_path: Path) -> None:
    for name in ("whole", "stopped", "damaged"):
        shutil.copytree(cancer_run.directory, tmp_path / name)
    (tmp_path / "stopped" / SCORES).unlink()
    (tmp_path / "damaged" / SCORES).write_text("{")
    (tmp_path / "no run").mkdir()
    ended = CliRunner().invoke(runs, [str(tmp_path), "--format", "json"])
    assert ended.exit_code == 0, ended.output
    found = {one["name"]: one for one in json.loads(ended.output)}
    assert {name: one["state"] for name, one in found.items()} == {
        "whole": "finished",
        "stopped": "interrupted",
        "damaged": "damaged",
    }
    assert found["whole"]["hold_out"]["value"] == pytest.approx(cancer_run.scores.hold_out.value)
    best = max(one.value or 0.0 for one in cancer_run.scores.baselines.values())
    assert found["whole"]["baseline_value"] == pytest.approx(best)
    assert found["stopped"]["detail"].split()[0] == str(cancer_run.summary.trials)
    text = CliRunner().invoke(runs, [str(tmp_path)]).output
    assert "recommend train --resume" in text
    assert "breast_cancer.csv" in text
    assert max(map(len, text.splitlines()[:10])) <= 80


def test_a_folder_without_runs_says_what_makes_one(tmp_path: Path) -> None:
    ended = CliRunner().invoke(runs, [str(tmp_path)])
    assert "recommend train DATASET" in ended.output
    gone = CliRunner().invoke(runs, [str(tmp_path / "none")])
    assert isinstance(gone.exception, RunError)


def test_writing_the_page_does_not_import_tensorflow(cancer_run: Run, tmp_path: Path) -> None:
    command = (
        "import sys; from executor.runs.report.cli import report; report(sys.argv[1:], standalone_mode=False); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    words = [str(cancer_run.directory), "-o", str(tmp_path / "report.html")]
    subprocess.run([sys.executable, "-c", command, *words], check=True)
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_naming_the_verbs_does_not_load_what_draws(tmp_path: Path) -> None:
    command = "import sys; import executor.runs.report.cli; assert not {'altair', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True, cwd=tmp_path)


def invoke_wide(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(group, [str(one) for one in arguments])


def test_the_groups_of_a_number_are_compared_on_the_hold_out(cancer_run: Run) -> None:
    words = ("fairness", cancer_run.directory, "--group", "mean radius")
    shown = invoke_wide(*words)
    assert shown.exit_code == 0, shown.output
    assert "positive: malignant" in shown.output
    found = Fairness.model_validate(json.loads(invoke_wide(*words, "--format", "json").stdout))
    assert (found.rows, found.column, len(found.groups)) == (cancer_run.scores.rows, "mean radius", 4)
    assert sum(one.rows or 0 for one in found.groups) == cancer_run.scores.rows
    assert "demographic parity" in shown.output


def test_rows_with_known_targets_are_predicted_and_compared(cancer_run: Run) -> None:
    found = measure_fairness(cancer_run, "mean radius", rows=example("breast_cancer"), min_rows=100)
    assert (found.rows, found.rows_of) == (569, "breast_cancer.csv")
    assert found.outcomes[0].groups[-1].true_positive_rate.value is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"column": "mean radios"}, "has no column 'mean radios'. Did you mean 'mean radius'"),
        ({"positive": "maligno"}, "must be a class of the run, but got 'maligno'. Did you mean 'malignant'"),
    ],
)
def test_a_column_or_class_that_does_not_exist_is_refused_with_the_nearest(
    cancer_run: Run, change: dict[str, str], message: str
) -> None:
    with pytest.raises((ColumnError, ChoiceError), match=message.replace("?", r"\?")):
        measure_fairness(cancer_run, **({"column": "mean radius"} | change))


def test_a_card_contains_the_scores_the_choices_and_the_digests_of_the_run(cancer_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "card.md"
    words = ("card", cancer_run.directory, "-o", path, "--group", "mean radius")
    assert invoke_wide(*words).exit_code == 0
    text, scores = path.read_text(encoding="utf-8"), cancer_run.scores
    assert text == model_card(cancer_run, fairness=[measure_fairness(cancer_run, "mean radius")])
    assert markdown(scores.verdict) in text
    assert all(f"| {markdown(name)} |" in text for name in scores.baselines)
    assert all(f"{slot.letter} {slot.label}" in text for slot in Slot)
    assert cancer_run.record.dataset.digest in text
    assert cancer_run.seal in text
    assert "## Groups of mean radius" in text
    assert str(cancer_run.directory.parent) not in text
    assert "already exists" in str(invoke_wide(*words).exception)


def test_the_metadata_of_a_card_is_read_by_hugging_face(cancer_run: Run) -> None:
    card = ModelCard(model_card(cancer_run, form="huggingface"))
    name, results = model_index_to_eval_results(card.data.to_dict()["model-index"])
    assert (name, card.data.pipeline_tag) == ("cancer", "tabular-classification")
    scores = {one.metric_type: one.metric_value for one in results}
    assert scores["roc_auc"] == cancer_run.scores.hold_out.value
    assert {one.task_type for one in results} == {"tabular-classification"}


def test_names_in_a_card_are_escaped(cancer_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = cancer_run.record.dataset.model_copy(update={"name": "<script>|x|[a](b)\n# y"})
    run = Run(cancer_run.directory)
    monkeypatch.setitem(run.__dict__, "record", cancer_run.record.model_copy(update={"dataset": hostile}))
    for text in (model_card(run), datasheet(run)):
        assert "&lt;script&gt;\\|x\\|\\[a\\](b) # y" in text
        assert "<script>" not in text
    assert ModelCard(model_card(run, form="huggingface")).data is not None
