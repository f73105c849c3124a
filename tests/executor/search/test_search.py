"""The search as a whole: five strategies, budgets, Ctrl-C, failures, and going on where it stopped."""

from __future__ import annotations

import contextlib
import gc
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from executor.model.rebuild import rebuild_networks
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from executor.search import search as search_module
from executor.search.oracles import bayesian
from executor.search.records.journal import JOURNAL, Journal
from executor.search.records.lock import lock_run_directory
from executor.search.runners.compiled import compile_outputs
from executor.search.runners.feeds.rows import to_device
from executor.search.runners.schedule_clock import MAX_CALL_SECONDS
from executor.search.runners.stacked import StackRunner
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.search import search
from recommender import training_cost as speed
from recommender.time_plan import TimePlan
from rules.errors import ChoiceError, RunError, TrainingError
from rules.vocabulary.choices import Adam, Bayesian, Grid, Hyperband, Manual, MseLoss, Random, Rmse
from rules.vocabulary.facts import Task
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from executor.search.progress import RoundProgress
    from executor.search.records.outcome import Outcome
    from executor.search.records.training_size import TrainingSize
    from executor.search.records.trials import Trials
    from executor.search.runners.workspace import Workspace
    from executor.search.search import RefitSeconds
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

TUNERS = [Bayesian(), Hyperband(factor=2), Grid(), Random(), Manual()]
SMALL = tuple({"units": units} for units in (16, 8))  # a manual search: the defaults, then these
LIKE = tuple({"learning_rate": rate} for rate in (0.002, 0.003, 0.004, 0.005))  # they share a stack
SHORT = 4  # epochs
ENOUGH = 5  # trials: past the first promotions of Hyperband (three of 2 epochs, then two) and the Bayesian start


@pytest.fixture(autouse=True)
def _short_trials(monkeypatch: pytest.MonkeyPatch, shared_graphs: None) -> None:  # noqa: ARG001
    """Trials of a few epochs in graphs of other tests, and a Bayesian search that fits from its third trial on."""
    monkeypatch.setattr(speed, "EPOCHS", SHORT)
    monkeypatch.setattr(bayesian, "MIN_RANDOM", 2)
    monkeypatch.setattr(bayesian, "RANDOM_PER_DIMENSION", 0)


@pytest.fixture
def run(make_bundle: Callable[..., Bundle], breast_cancer: Parts, tmp_path: Path) -> Callable[..., Trials]:
    """A search on the breast cancer rows in the test's directory."""

    def make(
        *,
        trials: int | None = None,
        budget: Budget | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        directory: Path = tmp_path,
        parts: Parts = breast_cancer,
        progress: Callable[[RoundProgress], None] = lambda _: None,
        at_once: int | None = 2,
        refit_seconds: RefitSeconds | None = None,
        **choices: Any,
    ) -> Trials:
        return search(
            make_bundle(**choices),
            parts,
            budget=budget or Budget(trials=trials),
            clock=clock,
            seed=seed,
            directory=directory,
            at_once=at_once,
            refit_seconds=refit_seconds,
            progress=progress,
        )

    return make


def by_number(trials: Trials) -> list[Outcome]:
    return sorted(trials.ranked, key=lambda outcome: outcome.number)


@pytest.mark.parametrize("tuner", [*TUNERS[:2], *(pytest.param(one, marks=long_test) for one in TUNERS[2:])])
def test_every_tuner_completes_on_a_real_dataset_and_goes_on_where_it_was_stopped(
    run: Callable[..., Trials], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tuner: object
) -> None:
    whole = run(tuner=tuner, trials=ENOUGH, directory=tmp_path / "whole")
    scores = [outcome.score for outcome in whole.ranked]
    assert None not in scores
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9  # the majority class alone: 0.63
    assert len(scores) == ENOUGH

    told, calls = search_module.tell, iter(range(ENOUGH))

    def stop(*arguments: Any) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt  # after the journal's lines, before the oracle knows
        told(*arguments)

    with monkeypatch.context() as killed:
        killed.setattr(search_module, "tell", stop)
        assert run(tuner=tuner, trials=ENOUGH, directory=tmp_path / "parts").stopped_by == "interrupt"
    resumed = run(tuner=tuner, trials=ENOUGH, directory=tmp_path / "parts")
    assert essence(resumed) == essence(whole)


