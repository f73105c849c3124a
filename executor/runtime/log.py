"""Log of a run, log.txt: names of columns and classes, never rows.

A run writes it into its directory; add a handler to the logger "pcwat" to redirect it.
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
LOG.propagate = False  # absl adds a handler to the root logger, which would print every message
LOG.addHandler(logging.NullHandler())  # else Python prints warnings without a handler


class Sentences(logging.Formatter):
    """Formats a message as one line, with control characters of names escaped."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = printable(record.message)
        return super().formatMessage(record)


class RunLog(logging.FileHandler):
    """Log file of a run; errors of writing, such as a full disk, are ignored."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        del record

    def close(self) -> None:
        with suppress(OSError):  # flushes what could not be written before
            super().close()


class Listener(logging.Handler):
    """Passes each message to a function."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(printable(record.getMessage()))


@contextmanager
def listen_to_log(say: Callable[[str], None]) -> Iterator[None]:
    """Pass every message to a function within the block."""
    handler = Listener(say)
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)


@contextmanager
def write_run_log(directory: Path) -> Iterator[None]:
    """Append messages to the log of a run directory within the block.

    Ctrl-C and errors are logged and re-raised. A log that cannot be opened is skipped.
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
        LOG.error("Ended by %s: %s", type(error).__name__, error)  # noqa: TRY400  the caller shows the traceback
        raise
    finally:
        LOG.removeHandler(handler)
        handler.close()
