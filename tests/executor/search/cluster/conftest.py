"""Workers of a cluster in the process of the test."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from executor.runtime.cluster import Lost
from executor.search.cluster import worker
from executor.search.search import search
from recommender import training_cost
from rules.vocabulary.choices import Manual

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from executor.search.records.trials import Trials
    from rules.vocabulary.bundle import Bundle


LIKE = tuple({"learning_rate": 0.001 * rate} for rate in range(2, 7))  # they share a graph


@dataclass
class TestPool:
    """Runs tasks one after the other. order: of the tasks; fails_after: tasks after which the driver is killed."""

    __test__ = False  # no class of tests
    workers: int = 1
    is_reachable: bool = True
    order: Callable[[Sequence[int]], Sequence[int]] = list
    fails_after: int | None = None
    lost: Collection[int] = ()
    """Tasks whose workers die each time."""
    ran: list[int] = field(default_factory=list)
    """Numbers of the trials of each task that ran."""

    @property
    def peak(self) -> int:
        return self.workers

    def use_gpus(self, *, pays: bool) -> bool:  # noqa: ARG002  there is none
        return False

    def share(self, value: Any) -> Any:
        return value

    def create_shared(self, kind: type[Any]) -> Any:
        return kind()

    def run(
        self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], *, dropped: Callable[[], Any]
    ) -> Iterator[tuple[int, Any]]:
        for done, index in enumerate(self.order(range(len(tasks)))):
            if done == self.fails_after:
                raise ConnectionError("the driver was killed")
            if index in dropped():
                continue
            self.ran += [one.number for one in getattr(tasks[index][1], "proposals", ())]
            yield index, Lost(reason="it died") if index in self.lost else function(*tasks[index])

    def serve(
        self, function: Callable[..., Any], draw: Callable[[], Any], *, dropped: Callable[[], Any]
    ) -> Iterator[tuple[int, Any]]:
        running: dict[int, Any] = {}
        drawn = done = 0
        while True:
            while len(running) <= self.workers and (task := draw()) is not None:
                running[drawn] = task
                drawn += 1
            running = {index: task for index, task in running.items() if index not in dropped()}
            if not running:
                return
            if done == self.fails_after:
                raise ConnectionError("the driver was killed")
            index = self.order([*running])[0]
            task = running.pop(index)
            yield index, Lost(reason="it died") if index in self.lost else function(*task)
            done += 1


class CopyingPool(TestPool):
    """Copies functions, arguments and results as Ray does."""

    __test__ = False

    def share(self, value: Any) -> Any:
        return pickle.dumps(value)

    def run(
        self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], *, dropped: Callable[[], Any]
    ) -> Iterator[tuple[int, Any]]:
        def copied(*arguments: Any) -> Any:
            self.ran.append(len(self.ran))
            own = [pickle.loads(one) if isinstance(one, bytes) else one for one in arguments]  # noqa: S301  as Ray
            return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(own)))))  # noqa: S301  as Ray

        yield from super().run(copied, tasks, dropped=dropped)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch, shared_graphs: None) -> Iterator[None]:  # noqa: ARG001
    """Trials of few epochs, in graphs that tests share; the process keeps no search afterwards."""
    monkeypatch.setattr(training_cost, "EPOCHS", 2)
    yield
    worker._KEPT.clear()


@pytest.fixture
def run(make_bundle: Callable[..., Bundle], breast_cancer: Parts, tmp_path: Path) -> Callable[..., Trials]:
    """A search of tasks of two trials on the breast cancer rows."""

    def make(pool: Any, *, directory: str = "run", **choices: Any) -> Trials:
        settings: dict[str, Any] = {"at_once": 2, "seed": 0} | choices.pop("settings", {})
        bundle = make_bundle(**{"tuner": Manual(configurations=LIKE)} | choices)
        return search(bundle, breast_cancer, directory=tmp_path / directory, pool=pool, **settings)

    return make
