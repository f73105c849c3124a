"""The Slurm script and the Kubernetes job in `deploy/`, with a `recommend` that only writes down its words."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPT = DEPLOY / "train.slurm"
JOB = YAML(typ="safe").load(DEPLOY / "train-job.yaml")
CONTAINER = JOB["spec"]["template"]["spec"]["containers"][0]
LEFT = 3_600  # seconds until the end of the job
RECOMMEND = '#!/bin/sh\necho "$@" > words\necho "$TF_NUM_INTRAOP_THREADS" > cores\nexit "${CODE:-0}"\n'


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """A directory with stand-ins for `recommend` and `scontrol` in bin/, and a list of trainings."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"recommend": RECOMMEND, "scontrol": '#!/bin/sh\necho "$@" > requeued\n'}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (tmp_path / "list.tsv").write_text("a table.csv\tprice\n../other.parquet\tthe class\t7\n")
    return tmp_path


def environment(cluster: Path, **changes: str) -> dict[str, str]:
    own = {
        "PATH": f"{cluster / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "SLURM_JOB_ID": "101",
        "SLURM_ARRAY_JOB_ID": "99",
        "SLURM_ARRAY_TASK_ID": "2",
        "SLURM_CPUS_PER_TASK": "4",
        "SLURM_JOB_END_TIME": str(int(time.time()) + LEFT),
    }
    return own | changes


def slurm(cluster: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", SCRIPT, "list.tsv"],
        cwd=cluster,
        env=environment(cluster, **changes),
        capture_output=True,
        text=True,
        check=False,
    )


def words(cluster: Path) -> list[str]:
    return (cluster / "words").read_text().split()


def start_of(cluster: Path, run: str, *names: str) -> None:
    """A run directory with some files."""
    (cluster / run).mkdir(parents=True)
    for name in names:
        (cluster / run / name).touch()


def test_a_slurm_job_trains_its_line_within_its_time_limit_on_its_cores(cluster: Path) -> None:
    assert slurm(cluster).returncode == 0
    *before, budget, output, run, quiet = words(cluster)
    assert before == ["train", "../other.parquet", "--target", "the", "class", "--seed", "7", "--budget"]
    assert LEFT - 300 - 5 <= int(budget.removesuffix("s")) <= LEFT - 300
    assert (output, run, quiet) == ("-o", "runs/other-seed-7-99", "--quiet")
    assert (cluster / "cores").read_text() == "4\n"


def test_a_slurm_job_resumes_a_killed_run_and_leaves_a_finished_one_alone(cluster: Path) -> None:
    start_of(cluster, "runs/a table-seed-0-99", "plan.json", "bundle.yaml")
    assert slurm(cluster, SLURM_ARRAY_TASK_ID="1").returncode == 0
    assert words(cluster)[:5] == ["train", "--resume", "runs/a", "table-seed-0-99", "--budget"]
    (cluster / "words").unlink()
    (cluster / "runs/a table-seed-0-99/scores.json").touch()
    assert slurm(cluster, SLURM_ARRAY_TASK_ID="1").returncode == 0
    assert not (cluster / "words").exists()


def test_files_of_a_run_that_was_killed_before_its_training_are_removed(cluster: Path) -> None:
    start_of(cluster, "runs/other-seed-7-99", "bundle.yaml")
    assert slurm(cluster).returncode == 0
    assert not (cluster / "runs/other-seed-7-99").exists()


def test_the_exit_code_of_a_training_is_that_of_the_job_unless_it_finished(cluster: Path) -> None:
    assert slurm(cluster, CODE="2").returncode == 2
    text = RECOMMEND.replace("exit", "mkdir -p runs/other-seed-7-99; touch runs/other-seed-7-99/scores.json; exit")
    (cluster / "bin" / "recommend").write_text(text)
    assert slurm(cluster, CODE="143").returncode == 0  # SIGTERM ended the search, and the run is finished


def signalled(cluster: Path, number: signal.Signals) -> int:
    """Exit code of a job that gets a signal after its training started."""
    job = subprocess.Popen(["/bin/bash", SCRIPT, "list.tsv"], cwd=cluster, env=environment(cluster))
    child, deadline = cluster / "child", time.monotonic() + 30
    while not (child.exists() and child.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.01)
    job.send_signal(number)
    code = job.wait(timeout=30)
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text()), 0)
    return code


def test_the_warning_signal_kills_the_training_and_requeues_the_job(cluster: Path) -> None:
    (cluster / "bin" / "recommend").write_text("#!/bin/sh\necho $$ > child\nexec sleep 60\n")
    assert signalled(cluster, signal.SIGUSR1) == 0
    assert (cluster / "requeued").read_text() == "requeue 101\n"


def test_a_job_that_is_asked_to_end_waits_until_its_run_is_finished(cluster: Path) -> None:
    finish = "mkdir -p runs/other-seed-7-99; touch runs/other-seed-7-99/scores.json; exit 143"
    text = f"#!/bin/sh\ntrap 'sleep 0.2; {finish}' TERM\necho $$ > child\nwhile true; do sleep 0.02; done\n"
    (cluster / "bin" / "recommend").write_text(text)
    assert signalled(cluster, signal.SIGTERM) == 0
    assert (cluster / "runs/other-seed-7-99/scores.json").exists()
    assert not (cluster / "requeued").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3"}, "Line 3 of list.tsv must have a dataset and a target"),
        ({"SLURM_JOB_END_TIME": str(int(time.time()) + 330)}, "Use sbatch --time with at least 6 minutes."),
    ],
)
def test_a_job_that_cannot_train_says_why(cluster: Path, changes: dict[str, str], message: str) -> None:
    ended = slurm(cluster, **changes)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert not (cluster / "words").exists()


def test_shellcheck_finds_nothing() -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed; apt-get install shellcheck")
    subprocess.run([program, SCRIPT], check=True)


def test_the_job_follows_the_schema_of_kubernetes() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate").validate
    for version in ("1.31", "1.37"):  # the first in which each field is stable, and a recent one
        validate(JOB, version, strict=True)


def test_a_pod_trains_with_its_own_seed_and_resumes_the_run_of_an_evicted_one(cluster: Path) -> None:
    given = {one["name"]: one["value"] for one in CONTAINER["env"] if "value" in one}
    own = environment(cluster) | given | {"JOB_COMPLETION_INDEX": "2"}

    def pod() -> int:
        return subprocess.run([*CONTAINER["command"], *CONTAINER["args"]], cwd=cluster, env=own, check=False).returncode

    assert pod() == 0
    expected = "train data/titanic.csv --target Survived --seed 2 --budget 1h -o runs/seed-2 --quiet"
    assert words(cluster) == expected.split()
    start_of(cluster, "runs/seed-2", "plan.json")
    assert pod() == 0
    assert words(cluster) == ["train", "--resume", "runs/seed-2", "--budget", "1h", "--quiet"]
    (cluster / "words").unlink()
    (cluster / "runs/seed-2/scores.json").touch()
    assert pod() == 0
    assert not (cluster / "words").exists()
