"""A trial in a stack ends as it would have ended alone, and as its Keras model would have."""

from __future__ import annotations

import dataclasses
import gc
import itertools
from threading import Barrier
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.networks.stacked_tabular import StackShape, initial_weights
from executor.runtime.clock import Clock
from executor.runtime.devices import CPU
from executor.search.records.proposal import Proposal
from executor.search.records.weights import read_arrays, state_path
from executor.search.runners import stack_planning as grouping
from executor.search.runners import stacked
from executor.search.runners import stacked_graph as stack_module
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stack import SIZES, WIDE_SIZES, pad_to_size
from executor.search.runners.stacked import StackRunner
from executor.search.runners.stacked_graph import StackedGraph
from executor.search.runners.training_state import DIVERGED, Member
from executor.search.runners.workspace import create_workspace
from recommender.time_plan import TimePlan
from rules.errors import RunError
from rules.vocabulary.choices import (
    F1,
    Accuracy,
    Adagrad,
    Adam,
    AdamW,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Choice,
    Custom,
    Huber,
    MaeLoss,
    MseLoss,
    Rmse,
    RmsProp,
    Selu,
    Sgd,
    SgdMomentum,
    Tanh,
    WeightedCrossentropy,
)
from rules.vocabulary.facts import Task
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from executor.components.configuration import Configuration, Value
    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from executor.search.runners.stack import Stack
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts

PLAIN, NOISY = 0, 2
"""Places in VARIED: one that computes what Keras' layers compute, and one with dropout."""
VARIED: tuple[dict[str, Value], ...] = (
    {"units": 5, "layers": 1, "dropout": 0.0, "weight_decay": 0.3, "learning_rate": 0.01, "schedule": "cosine"},
    {"units": 8, "layers": 3, "dropout": 0.5, "weight_decay": 0.0, "learning_rate": 0.03, "schedule": "constant"},
    {"units": 3, "layers": 2, "dropout": 0.2, "weight_decay": 0.1, "learning_rate": 0.02, "schedule": "one_cycle"},
)
CASES = {
    "binary": (Task.BINARY, BinaryCrossentropy(label_smoothing=0.1), Adam(), {}),
    "binary, weighted": (Task.BINARY, WeightedCrossentropy(), SgdMomentum(nesterov=True), {"activation": Selu()}),
    "multiclass": (Task.MULTICLASS, CategoricalCrossentropy(output_bias="log_prior"), AdamW(), {"codes": True}),
    "multilabel": (Task.MULTILABEL, WeightedCrossentropy(), RmsProp(), {"activation": Tanh()}),
    "regression": (Task.REGRESSION, Huber(delta=0.5), Adagrad(), {"codes": True}),
    "several targets": (Task.MULTIOUTPUT_REGRESSION, MaeLoss(), Sgd(), {}),
    "forecasting": (Task.FORECASTING, MseLoss(), SgdMomentum(), {}),
}


SHORT_CASES = ("multiclass", "binary", "regression")
BY_XLA = "multiclass"
"""The one of CASES whose stacks XLA compiles, which it does for long trainings."""


@pytest.fixture
def varied_place(place: Callable[..., Workspace], make_parts: MakeParts) -> Callable[[str], Workspace]:
    """The workplace of one of CASES: 80 training rows, the last batch of an epoch filled up."""

    def make(case: str) -> Workspace:
        task, loss, optimizer, others = CASES[case]
        choices = {name: choice for name, choice in others.items() if name != "codes"}
        random = np.random.default_rng(0)
        numbers, codes = random.normal(size=(100, 4)), random.integers(0, 6, size=(100, 2))
        target = {
            Task.BINARY: (numbers[:, :1] > 0.5),
            Task.MULTICLASS: np.eye(3)[random.integers(0, 3, size=100)],
            Task.MULTILABEL: numbers[:, :2] > 0.5,
            Task.MULTIOUTPUT_REGRESSION: numbers[:, :2] - 0.5 * numbers[:, 2:],
        }.get(task, numbers[:, :1] * numbers[:, 1:2])
        coded = {"codes": codes, "vocabulary": 6} if "codes" in others else {}
        parts = make_parts(numbers, target, task=task, **coded)
        if task is Task.FORECASTING:
            parts = _with_offsets(parts)
        metric = Accuracy() if task.is_classification else Rmse()
        metric = F1() if task is Task.MULTILABEL else metric
        return place(parts=parts, loss=loss, optimizer=optimizer, metric=metric, **choices)

    return make


