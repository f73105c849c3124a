"""`recommend train` and `recommend predict` as a person uses them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from executor.cli.progress_line import SearchProgress
from executor.runs.run import Run
from executor.runs.scoreboard import print_result
from executor.runtime.log import LOG, LOG_FILE
from executor.search.progress import RoundProgress
from recommender.cli.main import group
from recommender.dataset.dataset import Dataset
from recommender.examples import example
from recommender.recommendation.recommend import recommend
from rules.errors import PcwatError, RunError
from tests.effort import long_test
from tests.end_to_end.conftest import EPOCHS

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.end_to_end.conftest import Time

CANCER = str(example("breast_cancer"))
# A shell that runs the tests in the background has SIGINT ignored, and what it starts would too.
ONE_SPLIT = ("--pin", "validation=holdout", "--reason", "one network a trial is faster")
HEAR_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
SHORT = f"from recommender import training_cost; training_cost.EPOCHS = {EPOCHS}"
COMMAND = [sys.executable, "-c", f"{HEAR_CTRL_C}; {SHORT}; from recommender.cli.start import main; main()"]
PATIENCE = 600.0  # seconds to wait for a subprocess that trains on a busy machine


def invoke(*words: str) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words])


def refused(*words: str) -> str:
    result = invoke(*words)
    assert isinstance(result.exception, PcwatError), result.output
    return str(result.exception)


def changed(tmp_path: Path, change) -> Path:
    """The rows of the example with the target taken away and a change made to header and cells."""
    with example("breast_cancer").open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    header, rows = header[:-1], [row[:-1] for row in rows[:20]]
    header, rows = change(header, rows)
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@long_test
def test_train_reports_the_hold_out_and_with_time_left_how_sure_and_what_next(
    tmp_path: Path,
) -> None:
    words = ["--target", "diagnosis", "--trials", "1", "--budget", "5h", "--satisfied-at", "1"]
    words += [*ONE_SPLIT, "-o", str(tmp_path / "run")]
    result = CliRunner(env={"COLUMNS": "1000"}).invoke(group, ["train", CANCER, *words])
    assert result.exit_code == 0, result.output
    for part in ("imbalance_ratio 1.684", "roc_auc", "rows of the hold-out", "constant", "linear", "Use "):
        assert part in result.output
    run = Run(tmp_path / "run")
    curve, following = run.summary.curve, run.summary.next_steps
    assert curve is not None
    assert curve.whole is not None
    report = (run.directory / "report.html").read_text(encoding="utf-8")
    assert "Seed variance: roc_auc" in report
    assert "Learning curve: roc_auc" in report
    assert following is not None
    assert following.level == 1
    if not following.is_satisfied:
        assert f"Next steps: {following.steps[0].advice}" in result.stdout
        assert following.steps[0].because in report
    assert run.scores.training is not None
    assert run.scores.training > 0.9


def test_without_a_time_limit_the_report_says_that_the_learning_curve_was_not_measured(cancer_run: Run) -> None:
    report = (cancer_run.directory / "report.html").read_text(encoding="utf-8")
    assert "Seed variance and learning curve: not measured, because no time limit was set. Use --budget." in report


def test_a_satisfying_value_that_the_metric_cannot_have_is_refused_before_there_is_a_run(tmp_path: Path) -> None:
    words = ("train", CANCER, "--target", "diagnosis", "--satisfied-at", "95", "-o", tmp_path / "run")
    assert "--satisfied-at must be a value of the metric roc_auc, between 0 and 1, but got 95" in refused(*words)
    assert not (tmp_path / "run").exists()


@long_test
def test_the_table_shows_the_bundle_that_is_trained(cancer_run: Run, tmp_path: Path) -> None:
    bundle = tmp_path / "mine.yaml"
    text = (cancer_run.directory / "bundle.yaml").read_text(encoding="utf-8")
    edited = "optimizer: {name: rmsprop, learning_rate: 0.0025, schedule: cosine}\n"
    bundle.write_text(re.sub(r"optimizer:\n(  .*\n)+", edited, text), encoding="utf-8")
    words = ["--target", "diagnosis", "--bundle", bundle, "--trials", "1", *ONE_SPLIT, "-o", tmp_path / "run"]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(group, ["train", CANCER, *map(str, words)])
    (row,) = re.findall(r"^A .*", result.stdout, re.MULTILINE)
    assert re.match(
        r"A +rmsprop .* bundle +from the bundle; the rules choose adam \(learning rate 0\.0025, schedule cosine\) "
        r"\(A101\)",
        row,
    )
    assert Run(tmp_path / "run").bundle.optimizer.name == "rmsprop"


@long_test
def test_a_time_limit_shorter_than_the_start_up_is_said(
    tmp_path: Path, run_time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_time, "step", 0.02)
    result = invoke(
        "train", CANCER, "--target", "diagnosis", "--budget", "0.01s", "--trials", "2", "-o", tmp_path / "r"
    )
    said = " ".join(result.output.split())
    assert "The time limit was too short for the start-up: one trial ran beyond it" in said
    assert "training was cut off after 1 of 32 planned epochs" in said


@pytest.mark.parametrize(
    "error", [RunError("Cannot write trials.jsonl: No space left on device."), OSError(28, "full")]
)
def test_a_training_that_a_full_disk_ends_says_how_to_continue(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("executor.pipeline.execute.execute", full)
    ended = invoke("train", CANCER, "--target", "diagnosis", "--trials", "1", "-o", tmp_path / "run")
    assert ended.exception is error
    assert f"To continue: recommend train --resume {tmp_path / 'run'}" in " ".join(ended.output.split())


def test_the_best_trial_has_one_number_everywhere(cancer_run: Run) -> None:
    text = io.StringIO()
    print_result(cancer_run, Console(file=text, width=200))
    journal = (cancer_run.directory / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    best = max(map(json.loads, journal), key=lambda trial: (trial["score"], -trial["cost"]))
    assert cancer_run.summary.best_trial == best["number"]
    assert f"the best is trial {best['number']}" in " ".join(text.getvalue().split())


def test_progress_says_how_many_trials_are_done_and_run_at_once() -> None:
    text = io.StringIO()
    now = RoundProgress(done=8, running=8, trials=20, epoch=1, epochs=9, best=0.5, elapsed=1.0, remaining=None)
    with SearchProgress(Console(file=text, width=200, force_terminal=True), metric="f1") as progress:
        progress(now)
        progress._bar.refresh()
        assert "8 of 20 trials completed, 8 running, epoch 1 of 9, best f1 0.5" in text.getvalue()
        progress._drawn = 0.0
        progress(replace(now, workers=3))
        progress._bar.refresh()
    assert "8 running on 3 workers, epoch 1" in text.getvalue()


@pytest.mark.parametrize("options", [{"force_terminal": False}, {"force_terminal": True, "quiet": True}])
def test_progress_is_silent_where_nobody_looks_or_nobody_wants_it(options: dict[str, bool]) -> None:
    text = io.StringIO()
    now = RoundProgress(done=8, running=8, trials=20, epoch=1, epochs=9, best=0.5, elapsed=1.0, remaining=2.0)
    console = Console(file=text, width=200, force_terminal=options.pop("force_terminal"))
    with SearchProgress(console, metric="f1", **options) as progress:
        progress(now)
        LOG.info("a step")
    assert text.getvalue() == ""


def test_between_searches_progress_shows_the_last_sentence_of_the_log() -> None:
    text = io.StringIO()
    with SearchProgress(Console(file=text, width=200, force_terminal=True), metric="f1") as progress:
        LOG.info("Scoring [bold]the\x1b[31m hold-out.")
        progress._bar.refresh()
    assert "Scoring [bold]the\\x1b[31m hold-out." in text.getvalue()


@long_test
def test_a_quiet_training_prints_the_directory_of_its_run_alone(tmp_path: Path) -> None:
    words = [
        "--target",
        "diagnosis",
        "--trials",
        "1",
        "-q",
        "--keep-evaluated",
        *ONE_SPLIT,
        "-o",
        str(tmp_path / "run"),
    ]
    ended = subprocess.run(
        [*COMMAND, "train", CANCER, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == (f"{tmp_path / 'run'}\n", "")
    log = (tmp_path / "run" / LOG_FILE).read_text(encoding="utf-8")
    for said in (
        "P: roc_auc",
        "Reading and encoding",
        "Trial 0: score ",
        "The search ended by trials",
        "on the hold-out",
    ):
        assert said in log

    # Keras itself reads the model in a process that never trained, and trains it on
    code = f"""
