"""A trial keeps the weights of its best epoch, whatever ends it, in a stack and one by one."""

from __future__ import annotations

import gc
import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from executor.model.rebuild import rebuild_networks
from executor.networks.build import build_network
from executor.runtime.budget import Budget
from executor.search.records.proposal import Proposal
from executor.search.runners.compiled import compile_outputs
from executor.search.runners.outcomes import trial_seed
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked import StackRunner
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.training_state import DIVERGED, patience_of
from recommender.training_cost import batch_size
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    F1,
    Adam,
    AdamW,
    CategoricalCrossentropy,
    Huber,
    MiniRocket,
    MseLoss,
    Rmse,
    Sgd,
    WeightedCrossentropy,
)
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from executor.search.runners.stack import Stack
    from executor.search.runners.training_state import Epoch
    from executor.search.runners.workspace import Workspace
    from tests.executor.conftest import MakeParts


SMALL = {"units": 8, "layers": 1}
RUNNERS = {"stacked": StackRunner, "one by one": SequentialRunner}


@pytest.fixture(params=RUNNERS)
def run_untraced(request: pytest.FixtureRequest) -> Callable[..., Outcome]:
    """Run one trial at a place, by either runner; the same one for one place."""
    runners: dict[int, Any] = {}

    def run(proposal: Proposal, at: Workspace, **settings: Any) -> Outcome:
        runner = runners.setdefault(id(at), RUNNERS[request.param](at))
        (outcome,) = runner.run([proposal], **settings)
        return outcome

    return run


@pytest.fixture
def run_trial(run_untraced: Callable[..., Outcome], shared_graphs: None) -> Callable[..., Outcome]:  # noqa: ARG001
    """Run one trial at a place, by either runner, in a graph that others have used."""
    return run_untraced


def proposal(epochs: int = 3, **settings: Any) -> Proposal:
    return Proposal(number=settings.pop("number", 0), hyperparameters=SMALL, epochs=epochs, **settings)


