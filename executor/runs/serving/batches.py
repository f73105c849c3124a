"""One model call for all requests that wait.

While the model computes a batch, further requests wait, and become the next batch. A model call takes about as long for
one row as for a thousand, because predictions are padded to equal batches (`executor.model.keras_file.predict_rows`).
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Rows = TypeVar("Rows")
Answer = TypeVar("Answer")

WAIT_SECONDS: Final = 0.002  # for which a batch waits for further requests, if the one before had several
END: Final = None


@dataclass(frozen=True, kw_only=True)
class _Waiting(Generic[Rows, Answer]):
    """A request that waits."""

    rows: Rows
    count: int
    future: asyncio.Future[Answer]
    loop: asyncio.AbstractEventLoop


class Batches(Generic[Rows, Answer]):
    """A thread that computes the waiting requests together.

    compute: the answer to each of several requests; an exception is raised in all of them. max_rows: rows of a batch; a
    request with more is a batch of its own. seconds: time for which a batch waits for further requests.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Rows]], Sequence[Answer]],
        *,
        max_rows: int,
        seconds: float = WAIT_SECONDS,
    ) -> None:
        self._compute = compute
        self._max_rows = max_rows
        self._seconds = seconds
        self._queue: queue.SimpleQueue[_Waiting[Rows, Answer] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    async def answer(self, rows: Rows, count: int) -> Answer:
        """The answer to a request of `count` rows; a cancelled request that still waits is not computed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._queue.put(_Waiting(rows=rows, count=count, future=future, loop=loop))
        return await future

    def close(self) -> None:
        """End the thread after the requests that wait."""
        self._queue.put(END)
        self._thread.join()

    def _run(self) -> None:
        following: _Waiting[Rows, Answer] | None = None
        is_busy = False
        while True:
            first = self._queue.get() if following is None else following
            if first is END:
                return
            batch, following, has_ended = self._collect(first, seconds=self._seconds if is_busy else 0.0)
            is_busy = len(batch) > 1
            self._answer([one for one in batch if not one.future.cancelled()])
            if has_ended:
                return

    def _collect(
        self, first: _Waiting[Rows, Answer], *, seconds: float
    ) -> tuple[list[_Waiting[Rows, Answer]], _Waiting[Rows, Answer] | None, bool]:
        """Requests for one batch, the next one if it has no room there, and whether the thread ends."""
        batch, count = [first], first.count
        until = time.monotonic() + seconds
        while count < self._max_rows:
            try:
                following = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if following is END:
                return batch, None, True
            if count + following.count > self._max_rows:
                return batch, following, False
            batch.append(following)
            count += following.count
        return batch, None, False

    def _answer(self, asked: Sequence[_Waiting[Rows, Answer]]) -> None:
        if not asked:
            return
        outcome: Sequence[Answer] | Exception
        try:
            outcome = self._compute([one.rows for one in asked])
        except Exception as error:  # noqa: BLE001  it is raised where the answer is awaited
            outcome = error
        for loop in {one.loop for one in asked}:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_deliver, asked, outcome, loop)


def _deliver(
    asked: Sequence[_Waiting[Rows, Answer]], outcome: Sequence[Answer] | Exception, loop: asyncio.AbstractEventLoop
) -> None:
    """Give each request of an event loop its answer."""
    for at, one in enumerate(asked):
        if one.loop is not loop or one.future.done():
            continue
        if isinstance(outcome, Exception):
            one.future.set_exception(outcome)
        else:
            one.future.set_result(outcome[at])