import executor, keras, numpy as np
model = keras.saving.load_model({str(tmp_path / "run" / "model.keras")!r})
rows = {{name: np.arange(4.0)[:, None] for name in model.input}}
found = model.fit(rows, np.array([[0.0], [1.0], [0.0], [1.0]]), verbose=0).history
print(model.name, *found, int(model.optimizer.iterations))
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "pcwat loss roc_auc 1\n"


def test_quiet_and_verbose_exclude_each_other() -> None:
    result = invoke("train", CANCER, "-q", "-v")
    assert result.exit_code == 2
    assert "Remove one of them" in result.output


@pytest.mark.parametrize("verb", ["train", "predict"])
def test_the_examples_of_a_verb_stand_one_a_line(verb: str) -> None:
    lines = [line.strip() for line in invoke(verb, "--help").output.splitlines()]
    assert not any("\\b" in line or "\b" in line for line in lines)
    wanted = {
        "train": "recommend train --resume runs/titanic-1",
        "predict": "recommend predict runs/titanic-1 new_passengers.csv -o out.csv",
    }
    assert wanted[verb] in lines


def test_a_split_column_without_parts_is_refused_before_there_is_a_directory(tmp_path: Path) -> None:
    words = ["--target", "diagnosis", "--split", "mean radius", "-o", tmp_path / "run"]
    assert "must be train, validation or test" in refused("train", CANCER, *words)
    assert not (tmp_path / "run").exists()


