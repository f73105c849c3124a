"""Assignment of trials to stacks: one wide graph, or several smaller ones, whichever is faster."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

from executor.components.training_length import choose_batch_size
from executor.networks.stacked_tabular import StackShape
from executor.networks.tabular import TABULAR
from executor.runtime.devices import CPU
from recommender.training_cost import (
    COMPILE_SECONDS,
    MIN_XLA_SECONDS,
    RECOMPILE_SECONDS,
    TRAINED_SHARE,
    XLA_SECONDS,
    step_seconds,
    steps_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from executor.preprocessing.examples import Parts
    from executor.runtime.devices import Device
    from executor.search.runners.training_state import Member

Item = TypeVar("Item")


def plan_stacks(
    members: Sequence[Member],
    parts: Parts,
    *,
    rows: int,
    compiled: Collection[tuple[StackShape, int]] = (),
    device: Device = CPU,
) -> list[list[Member]]:
    """Assign trials to stacks, ordered by their first trial.

    Trials of a stack have the same epochs, first epoch, batch size and embedding dimension. Starting from one stack per
    shape, the two stacks whose union saves most time are merged until none saves any. rows: number of training rows;
    compiled: shapes and batch sizes with a compiled graph.
    """
    found: list[list[Member]] = []
    together = _by(
        members,
        lambda member: (
            member.proposal.epochs,
            member.proposal.first_epoch,
            member.chosen.batch_size,
            member.chosen.embedding_dimension,
        ),
    )
    for alike in together:
        stacks = _by(alike, lambda member: (member.chosen.units, member.chosen.layers))
        batch = choose_batch_size(TABULAR, rows, alike[0].chosen.batch_size)

        def cost(stack: Sequence[Member], batch: int = batch) -> float:
            shape = StackShape.of(parts, [member.chosen for member in stack])
            compiling = 0.0 if (shape, batch) in compiled else COMPILE_SECONDS
            return compiling + stack_seconds(stack, parts, rows=rows, device=device)

        while len(stacks) > 1:
            savings = {
                (one, two): cost(stacks[one]) + cost(stacks[two]) - cost([*stacks[one], *stacks[two]])
                for one, two in itertools.combinations(range(len(stacks)), 2)
            }
            (one, two), saved = max(savings.items(), key=lambda pair: pair[1])
            if saved <= 0:
                break
            stacks[one] = sorted([*stacks[one], *stacks.pop(two)], key=lambda member: member.proposal.number)
        found += stacks
    return sorted(found, key=lambda stack: stack[0].proposal.number)


def stack_seconds(stack: Sequence[Member], parts: Parts, *, rows: int, device: Device = CPU) -> float:
    """Estimated seconds of a stack for its planned steps, by default on two cores; rows: number of training rows."""
    shape = StackShape.of(parts, [member.chosen for member in stack])
    batch = choose_batch_size(TABULAR, rows, stack[0].chosen.batch_size)
    calls = steps_of(rows, batch) * stack[0].proposal.epochs
    return calls * device.stack_seconds(len(stack), step_seconds(shape.size, batch))


def xla_pays(seconds: float) -> bool:
    """Whether compiling the steps of a stack by XLA saves time. seconds: of the stack, by the cost model.

    Independent of the measured speed, so that a seed gives the same result on every machine.
    """
    return seconds > MIN_XLA_SECONDS


def compile_seconds(seconds: float) -> float:
    """Seconds to compile the graph of a stack, on two idle cores. seconds: of the stack, by the cost model."""
    return COMPILE_SECONDS + (XLA_SECONDS if xla_pays(seconds) else 0.0)


def repacking_pays(shape: StackShape, trials: int, left: int, *, steps: int, batch: int, device: Device = CPU) -> bool:
    """Whether a stack of `left` trials saves more time in the remaining steps than its compilation takes.

    Cached graphs are not considered, so that a resumed search repacks as before.
    """
    factor = 1.0 if device.speed is None else device.speed.factor
    saved = (trials - left) * factor * step_seconds(shape.size, batch)
    return saved * steps * TRAINED_SHARE > RECOMPILE_SECONDS


def _by(members: Iterable[Member], key: object) -> list[list[Member]]:
    """Group members by key, ordered by the first of each group."""
    found: dict[object, list[Member]] = {}
    for member in members:
        found.setdefault(key(member), []).append(member)  # type: ignore[operator]  # a function of one member
    return list(found.values())
