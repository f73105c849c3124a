"""Common state of the trials of a search: rows on the device, loss, metric and run directory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from executor.components.loss import create_loss, fit_to_loss, sample_weights
from executor.components.stacked_optimizer import has_update_rule
from executor.networks.registry import network_kind
from executor.runtime.clock import Clock
from executor.runtime.interrupt import Interrupt
from executor.search.runners.feeds.rows import Rows, to_device

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import keras

    from executor.components.configuration import Value
    from executor.components.metric import PerformanceMetric
    from executor.components.network_kind import NetworkKind
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Inputs of a trial."""

    bundle: Bundle
    parts: Parts
    metric: PerformanceMetric
    loss: keras.losses.Loss
    train: Rows
    validation: Rows
    clock: Clock
    seed: int
    directory: Path
    interrupt: Interrupt

    @property
    def kind(self) -> NetworkKind:
        """The kind of network that is trained."""
        return network_kind(self.bundle, self.parts.inputs)

    @property
    def is_stacked(self) -> bool:
        """Whether many trials train at once in one graph: the network and the optimizer have a stacked form."""
        return is_stacked(self.bundle, self.kind)

    def for_trial(self, values: Mapping[str, Value]) -> Workspace:
        """The workspace of a trial, with its own choices of slots, such as its loss; values: searched ones."""
        bundle = self.bundle.of_trial(values)
        if bundle is self.bundle:
            return self
        parts = fit_to_loss(self.parts, bundle.loss, before=self.bundle.loss)
        weights = sample_weights(bundle.loss, parts)
        own = np.ones(len(self.train), np.float32) if weights is None else weights
        return replace(
            self,
            bundle=bundle,
            parts=parts,
            loss=create_loss(bundle.loss, parts),
            train=replace(self.train, weight=tf.constant(own, tf.float32)),
        )

    def copy_to_device(self) -> Workspace:
        """Copy the rows to the current device."""
        return replace(self, train=self.train.copy_to_device(), validation=self.validation.copy_to_device())


def is_stacked(bundle: Bundle, kind: NetworkKind) -> bool:
    """Whether networks of a kind, and the optimizer of a bundle, have a stacked form."""
    return kind.is_stackable and has_update_rule(bundle.optimizer)


def create_workspace(
    bundle: Bundle,
    parts: Parts,
    *,
    metric: PerformanceMetric,
    seed: int,
    directory: Path,
    clock: Clock | None = None,
    interrupt: Interrupt | None = None,
) -> Workspace:
    """Create the loss, and copy the rows to the current device.

    directory: the run directory. clock: by default one without a time limit.
    Raises ChoiceError on a loss that does not fit the task.
    """
    weight = parts.validation.weight
    return Workspace(
        bundle=bundle,
        parts=parts,
        metric=metric,
        loss=create_loss(bundle.loss, parts),
        train=to_device(parts.train, sample_weights(bundle.loss, parts)),
        validation=to_device(parts.validation, None if weight is None else weight / weight.mean()),
        clock=clock or Clock(),
        seed=seed,
        directory=directory,
        interrupt=interrupt or Interrupt(),
    )