def _with_offsets(parts: Parts) -> Parts:
    random = np.random.default_rng(1)
    return dataclasses.replace(
        parts,
        **{
            name: dataclasses.replace(part, offset=random.normal(size=part.target.shape).astype(np.float32))
            for name, part in (("train", parts.train), ("validation", parts.validation))
        },
    )


def proposals(configurations: Sequence[dict[str, Value]] = VARIED, *, epochs: int = 3) -> list[Proposal]:
    return [
        Proposal(number=number, hyperparameters=values, epochs=epochs, may_continue=True)
        for number, values in enumerate(configurations)
    ]


def ended(at: Workspace, trials: Sequence[Proposal]) -> list[tuple[dict[str, np.ndarray], Any]]:
    """The last weights and slots of each trial, and its outcome, all of them in one stack."""
    runner = StackRunner(at)
    outcomes = runner.run(trials)
    assert len(runner._graphs) == 1
    assert [outcome.status for outcome in outcomes] == ["completed"] * len(trials), outcomes[0].message
    return [
        (read_arrays(state_path(at.directory, trial.number)), outcome)
        for trial, outcome in zip(trials, outcomes, strict=True)
    ]


def assert_close(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", [one if one in SHORT_CASES else pytest.param(one, marks=long_test) for one in CASES])
def test_a_trial_in_a_stack_ends_as_it_does_alone_and_as_its_keras_model(
    varied_place: Callable[[str], Workspace], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case == BY_XLA:
        monkeypatch.setattr(grouping, "MIN_XLA_SECONDS", 0.0)
    at = varied_place(case)
    trials = proposals()
    together = ended(at, trials)

    state, outcome = together[NOISY]
    ((alone, alone_outcome),) = ended(at, [trials[NOISY]])
    assert_close(state, alone)
    assert outcome.epoch_scores == pytest.approx(alone_outcome.epoch_scores, rel=1e-5)
    assert outcome.cost == pytest.approx(alone_outcome.cost, rel=1e-5)

    state, outcome = together[PLAIN]
    (keras_outcome,) = SequentialRunner(at).run([trials[PLAIN]])
    written = read_arrays(state_path(at.directory, PLAIN))
    theirs = [written[name] for name in sorted(written) if name.startswith("weight ")]
    ours = [state[name] for name in sorted(state) if name.startswith("0 0 ")]
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our.reshape(their.shape), their, rtol=1e-4, atol=1e-5)
    assert outcome.epoch_scores == pytest.approx(keras_outcome.epoch_scores, rel=1e-5)
    assert outcome.cost == pytest.approx(keras_outcome.cost, rel=1e-5)
    assert len(outcome.training_loss) == len(outcome.gradient_norm) == 3
    assert outcome.training_loss == pytest.approx(keras_outcome.training_loss, rel=1e-4)
    for name in ("gradient_norm", "weight_norm", "first_layer_share"):
        assert getattr(outcome, name) == pytest.approx(getattr(keras_outcome, name), rel=1e-4)


OWN_PROPERTIES: dict[str, tuple[Choice, tuple[dict[str, Value], ...]]] = {
    "adam": (Adam(), ({"beta_1": 0.5, "beta_2": 0.9}, {}, {"epsilon": 1e-2})),
    "rmsprop": (RmsProp(), ({"momentum": 0.9, "rho": 0.5}, {}, {"momentum": 0.5})),
    "sgd_momentum": (SgdMomentum(), ({"momentum": 0.5}, {}, {"momentum": 0.99})),
}


@pytest.mark.parametrize("name", ["adam", *(pytest.param(one, marks=long_test) for one in ("rmsprop", "sgd_momentum"))])
def test_trials_of_one_stack_have_their_own_optimizer_properties(place: Callable[..., Workspace], name: str) -> None:
    optimizer, own = OWN_PROPERTIES[name]
    at = place(optimizer=optimizer, hyperparameters=Custom(searched=tuple(own[0])))
    small = {"units": 5, "layers": 1, "dropout": 0.0}
    trials = proposals([small | one for one in own], epochs=2)
    together = ended(at, trials)
    alone = SequentialRunner(at).run(trials)
    for (_, ours), theirs in zip(together, alone, strict=True):
        assert ours.training_loss == pytest.approx(theirs.training_loss, rel=1e-4)
        assert ours.configuration == theirs.configuration
    assert len({outcome.training_loss for outcome in alone}) == len(own)


def test_trials_of_other_batch_sizes_and_embedding_dimensions_train_as_they_do_alone(
    varied_place: Callable[[str], Workspace],
) -> None:
    at = varied_place("multiclass")
    small = {"units": 5, "layers": 1, "dropout": 0.0}
    trials = proposals([small | {"batch_size": 16}, small | {"embedding_dimension": 3}, small], epochs=2)
    together, alone = StackRunner(at).run(trials), SequentialRunner(at).run(trials)
    for ours, theirs in zip(together, alone, strict=True):
        assert ours.training_loss == pytest.approx(theirs.training_loss, rel=1e-4)
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-4)
    in_force = [(one.configuration["batch_size"], one.configuration["embedding_dimension"]) for one in together]
    assert in_force == [(16, 8), (64, 3), (64, 8)]
    assert len({outcome.training_loss for outcome in alone}) == 3


