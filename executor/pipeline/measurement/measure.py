"""All trainings of a corpus, written to a file as they end."""

from __future__ import annotations

import itertools
import math
import os
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from executor.pipeline.measurement.alternatives import alternatives
from executor.runtime.cluster_call import use_one_core
from executor.runtime.tensorflow_import import quiet_tensorflow
from recommender.recommendation.recommend import open_dataset
from rules import __version__
from rules.errors import MeasurementError, PcwatError
from rules.proof.proved_book import load_book
from rules.scorecard.decide_again import Books
from rules.scorecard.results import MeasuredDataset, Results, TrainingResult, check_same, read_results
from rules.text.wording import counted
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from multiprocessing.context import SpawnProcess
    from queue import Queue

    from executor.pipeline.measurement.corpus import CorpusDataset
    from executor.pipeline.measurement.prepare import Subject
    from executor.pipeline.measurement.train import EncodedSubject, Job, Work
    from executor.runtime.cluster import Pool
    from rules.decision.trace import Pin
    from rules.scorecard.results import Settings
    from rules.vocabulary.choices import Choice

EMPTY: Final = Results(datasets={}, trainings=())
HANDBOOK: Final = "handbook"
"""Among the names of alternatives: the choice of the handbook, at its own learning rate."""
SECONDS_BETWEEN_CHECKS: Final = 1.0  # of the processes


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to measure."""

    rules: Mapping[Slot, frozenset[str]]
    """Slots to measure, each on the datasets that one of these rules decides; on all if there are none."""
    against: frozenset[str] = frozenset()
    """Names of the alternatives; empty for all."""
    settings: Settings
    pins: tuple[Pin, ...]
    layers: tuple[str, ...]
    output: Path
    configurations: int = 24
    """Random configurations of a dataset for the slot of hyperparameters."""
    earlier: tuple[Path, ...] = ()
    """Files of results whose trainings are copied into the output file and not repeated."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A finished step: a group of trainings, or a dataset that cannot be measured."""

    dataset: str
    says: str


def measure(
    corpus: Sequence[CorpusDataset],
    order: Order,
    *,
    jobs: int | None = None,
    pool: Pool | None = None,
    seconds: float | None = None,
    progress: Callable[[Step], None] = lambda _: None,
) -> Results:
    """Measure choices on a corpus; trainings that the output file has already are not repeated.

    Datasets that cannot be trained are reported to `progress` and left out.

    Args:
        corpus: The datasets.
        order: What to measure, and the file of results.
        jobs: Datasets that are measured at the same time, each in a process of its own. None measures one after the
            other in this process, whose memory grows by the compiled graphs of each dataset.
        pool: Workers of a cluster that train instead, each on one core; this process reads the datasets, and writes the
            results. They are those of processes with one core each. Default None.
        seconds: Time limit, for which the datasets are measured in random order. Default None.
        progress: Called after each group of trainings.

    Returns:
        All results of the output file, without those of datasets that the time limit interrupted.

    Raises:
        ClusterError: If the head of the cluster is lost, or a worker has other versions of packages.
        MeasurementError: If the output file or an earlier one has results of other settings or is not such a file.
    """
    order.output.parent.mkdir(parents=True, exist_ok=True)
    _copy_earlier(order)
    done = _done(order)
    if jobs is None and pool is None and seconds is None:
        for entry in corpus:
            for step in measure_dataset(entry, order, done):
                progress(step)
        return _done(order)
    if seconds is not None:
        corpus = random.Random(0).sample(corpus, len(corpus))  # noqa: S311  an order, no secret
    if pool is not None:
        interrupted = _measure_on_pool(corpus, order, done, pool, seconds=seconds, progress=progress)
    else:
        interrupted = _measure_in_processes(corpus, order, done, jobs=jobs or 1, seconds=seconds, progress=progress)
    return _done(order).without(interrupted)


