"""log.txt of a run: what happened when, in sentences for people. It holds names of columns and classes, never rows.

Library code says `LOG.info(...)`; a run writes that into its directory, and who wants it elsewhere adds a handler to
the logger "pcwat".
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from recommender.cli.signals import ended_by
from rules.text.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


LOG_FILE: Final = "log.txt"
LOG: Final = logging.getLogger("pcwat")
LOG.setLevel(logging.INFO)
LOG.propagate = False  # absl puts a handler on the root logger, which would print every sentence
LOG.addHandler(logging.NullHandler())  # else Python prints warnings itself where nobody listens


class Sentences(logging.Formatter):
    """Time, level and sentence, one line each: a column's name cannot begin another line, or reach the terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = printable(record.message)
        return super().formatMessage(record)


class RunLog(logging.FileHandler):
    """The file of a run. Where the disk is full the sentence is lost, and what must be written says so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        del record

    def close(self) -> None:
        with suppress(OSError):  # it writes what could not be written before
            super().close()


class Listener(logging.Handler):
    """Passes each sentence on, as it may be shown on a terminal."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(printable(record.getMessage()))


@contextmanager
def listen_to_log(say: Callable[[str], None]) -> Iterator[None]:
    """Let something else have every sentence, too, until the block ends."""
    handler = Listener(say)
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)


@contextmanager
def write_run_log(directory: Path) -> Iterator[None]:
    """Write what is said into the run directory until the block ends, after what stands there already.

    Ctrl-C and errors are noted and raised on. A log that cannot be opened ends no run.
    """
    try:
        handler: logging.Handler = RunLog(directory / LOG_FILE, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(Sentences())
    LOG.addHandler(handler)
    try:
        yield
    except KeyboardInterrupt:
        LOG.warning("Stopped by %s.", ended_by())
        raise
    except Exception as error:
        LOG.error("Ended by %s: %s", type(error).__name__, error)  # noqa: TRY400  whoever meets it shows the traceback
        raise
    finally:
        LOG.removeHandler(handler)
        handler.close()
