"""Jobs of a measurement on workers in the process of the test; nothing is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from executor.pipeline.measurement.cluster import train_on_pool
from executor.pipeline.measurement.train import EncodedSubject, Job, PlannedTraining, TrainingTask
from executor.runtime.cluster_call import Answer
from executor.search.records.proposal import Proposal
from rules.errors import ChoiceError, ClusterError
from rules.vocabulary.choices import Adam, Muon, Slot
from tests.executor.search.cluster.conftest import TestPool

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

LAST = ["last", "seed 0", "seed 1", "seed 4"]  # results that need no training


class AnswerPool(TestPool):
    """Answers tasks by a function of the seeds of their trainings."""

    __test__ = False

    def __init__(self, answer: Callable[[tuple[int, ...]], Any], **named: Any) -> None:
        super().__init__(workers=3, **named)
        self.answer, self.tasks = answer, list[tuple[int, ...]]()

    def serve(self, function: Any, draw: Any, *, dropped: Any) -> Any:
        del function

        def answered(_: Any, __: Any, task: TrainingTask) -> Any:
            self.tasks.append(seeds := tuple(one.seed for one in task.planned))
            return self.answer(seeds)

        yield from super().serve(answered, draw, dropped=dropped)


@pytest.fixture
def make_job(make_bundle: Callable[..., Bundle], breast_cancer: Parts) -> Callable[..., Job]:
    """A job with a task of two trainings, and one for which it takes the results of both."""

    def make(optimizer: Any) -> Job:
        bundle = make_bundle(optimizer=optimizer)
        rows: Any = EncodedSubject(bundle=bundle, parts=breast_cancer, test=breast_cancer.train)

        def task(*seeds: int) -> TrainingTask:
            planned = tuple(
                PlannedTraining(proposal=Proposal(number=seed, hyperparameters={}), choice=bundle.activation, seed=seed)
                for seed in seeds
            )
            return TrainingTask(slot=Slot.ACTIVATION, dataset="d", bundle=bundle, planned=planned)

        def tasks() -> Generator[Any, Any, Any]:
            results = yield rows, task(0, 1)
            results += yield rows, task(2 * len(results))
            return ["last", *results]

        measured: Any = type("Measured", (), {"name": "d"})
        return Job(measured=measured, slot=Slot.ACTIVATION, label="activation: relu", tasks=tasks())

    return make


def names(seeds: tuple[int, ...]) -> Answer[Any]:
    return Answer(value=[f"seed {seed}" for seed in seeds])


def test_a_stack_is_one_task_and_other_networks_are_one_task_each(make_job: Callable[..., Job]) -> None:
    for optimizer, expected in ((Adam(), [(0, 1), (4,)]), (Muon(), [(0,), (1,), (4,)])):
        job, pool = make_job(optimizer), AnswerPool(names)
        found = [results for _, results in train_on_pool(iter([job]), pool)]
        assert pool.tasks == expected
        assert found == [[f"seed {seed}" for seed in one] for one in expected] + [
            ["last", "seed 0", "seed 1", "seed 4"]
        ]
        assert job.is_finished


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda _: Answer(error=ChoiceError("It does not fit.")), "It does not fit."),
        (lambda _: Answer(failure="ValueError: no"), "ValueError: no"),
    ],
)
def test_a_job_whose_task_fails_is_not_measured_and_others_are(
    make_job: Callable[..., Job], answer: Any, expected: str
) -> None:
    jobs = [make_job(Muon()), make_job(Adam())]
    pool = AnswerPool(lambda seeds: answer(seeds) if seeds == (1,) else names(seeds))
    found = [(jobs.index(job), results) for job, results in train_on_pool(iter(jobs), pool)]

    assert [results for index, results in found if index == 0] == [["seed 0"], expected]
    assert [results for index, results in found if index == 1][-1] == LAST
    assert all(job.is_finished for job in jobs)


def test_a_lost_task_ends_its_job(make_job: Callable[..., Job]) -> None:
    found = [results for _, results in train_on_pool(iter([make_job(Adam())]), AnswerPool(names, lost=(0,)))]
    assert found == ["it died"]


def test_a_worker_with_other_versions_ends_the_measurement(make_job: Callable[..., Job]) -> None:
    pool = AnswerPool(lambda _: Answer(error=ClusterError("other versions")))
    with pytest.raises(ClusterError, match="other versions"):
        list(train_on_pool(iter([make_job(Adam())]), pool))


def test_at_the_time_limit_running_tasks_are_cancelled(make_job: Callable[..., Job]) -> None:
    job = make_job(Adam())
    now = iter([0.0, 0.0])  # while the first task is drawn
    pool = AnswerPool(names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("executor.pipeline.measurement.cluster.time.monotonic", lambda: next(now, 9.0))
        assert list(train_on_pool(iter([job]), pool, end=1.0)) == []
    assert (pool.tasks, job.is_finished) == ([], False)