def _measure_on_pool(
    corpus: Sequence[CorpusDataset],
    order: Order,
    done: Results,
    pool: Pool,
    *,
    seconds: float | None,
    progress: Callable[[Step], None],
) -> frozenset[str]:
    """Train on the workers of a cluster; returns the names of the datasets that the time limit interrupted."""
    end = math.inf if seconds is None else time.monotonic() + seconds
    quiet_tensorflow()
    use_one_core()  # rows are encoded here, as in a process of one core
    from executor.pipeline.measurement.cluster import train_on_pool  # noqa: PLC0415  imports TensorFlow

    writer, unread = _Writer(order.output, done), set[str]()
    started: list[Job] = []

    def jobs() -> Iterator[Job]:
        for entry in corpus:
            unread.add(entry.name)
            try:
                for one in _jobs_of(entry, order, done):
                    if isinstance(one, Step):
                        progress(one)
                    else:
                        started.append(one)
                        yield one
            except Exception as error:  # noqa: BLE001  an error of one dataset must not end the others
                progress(Step(dataset=entry.name, says=f"not measured: {type(error).__name__}: {error}"))
            unread.discard(entry.name)

    for job, found in train_on_pool(jobs(), pool, end=end):
        progress(_not_measured(job, found) if isinstance(found, str) else writer.write(job, found))
    return frozenset(unread | {one.measured.name for one in started if not one.is_finished})


def _measure_in_processes(
    corpus: Sequence[CorpusDataset],
    order: Order,
    done: Results,
    *,
    jobs: int,
    seconds: float | None,
    progress: Callable[[Step], None],
) -> frozenset[str]:
    """Measure each dataset in a process of its own: only the end of a process frees its compiled graphs.

    Returns the names of the datasets that the time limit interrupted.
    """
    context, end = get_context("spawn"), math.inf if seconds is None else time.monotonic() + seconds
    with context.Manager() as manager:
        steps: Queue[Step] = manager.Queue()
        waiting = iter(corpus)
        running: list[SpawnProcess] = []
        try:
            while time.monotonic() < end:
                running = [process for process in running if not _has_ended(process, progress)]
                for entry in itertools.islice(waiting, jobs - len(running)):
                    process = context.Process(
                        target=_report_steps, args=(entry, order, done, steps, jobs), name=entry.name
                    )
                    process.start()
                    running.append(process)
                if not running:
                    break
                with suppress(Empty):
                    progress(steps.get(timeout=SECONDS_BETWEEN_CHECKS))
            while not steps.empty():
                progress(steps.get())
            return frozenset(process.name for process in running if process.is_alive())
        finally:
            for process in running:
                process.terminate()


def _has_ended(process: SpawnProcess, progress: Callable[[Step], None]) -> bool:
    """Whether a process has ended; an error that ended it is reported."""
    if process.is_alive():
        return False
    if process.exitcode:
        progress(Step(dataset=process.name, says=f"not measured: its process ended with exit code {process.exitcode}"))
    return True


def _report_steps(entry: CorpusDataset, order: Order, done: Results, steps: Queue[Step], jobs: int) -> None:
    """Measure a dataset in a process of its own, with its share of the cores."""
    _use_cores(jobs)
    try:
        for step in measure_dataset(entry, order, done):
            steps.put(step)
    except KeyboardInterrupt:  # the parent ends, too
        return
    except Exception as error:  # noqa: BLE001  an error of one dataset must not end the others
        steps.put(Step(dataset=entry.name, says=f"not measured: {type(error).__name__}: {error}"))


def _use_cores(jobs: int) -> None:
    """Divide the cores between processes."""
    quiet_tensorflow()
    import tensorflow as tf  # noqa: PLC0415  in the new process

    from executor.runtime.devices import available_cores  # noqa: PLC0415  as above

    cores = max(1, available_cores() // jobs)
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)


def _done(order: Order) -> Results:
    """Results that the output file has. Raises MeasurementError if they have other settings."""
    if not order.output.exists():
        return EMPTY
    _drop_cut_line(order.output)
    done = read_results([order.output])
    _check_settings(done, order, str(order.output))
    return done


def _copy_earlier(order: Order) -> None:
    """Append the results of earlier files that the output file does not have to it."""
    if not order.earlier:
        return
    done, earlier = _done(order), read_results(order.earlier)
    _check_settings(earlier, order, ", ".join(map(str, order.earlier)))
    for name in done.datasets.keys() & earlier.datasets.keys():
        check_same(earlier.datasets[name], done.datasets[name])
    datasets = [one for name, one in earlier.datasets.items() if name not in done.datasets]
    trainings = [one for one in earlier.trainings if one.key in earlier.keys - done.keys]
    _append(order.output, *datasets, *trainings)


