"""The runner of a workspace: of stacks or of single trials, on one or several devices."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import tensorflow as tf

from executor.runtime.replicas import Replicas
from executor.search.runners.parallel import ParallelRunner
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked import StackRunner
from executor.search.trial_groups import GroupedRunner
from rules.vocabulary.choices import SEARCHED_SLOTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.runtime.devices import Device
    from executor.search.runners.parallel import Runner
    from executor.search.runners.workspace import Workspace


def trains_alone(at: Workspace, *, one_by_one: bool) -> bool:
    """Whether trials are trained through Keras layers, one by one; folds of a trial form a stack in any case."""
    return (one_by_one or not at.is_stacked) and at.parts.folds is None


def create_runner(
    at: Workspace,
    devices: Sequence[Device],
    *,
    width: int,
    one_by_one: bool,
    is_planned: bool = False,
    together: bool = False,
) -> Runner:
    """Create the runner of stacks, or of single trials, on the devices.

    is_planned: as for StackRunner. together: whether the devices share each batch of one trial.
    """
    replicas = Replicas(devices) if together and len(devices) > 1 else None

    def create(device: Device, at: Workspace) -> Runner:
        if trains_alone(at, one_by_one=one_by_one):
            return SequentialRunner(at, replicas=replicas)
        return StackRunner(at, device=device, compute=device.compute(width=width), is_planned=is_planned)

    def on(device: Device, at: Workspace) -> Runner:
        is_grouped = any(name in SEARCHED_SLOTS for name in at.bundle.searched)
        return GroupedRunner(at, partial(create, device)) if is_grouped else create(device, at)

    if len(devices) == 1 or replicas is not None:
        return on(devices[0], at)
    runners = []
    for device in devices:
        with tf.device(device.name):
            runners.append((device, on(device, at.copy_to_device())))
    return ParallelRunner(runners, width=width)
