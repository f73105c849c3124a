from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from executor.runtime.interrupt import catch_interrupt
from recommender.cli import signals

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    """The handlers that Python starts with: a command that ran before in this process has set its own."""
    usual = dict.fromkeys(signals.ENDING, signal.SIG_DFL) | {signal.SIGINT: signal.default_int_handler}
    before = {one: signal.signal(one, handler) for one, handler in usual.items()}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def test_the_first_ctrl_c_is_noted_and_the_second_raised() -> None:
    with catch_interrupt() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_ctrl_c_is_raised_again() -> None:
    with catch_interrupt():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with catch_interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
    assert not interrupt.requested
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_changed() -> None:
    seen = []

    def look() -> None:
        with catch_interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_are_noted_as_ctrl_c_is(number: int) -> None:
    assert signal.getsignal(number) is signal.SIG_DFL
    with catch_interrupt() as interrupt:
        signal.raise_signal(number)
        assert interrupt.requested
        assert signal.getsignal(number) is signal.SIG_DFL
    signals._RECEIVED.number = None


def test_sighup_stays_ignored_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with catch_interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
        assert not interrupt.requested
    finally:
        signal.signal(signal.SIGHUP, before)
