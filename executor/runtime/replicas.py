"""Devices that share each batch of a network: data-parallel training."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from executor.runtime.devices import read_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from executor.runtime.devices import Device


class Replicas:
    """Copies of the variables of a network on several devices, each of which computes a part of each batch.

    The batch and the learning rate are those of one device: the gradients of the parts are added up to that of the
    whole batch. Batch normalization has the statistics of each device's part, and the first device's are saved.

    By `tf.distribute.MirroredStrategy`, because `keras.distribution.DataParallel` of Keras 3.15 does nothing on
    TensorFlow: keras/src/backend/tensorflow/distribution_lib.py is marked as a prototype that must not be used, and its
    `distribute_value` is empty.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self._count = len(devices)
        self._strategy = tf.distribute.MirroredStrategy([device.name for device in devices])

    def scope(self) -> AbstractContextManager[Any]:
        """Within the block, variables are created on each device."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def gradients(
        self,
        function: Callable[..., tuple[tf.Tensor, list[tf.Tensor]]],
        inputs: dict[str, tf.Tensor],
        target: tf.Tensor,
        offset: tf.Tensor,
        weight: tf.Tensor,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Mean loss of a batch, and its gradients. function: computes both for some rows, by a Keras loss."""
        rows = target.shape[0]
        size = ceil(rows / self._count)
        # Rows that fill up the last part have no weight.
        places = tf.range(size * self._count) % rows
        weight = tf.where(tf.range(size * self._count) < rows, tf.gather(weight, places), 0.0)
        whole = (*tf.nest.map_structure(lambda value: tf.gather(value, places), (inputs, target, offset)), weight)

        def own_part() -> Any:  # noqa: ANN401 - nested tensors
            context = tf.distribute.get_replica_context()
            here = tf.range(size) + size * context.replica_id_in_sync_group
            loss, gradients = function(*tf.nest.map_structure(lambda value: tf.gather(value, here), whole))
            # A Keras loss is the mean over the rows of a part, divided by the number of devices.
            parts = [size * self._count / rows * value for value in (loss, *gradients)]
            return context.all_reduce(tf.distribute.ReduceOp.SUM, parts)

        summed = [self._strategy.experimental_local_results(value)[0] for value in self._strategy.run(own_part)]
        return summed[0], summed[1:]


def replicas_of(directory: Path | None, devices: Sequence[Device]) -> Replicas | None:
    """The devices of a run that share batches; None where each trains alone. directory: of the run."""
    choice = None if directory is None else read_choice(directory)
    is_shared = choice is not None and choice.together and len(devices) == len(choice.devices)
    return Replicas(devices) if is_shared else None
