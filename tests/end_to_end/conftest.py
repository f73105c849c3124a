from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from executor.runtime.tensorflow_import import quiet_tensorflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from executor.runs.run import Run

quiet_tensorflow()

from executor import train  # noqa: E402  after TensorFlow was silenced
from executor.pipeline.encode_data import EncodedData  # noqa: E402
from executor.runtime.budget import Budget  # noqa: E402
from recommender.examples import example  # noqa: E402
from rules.decision.trace import Pin  # noqa: E402
from rules.vocabulary.choices import Holdout, Slot  # noqa: E402


class Raising(logging.Handler):
    """Makes an error of what is only told at the end of a training."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


@pytest.fixture(scope="session", autouse=True)
def no_report_is_missing() -> Iterator[None]:
    """A report that cannot be made never stops a training; here it fails the test."""
    log, handler = logging.getLogger("executor.runs.report.write"), Raising()
    log.addHandler(handler)
    yield
    log.removeHandler(handler)


class Time:
    """The time that runs read: it stands still, or passes by `step` seconds whenever it is read."""

    def __init__(self) -> None:
        self.reading = self.step = 0.0

    def __call__(self) -> float:
        self.reading += self.step
        return self.reading


@pytest.fixture(scope="session", autouse=True)
def run_time() -> Iterator[Time]:
    """No run depends on the speed of the machine: nothing takes time, unless a test says so."""
    now, start = Time(), Budget.start_clock
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Budget, "start_clock", lambda budget, reading=now, **_: start(budget, reading))
        yield now


@pytest.fixture(scope="session", autouse=True)
def evaluated_models() -> Iterator[None]:
    """Models stay as they were evaluated, which saves seconds; tests/executor/pipeline/test_deliver.py trains them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EncodedData, "why_not_all_rows", "tests keep the evaluated model")
        yield


@pytest.fixture(scope="session")
def one_split() -> Pin:
    """A pin that compares trials on one split: one network a trial is faster than one a fold."""
    return Pin(slot=Slot.VALIDATION, choice=Holdout(), reason="one network a trial is faster")


@pytest.fixture(scope="session")
def cancer_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three trials on a shipped example; tests must not change it."""
    folder: Path = tmp_path_factory.mktemp("runs") / "cancer"
    return train(example("breast_cancer"), target="diagnosis", trials=3, directory=folder)
