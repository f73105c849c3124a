from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from filelock import FileLock

from executor.runtime.tensorflow_import import quiet_tensorflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

quiet_tensorflow()

from executor import train  # noqa: E402  after TensorFlow was silenced
from executor.pipeline.encoding.encode_data import EncodedData  # noqa: E402
from executor.runs.run import Run  # noqa: E402
from executor.runtime.budget import Budget  # noqa: E402
from recommender import training_cost  # noqa: E402
from recommender.examples import example  # noqa: E402
from recommender.run_manifest import SCORES  # noqa: E402
from rules.decision.trace import Pin  # noqa: E402
from rules.vocabulary.choices import Holdout, Slot  # noqa: E402


class Raising(logging.Handler):
    """Makes an error of what is only told at the end of a training."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


class Time:
    """The time that runs read: it stands still, or passes by `step` seconds whenever it is read."""

    def __init__(self) -> None:
        self.reading = self.step = 0.0

    def __call__(self) -> float:
        self.reading += self.step
        return self.reading


NOW: Final = Time()
EPOCHS: Final = 32  # of a trial on a table or a forecast, instead of 256 and 96
STEPS: Final = 300  # of a trial on images or sequences, instead of 900


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Patch pcwat during each test of this folder, its fixtures of a whole session included, and only during them.

    No run depends on the speed of the machine: nothing takes time, unless a test says so. Trials are short, and models
    stay as they were evaluated, which saves seconds; tests/executor/pipeline/test_deliver.py trains them on all rows.
    Documentation shows what complete trials give. A report that cannot be made never stops a training; here it fails
    the test.
    """
    if Path(__file__).parent not in item.path.parents:
        return (yield)
    log, handler, start = logging.getLogger("executor.runs.report.write"), Raising(), Budget.start_clock
    log.addHandler(handler)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Budget, "start_clock", lambda budget, reading=NOW, **_: start(budget, reading))
        patch.setattr(EncodedData, "why_not_all_rows", "tests keep the evaluated model")
        if item.path.name != "test_docs.py":
            patch.setattr(training_cost, "EPOCHS", EPOCHS)
            patch.setattr(training_cost, "IMAGE_STEPS", STEPS)
        try:
            return (yield)
        finally:
            log.removeHandler(handler)


@pytest.fixture
def run_time() -> Time:
    """The time that runs of this folder read."""
    return NOW


@pytest.fixture(scope="session")
def one_split() -> Pin:
    """A pin that compares trials on one split: one network a trial is faster than one a fold."""
    return Pin(slot=Slot.VALIDATION, choice=Holdout(), reason="one network a trial is faster")


@pytest.fixture(scope="session")
def cancer_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Run:
    """A finished run of three trials on a shipped example, trained once for all workers; tests must not change it."""
    own = tmp_path_factory.getbasetemp()
    folder = own if worker_id == "master" else own.parent
    with FileLock(folder / "cancer.lock"):
        if (folder / "cancer" / SCORES).exists():
            return Run(folder / "cancer")
        return train(example("breast_cancer"), target="diagnosis", trials=3, directory=folder / "cancer")


BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """This machine's Chromium. The test is skipped where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found)
        yield opened
        opened.close()
