"""Compiled graph of K trials, with a common training step on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from executor.components.configuration import configuration
from executor.components.optimizer import has_layer_rates
from executor.components.stacked_optimizer import properties_of, update_rule
from executor.networks import stacked_tabular
from executor.search.runners.compiled import compile_graph
from executor.search.runners.feeds.rows import Batch, gather
from executor.search.runners.stack import SIZES, Stack, pad_to_size
from executor.search.runners.training_state import MEASUREMENTS, NORM_EVERY
from rules.vocabulary.choices import Hyperparameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.components.configuration import Configuration
    from executor.networks.stacked_tabular import StackShape
    from executor.search.runners.feeds.rows import Rows
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

OUTPUTS_PER_CALL: Final = 1 << 22
"""Hidden activations per call on validation rows: 16 MiB."""

SEEDS_APART: Final = 64  # more than the maximum number of layers: each layer of each seed has its own noise

LOW_BITS: Final = np.uint32(0xFFFF)


class StackedGraph:
    """Training steps and outputs of stacks of one shape, compiled once for any number of trials.

    batch: batch size. compute: precision of hidden layers. has_xla: whether XLA compiles the step, which takes seconds
    and pays off over many steps. sizes: of stacks, to which others are padded.
    """

    def __init__(
        self,
        at: Workspace,
        shape: StackShape,
        *,
        batch: int,
        compute: tf.DType = tf.float32,
        has_xla: bool = False,
        sizes: Sequence[int] = SIZES,
    ) -> None:
        self.shape = shape
        self._sizes = sizes
        self._at = at
        self.batch = batch
        self._compute = compute
        folds = at.parts.folds_of_a_repeat
        self._unseen = folds / (folds - 1) if folds > 1 else 1.0  # compensates the rows of a batch that a fold excludes
        has_momentum = getattr(at.bundle.optimizer, "momentum", 0) > 0 or Hyperparameter.MOMENTUM in at.bundle.searched
        self._rule = update_rule(at.bundle.optimizer, has_momentum=has_momentum)
        self._rate_multipliers = shape.rate_multipliers if has_layer_rates(at.bundle) else [1.0] * len(shape.weights)
        # XLA fuses the operations of a step, which saves time: docs/evidence.md#speed-of-operations.
        self._step = tf.function(self._take_step, jit_compile=has_xla, autograph=False)
        weights = [tf.TensorSpec([None, *size], tf.float32) for size in shape.weights]
        vector = tf.TensorSpec([None], tf.float32)
        stack = Stack(
            weights=weights,
            slots=[[spec] * len(self._rule.starts) for spec in weights],
            properties=dict.fromkeys(properties_of([configuration(at.bundle, _clipped(at.bundle))]), vector),
            units=tf.TensorSpec([None, 1, shape.units], tf.float32),
            layers=tf.TensorSpec([shape.layers, None, 1, 1], tf.float32),
            decay=vector,
            dropout=vector,
            fold=tf.TensorSpec([None], tf.int32),
            steps=vector,
        )
        chosen, rates = tf.TensorSpec([None, batch], tf.int32), tf.TensorSpec([None, None], tf.float32)
        numbers = tf.TensorSpec([2], tf.int32)
        self._train = compile_graph(self._steps, stack, at.train.spec, chosen, rates, numbers, has_loop=True)
        columns = {"dense": tf.TensorSpec([None, shape.width], tf.float32)}
        if shape.vocabulary:
            columns["codes"] = tf.TensorSpec([None, shape.coded], tf.int32)
        offset = tf.TensorSpec([None, shape.outputs], tf.float32)
        # Not by XLA, whose max(NaN, 0) is 0, which would hide NaN weights.
        self._outputs_graph = compile_graph(self._outputs, stack, columns, offset)
        outputs = tf.TensorSpec([None, None, shape.outputs], tf.float32)
        targets = tf.TensorSpec([None, shape.outputs], tf.float32)
        self._cost = compile_graph(self._costs, targets, tf.TensorSpec([None], tf.float32), outputs)

    def start(
        self, trials: Sequence[tuple[list[np.ndarray], Configuration]], *, folds: Sequence[int] | None = None
    ) -> Stack:
        """Create a stack before its first step.

        trials: weights in each trial's own shape, and its configuration. folds: excluded fold of each.
        """
        configurations = [chosen for _, chosen in trials]
        weights = self._stacked([weights for weights, _ in trials], configurations)
        slots = [self._rule.slots(weight) for weight in weights]
        return self._filled(weights, slots, configurations, steps=[0.0] * len(trials), folds=folds)

    def state(self, stack: Stack, trial: int, chosen: Configuration) -> dict[str, np.ndarray]:
        """State of one trial by name: weights and slots in its own shape, and the number of steps."""
        kinds = [stack.weights, *zip(*stack.slots, strict=True)]
        found = {"steps": stack.steps[trial].numpy()}
        for kind, tensors in enumerate(kinds):
            own = stacked_tabular.unpad_weights([tensor[trial].numpy() for tensor in tensors], chosen, self.shape)
            found |= {f"{kind} {index:03d}": array for index, array in enumerate(own)}
        return found

    def resume(
        self,
        states: Sequence[dict[str, np.ndarray]],
        configurations: Sequence[Configuration],
        *,
        folds: Sequence[int] | None = None,
    ) -> Stack:
        """Create a stack from states of `state`; folds: as in start."""

        def kept(kind: int) -> list[tf.Tensor]:
            named = [[state[key] for key in sorted(state) if key.startswith(f"{kind} ")] for state in states]
            return self._stacked(named, configurations)

        weights = kept(0)
        slots = [kept(1 + number) for number in range(len(self._rule.starts))]
        of_weights = [list(own) for own in zip(*slots, strict=True)] if slots else [[] for _ in weights]
        steps = [float(state["steps"]) for state in states]
        return self._filled(weights, of_weights, configurations, steps=steps, folds=folds)

    def _stacked(
        self, trials: Sequence[Sequence[np.ndarray]], configurations: Sequence[Configuration]
    ) -> list[tf.Tensor]:
        """Pad and stack arrays of trials."""
        alike = [
            stacked_tabular.pad_weights(arrays, chosen, self.shape)
            for arrays, chosen in zip(trials, configurations, strict=True)
        ]
        return [tf.constant(np.stack(part)) for part in zip(*alike, strict=True)]

    def _filled(
        self,
        weights: list[tf.Tensor],
        slots: list[list[tf.Tensor]],
        configurations: Sequence[Configuration],
        *,
        steps: Sequence[float],
        folds: Sequence[int] | None,
    ) -> Stack:
        """Create a stack of trials, padded to one of the sizes."""
        units, layers = stacked_tabular.masks(configurations, self.shape)
        stack = Stack(
            weights=weights,
            slots=slots,
            properties={name: tf.constant(values) for name, values in properties_of(configurations).items()},
            units=tf.constant(units),
            layers=tf.constant(layers),
            decay=tf.constant([one.weight_decay for one in configurations], tf.float32),
            dropout=tf.constant([one.dropout for one in configurations], tf.float32),
            fold=tf.constant([-1] * len(steps) if folds is None else list(folds), tf.int32),
            steps=tf.constant(list(steps), tf.float32),
        )
        return stack.take(pad_to_size(range(len(configurations)), self._sizes))

    def train(
        self, stack: Stack, rows: Batch, chosen: np.ndarray, rates: np.ndarray, *, noise: int, first: int = 0
    ) -> tuple[Stack, np.ndarray]:
        """Take training steps; returns the stack, and sums of the measurements of EpochMeans, (4, K).

        chosen: (steps, batch) int32 indices of the rows; rates: (steps, K) float32. noise: number of the first
        step, which seeds dropout; first: its number within the epoch, from 0.
        """
        numbers = tf.constant([noise, first], tf.int32)
        trained, sums = self._train(stack, rows, tf.constant(chosen), tf.constant(rates), numbers)
        return trained, sums.numpy()

    def outputs(self, stack: Stack, rows: Rows) -> np.ndarray:
        """Compute outputs of each trial, (K, rows, outputs) float32, offsets included."""
        at_once = max(1, OUTPUTS_PER_CALL // (stack.trials * self.shape.units))
        outputs = []
        for first in range(0, len(rows), at_once):
            here = slice(first, first + at_once)
            columns = {name: values[here] for name, values in rows.inputs.items()}
            outputs.append(self._outputs_graph(stack, columns, rows.offset[here]).numpy())
        return np.concatenate(outputs, axis=1)

    def costs(self, outputs: np.ndarray, rows: Rows) -> np.ndarray:
        """Compute the loss of each trial, (K,)."""
        return np.asarray(self._cost(rows.target, rows.weight, tf.constant(outputs)))

    def _costs(self, target: tf.Tensor, weight: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(self._losses(target, outputs) * weight, axis=1)

    def _losses(self, target: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Loss of each trial on each row, (K, rows)."""
        return self._at.loss.call(tf.broadcast_to(target[None], tf.shape(outputs)), outputs)

    def _forward(self, stack: Stack, inputs: dict[str, tf.Tensor], keep: list[tf.Tensor] | None = None) -> tf.Tensor:
        return stacked_tabular.forward(
            stack.weights,
            inputs,
            bundle=self._at.bundle,
            shape=self.shape,
            units=stack.units,
            layers=stack.layers,
            keep=keep,
            compute=self._compute,
        )

    def _outputs(self, stack: Stack, inputs: dict[str, tf.Tensor], offset: tf.Tensor) -> tf.Tensor:
        return self._forward(stack, inputs) + offset

    def _steps(
        self, stack: Stack, rows: Batch, chosen: tf.Tensor, rates: tf.Tensor, numbers: tf.Tensor
    ) -> tuple[Stack, tf.Tensor]:
        sums = tf.zeros([MEASUREMENTS, tf.shape(rates)[1]])
        for index in tf.range(tf.shape(rates)[0]):
            noise, step = tf.unstack(numbers + index)
            stack, here = self._step(stack, gather(rows, chosen[index]), rates[index], noise, step % NORM_EVERY == 0)
            sums += here
        return stack, sums

    def _take_step(
        self, stack: Stack, batch: Batch, rate: tf.Tensor, noise: tf.Tensor, is_measured: tf.Tensor
    ) -> tuple[Stack, tf.Tensor]:
        """Take one step with a learning rate per trial, (K,); returns the stack and measurements, (4, K).

        is_measured: whether norms are computed; else they are zero.
        """
        keep = self._kept(stack.dropout, noise)
        with tf.GradientTape() as tape:
            tape.watch(stack.weights)
            losses = self._losses(batch.target, self._forward(stack, batch.inputs, keep) + batch.offset)
            # The sum of the trials' means gives each trial its own gradient.
            seen = tf.cast(tf.reduce_all(batch.fold != stack.fold[:, None, None], axis=2), tf.float32)
            costs = tf.reduce_sum(losses * batch.weight * seen, axis=1) * self._unseen / self.batch
            cost = tf.reduce_sum(costs)
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(cost, stack.weights)]
        norms = tf.cond(
            is_measured,
            lambda: self._measure_norms(gradients, stack.weights),
            lambda: tf.zeros([MEASUREMENTS - 1, tf.shape(rate)[0]]),
        )
        return self._update(stack, gradients, rate), tf.concat([costs[None], norms], axis=0)

    def _measure_norms(self, gradients: Sequence[tf.Tensor], weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Norms of gradients and weights, and the share of the first hidden layer, (3, K)."""
        whole, first = _norms(gradients), _norms([gradients[self.shape.before_hidden]])
        return tf.stack([whole, _norms(weights), tf.math.divide_no_nan(first, whole)])

    def _kept(self, dropout: tf.Tensor, step: tf.Tensor) -> list[tf.Tensor]:
        """Dropout masks of each layer, (K, batch, units).

        The noise depends only on the seed of the search, the step and the unit, so that results do not depend on the
        stack.
        """
        rate = dropout[:, None, None]
        kept: list[tf.Tensor] = []
        for pair in range(0, self.shape.layers, 2):
            seed = tf.stack([self._at.seed * SEEDS_APART + pair, step])
            # Unit by unit, so that the noise does not depend on the widest trial.
            drawn = tf.random.stateless_uniform(
                [self.shape.units, self.batch], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
            )
            # 16 bits suffice for a layer: random numbers take a third of a step.
            for bits in (tf.bitwise.bitwise_and(drawn, LOW_BITS), tf.bitwise.right_shift(drawn, np.uint32(16))):
                share = tf.transpose(tf.cast(bits, tf.float32) / (int(LOW_BITS) + 1))
                kept.append(tf.where(share[None] >= rate, 1 / (1 - rate), 0.0))
        return kept[: self.shape.layers]

    def _update(self, stack: Stack, gradients: list[tf.Tensor], rate: tf.Tensor) -> Stack:
        """Update the stack with a learning rate per trial, (K,)."""
        most = stack.properties.get(Hyperparameter.CLIP_NORM, getattr(self._at.bundle.optimizer, "clip_norm", None))
        if most is not None:
            shares = tf.minimum(1.0, most / _norms(gradients))[:, None, None]
            gradients = [gradient * shares for gradient in gradients]
        steps = stack.steps + 1
        column = (slice(None), None, None)
        properties = {name: values[column] for name, values in stack.properties.items()}
        weights, slots = [], []
        for weight, own, gradient, is_decay_free, pace in zip(
            stack.weights, stack.slots, gradients, self.shape.decay_free, self._rate_multipliers, strict=True
        ):
            kept = weight if is_decay_free else weight * (1 - (stack.decay * rate)[column])
            change, after = self._rule.update(gradient, own, pace * rate[column], steps[column], properties)
            weights.append(kept + change)
            slots.append(after)
        return stack._replace(weights=weights, slots=slots, steps=steps)


def _clipped(bundle: Bundle) -> dict[str, float]:
    """A value of clipping where the search varies it, so that each trial has its own."""
    return {Hyperparameter.CLIP_NORM.value: 1.0} if Hyperparameter.CLIP_NORM in bundle.searched else {}


def _norms(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """L2 norm of all gradients of each trial, (K,); each gradient is (K, rows, columns)."""
    return tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(gradient), axis=[1, 2]) for gradient in gradients]))