def test_predictions_overwrite_neither_the_rows_nor_the_run(cancer_run: Run, tmp_path: Path) -> None:
    rows = changed(tmp_path, lambda header, rows: (header, rows))
    for output in (rows, cancer_run.directory / "predictions.csv"):
        assert "must not overwrite" in refused("predict", cancer_run.directory, rows, "-o", output)


def test_predictions_are_written_as_the_ending_says(cancer_run: Run, tmp_path: Path) -> None:
    rows = changed(tmp_path, lambda header, rows: (header, rows))
    assert "but got" in refused("predict", cancer_run.directory, rows, "-o", tmp_path / "out.xlsx")
    assert not (tmp_path / "out.xlsx").exists()
    for ending in ("csv", "tsv", "parquet"):
        output = tmp_path / f"out.{ending}"
        assert invoke("predict", cancer_run.directory, rows, "-o", output).exit_code == 0
        with Dataset.open(output) as written:
            assert (written.row_count, written.columns[0]) == (20, "prediction")
    before = output.read_bytes()
    assert "use --force to overwrite it" in refused("predict", cancer_run.directory, rows, "-o", output)
    assert output.read_bytes() == before
    assert invoke("predict", cancer_run.directory, rows, "-o", output, "--force").exit_code == 0


def test_predict_answers_new_rows(cancer_run: Run, tmp_path: Path) -> None:
    rows = changed(tmp_path, lambda header, rows: (header, rows))
    assert invoke("predict", cancer_run.directory, rows, "-o", tmp_path / "out.csv").exit_code == 0
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    assert len(answers) == 20
    assert {answer["prediction"] for answer in answers} <= {"benign", "malignant"}


