"""Facts that a finished training measured, for the next recommendation on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from recommender.run_manifest import RECORD, SCORES, SUMMARY, read_sealed
from rules.decision.record import Record, RecordedFact
from rules.errors import RunError
from rules.rulebook.rule_file import misfit
from rules.vocabulary.facts import FACTS, Measurement

if TYPE_CHECKING:
    import os

    from recommender.dataset.dataset import Dataset


class _Summary(BaseModel):
    """The part of a summary with facts of the training."""

    training_facts: dict[str, RecordedFact] = {}


def read_training_facts(
    run: str | os.PathLike[str], *, dataset: Dataset, targets: tuple[str, ...]
) -> dict[str, Measurement]:
    """Read the facts that the training of a finished run measured.

    Raises RunError if the run is not finished, was altered, has no such facts, or was trained on other data or for
    other targets.
    """
    directory = Path(run)
    if not (directory / RECORD).exists():
        raise RunError(f"--after (after= in Python) takes a finished run, but {directory} has no {RECORD}.")
    if not (directory / SCORES).exists():
        raise RunError(
            f"--after (after= in Python) takes a finished run, but {directory} was not finished. Finish it with "
            f"'recommend train --resume {directory}'."
        )
    record = Record.read_intact(directory / RECORD)
    seen = record.dataset
    if seen.digest != dataset.digest:
        raise RunError(
            f"--after (after= in Python) takes a run of the same data, but {directory} was trained on {seen.name}, "
            f"which differs from {dataset.name}. Give a run of this dataset, or leave it out."
        )
    if seen.targets != targets:
        raise RunError(
            f"--after (after= in Python) takes a run with the same target, but {directory} predicts "
            f"{', '.join(seen.targets)} instead of {', '.join(targets)}. Give a run of this target, or leave it out."
        )
    content = read_sealed(directory, SUMMARY, record=record.seal)
    try:
        found = _Summary() if content is None else _Summary.model_validate_json(content)
    except ValidationError as error:
        raise RunError(
            f"{directory / SUMMARY} is damaged: {error.errors()[0]['msg']}. Restore it from a copy."
        ) from None
    if not found.training_facts:
        raise RunError(
            f"{directory} has no facts of its training, because an older version of pcwat trained it. Train again, or "
            "leave out --after (after= in Python)."
        )
    facts = {name: fact for name, fact in found.training_facts.items() if name in FACTS and FACTS[name].after_training}
    for name, fact in facts.items():
        if problem := misfit(name, fact.value):
            raise RunError(f"{directory / SUMMARY} is damaged: {problem} Restore it from a copy.")
    return {
        name: Measurement(value=fact.value, low=fact.low, high=fact.high, source=f"run {directory.name}: {fact.source}")
        for name, fact in facts.items()
    }
