"""Ctrl-C, SIGTERM and SIGHUP during a search: noted at once, acted on between two calls into TensorFlow.

Raised wherever it happens to arrive, a KeyboardInterrupt is lost where TensorFlow calls back into Python while it
traces a network, and the search would run on.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from executor.runtime.log import LOG
from recommender.cli.signals import ENDING, name_of, note, raise_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Interrupt:
    """Whether the search was asked to end."""

    requested: bool = False


@contextmanager
def catch_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C, SIGTERM or SIGHUP instead of raising it; the second one is handled as before.

    Signals that are ignored or handled by someone else stay as they are; outside the main thread, all do.
    """
    interrupt = Interrupt()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note_signal(number: int, _frame: object) -> None:
        interrupt.requested = True
        note(number)
        LOG.info("%s: ending, with the best model so far.", name_of(number))
        restore()

    try:
        for number in ENDING:
            handler = signal.getsignal(number)
            if handler in {signal.default_int_handler, raise_interrupt} or (
                handler is signal.SIG_DFL and number is not signal.SIGINT
            ):
                signal.signal(number, note_signal)
                before[number] = handler
    except ValueError:  # only the main thread may set handlers
        yield interrupt
        return
    try:
        yield interrupt
    finally:
        restore()
