"""Progress lines: of a training, with trials, epoch, best score and remaining time, and of rows."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from executor.runtime.log import listen_to_log
from rules.cli.output import Verbosity
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from rich.progress import Task

    from executor.search.progress import RoundProgress

WIDE: Final = 110  # columns of a terminal with room for a bar
REDRAW: Final = 0.1  # seconds between two updates of the line; epochs can be faster
MINUTE: Final = 60  # seconds


class TimeLeft(ProgressColumn):
    """Time until the moment `end` of a task (time.monotonic); empty where it is unknown."""

    def render(self, task: Task) -> Text:
        end: float | None = task.fields["end"]
        left = 0.0 if end is None else end - time.monotonic()
        return Text(time_left(left) if left > 0 else "")


class SearchProgress:
    """A line that is redrawn on a terminal: progress of the search, else the last line of the log."""

    def __init__(self, console: Console, *, metric: str, quiet: bool = False) -> None:
        self._metric = metric
        self._drawn = 0.0
        self._shown = console.is_terminal and not quiet
        self._until = ExitStack()
        room: list[ProgressColumn] = [BarColumn(bar_width=20), TimeElapsedColumn()] if console.width >= WIDE else []
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *room,
            TimeLeft(),
            console=console,
            disable=not self._shown,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, end=None)

    def __enter__(self) -> Self:
        self._bar.start()
        self._until.enter_context(listen_to_log(self._say))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._until.close()
        self._bar.stop()

    def __call__(self, now: RoundProgress) -> None:
        """Show the progress of the search."""
        if not self._shown or time.monotonic() - self._drawn < REDRAW:
            return
        self._drawn = time.monotonic()
        total = None if now.remaining is None else now.elapsed + now.remaining
        end = None if now.remaining is None else time.monotonic() + now.remaining
        self._bar.update(self._task, description=self._sentence(now), total=total, completed=now.elapsed, end=end)

    def _say(self, sentence: str) -> None:
        if self._shown:
            self._bar.update(self._task, description=escape(sentence))

    def _sentence(self, now: RoundProgress) -> str:
        of = "" if now.trials is None else f" of {now.trials}"
        at_once = f"{now.running} running" + ("" if now.workers is None else f" on {now.workers} workers")
        best = "" if now.best is None else f", best {self._metric} {number(now.best)}"
        return f"{now.done}{of} trials completed, {at_once}, epoch {now.epoch} of {now.epochs}{best}"


@contextmanager
def row_progress(what: str, verbosity: Verbosity) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function that shows the number of finished rows, and of all, on standard error if it is a terminal."""
    messages = Console(stderr=True, highlight=False)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = verbosity is Verbosity.QUIET or not messages.is_terminal
    with Progress(*columns, console=messages, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def time_left(seconds: float) -> str:
    """Format a remaining time.

    >>> time_left(7.4), time_left(95.0)
    ('about 7 s left', 'about 1 min 35 s left')
    """
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"about {minutes} min {rest} s left" if minutes else f"about {rest} s left"