BROKEN = {
    "a missing column": (lambda h, r: (h[1:], [row[1:] for row in r]), "lacks 'mean radius'"),
    "a misspelt column": (lambda h, r: (["mean radios", *h[1:]], r), "'mean radios'"),
    "an extra column": (lambda h, r: ([*h, "extra"], [[*row, "1"] for row in r]), "'extra'"),
    "a retyped column": (lambda h, r: (h, [*r[:3], ["big", *r[3][1:]], *r[4:]]), "'big'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_rows_that_do_not_fit_the_training_are_refused_by_name(case: str, cancer_run: Run, tmp_path: Path) -> None:
    change, message = BROKEN[case]
    assert message in refused("predict", cancer_run.directory, changed(tmp_path, change))


def test_a_folder_that_is_not_a_run_is_refused(tmp_path: Path) -> None:
    assert "is not one" in refused("predict", tmp_path, CANCER)
    assert "is not one" in refused("train", "--resume", tmp_path)


def test_a_training_measures_facts_for_the_next_one_on_the_same_data(cancer_run: Run) -> None:
    fact = recommend(CANCER, target="diagnosis", after=cancer_run).record.facts["gradient_flow"]
    assert (fact.value, fact.source[:5]) == ("stable", "run c")


def test_a_finished_run_is_not_resumed(cancer_run: Run) -> None:
    assert "is finished" in refused("train", "--resume", cancer_run.directory)


def test_a_run_whose_name_is_misspelt_is_told_the_nearest(cancer_run: Run) -> None:
    misspelt = cancer_run.directory.with_name(f"{cancer_run.directory.name}s")
    assert f"Did you mean {cancer_run.directory.name!r}?" in refused("predict", misspelt, CANCER)


def test_a_bundle_with_an_unknown_choice_is_refused_with_its_line(cancer_run: Run, tmp_path: Path) -> None:
    text = (cancer_run.directory / "bundle.yaml").read_text(encoding="utf-8")
    path = tmp_path / "bundle.yaml"
    path.write_text(text.replace("name: adam", "name: adma"), encoding="utf-8")
    message = refused("train", CANCER, "--target", "diagnosis", "--bundle", path)
    assert re.search(r"bundle.yaml:\d+:\d+: The optimizer must be one of", message)
    assert "Did you mean 'adam'?" in message


@pytest.mark.parametrize("name", ["model.keras", "signature.json", "scores.json", "plan.json"])
@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_damaged_run_is_refused_by_the_files_name(name: str, damage: str, cancer_run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(cancer_run.directory, copy)
    if damage == "missing":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes((copy / name).read_bytes()[:20])
    with pytest.raises(RunError) as refused_run:
        [read(Run(copy)) for read in (lambda run: run.scores, lambda run: run.predict(CANCER))]
    assert str(copy) in str(refused_run.value)
    assert ("is damaged" in str(refused_run.value)) is (damage == "truncated")


def test_a_stopped_run_does_not_go_on_under_another_bundle(cancer_run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(cancer_run.directory, copy)
    (copy / "scores.json").unlink()
    bundle = (copy / "bundle.yaml").read_text(encoding="utf-8")
    (copy / "bundle.yaml").write_text(bundle.replace("name: adam", "name: adamw"), encoding="utf-8")
    assert "was changed after the run began" in refused("train", "--resume", copy)


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_trials(run: Path, count: int, process: subprocess.Popen[bytes]) -> list[str]:
    """The first lines of the journal, once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        journal = run / "trials.jsonl"
        text = journal.read_text(encoding="utf-8") if journal.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()  # a line may be half written
        if len(lines) >= count:
            return lines
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("the search did not get on")


def test_a_killed_training_resumes_without_repeating_a_trial(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["--pin", "tuner=grid", *ONE_SPLIT, "--trials", "6", "--at-once", "1", "-o", run]
    process = start("train", CANCER, "--target", "diagnosis", *words)
    before = wait_for_trials(run, 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with pytest.raises(PcwatError, match="was not finished"):
        Run(run)
    assert invoke("train", "--resume", run).exit_code == 0
    after = (run / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    assert after[: len(before)] == before
    assert Run(run).summary.completed == 6
    combinations = {re.search(r'"hyperparameters":(\{.*?\})', line)[1] for line in after}
    assert len(combinations) == 6


@pytest.mark.parametrize("words", [("--pin", "optimizer=sgd", "--reason", "r"), ("--seed", "1"), ("--target", "x")])
def test_a_stopped_run_goes_on_as_it_began_or_not_at_all(words: tuple[str, ...], cancer_run: Run) -> None:
    result = invoke("train", "--resume", cancer_run.directory, *words)
    assert result.exit_code == 2
    assert "so --resume takes only --budget, --trials and --cluster" in " ".join(result.output.split())


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=long_test)])
def test_ctrl_c_and_sigterm_leave_the_best_model_so_far(number: int, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("train", CANCER, "--target", "diagnosis", *ONE_SPLIT, "--trials", "500", "-o", run)
    wait_for_trials(run, 1, process)
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == (143 if number == signal.SIGTERM else 130), err.decode()
    assert b"Ctrl-C" in out
    assert b"Traceback" not in err
    assert Run(run).predict(CANCER).num_rows == 569
