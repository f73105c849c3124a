"""Ten thousand hostile files: exit code 0, 1 or 2, no traceback, no stray file, below 2 GiB and 20 s each.

    python -m benchmarks.checks.fuzz [10000] [--kinds csv npz] [--seed 0] [--workers 2] [--keep FOLDER]

The generators are those of tests/fuzz. Cases run in worker processes with a limited address space. A case that takes
more than 20 s ends its worker and counts as a hang. The script prints a table by kind, also after each 1,000 cases on
standard error. It keeps the files and the outcome of each failure in FOLDER and exits with 1 if there is a failure.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from tests.fuzz.inputs import GENERATORS, Verdict, execute, write_case

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SECONDS: Final = 20
BYTES: Final = 2 << 30  # resident bytes of a case
ADDRESS_SPACE: Final = 6 << 30  # bytes; threads and memory maps reserve more than they use
SECONDS_TO_WRITE: Final = 300  # of generating a case and writing its files; the first of a kind may build a model
CASES_OF_A_KIND: Final = 50  # that follow one another, so that what a kind needs is loaded seldom
CASES_PER_TABLE: Final = 1_000  # after which the table so far is printed
FAILURES: Final = ("tracebacks", "hangs", "deaths", "memory", "stray files")
CASES_PER_WORKER: Final = 500  # after which a new process starts, so that the memory of one case is told from others'


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A case with its verdict."""

    kind: str
    seed: str
    words: tuple[str, ...]
    verdict: Verdict
    failure: str
    """tracebacks, hangs, memory, deaths or stray files; empty where there is none."""
    seconds: float


def serve(pipe: Connection, root: Path) -> None:
    """Execute the cases that arrive, in a process with a limited address space."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    warnings.simplefilter("ignore")
    logging.disable()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stderr.fileno())
    while True:
        try:
            kind, seed = pipe.recv()
        except EOFError:
            return
        case = GENERATORS[kind](random.Random(seed))  # noqa: S311  nothing secret
        write_case(case, root)
        pipe.send(case.words)
        start = time.perf_counter()
        verdict = execute(case, root)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        pipe.send((verdict, time.perf_counter() - start, peak))


class Worker:
    """A process that executes cases, started anew when it hangs, dies, grows or has executed many."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._start()

    def _start(self) -> None:
        self._pipe, other = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(other, self._root), daemon=True
        )
        self._process.start()
        other.close()
        self._left = CASES_PER_WORKER

    def stop(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()

    def run(self, kind: str, seed: str) -> Ended:
        """Execute a case; a first one also waits for the imports of its process."""
        limit = SECONDS if self._left < CASES_PER_WORKER else 5 * SECONDS
        self._left -= 1
        unknown = Ended(kind=kind, seed=seed, words=(), verdict=Verdict(exit_code=None), failure="", seconds=limit)
        try:
            self._pipe.send((kind, seed))
            words = self._pipe.recv() if self._pipe.poll(SECONDS_TO_WRITE) else ()
            if not self._pipe.poll(limit):
                self._again()
                return replace(unknown, failure="hangs")
            verdict, seconds, peak = self._pipe.recv()
        except (EOFError, OSError):
            self._again()
            return replace(unknown, failure="deaths")
        if peak > BYTES or self._left == 0:
            self._again()
        failure = _failure(verdict, peak, seconds)
        return Ended(kind=kind, seed=seed, words=words, verdict=verdict, failure=failure, seconds=seconds)

    def _again(self) -> None:
        self.stop()
        self._start()


def _failure(verdict: Verdict, peak: int, seconds: float) -> str:
    if seconds > SECONDS:
        return "hangs"
    if peak > BYTES:
        return "memory"
    if verdict.trace or verdict.exit_code not in {0, 1, 2}:
        return "tracebacks"
    return "stray files" if verdict.stray else ""


def keep(ended: Ended, folder: Path) -> None:
    """Write the files of a failed case and how it ended, so that it can be executed again."""
    place = folder / ended.failure.replace(" ", "_") / f"{ended.kind}-{ended.seed}".replace(" ", "_").replace("/", "_")
    case = GENERATORS[ended.kind](random.Random(ended.seed))  # noqa: S311  nothing secret
    write_case(case, place)
    outcome = asdict(ended) | {"words": case.words}
    (place / "outcome.json").write_text(json.dumps(outcome, indent=2), encoding="utf-8")


def run_cases(plan: list[tuple[str, str]], root: Path, folder: Path, done: list[Ended]) -> None:
    """Execute some cases one after the other, add them to those that are done, and keep the files of failed ones."""
    worker = Worker(root)
    try:
        for kind, seed in plan:
            ended = worker.run(kind, seed)
            done.append(ended)
            if ended.failure:
                keep(ended, folder)
                print(f"{ended.failure}: {kind} {seed}", file=sys.stderr, flush=True)
            if len(done) % CASES_PER_TABLE == 0:
                Console(width=120, stderr=True).print(summary(done))
    finally:
        worker.stop()


def planned(kinds: list[str], cases: int, seed: int) -> list[tuple[str, str]]:
    """Kind and seed of each case: some of a kind after the other, and all kinds in turn."""
    places = [number // CASES_OF_A_KIND % len(kinds) for number in range(cases)]
    return [(kinds[place], f"{seed}/{number}") for number, place in enumerate(places)]


def summary(done: list[Ended]) -> Table:
    """The cases by kind: their exit codes, failures, and the seconds of the slowest."""
    found = list(done)
    table = Table("kind", "cases", "exit 0", "exit 1", "exit 2", *FAILURES, "slowest, s")
    for kind in [*dict.fromkeys(one.kind for one in found), "all"]:
        own = [one for one in found if kind in {one.kind, "all"}]
        codes = Counter(one.verdict.exit_code for one in own)
        counts = Counter(one.failure for one in own)
        slowest = max((one.seconds for one in own), default=0.0)
        cells = [len(own), *(codes[code] for code in range(3)), *(counts[failure] for failure in FAILURES)]
        table.add_row(kind, *map(str, cells), f"{slowest:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="?", type=int, default=10_000)
    parser.add_argument("--kinds", nargs="*", choices=[*GENERATORS], default=[*GENERATORS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    given = parser.parse_args()
    plan = planned(given.kinds, given.cases, given.seed)
    done: list[Ended] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.workers) as threads:
        for number in range(given.workers):
            own = [one for at, one in enumerate(plan) if at // CASES_OF_A_KIND % given.workers == number]
            threads.submit(run_cases, own, Path(folder) / str(number), given.keep, done).add_done_callback(_raise)
    Console(width=120).print(summary(done))
    sys.exit(len(done) < len(plan) or any(one.failure for one in done))


def _raise(finished: Future[None]) -> None:
    if error := finished.exception():
        print(f"A worker stopped: {error!r}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
