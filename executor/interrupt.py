"""Ctrl-C during a search: noted at once, acted on between two calls into TensorFlow.

Raised wherever it happens to arrive, a KeyboardInterrupt is lost where TensorFlow calls back into Python while it
traces a network, and the search would run on.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from executor.log import LOG

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Interrupt:
    """Whether a person has asked the search to end."""

    requested: bool = False


@contextmanager
def noted_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C instead of raising it; the second one is raised as ever.

    Where SIGINT is ignored or not Python's to handle, and outside the main thread, nothing is changed.
    """
    interrupt = Interrupt()

    def note(_signal: int, _frame: object) -> None:
        interrupt.requested = True
        LOG.info("Ctrl-C: ending, with the best model so far.")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupt
        return
    try:
        signal.signal(signal.SIGINT, note)
    except ValueError:  # only the main thread may set handlers
        yield interrupt
        return
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