def test_a_trial_that_has_stopped_leaves_the_stack_and_the_others_are_as_without_it(
    place: Callable[..., Workspace], make_parts: MakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).normal(size=(100, 3))
    parts = make_parts(rows, rows[:, :1] * 3, task=Task.REGRESSION)
    at = place(parts=parts, loss=MseLoss(), metric=Rmse(), optimizer=Sgd())
    sizes: list[int] = []
    train = StackedGraph.train

    def counted(graph: StackedGraph, stack: Stack, *arguments: Any, **named: Any) -> Any:
        sizes.append(stack.trials)
        return train(graph, stack, *arguments, **named)

    monkeypatch.setattr(StackedGraph, "train", counted)
    monkeypatch.setattr(grouping, "RECOMPILE_SECONDS", 0.0)
    steady, exploding = {"units": 4, "learning_rate": 1e-4}, {"units": 8, "layers": 4, "learning_rate": 10.0}
    first, second = steady | {"dropout": 0.3, "layers": 2}, steady | {"layers": 4, "units": 8}
    with_it = proposals([first, exploding, second], epochs=40)
    runner = StackRunner(at)
    outcomes = runner.run(with_it)
    assert len(runner._graphs) == 1
    until = outcomes[1].epochs
    assert [outcome.epochs for outcome in outcomes] == [40, until, 40]
    assert outcomes[1].epoch_scores[-DIVERGED:] == (None,) * DIVERGED
    assert [size for size, _ in itertools.groupby(sizes)] == [3, 2]
    states = [read_arrays(state_path(at.directory, number)) for number in (0, 2)]

    for state, (alone, _) in zip(states, ended(at, [with_it[0], with_it[2]]), strict=True):
        assert_close(state, alone)


@pytest.mark.parametrize(
    ("kept", "stack"),
    [
        ([3], [3]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 2, 3, 5, 6], [0, 2, 3, 5, 6, 6]),
        ([*range(7)], [*range(7), 6]),
        ([*range(9)], [*range(9), 8]),
        ([*range(25)], [*range(25), *[24] * 3]),
        ([*range(33)], [*range(33)]),  # more than the largest size stay as they are
    ],
)
def test_a_stack_is_filled_up_to_the_next_size_with_its_last_trial(kept: list[int], stack: list[int]) -> None:
    assert pad_to_size(kept) == stack