def _check_settings(results: Results, order: Order, files: str) -> None:
    """Raise MeasurementError if results have other settings than those wanted."""
    other = next((one for one in results.datasets.values() if one.settings != order.settings), None)
    if other is not None:
        raise MeasurementError(
            f"{files} has results of other settings ({other.settings.model_dump_json()}). Use the same, or "
            "write to another file with -o."
        )


def measure_dataset(entry: CorpusDataset, order: Order, done: Results = EMPTY) -> Iterator[Step]:
    """Train the choices of a dataset and their alternatives, and append the results to the output file."""
    writer = _Writer(order.output, done)
    for job in _jobs_of(entry, order, done):
        if isinstance(job, Step):
            yield job
            continue
        try:
            for results in job.run():
                yield writer.write(job, results)
        except PcwatError as error:
            yield _not_measured(job, str(error))


def _jobs_of(entry: CorpusDataset, order: Order, done: Results) -> Iterator[Job | Step]:
    """Jobs of a dataset; a step if it cannot be measured. A job must start before the next one is taken."""
    from executor.pipeline.measurement.prepare import subject  # noqa: PLC0415  imports TensorFlow

    try:
        with open_dataset(str(entry.path), entry.request) as dataset, tempfile.TemporaryDirectory() as directory:
            own = subject(
                entry,
                dataset,
                settings=order.settings,
                pins=order.pins,
                layers=order.layers,
                directory=Path(directory) / "run",
                version=__version__,
            )
            earlier = done.datasets.get(entry.name)
            if earlier is not None:
                check_same(earlier, own.measured)
            yield from _jobs_of_slots(own, order, done)
    except PcwatError as error:
        yield Step(dataset=entry.name, says=f"not measured: {error}")


def _jobs_of_slots(own: Subject, order: Order, done: Results) -> Iterator[Job]:
    """Jobs that train the choices of each slot."""
    from executor.pipeline.measurement.train import Job, encoded, groups  # noqa: PLC0415  imports TensorFlow

    name, book = own.measured.name, load_book(order.layers).book
    default = None
    for slot, rules in order.rules.items():
        if rules and not rules & set(own.measured.rules[slot]):
            continue
        if slot in {Slot.HYPERPARAMETERS, Slot.TUNER}:
            default = encoded(own, own.bundle) if default is None else default
            configured = (
                _space_tasks(own, order, done, default)
                if slot is Slot.HYPERPARAMETERS and rules
                else _configuration_tasks(slot, own, order, done, default)
            )
            yield Job(measured=own.measured, slot=slot, label=str(slot), tasks=configured)
            continue
        bundle = own.run.bundle if slot is Slot.VALIDATION else own.bundle
        chosen, *others = alternatives(slot, bundle, book, own.facts, against=order.against)
        choices = [chosen, *(one for one in others if _is_wanted(one, slot, own, order))]
        if len(choices) < 2:  # noqa: PLR2004  nothing to compare
            continue
        default = encoded(own, own.bundle) if default is None else default
        earlier = [one for one in done.trainings if one.dataset == name and one.slot is slot]
        for group in groups(slot, choices, default):
            tasks = _split_tasks(slot, group, own, default, searched=order.against != {HANDBOOK}, done=earlier)
            yield Job(measured=own.measured, slot=slot, label=f"{slot}: {', '.join(map(str, group))}", tasks=tasks)


def _is_wanted(choice: Choice, slot: Slot, own: Subject, order: Order) -> bool:
    """Whether an alternative is to be measured."""
    is_handbook = HANDBOOK in order.against and str(choice) == own.measured.handbook[slot]
    return not order.against or is_handbook or _name(choice) in order.against


def _split_tasks(
    slot: Slot,
    choices: Sequence[Choice],
    own: Subject,
    default: EncodedSubject,
    *,
    searched: bool,
    done: Sequence[TrainingResult],
) -> Generator[Work, list[TrainingResult], None]:
    """Tasks of a group of choices on each split; learning rates are searched on the first one."""
    from executor.pipeline.measurement.train import group_tasks  # noqa: PLC0415  imports TensorFlow

    for subject, rows in _on_splits(own, default):
        of_split = [one for one in done if one.seed in subject.seeds]
        choices = yield from group_tasks(
            slot, choices, subject, rows, searched=searched and not subject.split, done=of_split
        )