def essence(trials: Trials) -> list[tuple[object, ...]]:
    return [(o.number, o.hyperparameters, o.score, o.epoch_scores, o.continues) for o in trials.ranked]


def test_hyperband_promotes_and_continues(run: Callable[..., Trials]) -> None:
    ended = by_number(run(tuner=Hyperband(factor=2), trials=ENOUGH))
    assert [outcome.continues is None for outcome in ended] == [True] * 3 + [False] * 2
    assert [outcome.planned_epochs for outcome in ended] == [2] * 5  # two epochs, and the two up to four


def test_a_finished_search_is_not_repeated(run: Callable[..., Trials]) -> None:
    first = run(tuner=Manual(configurations=SMALL))
    assert (len(first.ranked), first.stopped_by) == (3, "exhausted")
    seen: list[RoundProgress] = []
    assert run(tuner=Manual(configurations=SMALL), progress=seen.append).ranked == first.ranked
    assert seen == []


def test_the_best_trials_network_gives_its_score_again(
    run: Callable[..., Trials], make_bundle: Callable[..., Bundle], breast_cancer: Parts
) -> None:
    best = run(tuner=Manual(configurations=SMALL)).best
    bundle = make_bundle(tuner=Manual(configurations=SMALL))
    (network,) = rebuild_networks(best, bundle, breast_cancer, 0)
    outputs = compile_outputs(network)(to_device(breast_cancer.validation))
    assert float(np.mean((outputs[:, 0] > 0) == breast_cancer.validation.raw_target)) == best.score


def test_one_by_one_each_trial_is_a_round_with_its_outcome(run: Callable[..., Trials]) -> None:
    trials = run(tuner=Manual(configurations=SMALL), at_once=1)
    assert [(outcome.round, outcome.asked, outcome.status) for outcome in by_number(trials)] == [
        (number, 1, "completed") for number in range(3)
    ]
    assert all(outcome.weights is not None and outcome.weights.exists() for outcome in trials.ranked)
    assert (trials.best.score or 0) > 0.9  # the majority class alone: 0.63


def test_a_loss_is_ranked_from_its_lowest_value(run: Callable[..., Trials], make_parts: MakeParts) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 3))
    parts = make_parts(rows, rows[:, :1], task=Task.REGRESSION)
    scores = [o.score for o in run(parts=parts, loss=MseLoss(), metric=Rmse(), trials=3).ranked]
    assert scores == sorted(scores)


def test_the_number_of_trials_is_kept_and_counts_those_of_before(run: Callable[..., Trials]) -> None:
    assert len(run(trials=2).ranked) == 2
    resumed = run(trials=3)
    assert (len(resumed.ranked), resumed.stopped_by) == (3, "trials")


class Time:
    """A clock that so many seconds pass on at each look."""

    def __init__(self, *, step: float) -> None:
        self.reading, self.step = 0.0, step

    def __call__(self) -> float:
        self.reading += self.step
        return self.reading


def test_a_time_budget_ends_the_search_and_leaves_a_model(run: Callable[..., Trials]) -> None:
    trials = run(budget=Budget(seconds=100), clock=Budget(seconds=100).start_clock(Time(step=1.0)))
    assert trials.stopped_by == "budget"
    assert trials.best.weights is not None
    assert trials.best.weights.exists()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Time:
    """A clock where every trial adds 0.02 s to a step of its stack, and nothing else takes time."""
    time, train = Time(step=0.0), StackedGraph.train

    def trained(
        graph: StackedGraph, stack: Any, rows: Any, chosen: np.ndarray, rates: np.ndarray, *, noise: int, first: int
    ) -> object:
        time.reading += 0.02 * len(rates) * int((rates > 0).any(axis=0).sum())
        return train(graph, stack, rows, chosen, rates, noise=noise, first=first)

    monkeypatch.setattr(StackedGraph, "train", trained)
    return time