def test_sizes_of_stacks_waste_at_most_half_of_the_trials() -> None:
    assert all(len(pad_to_size(range(count))) <= 1.5 * count for count in range(1, SIZES[-1] + 1))
    wide = [len(pad_to_size(range(count), WIDE_SIZES)) for count in range(1, 513)]
    assert all(size <= 1.25 * count for count, size in enumerate(wide, start=1) if count > SIZES[-1])
    assert (wide[32], wide[64], wide[511]) == (40, 80, 512)


def graph_of(at: Workspace, shape: StackShape, **settings: Any) -> StackedGraph:
    return StackedGraph(at, shape, batch=16, **settings)


def start(at: Workspace, graph: StackedGraph, configurations: Sequence[Configuration]) -> Stack:
    return graph.start(
        [
            (initial_weights(at.parts, at.bundle, chosen, seed=seed), chosen)
            for seed, chosen in enumerate(configurations)
        ]
    )


def steps(at: Workspace, graph: StackedGraph, stack: Stack, *, first: int, last: int) -> Stack:
    """Some training steps on rows and at rates that depend on the steps' numbers alone."""
    rows = np.array([np.random.default_rng(step).integers(0, 80, size=16) for step in range(first, last)], np.int32)
    rates = np.array([[0.05 / (1 + step)] * stack.trials for step in range(first, last)], np.float32)
    return graph.train(stack, at.train.columns, rows, rates, noise=first)[0]


@pytest.mark.parametrize("optimizer", [Adam(), pytest.param(Adagrad(), marks=long_test), Sgd()], ids=str)
def test_a_trial_goes_on_in_another_shape_as_if_it_had_never_stopped(
    place: Callable[..., Workspace], optimizer: Choice
) -> None:
    at = place(optimizer=optimizer)
    values: dict[str, Value] = {"units": 3, "layers": 2, "dropout": 0.3, "weight_decay": 0.2}
    own = configuration(at.bundle, values)
    other = configuration(at.bundle, {"units": 6, "layers": 3})
    narrow, wide = (graph_of(at, StackShape.of(at.parts, some)) for some in ([own], [own, other]))
    stopped = steps(at, narrow, start(at, narrow, [own]), first=0, last=4)
    whole = narrow.state(steps(at, narrow, stopped, first=4, last=9), 0, own)

    state = narrow.state(stopped, 0, own)
    foreign = wide.state(steps(at, wide, start(at, wide, [other]), first=0, last=4), 0, other)
    resumed = wide.resume([foreign, state], [other, own])
    assert_close(wide.state(resumed, 1, own), state)
    assert_close(wide.state(steps(at, wide, resumed, first=4, last=9), 1, own), whole)
    assert float(whole["steps"]) == 9


def test_thirty_stacks_of_one_shape_make_no_new_graphs(place: Callable[..., Workspace]) -> None:
    def graphs() -> int:
        gc.collect()
        return sum(issubclass(type(thing), FuncGraph) for thing in gc.get_objects())

    runner = StackRunner(place())
    trials = proposals(
        [{"units": 4, "layers": 1, "learning_rate": 0.001 * (1 + index)} for index in range(3)], epochs=1
    )
    for count in (1, 2, 3):
        runner.run(trials[:count])
    before = graphs()
    for count in [1, 2, 3] * 10:
        runner.run(trials[:count])
    assert graphs() == before


def test_in_bfloat16_a_stack_learns_and_its_outputs_are_float32(place: Callable[..., Workspace]) -> None:
    at = place(optimizer=Adam(learning_rate=0.01))
    runner = StackRunner(at, compute=tf.bfloat16)
    learned = runner.run(proposals([{"units": 16, "layers": layers, "dropout": 0.1} for layers in (1, 2)], epochs=10))
    assert [outcome.status for outcome in learned] == ["completed"] * 2, learned[0].message
    assert min(outcome.score or 0 for outcome in learned) > 0.9  # the majority class alone: 0.63
    own = configuration(at.bundle, VARIED[1])
    half, full = (
        graph_of(at, StackShape.of(at.parts, [own]), compute=compute) for compute in (tf.bfloat16, tf.float32)
    )
    *before, kernel, bias = initial_weights(at.parts, at.bundle, own, seed=1)
    weights = [*before, np.ones_like(kernel), bias]
    outputs = half.outputs(half.start([(weights, own)]), at.validation)
    assert outputs.dtype == np.float32
    exact = full.outputs(full.start([(weights, own)]), at.validation)
    # bfloat16 has 8 bits of significand: each of three layers rounds to a 256th.
    np.testing.assert_allclose(outputs, exact, atol=0.05 * np.abs(exact).max())
    assert not np.array_equal(outputs, exact)


