"""A place to run a trial whose scores a test may script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from executor.components.metric import create_metric
from executor.search.records.weights import WEIGHTS
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.workspace import Workspace, create_workspace
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from executor.networks.stacked_tabular import StackShape
    from executor.preprocessing.examples import Parts
    from executor.runtime.clock import Clock
    from rules.vocabulary.bundle import Bundle


@dataclass
class ScriptedMetric:
    """A metric that gives the scores of a list, one after the other; its last one for ever."""

    scores: Iterable[float]
    direction: Direction = Direction.MAX
    name: str = "scripted"
    given: list[float] = field(default_factory=list)

    def score(self, outputs: object, examples: object, parts: object) -> float:  # noqa: ARG002 - a metric's signature
        scores = list(self.scores)
        self.given.append(scores[min(len(self.given), len(scores) - 1)])
        return self.given[-1]


@pytest.fixture(scope="session")
def traced() -> dict[object, Any]:
    """The graphs of shared_graphs."""
    return {}


@pytest.fixture
def shared_graphs(traced: dict[object, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Runners share graphs with those of other tests on the same rows, bundle and seed.

    Tracing a graph takes longer than training a few epochs in it.
    """
    start_alone = SequentialRunner.__init__

    def basis(at: Workspace) -> tuple[object, ...]:
        traced[id(at.parts)] = at.parts  # kept, so that no other rows get the same id
        return at.bundle.model_dump_json(), at.seed, id(at.parts)

    def stacked_graph(at: Workspace, shape: StackShape, **settings: Any) -> StackedGraph:
        key = (*basis(at), shape, *settings.items())
        if key not in traced:
            traced[key] = StackedGraph(at, shape, **settings)
        return traced[key]

    def start(runner: SequentialRunner, at: Workspace, **settings: Any) -> None:
        start_alone(runner, at, **settings)
        runner._graphs = traced.setdefault(basis(at), {})

    monkeypatch.setattr("executor.search.runners.stacked.StackedGraph", stacked_graph)
    monkeypatch.setattr(SequentialRunner, "__init__", start)


@pytest.fixture
def place(make_bundle: Callable[..., Bundle], breast_cancer: Parts, tmp_path: Path) -> Callable[..., Workspace]:
    """A workplace on the breast cancer rows; scores: what P is to be after each epoch, by default the accuracy."""
    (tmp_path / WEIGHTS).mkdir()

    def make(
        *,
        scores: Iterable[float] | None = None,
        direction: Direction = Direction.MAX,
        clock: Clock | None = None,
        seed: int = 0,
        parts: Parts = breast_cancer,
        **choices: Any,
    ) -> Workspace:
        bundle = make_bundle(**choices)
        metric: Any = create_metric(bundle.metric) if scores is None else ScriptedMetric(scores, direction)
        return create_workspace(
            bundle,
            parts,
            metric=metric,
            clock=clock,
            seed=seed,
            directory=tmp_path,
        )

    return make