LISTED: Final = tuple({"units": 8, "learning_rate": 0.001 * (1 + number)} for number in range(40))


def test_rounds_are_laid_so_that_the_deadline_holds_and_the_time_is_used(
    run: Callable[..., Trials], slow: Time
) -> None:
    """A trial of 4 · 8 steps takes 0.64 s."""
    clock = Clock(TimePlan(limit=20, finishing=3), now=slow)
    trials = run(budget=Budget(seconds=20), clock=clock, tuner=Manual(configurations=LISTED), at_once=8)
    assert trials.stopped_by == "budget"
    assert 0.85 * 17 < slow.reading < 17 + 8 * MAX_CALL_SECONDS
    ended = by_number(trials)
    sizes = [len(list(some)) for _, some in itertools.groupby(outcome.round for outcome in ended)]
    # The defaults take 0.64 s, 8 trials 5.12 s; the 1.0 s that is left after three such rounds is too short for a
    # further one.
    assert sizes == [1, 8, 8, 8]
    assert [outcome.number for outcome in ended if outcome.epochs < SHORT] == []


def test_after_the_first_trial_the_search_leaves_the_time_that_training_on_all_rows_takes(
    run: Callable[..., Trials], slow: Time
) -> None:
    asked: list[int] = []

    def refit_seconds(completed: Sequence[Outcome], _at: Workspace, _size: TrainingSize | None) -> float:
        scores = [one.score for one in completed]
        assert scores == sorted(scores, reverse=True)
        asked.append(len(completed))
        return 6.0

    clock = Clock(TimePlan(limit=20, finishing=3), now=slow)
    tuner = Manual(configurations=LISTED)
    trials = run(budget=Budget(seconds=20), clock=clock, tuner=tuner, at_once=8, refit_seconds=refit_seconds)
    assert asked[0] == 1
    assert asked[-1] == len(trials.ranked)
    assert 0.85 * 11 < slow.reading < 11 + 8 * MAX_CALL_SECONDS


def test_even_a_tiny_budget_leaves_a_model(run: Callable[..., Trials]) -> None:
    trials = run(budget=Budget(seconds=0.001))
    assert (len(trials.ranked), trials.stopped_by, trials.best.status) == (1, "budget", "completed")


class Killed(BaseException):
    """What no part of the search may catch."""


@pytest.mark.parametrize("at_once", [pytest.param(1, marks=long_test), 2])
def test_after_a_kill_in_the_middle_of_a_round_exactly_that_round_is_repeated(
    run: Callable[..., Trials], tmp_path: Path, at_once: int
) -> None:
    listed = tuple({"units": 8, "learning_rate": 0.001 * (2 + number)} for number in range(5))
    settings: dict[str, Any] = {"tuner": Manual(configurations=listed), "trials": 3 * at_once, "at_once": at_once}
    whole = run(**settings, directory=tmp_path / "whole")

    def killed(now: RoundProgress) -> None:
        if (now.done, now.epoch) == (at_once, 2):
            raise Killed

    with pytest.raises(Killed):
        run(**settings, directory=tmp_path / "parts", progress=killed)
    kept = (tmp_path / "parts" / JOURNAL).read_bytes()
    seen: list[int] = []
    resumed = run(**settings, directory=tmp_path / "parts", progress=lambda now: seen.append(now.done))
    assert list(dict.fromkeys(seen)) == [at_once, 2 * at_once]  # the first round is not run again
    assert (tmp_path / "parts" / JOURNAL).read_bytes().startswith(kept)
    assert essence(resumed) == essence(whole)