def test_outputs_are_the_same_however_many_rows_are_computed_at_once(
    place: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place()
    own = configuration(at.bundle, VARIED[1])
    graph = graph_of(at, StackShape.of(at.parts, [own]))
    stack = start(at, graph, [own, own])
    whole = graph.outputs(stack, at.validation)
    assert whole.shape == (2, len(at.validation), 1)
    monkeypatch.setattr(stack_module, "OUTPUTS_PER_CALL", 2 * 8 * 7)  # seven rows of two trials of eight units
    np.testing.assert_allclose(graph.outputs(stack, at.validation), whole, rtol=1e-6)


@long_test
def test_two_stacks_at_the_same_time_end_as_one_after_the_other(place: Callable[..., Workspace]) -> None:
    at = place()
    trials = proposals([{"units": 4, "layers": 1}, {"units": 2_048, "layers": 2}, {"units": 4, "layers": 3}], epochs=1)
    scores = []
    for streams in (1, 2):
        outcomes = StackRunner(at, device=dataclasses.replace(CPU, streams=streams)).run(trials)
        assert [outcome.number for outcome in outcomes] == [0, 1, 2]
        scores.append([outcome.epoch_scores for outcome in outcomes])
    assert scores[0] == scores[1]


def test_what_a_person_can_mend_ends_all_stacks(
    place: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def broken(_: StackRunner, group: Sequence[Member], *__: object) -> None:
        begun.append(group[0].proposal.number)
        raise RunError("Cannot write: No space left on device.")

    monkeypatch.setattr(StackRunner, "_train", broken)
    huge = [{"units": 2_048 + index, "layers": 2} for index in range(4)]
    with pytest.raises(RunError, match="No space left"):
        StackRunner(place(), device=dataclasses.replace(CPU, streams=1)).run(proposals(huge, epochs=100))
    assert len(begun) == 1


def test_a_narrow_stack_has_time_to_compile_beside_a_wide_one(
    make_bundle: Callable[..., Bundle], make_parts: MakeParts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stacks at once, whose steps take 8 s and 0.5 s at most and half of it on average."""
    numbers, bundle = np.random.default_rng(0).normal(size=(100, 3)), make_bundle()
    parts = make_parts(numbers, numbers[:, :1] > 0.5, task=Task.BINARY)
    clock = Clock(TimePlan(limit=100.0), now=lambda: 0.0, start=0.0)
    metric = create_metric(bundle.metric)
    at = create_workspace(bundle, parts, metric=metric, seed=0, directory=tmp_path, clock=clock)
    both, seconds = Barrier(2), {}

    def timed(_runner: StackRunner, group: Sequence[Member], own: Clock, _report: object) -> list[Outcome]:
        seconds[group[0].chosen.units] = own.remaining()
        both.wait(timeout=60)
        return []

    monkeypatch.setattr(StackRunner, "_run_group", timed)
    monkeypatch.setattr(StackRunner, "_seconds", lambda _, group: 8.0 if group[0].chosen.units == 256 else 0.5)
    monkeypatch.setattr(stacked, "plan_stacks", lambda members, *_, **__: [[one] for one in members])
    proposals = [Proposal(number=units, hyperparameters={"units": units}, epochs=4) for units in (256, 3)]
    StackRunner(at, device=dataclasses.replace(CPU, streams=2)).run(proposals)
    wide, narrow = (0.7 + 2.5) / 2.5, 0.7 / 2.5  # to compile, with XLA and without it, relative to a step
    assert seconds == pytest.approx({256: 100, 3: 100 * 2 * (0.5 + narrow) / (0.5 + narrow + 4 + wide)})
