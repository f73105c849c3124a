"""What a person sees of a search while it runs: the trial, the best P so far, elapsed time and what is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from recommender.render import number

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from executor.search import RoundProgress

REDRAW: Final = 0.1  # seconds between two updates of the line; epochs can be faster


class SearchProgress:
    """One line redrawn in place on a terminal; elsewhere one line when the best P changes."""

    def __init__(self, console: Console, *, metric: str) -> None:
        self._console = console
        self._metric = metric
        self._best: float | None = None
        self._drawn = 0.0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, now: RoundProgress) -> None:
        """Show where the search stands."""
        if self._console.is_terminal:
            if time.monotonic() - self._drawn >= REDRAW:
                self._draw(now)
        elif now.best is not None and now.best != self._best:
            self._best = now.best
            self._console.print(f"{now.elapsed:6.1f} s  {self._sentence(now)}")

    def _draw(self, now: RoundProgress) -> None:
        self._drawn = time.monotonic()
        total = None if now.remaining is None else now.elapsed + now.remaining
        left = "" if now.remaining is None else f"at most {now.remaining:.0f} s left"
        self._bar.update(self._task, description=self._sentence(now), total=total, completed=now.elapsed, left=left)

    def _sentence(self, now: RoundProgress) -> str:
        of = "" if now.trials is None else f" of {now.trials}"
        at_once = f"{now.running} at once" if now.running > 1 else "1 running"
        best = "" if now.best is None else f", best {self._metric} {number(now.best)}"
        return f"{now.done}{of} trials done, {at_once}, epoch {now.epoch} of {now.epochs}{best}"
