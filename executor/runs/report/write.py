"""Writing of the report after a training; failures are logged, never raised."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from executor.runs.files import REPORT, write
from executor.runs.report.page import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset

_LOG = logging.getLogger(__name__)


@contextmanager
def never_fatal(what: str) -> Iterator[None]:
    """Log any error of the block as a warning instead of raising it; what: the consequence, in words."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  an error in a report must not lose a finished training
        _LOG.warning("%s: %s: %s", what, type(error).__name__, error)


def write_report(run: Run, dataset: Dataset) -> bool:
    """Write report.html into the directory of a finished run; returns whether the run has a report then.

    dataset: dataset of the run, still open.
    """
    path = run.directory / REPORT
    with never_fatal(f"The report was not written ('recommend report {run.directory}' tries again)"):
        write(path, page(run, dataset))
    return path.exists()
