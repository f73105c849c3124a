"""A search on a Ray cluster of several nodes, one of which is killed while it trains."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from executor.runtime.budget import Budget
from executor.runtime.cluster import connect
from recommender import training_cost
from recommender.planning.cluster_address import parse_cluster
from tests.effort import long_test
from tests.executor.search.cluster.conftest import TestPool
from tests.servers import ray_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from executor.search.records.trials import Trials

TRIALS = {"budget": Budget(trials=12), "at_once": 1}


@pytest.fixture
def nodes() -> Iterator[Any]:
    """A head without workers and two nodes with one each."""
    with ray_nodes() as made:
        yield made


@long_test
@pytest.mark.filterwarnings("ignore")  # of Ray
def test_a_killed_node_and_one_that_joins_change_no_trial(
    nodes: Any, run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost, "EPOCHS", 2_000)  # workers report epochs every half second
    calm = run(TestPool(), directory="calm", settings=TRIALS)
    killed = threading.Event()

    def kill(now: Any) -> None:
        if now.epoch > 0 and not killed.is_set():
            killed.set()
            nodes.remove_node(nodes.added[0], allow_graceful=False)
            nodes.add_node(num_cpus=1, object_store_memory=80_000_000)

    with connect(parse_cluster(nodes.address)) as pool:
        trials = run(pool, settings=TRIALS | {"progress": kill})
    assert killed.is_set()
    assert trials.workers in {2, 3}  # the new node may join before the death of the other is noticed
    essence = [
        [(one.number, one.hyperparameters, one.score, one.epochs) for one in both.ranked] for both in (calm, trials)
    ]
    assert essence[0] == essence[1]
