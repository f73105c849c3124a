"""Seal of a finished run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.runs.drift.split_drift import measure_split_drift
from executor.runs.files import REPORT, to_json, write, write_json
from executor.runs.report.write import never_fatal, write_report
from executor.runs.run import Run
from executor.runtime.log import LOG
from recommender.run_manifest import GUARDRAILS, MANIFEST, RECORD, SCORES, SUMMARY, Manifest, run_files
from rules.decision.record import Guardrails, Record
from rules.text.numbers import number

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from executor.evaluation.scores import Scores
    from executor.runs.summary import Summary
    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles


def seal_run(
    directory: Path,
    dataset: Dataset,
    roles: Roles,
    *,
    training: np.ndarray,
    hold_out: np.ndarray,
    summary: Summary,
    scores: Scores,
    report: bool = True,
) -> Run:
    """Write guardrails, summary, scores and report, and the manifest with all digests.

    training, hold_out: row numbers of the dataset, (rows,). report: write the report.
    """
    record = Record.read(directory / RECORD)
    guardrails = measure_split_drift(
        record.guardrails,
        dataset,
        roles,
        training=training,
        hold_out=hold_out,
    )
    write_json(directory / GUARDRAILS, Guardrails(guardrails=guardrails))
    write_json(directory / SUMMARY, summary)
    text = to_json(scores)
    files: dict[str, Path | bytes] = {**run_files(directory), SCORES: text.encode()}
    write_json(directory / MANIFEST, Manifest.of(record=record.seal, files=files))
    # The scores mark a run as finished, so they are written after a manifest.
    write(directory / SCORES, text)
    value = "undefined" if scores.hold_out.value is None else number(scores.hold_out.value)
    LOG.info("%s is %s on the hold-out. %s", scores.metric, value, scores.verdict)
    run = Run(directory)
    if report and write_report(run, dataset):
        _seal_report(directory, record=record.seal)
    LOG.info("Seal of the run: %s", run.seal)
    return run


def _seal_report(directory: Path, *, record: str) -> None:
    """Write the manifest with the report; on failure the report is removed, and the first manifest stays valid."""
    sealed = False
    try:
        with never_fatal("The report was removed, because it cannot be sealed"):
            write_json(directory / MANIFEST, Manifest.of(record=record, files=run_files(directory)))
            sealed = True
    finally:
        if not sealed:
            (directory / REPORT).unlink(missing_ok=True)
