"""A measurement on a Ray cluster of several nodes, one of which is killed while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from executor.pipeline.measurement.corpus import read_corpus
from executor.pipeline.measurement.measure import Order, measure
from executor.runtime.cluster import connect
from executor.runtime.devices import available_cores
from recommender.examples import example
from recommender.planning.cluster_address import parse_cluster
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.scorecard.results import Settings
from rules.vocabulary.choices import Slot
from tests.effort import long_test
from tests.servers import ray_nodes

if TYPE_CHECKING:
    from pathlib import Path


@long_test
@pytest.mark.filterwarnings("ignore")  # of Ray
def test_a_killed_node_changes_no_result(tmp_path: Path) -> None:
    (tmp_path / "catalogue.csv").write_text(f"name,file,target\nwine,{example('wine')},cultivar\n", encoding="utf-8")
    entries, settings = read_corpus(tmp_path), Settings(seeds=1, rows=100, share=0.2)

    def order(name: str) -> Order:
        slots = dict.fromkeys((Slot.ACTIVATION, Slot.INITIALIZER), frozenset[str]())
        return Order(rules=slots, settings=settings, pins=(), layers=SHIPPED_LAYERS, output=tmp_path / name)

    killed: list[Any] = []

    with ray_nodes() as nodes:

        def kill(_: Any) -> None:
            if not killed:
                killed.append(nodes.added.pop())
                nodes.remove_node(killed[0], allow_graceful=False)

        with connect(parse_cluster(nodes.address)) as pool:
            found = measure(entries, order("cluster.jsonl"), pool=pool, progress=kill)
    here = measure(entries, order("here.jsonl"), jobs=available_cores())
    assert killed
    assert len(found.trainings) > 3
    tables = [
        sorted((one.slot, one.text, one.seed, one.score, one.validation_score) for one in both.trainings)
        for both in (found, here)
    ]
    assert tables[0] == tables[1]