def test_a_second_search_in_the_same_directory_is_refused_and_writes_nothing(
    run: Callable[..., Trials], tmp_path: Path
) -> None:
    with lock_run_directory(tmp_path), pytest.raises(RunError, match="Only one process may search"):
        run(trials=1)
    assert not (tmp_path / JOURNAL).exists()


def test_a_search_without_any_budget_ends(run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "TRIALS_WITHOUT_BUDGET", 2)
    assert len(run(budget=Budget()).ranked) == 2


def interrupt_at(done: int, epoch: int) -> Callable[[RoundProgress], None]:
    def progress(now: RoundProgress) -> None:
        if (now.done, now.epoch) == (done, epoch):
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_ends_the_search_and_keeps_the_best_so_far(run: Callable[..., Trials]) -> None:
    trials = run(trials=6, tuner=Manual(configurations=LIKE), progress=interrupt_at(2, 2))
    assert trials.stopped_by == "interrupt"
    assert [outcome.epochs for outcome in by_number(trials)] == [SHORT, SHORT, 2, 2]


def test_ctrl_c_before_the_first_score_is_raised(run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StackRunner, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(trials=5)


def fail(rounds: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the stacks of these numbers, counted as they start, raise."""
    start, started = StackRunner._start, iter(range(1_000))

    def sometimes(*arguments: Any) -> object:
        if next(started) in rounds:
            raise MemoryError("no room for the network")
        return start(*arguments)

    monkeypatch.setattr(StackRunner, "_start", sometimes)


def test_failed_trials_are_named_and_survived(run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch) -> None:
    fail({0, 1}, monkeypatch)
    trials = run(trials=5, tuner=Manual(configurations=LIKE))
    assert [outcome.status for outcome in trials.ranked] == ["completed"] + ["failed"] * 4
    assert trials.ranked[1].message == "out of memory: no room for the network"


def test_if_no_trial_can_be_completed_the_error_names_the_first_reason(
    run: Callable[..., Trials], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(set(range(1_000)), monkeypatch)
    with pytest.raises(TrainingError, match="all 10 failed; the first one: out of memory: no room for the network"):
        run(trials=1_000)


def test_a_loss_that_does_not_fit_is_refused_before_any_trial(run: Callable[..., Trials], tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="must be one of binary_crossentropy"):
        run(loss=MseLoss())
    assert Journal(tmp_path).outcomes == []


def test_a_journal_of_another_search_is_refused(run: Callable[..., Trials]) -> None:
    run(trials=2)
    with pytest.raises(RunError, match="has others"):
        run(trials=3, seed=1)
    with pytest.raises(RunError, match="has others"):
        run(trials=3, optimizer=Adam(learning_rate=0.5))


def test_progress_tells_trials_epochs_and_the_best_so_far(run: Callable[..., Trials]) -> None:
    seen: list[RoundProgress] = []
    trials = run(trials=4, tuner=Manual(configurations=LIKE), progress=seen.append)
    assert [(now.done, now.running, now.epoch) for now in seen] == [
        (done, 2, epoch + 1) for done in (0, 2) for epoch in range(SHORT)
    ]
    assert seen[-1].best == trials.best.score
    assert all(earlier.best <= later.best for earlier, later in itertools.pairwise(seen))
    assert seen[0].remaining is None
    assert seen[-1].remaining is not None
    assert {(now.trials, now.epochs) for now in seen} == {(4, SHORT)}


def test_a_search_prints_nothing(run: Callable[..., Trials], capfd: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(TrainingError):
        run(trials=1)
    capfd.readouterr()  # TensorFlow speaks once when it looks for a GPU
    run(trials=3)
    assert capfd.readouterr() == ("", "")


def test_what_is_frozen_for_the_collector_is_released_after_the_search(run: Callable[..., Trials]) -> None:
    before = gc.get_freeze_count()
    during: list[int] = []
    run(trials=1, progress=lambda _: during.append(gc.get_freeze_count()))
    assert min(during) > before
    assert gc.get_freeze_count() == 0
