"""Trials per minute of a search on local workers of one core each, and its trial table while nodes are killed.

    python -m benchmarks.search.cluster [--workers 1 2] [--nodes 10] [--kill 20] [--trials 24] [--at-once 2]

The first table has the same search on some numbers of workers. The second one has it on a simulated cluster of Ray
with nodes of one core each: calm, and with a node killed every 20 s, for which another one joins. The trials, their
scores and their epochs must be the same; the script ends with 1 if they are not. Seconds include the start of the
workers, each of which loads TensorFlow.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from contextlib import contextmanager
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
from executor.runtime.cluster_address import parse_cluster  # noqa: E402
from executor.search.search import search  # noqa: E402
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
MINUTE: Final = 60.0  # seconds
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


def timed(
    address: str,
    parts: Parts,
    given: argparse.Namespace,
    progress: Callable[[RoundProgress], None] = lambda _: None,
) -> tuple[float, Trials]:
    """Seconds of a search on a cluster, and its trials."""
    start = time.monotonic()
    settings: dict[str, Any] = {"budget": Budget(trials=given.trials), "at_once": given.at_once, "seed": 0}
    with connect(parse_cluster(address)) as pool, tempfile.TemporaryDirectory() as folder:
        found = search(BUNDLE, parts, directory=Path(folder), pool=pool, progress=progress, **settings)
    return time.monotonic() - start, found


@contextmanager
def simulated(nodes: int) -> Iterator[Any]:
    """A head without workers, and nodes with one each."""
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.living = [cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=False) for _ in range(nodes)]
    cluster.wait_for_nodes()
    try:
        yield cluster
    finally:
        cluster.shutdown()


class Killer:
    """Kills the oldest node of a cluster every so often, and adds another one, when a search reports its progress.

    Ray adds nodes in the main thread only.
    """

    def __init__(self, cluster: Any, seconds: float) -> None:  # noqa: ANN401  Ray has no types
        self.killed = 0
        self._cluster = cluster
        self._seconds = seconds
        self._last = time.monotonic()

    def __call__(self, _: RoundProgress) -> None:
        """Take the progress of a search."""
        if time.monotonic() - self._last >= self._seconds:
            self._cluster.remove_node(self._cluster.living.pop(0), allow_graceful=False)
            self._cluster.living.append(self._cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=False))
            self.killed += 1
            self._last = time.monotonic()


def essence(trials: Trials) -> list[tuple[object, ...]]:
    """What must be the same for any number of workers."""
    return [(one.number, one.hyperparameters, one.score, one.cost, one.epochs) for one in trials.ranked]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--nodes", type=int, default=10, help="0 leaves out the second table")
    parser.add_argument("--kill", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--at-once", type=int, default=2, metavar="TRIALS", help="trials of a task")
    given = parser.parse_args()
    parts, tables, out = drawn(given.rows), [], Console()
    table = Table("workers", "seconds", "trials per minute", "best accuracy", title="local workers of one core")
    for workers in given.workers:
        seconds, trials = timed(f"local:{workers}", parts, given)
        tables.append(essence(trials))
        rate = MINUTE * len(trials.ranked) / seconds
        table.add_row(str(workers), f"{seconds:.1f}", f"{rate:.1f}", f"{trials.best.score:.4f}")
    if given.workers:
        out.print(table)
    if given.nodes:
        table = Table("nodes", "killed", "seconds", "best accuracy", title="simulated nodes of one core")
        for is_calm in (True, False):
            with simulated(given.nodes) as cluster:
                killer = Killer(cluster, math.inf if is_calm else given.kill)
                seconds, trials = timed(cluster.address, parts, given, progress=killer)
            tables.append(essence(trials))
            table.add_row(str(given.nodes), str(killer.killed), f"{seconds:.1f}", f"{trials.best.score:.4f}")
        out.print(table)
    is_same = all(one == tables[0] for one in tables)
    out.print(f"The trial tables are {'the same' if is_same else 'different'}.")
    sys.exit(not is_same)


if __name__ == "__main__":
    main()
