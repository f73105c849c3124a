"""Trials per minute of a search on local workers of one core each, and its trial table while nodes are killed.

    python -m benchmarks.search.cluster [--workers 1 2 4] [--nodes 10] [--kill 20] [--trials 20] [--rows 3000]

The first table has the same search on some numbers of workers. The second one has it on a simulated cluster of Ray
with nodes of one core each: calm, and with the oldest node killed every 20 s, for which another one joins. The trials,
their scores and their epochs must be the same; the script ends with 1 if they are not. "Start" is the time until the
first epoch has ended: Ray starts its processes, and each worker loads TensorFlow. Trials per minute are those after it.
Nodes that share the cores of a machine do not measure speed. A search that takes longer than --limit ends the script.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

import numpy as np  # noqa: E402  after TensorFlow was silenced
from ray.cluster_utils import Cluster  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.datasets import make_classification  # noqa: E402

from executor.preprocessing.examples import Examples, Parts  # noqa: E402
from executor.runtime.budget import Budget  # noqa: E402
from executor.runtime.cluster import connect  # noqa: E402
from executor.search.search import search  # noqa: E402
from recommender.planning.cluster_address import parse_cluster  # noqa: E402
from rules.vocabulary.bundle import Bundle  # noqa: E402
from rules.vocabulary.choices import (  # noqa: E402
    Accuracy,
    AdamW,
    BinaryCrossentropy,
    He,
    MostSensitive,
    Random,
    Relu,
)
from rules.vocabulary.facts import Task  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from executor.search.progress import RoundProgress
    from executor.search.records.trials import Trials

STORE: Final = 100_000_000  # bytes of the object store of a node
NODES_SECONDS: Final = 180.0  # for all nodes to join
TICK: Final = 0.5  # seconds between two looks at the search
MINUTE: Final = 60.0  # seconds
COLUMNS: Final = ("start, s", "search, s", "trials per minute")
BUNDLE: Final = Bundle(
    activation=Relu(),
    metric=Accuracy(),
    loss=BinaryCrossentropy(),
    initializer=He(),
    optimizer=AdamW(schedule="cosine"),
    hyperparameters=MostSensitive(),
    tuner=Random(),
)


def drawn(rows: int) -> Parts:
    """Drawn rows of two classes, 20 columns; a fifth of them validates."""
    values, classes = make_classification(rows, 20, n_informative=10, random_state=0)
    target = classes[:, None].astype(np.float32)
    examples = Examples(
        dense=values.astype(np.float32),
        codes=np.zeros((rows, 0), np.int32),
        target=target,
        offset=0 * target,
        raw_target=classes.astype(np.int64),
    )
    cut = rows * 4 // 5
    return Parts(
        task=Task.BINARY,
        train=examples.take(np.arange(cut)),
        validation=examples.take(np.arange(cut, rows)),
        vocabulary=0,
        outputs=1,
        rare_class=1,
        target_mean=np.zeros(1),
        target_scale=np.ones(1),
    )


@dataclass
class Timed:
    """A search, with its seconds."""

    start: float = field(default_factory=time.monotonic)
    first: float = math.inf
    end: float = math.inf
    trials: Trials | None = None

    def progress(self, now: RoundProgress) -> None:
        """Take the progress of the search."""
        if now.epoch > 0:
            self.first = min(self.first, time.monotonic())

    @property
    def cells(self) -> tuple[str, ...]:
        """Columns of a table: seconds until the first epoch, seconds of the search, and trials per minute after it."""
        count = 0 if self.trials is None else len(self.trials.ranked)
        rate = MINUTE * count / (self.end - self.first)
        return f"{self.first - self.start:.1f}", f"{self.end - self.start:.1f}", f"{rate:.1f}"

    @property
    def essence(self) -> list[tuple[object, ...]]:
        """What must be the same for any number of workers."""
        ranked = () if self.trials is None else self.trials.ranked
        return [(one.number, one.hyperparameters, one.score, one.cost, one.epochs) for one in ranked]


def timed(address: str, parts: Parts, given: argparse.Namespace, meanwhile: Callable[[], None] = lambda: None) -> Timed:
    """Search on a cluster. meanwhile: called twice a second in the main thread, in which alone Ray adds nodes."""
    found = Timed()
    settings: dict[str, Any] = {"budget": Budget(trials=given.trials), "at_once": given.at_once, "seed": 0}
    with (
        connect(parse_cluster(address)) as pool,
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(1) as thread,
    ):
        settings |= {"directory": Path(folder), "pool": pool, "progress": found.progress}
        running = thread.submit(search, BUNDLE, parts, **settings)
        while not running.done():
            if time.monotonic() - found.start > given.limit:
                print(
                    f"A search took longer than {given.limit:.0f} s. Use fewer --trials.", file=sys.stderr, flush=True
                )
                os._exit(1)  # the thread of the search cannot be ended
            meanwhile()
            time.sleep(TICK)
        found.trials, found.end = running.result(), time.monotonic()
    return found


class SimulatedNodes:
    """A head without workers, and nodes with one each."""

    def __init__(self, count: int) -> None:
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self._cluster.address
        self.killed = 0
        self._living = [self._added() for _ in range(count)]
        self._cluster.wait_for_nodes(timeout=NODES_SECONDS)
        self._last = time.monotonic()

    def kill_every(self, seconds: float) -> None:
        """Kill the oldest node, and add another one, if the last one was killed some seconds ago."""
        if time.monotonic() - self._last >= seconds:
            self._cluster.remove_node(self._living.pop(0), allow_graceful=False)
            self._living.append(self._added())
            self.killed += 1
            self._last = time.monotonic()

    def _added(self) -> Any:  # noqa: ANN401  Ray has no types
        return self._cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=False)

    def shut_down(self) -> None:
        """End all processes."""
        self._cluster.shutdown()


@contextmanager
def simulated(count: int) -> Iterator[SimulatedNodes]:
    """Nodes for the block."""
    nodes = SimulatedNodes(count)
    try:
        yield nodes
    finally:
        nodes.shut_down()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--nodes", type=int, default=10, help="0 leaves out the second table")
    parser.add_argument("--kill", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--at-once", type=int, default=1, metavar="TRIALS", help="trials of a task")
    parser.add_argument("--limit", type=float, default=400.0, metavar="SECONDS", help="of a search")
    given = parser.parse_args()
    parts, out = drawn(given.rows), Console()
    found: list[Timed] = []
    table = Table("workers", *COLUMNS, title=f"{given.trials} trials on local workers of one core")
    for workers in given.workers:
        found.append(timed(f"local:{workers}", parts, given))
        table.add_row(str(workers), *found[-1].cells)
    if given.workers:
        out.print(table)
    if given.nodes:
        table = Table("nodes", "killed", *COLUMNS, title=f"{given.trials} trials on simulated nodes of one core")
        for seconds in (math.inf, given.kill):
            with simulated(given.nodes) as nodes:
                found.append(timed(nodes.address, parts, given, partial(nodes.kill_every, seconds)))
            table.add_row(str(given.nodes), str(nodes.killed), *found[-1].cells)
        out.print(table)
    is_same = all(one.essence == found[0].essence for one in found)
    out.print(f"The {len(found)} trial tables are {'the same' if is_same else 'different'}.")
    sys.exit(not is_same)


if __name__ == "__main__":
    main()
