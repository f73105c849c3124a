"""Signals that ask the command line to end: Ctrl-C, SIGTERM and SIGHUP are raised as KeyboardInterrupt.

So temporary files are removed, and a search keeps its best model, whichever of them arrives.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

NAMES: Final = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}
ENDING: Final = tuple(signal.Signals[name] for name in NAMES if name in signal.Signals.__members__)
"""Those that this system has."""


@dataclass
class _Received:
    """The first signal that asked this process to end."""

    number: int | None = None


_RECEIVED: Final = _Received()


def raise_on_signals() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, unless they are ignored or handled already, as under nohup."""
    for one in ENDING:
        if signal.getsignal(one) is signal.SIG_DFL:
            signal.signal(one, raise_interrupt)


def raise_interrupt(number: int, _frame: FrameType | None) -> None:
    """The handler that `raise_on_signals` sets."""
    note(number)
    raise KeyboardInterrupt


def note(number: int) -> None:
    """Note a signal as the reason for the end of this process; the first one counts."""
    if _RECEIVED.number is None:
        _RECEIVED.number = number


def name_of(number: int) -> str:
    """A signal as messages name it.

    >>> name_of(signal.SIGINT), name_of(signal.SIGTERM)
    ('Ctrl-C', 'SIGTERM')
    """
    return NAMES.get(signal.Signals(number).name, signal.Signals(number).name)


def exit_code() -> int:
    """The exit code of a process that was asked to end: 128 and the number of the signal, as shells have it."""
    return 128 + (signal.SIGINT if _RECEIVED.number is None else _RECEIVED.number)


def ended_by() -> str:
    """What asked this process to end, for messages."""
    return name_of(signal.SIGINT if _RECEIVED.number is None else _RECEIVED.number)
