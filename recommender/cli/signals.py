"""Handling of Ctrl-C, SIGTERM and SIGHUP, all raised as KeyboardInterrupt.

With each of them, temporary files are removed, and a search keeps its best model.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

NAMES: Final = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}
ENDING: Final = tuple(signal.Signals[name] for name in NAMES if name in signal.Signals.__members__)
"""Signals that this system has."""


@dataclass
class _Received:
    """The first signal received."""

    number: int | None = None


_RECEIVED: Final = _Received()


def raise_on_signals() -> None:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, unless they are ignored or handled already, as with nohup."""
    for one in ENDING:
        if signal.getsignal(one) is signal.SIG_DFL:
            signal.signal(one, raise_interrupt)


def raise_interrupt(number: int, _frame: FrameType | None) -> None:
    """Signal handler of `raise_on_signals`."""
    note(number)
    raise KeyboardInterrupt


def note(number: int) -> None:
    """Store a signal as the reason for the end of this process; the first one counts."""
    if _RECEIVED.number is None:
        _RECEIVED.number = number


def name_of(number: int) -> str:
    """Name of a signal in messages.

    >>> name_of(signal.SIGINT), name_of(signal.SIGTERM)
    ('Ctrl-C', 'SIGTERM')
    """
    return NAMES.get(signal.Signals(number).name, signal.Signals(number).name)


def exit_code() -> int:
    """Exit code after a signal: 128 plus the signal number, as in shells."""
    return 128 + (signal.SIGINT if _RECEIVED.number is None else _RECEIVED.number)


def ended_by() -> str:
    """Name of the received signal, for messages."""
    return name_of(signal.SIGINT if _RECEIVED.number is None else _RECEIVED.number)
