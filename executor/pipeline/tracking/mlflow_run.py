"""Parameters, metrics and files of a run in MLflow."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Final

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from executor.pipeline.tracking.pyfunc_model import save_model
from executor.runs.files import BUNDLE, FEATURES, IMPORTANCE, PLAN, REPORT, SIGNATURE
from executor.search.records.journal import Journal
from recommender.run_manifest import GUARDRAILS, RECORD, SCORES, SUMMARY
from rules import __version__
from rules.text.temporary import working_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.runs.run import Run

EXPERIMENT: Final = "pcwat"
"""Default experiment; the environment variable MLFLOW_EXPERIMENT_NAME names another one."""
MODEL: Final = "model"
"""Folder of the model among the files of a run: `mlflow.pyfunc.load_model("runs:/ID/model")`."""
FILES: Final = (REPORT, RECORD, BUNDLE, PLAN, SIGNATURE, SUMMARY, SCORES, GUARDRAILS, IMPORTANCE, FEATURES)
"""Files that are logged. None has rows of the dataset."""
MAX_VALUE: Final = 500  # characters of a parameter that every store accepts
MAX_BATCH: Final = 1_000  # metrics of a call that every server accepts
PATIENCE: Final = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""Seconds and attempts for a server that does not respond, unless the user set them; MLflow waits for minutes."""


def log_run(run: Run, place: str) -> str:
    """Log a run to a tracking URI, by default that of the environment, and return the URI of the run."""
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    client = MlflowClient(tracking_uri=place or None)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    found = client.get_experiment_by_name(name)
    experiment = client.create_experiment(name) if found is None else found.experiment_id
    logged = client.create_run(experiment, run_name=run.directory.resolve().name)
    own = logged.info.run_id
    status = "FAILED"
    try:
        client.log_batch(own, params=_entities(parameters(run)), tags=[RunTag(*pair) for pair in tags(run).items()])
        now = int(time.time() * 1_000)
        metrics = [Metric(_name(key), value, now, step) for key, value, step in measurements(run)]
        for start in range(0, len(metrics), MAX_BATCH):
            client.log_batch(own, metrics=metrics[start : start + MAX_BATCH])
        for file in FILES:
            if (run.directory / file).exists():
                client.log_artifact(own, str(run.directory / file))
        with working_folder() as folder:
            save_model(run.directory, folder / MODEL)
            client.log_artifacts(own, str(folder / MODEL), MODEL)
        status = "FINISHED"
    finally:
        client.set_terminated(own, status)
    return f"runs:/{own}"


def parameters(run: Run) -> dict[str, object]:
    """Settings of a run: the request, the choices of the bundle, and the configuration of the best trial."""
    record, summary = run.record, run.summary
    settings = {
        "dataset": record.dataset.name,
        "rows": record.dataset.rows,
        "task": run.signature.task,
        "targets": ", ".join(run.signature.targets),
        "seed": run.plan.seed,
        "trials": summary.trials,
    }
    slots = {f"bundle.{slot}": choice for slot, choice in run.bundle.model_dump(mode="json").items()}
    best = {f"best.{name}": value for name, value in (summary.best_configuration or {}).items()}
    return settings | slots | best


def tags(run: Run) -> dict[str, str]:
    """Tags of a run in MLflow."""
    return {"pcwat.version": __version__, "pcwat.seal": run.seal, "pcwat.verdict": run.scores.verdict}


def measurements(run: Run) -> Iterator[tuple[str, float, int]]:
    """Name, value and step of metrics: epochs of the best trial, score of each trial, final scores with intervals."""
    metric, scores = str(run.scores.metric), run.scores
    outcomes = Journal(run.directory).outcomes
    for outcome in outcomes:
        if outcome.score is not None:
            yield "trial", outcome.score, outcome.number
        if outcome.number == run.summary.best_trial:
            epochs = {
                f"validation.{metric}": outcome.epoch_scores,
                "training_loss": outcome.training_loss,
                "gradient_norm": outcome.gradient_norm,
                "learning_rate": outcome.epoch_rates,
            }
            for name, values in epochs.items():
                for step, value in enumerate(values, start=1):
                    if value is not None:
                        yield name, value, step
    final: Mapping[str, float | None] = {
        f"hold_out.{metric}": scores.hold_out.value,
        f"hold_out.{metric}.low": scores.hold_out.low,
        f"hold_out.{metric}.high": scores.hold_out.high,
        **{f"hold_out.other.{name}": value for name, value in scores.others.items()},
        **{f"baseline.{name}": baseline.value for name, baseline in scores.baselines.items()},
    }
    for name, value in final.items():
        if value is not None:
            yield name, value, 0


def _entities(values: Mapping[str, object]) -> list[Param]:
    return [Param(_name(name), str(value)[:MAX_VALUE]) for name, value in values.items()]


def _name(text: str) -> str:
    """A name with the characters that every store of MLflow accepts."""
    return re.sub(r"[^\w\-. /]", "_", text, flags=re.ASCII)