def _on_splits(own: Subject, default: EncodedSubject) -> Iterator[tuple[Subject, EncodedSubject]]:
    """The dataset with each of its splits, and its rows encoded for the recommended bundle."""
    from executor.pipeline.measurement.train import encoded  # noqa: PLC0415  imports TensorFlow

    yield own, default
    for number in range(1, own.measured.settings.splits):
        subject = own.with_split(number)
        yield subject, encoded(subject, own.bundle)


def _space_tasks(
    own: Subject, order: Order, done: Results, default: EncodedSubject
) -> Generator[Work, list[TrainingResult], list[TrainingResult]]:
    """Tasks of searches with the hyperparameters of the rules and of the handbook; returns the results of these."""
    from executor.pipeline.measurement.searches.spaces import space_tasks  # noqa: PLC0415  imports TensorFlow

    books, found = Books.of(order.layers), []
    earlier = [one for one in done.trainings if one.dataset == own.measured.name and not one.message]
    for subject, rows in _on_splits(own, default):
        found += yield from space_tasks(subject, rows, books, done=earlier)
    return found


def _configuration_tasks(
    slot: Slot, own: Subject, order: Order, done: Results, default: EncodedSubject
) -> Generator[Work, list[TrainingResult], list[TrainingResult]]:
    """Tasks of the configurations of a dataset that the file of results does not have.

    slot: of hyperparameters, for random configurations; of the tuner, for those of a table, on which searches are
    replayed. Returns the results of these searches.
    """
    from executor.pipeline.measurement.searches.configurations import (  # noqa: PLC0415  imports TensorFlow
        configuration_tasks,
        draw_configurations,
    )
    from executor.pipeline.measurement.searches.tuners import replay_searches, table_configurations  # noqa: PLC0415  as above

    configurations = (
        table_configurations(default)
        if slot is Slot.TUNER
        else draw_configurations(own, default, load_book(order.layers).book, count=order.configurations)
    )
    of_dataset = [one for one in done.trainings if one.dataset == own.measured.name and not one.message]
    texts = {str(one.choice) for one in configurations}
    trained = [one for one in of_dataset if one.slot is Slot.HYPERPARAMETERS and one.text in texts]
    missing = [one for one in configurations if str(one.choice) not in {one.text for one in trained}]
    for work in configuration_tasks(own, default, missing):
        trained += yield work
    if slot is Slot.TUNER and not any(one.slot is Slot.TUNER for one in of_dataset):
        return [*replay_searches(own, default, trained)]
    return []


class _Writer:
    """Appends results to the output file; a dataset is written with its first results."""

    def __init__(self, path: Path, done: Results) -> None:
        self._path = path
        self._written = set(done.datasets)

    def write(self, job: Job, results: Sequence[TrainingResult]) -> Step:
        """Append results of a job; returns the step."""
        name = job.measured.name
        _append(self._path, *([] if name in self._written else [job.measured]), *results)
        self._written.add(name)
        names = ", ".join(dict.fromkeys(one.text for one in results))
        if job.slot in {Slot.HYPERPARAMETERS, Slot.TUNER}:
            names = counted(len(results), "result")
        seconds = sum(one.seconds for one in results)
        return Step(dataset=name, says=f"{job.slot}: {names}, {seconds:.0f} s")


def _not_measured(job: Job, why: str) -> Step:
    return Step(dataset=job.measured.name, says=f"{job.label} not measured: {why}")


def _name(choice: Choice) -> str:
    name: str = choice.model_dump()["name"]
    return name


def _append(path: Path, *records: MeasuredDataset | TrainingResult) -> None:
    """Append lines to a file that several processes write."""
    text = "".join(f"{record.model_dump_json()}\n" for record in records)
    with FileLock(f"{path}.lock"), path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _drop_cut_line(path: Path) -> None:
    """Remove a last line that a kill cut off, so that the next one does not continue it."""
    with FileLock(f"{path}.lock"), path.open("r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
