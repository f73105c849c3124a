"""Trials share a stack where one wide graph costs less than several fitting ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.components.configuration import Configuration
from executor.networks.stacked_tabular import StackShape
from executor.search.records.proposal import Proposal
from executor.search.runners.stack_planning import plan_stacks, repacking_pays, stack_seconds
from executor.search.runners.training_state import Member
from recommender.training_cost import COMPILE_SECONDS, RECOMPILE_SECONDS, STEP_OVERHEAD_SECONDS, step_seconds
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.preprocessing.examples import Parts
    from tests.executor.conftest import MakeParts


@pytest.fixture
def parts(make_parts: MakeParts) -> Parts:
    """Ten rows of twenty numbers."""
    return make_parts(np.zeros((10, 20)), np.zeros((10, 1)), task=Task.REGRESSION)


def member(number: int, units: int, layers: int, epochs: int = 100, first_epoch: int = 0, **others: int) -> Member:
    return Member(
        Proposal(number=number, hyperparameters={}, epochs=epochs, first_epoch=first_epoch),
        Configuration(
            learning_rate=0.001,
            schedule="constant",
            dropout=0,
            units=units,
            layers=layers,
            **{"batch_size": 64} | others,
        ),
    )


def numbers(stacks: Sequence[Sequence[Member]]) -> list[list[int]]:
    return [[one.proposal.number for one in stack] for stack in stacks]


@given(
    st.lists(
        st.tuples(st.sampled_from([8, 64, 512, 2_048]), st.integers(1, 4), st.integers(1, 3), st.sampled_from([0, 9])),
        max_size=12,
    ),
    st.integers(1, 100),
    st.sampled_from([16, 512]),
)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_trial_is_in_exactly_one_stack_of_its_epochs_in_order(
    parts: Parts, drawn: list[tuple[int, int, int, int]], steps: int, batch: int
) -> None:
    members = [member(number, *one, batch_size=batch) for number, one in enumerate(drawn)]
    stacks = plan_stacks(members, parts, rows=steps * batch)
    assert sorted(number for stack in numbers(stacks) for number in stack) == [*range(len(members))]
    assert all(stack == sorted(stack) for stack in numbers(stacks))
    assert numbers(stacks) == sorted(numbers(stacks))
    for stack in stacks:
        assert len({(one.proposal.epochs, one.proposal.first_epoch) for one in stack}) == 1


def test_tiny_networks_of_different_width_and_depth_share_a_stack(parts: Parts) -> None:
    members = [member(0, 16, 1), member(1, 32, 2), member(2, 8, 3)]
    assert numbers(plan_stacks(members, parts, rows=20 * 64)) == [[0, 1, 2]]


def test_huge_networks_of_different_width_do_not(parts: Parts) -> None:
    members = [member(number, units, 2, batch_size=512) for number, units in enumerate([256, 2_048, 256])]
    assert numbers(plan_stacks(members, parts, rows=200 * 512)) == [[0, 2], [1]]


def test_trials_go_on_together_only_from_the_same_epoch(parts: Parts) -> None:
    members = [member(0, 8, 1, 9), member(1, 8, 1, 18, 9), member(2, 8, 1, 9), member(3, 8, 1, 18)]
    assert numbers(plan_stacks(members, parts, rows=20 * 64)) == [[0, 2], [1], [3]]


def test_a_stack_is_as_wide_as_one_that_is_compiled_where_tracing_costs_more_than_the_padding(parts: Parts) -> None:
    """Two shapes that would just be worth their own graphs are; where one exists already, they share it."""
    members = [member(0, 256, 2, 1, batch_size=512), member(1, 64, 2, 1, batch_size=512)]
    shapes = [StackShape.of(parts, [one.chosen]) for one in members]
    # Worked by hand: a shared stack saves one launch a step and one tracing, and pads the narrow trial.
    padding = step_seconds(shapes[0].size, 512) - step_seconds(shapes[1].size, 512)
    even = COMPILE_SECONDS / (padding - STEP_OVERHEAD_SECONDS)  # steps at which sharing saves nothing
    before, after = int(even * 0.9), int(even * 1.1)
    assert numbers(plan_stacks(members, parts, rows=before * 512)) == [[0, 1]]
    assert numbers(plan_stacks(members, parts, rows=after * 512)) == [[0], [1]]
    # The narrow shape alone is compiled: its trial needs no tracing, so that sharing saves none.
    assert numbers(plan_stacks(members, parts, rows=before * 512, compiled={(shapes[1], 512)})) == [[0], [1]]
    # The wide one alone is compiled: sharing it spares the narrow one's tracing still.
    assert numbers(plan_stacks(members, parts, rows=before * 512, compiled={(shapes[0], 512)})) == [[0, 1]]


def test_a_stack_takes_a_launch_a_step_and_the_operations_of_each_trial_at_the_widest_ones_size(parts: Parts) -> None:
    narrow, wide = member(0, 4, 1, epochs=5), member(1, 8, 1, epochs=5)
    size = 20 + 20 * 8 + 8 + 8 + 1
    expected = 10 * (STEP_OVERHEAD_SECONDS + 2 * step_seconds(size, 64))
    assert stack_seconds([narrow, wide], parts, rows=2 * 64) == pytest.approx(expected)  # 5 epochs of 2 steps


@pytest.mark.parametrize("differs", ["batch_size", "embedding_dimension"])
def test_trials_of_another_batch_size_or_embedding_dimension_have_a_stack_of_their_own(
    parts: Parts, differs: str
) -> None:
    members = [member(number, 8, 1, **{differs: value}) for number, value in enumerate([64, 32, 64])]
    assert numbers(plan_stacks(members, parts, rows=20 * 64)) == [[0, 2], [1]]


def test_a_stack_is_repacked_where_half_of_the_planned_steps_save_more_than_compiling_takes(parts: Parts) -> None:
    shape = StackShape.of(parts, [member(0, 8, 1).chosen])
    even = RECOMPILE_SECONDS / (0.5 * 2 * step_seconds(shape.size, 64))  # steps that save as much, of two trials fewer
    assert repacking_pays(shape, 4, 2, steps=int(even) + 1, batch=64)
    assert not repacking_pays(shape, 4, 2, steps=int(even), batch=64)