def test_a_stack_that_does_not_fit_into_memory_is_trained_in_halves(
    place: Callable[..., Workspace],
    shared_graphs: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, sizes = StackedGraph.train, []

    def limited(graph: StackedGraph, stack: Stack, *arguments: Any, **settings: Any) -> Any:
        sizes.append(stack.trials)
        if stack.trials > 1:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return train(graph, stack, *arguments, **settings)

    monkeypatch.setattr(StackedGraph, "train", limited)
    outcomes = StackRunner(place()).run([proposal(1, number=number) for number in range(3)])
    assert [(one.number, one.status) for one in outcomes] == [(number, "completed") for number in range(3)]
    assert [size for size, _ in itertools.groupby(sizes)] == [3, 2, 1]


def test_a_trial_learns(run_trial, place: Callable[..., Workspace]) -> None:
    outcome = run_trial(proposal(20), place(optimizer=Adam(learning_rate=0.01)))
    assert outcome.status == "completed"
    assert outcome.score is not None
    assert outcome.score > 0.95  # the majority class alone: 0.63
    assert outcome.epochs <= 20


def test_the_score_is_that_of_the_kept_weights(
    run_trial, place: Callable[..., Workspace], breast_cancer: Parts
) -> None:
    at = place()
    outcome = run_trial(proposal(5), at)
    (network,) = rebuild_networks(outcome, at.bundle, breast_cancer, at.seed)
    outputs = compile_outputs(network)(at.validation)
    assert at.metric.score(outputs, breast_cancer.validation, breast_cancer) == outcome.score
    assert float(np.mean((outputs[:, 0] > 0) == breast_cancer.validation.raw_target)) == outcome.score


def test_a_start_at_a_solution_is_kept_if_no_epoch_is_better(
    run_trial, place: Callable[..., Workspace], breast_cancer: Parts
) -> None:
    parts = replace(breast_cancer, inputs=replace(breast_cancer.inputs, ridge_start=True))
    at = place(scores=[0.9, 0.8], parts=parts, architecture=MiniRocket())
    outcome = run_trial(proposal(1), at)
    assert (outcome.score, outcome.best_epoch, outcome.epoch_scores) == (0.9, 0, (0.8,))
    (network,) = rebuild_networks(outcome, at.bundle, parts, at.seed)
    logits = parts.train.dense @ parts.linear_starts[0].kernel + parts.linear_starts[0].bias
    np.testing.assert_allclose(network(at.train.inputs), logits, atol=1e-3)


@pytest.mark.parametrize(
    ("direction", "scores", "best_epoch"),
    [
        (Direction.MAX, [0.5, 0.9, 0.7, 0.9, 0.8], 4),  # the last of the best
        (Direction.MIN, [0.5, 0.1, 0.7, 0.1, 0.8], 4),
        (Direction.MAX, [0.9, 0.8, 0.7, 0.6, 0.5], 1),
    ],
)
def test_the_last_best_epoch_is_kept(
    run_trial, place: Callable[..., Workspace], direction: Direction, scores: list[float], best_epoch: int
) -> None:
    outcome = run_trial(proposal(5), place(scores=scores, direction=direction))
    assert (outcome.best_epoch, outcome.score) == (best_epoch, scores[best_epoch - 1])
    assert outcome.epoch_scores == tuple(scores)


def test_training_loss_and_norms_of_one_step_are_those_of_the_first_weights(
    run_trial, place: Callable[..., Workspace], breast_cancer: Parts
) -> None:
    at, rows = place(), len(breast_cancer.train)
    values = SMALL | {"batch_size": rows, "dropout": 0.0}
    outcome = run_trial(Proposal(number=0, hyperparameters=values, epochs=1), at)
    network = build_network(parts=breast_cancer, bundle=at.bundle, hyperparameters=values, seed=trial_seed(at.seed, 0))
    with tf.GradientTape() as tape:
        cost = at.loss(at.train.target, network(at.train.inputs))
    weights = network.trainable_variables
    norms = [np.linalg.norm(gradient) for gradient in tape.gradient(cost, weights)]
    assert outcome.training_loss == pytest.approx([float(cost)], rel=1e-5)
    assert outcome.gradient_norm == pytest.approx([np.linalg.norm(norms)], rel=1e-5)
    assert outcome.weight_norm == pytest.approx([np.linalg.norm([np.linalg.norm(own) for own in weights])], rel=1e-5)
    (first,) = [at for at, weight in enumerate(weights) if weight.path == "hidden_1/kernel"]
    assert outcome.first_layer_share == pytest.approx([norms[first] / np.linalg.norm(norms)], rel=1e-5)


@pytest.mark.parametrize("pinned", [None, 100])
def test_a_trial_has_the_values_in_force_also_where_nothing_is_searched(
    run_trial, place: Callable[..., Workspace], pinned: int | None
) -> None:
    outcome = run_trial(proposal(1), place(optimizer=AdamW(batch_size=pinned, epsilon=1e-5)))
    assert outcome.configuration == {
        "learning_rate": 0.001, "schedule": "constant", "weight_decay": 0.004, "batch_size": pinned or 64,
        "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-5, "units": 8, "layers": 1, "dropout": 0.1,
    }  # fmt: skip


def test_a_trial_ends_when_its_patience_does(run_trial, place: Callable[..., Workspace]) -> None:
    outcome = run_trial(proposal(100), place(scores=[0.5, 0.6, 0.1]))
    assert outcome.epochs == 2 + patience_of(100) == 27


def test_the_same_seed_gives_the_same_scores_and_another_trial_or_seed_others(
    run_trial, place: Callable[..., Workspace]
) -> None:
    def scores(seed: int, number: int) -> tuple[float | None, ...]:
        # The loss after each epoch would be finer than the accuracy; the rate is high enough to tell runs apart.
        return run_trial(proposal(6, number=number), place(seed=seed)).epoch_scores

    assert scores(0, 0) == scores(0, 0)
    assert len({scores(0, 0), scores(1, 0), scores(0, 1)}) == 3


def test_first_weights_and_learning_rates_are_those_of_the_bundle(run_trial, place: Callable[..., Workspace]) -> None:
    outcome = run_trial(proposal(4), place(optimizer=Adam(learning_rate=0.01, schedule="cosine")))
    hidden, output = outcome.first_weights["hidden_1/kernel"], outcome.first_weights["output/kernel"]
    assert hidden == pytest.approx((0, (2 / 30) ** 0.5), abs=0.05)  # He et al. 2015: 30 columns
    assert outcome.first_weights["scale/scale"] == (1, 0)
    assert output == (0, 0)
    assert len(outcome.epoch_rates) == outcome.epochs == 4
    assert outcome.epoch_progress == tuple(sorted(outcome.epoch_progress))
    assert 0.75 < outcome.epoch_progress[-1] < 1  # before the last step of the last epoch
    assert outcome.epoch_rates == tuple(sorted(outcome.epoch_rates, reverse=True))
    assert 0 < outcome.epoch_rates[-1] < outcome.epoch_rates[0] < 0.01


def test_a_constant_rate_is_noted_as_one(run_trial, place: Callable[..., Workspace]) -> None:
    assert run_trial(proposal(3), place(optimizer=Sgd(learning_rate=0.02))).epoch_rates == (0.02, 0.02, 0.02)


def test_both_runners_start_a_trial_alike(place: Callable[..., Workspace]) -> None:
    at = place()
    stacked, alone = (RUNNERS[kind](at).run([proposal(1)])[0].first_weights for kind in RUNNERS)
    assert stacked == alone


def test_a_trial_does_not_touch_the_global_random_state(run_trial, place: Callable[..., Workspace]) -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the very thing that is not to be touched
    run_trial(proposal(1), place())
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_nan_first_epoch_is_not_forever_nan(run_trial, place: Callable[..., Workspace]) -> None:
    outcome = run_trial(proposal(3), place(scores=[math.nan, 0.6, 0.5]))
    assert (outcome.status, outcome.score, outcome.best_epoch) == ("completed", 0.6, 2)
    assert outcome.epoch_scores == (None, 0.6, 0.5)


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_trial_without_a_finite_score_has_diverged(run_trial, place: Callable[..., Workspace], score: float) -> None:
    outcome = run_trial(proposal(10), place(scores=[score]))
    assert (outcome.status, outcome.score, outcome.weights, outcome.epochs) == ("diverged", None, None, DIVERGED)
    assert "scripted was not finite for 3 epochs in a row" in outcome.message


def test_an_exploding_learning_rate_diverges_and_does_not_raise(
    run_trial, place: Callable[..., Workspace], make_parts: MakeParts
) -> None:
    rows = np.random.default_rng(0).normal(size=(100, 3))
    parts = make_parts(rows, rows[:, :1] * 3e37, task=Task.REGRESSION)
    at = place(parts=parts, loss=MseLoss(), metric=Rmse(), optimizer=Sgd(learning_rate=10))
    outcome = run_trial(Proposal(number=0, hyperparameters={"units": 64}, epochs=60), at)
    assert outcome.status == "diverged"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nlong trace"), "out of memory: OOM"),
        (MemoryError("no more"), "out of memory: no more"),
        (
            tf.errors.UnimplementedError(None, None, "Graph execution error:\n\nat trace\nNot so.\n\t [[{{node a}}]]"),
            "UnimplementedError: Not so.",
        ),
        (ValueError("a shape\nand its trace"), "ValueError: a shape"),
    ],
)
def test_a_trial_that_raises_is_a_failed_trial(
    run_trial, place: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(SequentialRunner, "_compile", broken)
    monkeypatch.setattr(StackRunner, "_graph", broken)
    outcome = run_trial(proposal(), place())
    assert (outcome.status, outcome.score) == ("failed", None)
    assert outcome.message.startswith(message)
    assert "trace" not in outcome.message


def test_a_choice_that_fits_no_trial_is_not_a_failed_trial(
    run_trial, place: Callable[..., Workspace], make_parts: MakeParts
) -> None:
    rows = np.eye(3)[np.arange(60) % 3]
    parts = make_parts(rows, rows, task=Task.MULTICLASS)
    at = place(parts=parts, loss=CategoricalCrossentropy(), metric=F1(average="binary", threshold="fixed"))
    with pytest.raises(ChoiceError, match="needs two classes"):
        run_trial(proposal(), at)


def interrupt_after(epochs: int) -> Callable[[Epoch], None]:
    def on_epoch(now: Epoch) -> None:
        if now.epoch == epochs:
            raise KeyboardInterrupt

    return on_epoch


def test_ctrl_c_keeps_the_best_epoch_so_far(run_trial, place: Callable[..., Workspace]) -> None:
    at = place(scores=[0.7, 0.6])
    outcome = run_trial(proposal(50), at, on_epoch=interrupt_after(2))
    assert at.interrupt.requested
    assert (outcome.status, outcome.score, outcome.epochs) == ("completed", 0.7, 2)
    assert outcome.message == "cut short by Ctrl-C after epoch 2 of 50"
    assert outcome.weights is not None
    assert outcome.weights.exists()


def test_ctrl_c_before_any_score_leaves_nothing_to_keep(place: Callable[..., Workspace]) -> None:
    at = place(scores=[math.nan])
    for runner in RUNNERS.values():
        assert runner(at).run([proposal(50)], on_epoch=interrupt_after(1)) == []
    assert at.interrupt.requested


class Time:
    """A clock that a second passes on at each look."""

    def __init__(self) -> None:
        self.reading = 0.0

    def __call__(self) -> float:
        self.reading += 1.0
        return self.reading


def test_the_deadline_cuts_a_trial_short_and_keeps_its_best_epoch(run_trial, place: Callable[..., Workspace]) -> None:
    outcome = run_trial(proposal(1_000), place(clock=Budget(seconds=400).start_clock(Time())))
    assert outcome.status == "completed"
    assert 1 < outcome.epochs < 200
    assert outcome.message == f"cut short by the time budget in epoch {outcome.epochs} of 1000"
    assert outcome.epoch_seconds is not None
    assert 0 < outcome.epoch_seconds <= outcome.seconds / (outcome.epochs - 1)


def test_a_deadline_within_the_first_epoch_still_gives_a_score(run_trial, place: Callable[..., Workspace]) -> None:
    outcome = run_trial(proposal(), place(clock=Budget(seconds=2).start_clock(Time())))
    assert (outcome.status, outcome.epochs) == ("completed", 1)
    assert outcome.epoch_seconds is not None


def test_a_promotion_goes_on_as_if_it_had_never_stopped(run_trial, place: Callable[..., Workspace]) -> None:
    """At a constant rate, two epochs and two more are four: weights and the optimizer's state are the last ones."""
    calm = SMALL | {"dropout": 0.0}  # Keras' layers draw their noise by trial, not by step
    whole = run_trial(Proposal(number=0, hyperparameters=calm, epochs=4), place(optimizer=Adam(learning_rate=0.01)))
    at = place(optimizer=Adam(learning_rate=0.01))
    first = run_trial(Proposal(number=0, hyperparameters=calm, epochs=2, may_continue=True), at)
    then = Proposal(number=1, hyperparameters=calm, epochs=2, first_epoch=2, continues=0)
    second = run_trial(then, at)
    assert first.epoch_scores + second.epoch_scores == whole.epoch_scores
    assert second.cost == pytest.approx(whole.cost, rel=1e-5)


def test_the_graphs_of_a_finished_trial_are_freed(run_untraced, place: Callable[..., Workspace]) -> None:
    def graphs() -> int:
        gc.collect()
        return sum(issubclass(type(thing), FuncGraph) for thing in gc.get_objects())

    at = place()
    run_untraced(proposal(1), at)
    before = graphs()
    run_untraced(proposal(1), at)
    assert graphs() <= before


def test_trials_that_compile_anew_do_not_warn(
    run_untraced, place: Callable[..., Workspace], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    at = place()
    run_untraced(proposal(1), at)
    capfd.readouterr()
    for number in range(6):  # TensorFlow warns after five
        run_untraced(proposal(1, number=number), at)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_no_half_written_weights_are_left_behind(run_trial, place: Callable[..., Workspace]) -> None:
    at = place()
    run_trial(proposal(1, may_continue=True), at)
    assert {path.name for path in (at.directory / "trials").iterdir()} == {"0000.weights.npz", "0000.state.npz"}


@pytest.mark.parametrize(
    ("task", "loss", "target"),
    [
        (Task.MULTICLASS, WeightedCrossentropy(), np.eye(3)[np.arange(60) % 3]),
        (Task.MULTILABEL, WeightedCrossentropy(), np.arange(120).reshape(60, 2) % 3 == 0),
        (Task.MULTIOUTPUT_REGRESSION, Huber(), np.arange(120).reshape(60, 2) / 60),
    ],
)
def test_every_kind_of_output_trains(  # noqa: PLR0917  fixtures and parameters
    run_trial, place: Callable[..., Workspace], make_parts: MakeParts, task: Task, loss: object, target
) -> None:
    parts = make_parts(np.random.default_rng(0).normal(size=(60, 2)), target, task=task)
    metric = Rmse() if task is Task.MULTIOUTPUT_REGRESSION else F1()
    outcome = run_trial(proposal(2), place(parts=parts, loss=loss, metric=metric))
    assert outcome.status == "completed", outcome.message


def test_a_forecast_learns_what_is_left_after_its_offset(
    run_trial, place: Callable[..., Workspace], make_parts: MakeParts
) -> None:
    values = np.random.default_rng(0).normal(size=(100, 1))
    plain = make_parts(values * 0, values, task=Task.FORECASTING)
    examples = {
        name: part.__class__(**{**part.__dict__, "offset": part.target})
        for name, part in {"train": plain.train, "validation": plain.validation}.items()
    }
    parts = plain.__class__(**{**plain.__dict__, **examples})
    at = place(parts=parts, loss=MseLoss(), metric=Rmse(), optimizer=Adam(learning_rate=0.01))
    outcome = run_trial(proposal(1), at)
    assert outcome.score == pytest.approx(0, abs=1e-6)  # the offset is the answer, and the inputs are all zero


def test_a_trial_learns_under_mixed_precision(run_trial, place: Callable[..., Workspace]) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        outcome = run_trial(proposal(10), place(optimizer=Adam(learning_rate=0.01)))
    finally:
        keras.config.set_dtype_policy(before)
    assert outcome.status == "completed", outcome.message
    assert outcome.score is not None
    assert outcome.score > 0.9


@pytest.mark.parametrize(
    ("rows", "batch"),
    [(10, 10), (1_000, 64), (1_001, 128), (8_000, 128), (8_001, 256), (30_000, 256), (30_001, 512)],
)
def test_the_batch_grows_with_the_rows(rows: int, batch: int) -> None:
    assert batch_size(rows) == batch
