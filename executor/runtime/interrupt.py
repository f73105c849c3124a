"""Interrupts during a search: Ctrl-C, SIGTERM and SIGHUP are recorded, and handled between calls of TensorFlow.

A KeyboardInterrupt that is raised in a callback of TensorFlow's tracing is lost.
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
    """Whether an interrupt was requested."""

    requested: bool = False


@contextmanager
def catch_interrupt() -> Iterator[Interrupt]:
    """Record the first Ctrl-C, SIGTERM or SIGHUP instead of raising it; the second one raises KeyboardInterrupt.

    Signals that are ignored or have other handlers are unchanged, as are all outside the main thread.
    """
    interrupt = Interrupt()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note_signal(number: int, _frame: object) -> None:
        interrupt.requested = True
        note(number)
        LOG.info("%s: finishing with the best model so far.", name_of(number))
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
