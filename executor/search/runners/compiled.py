"""Compiled functions: outputs and training steps of a network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import tensorflow as tf

from executor.components.network_kind import ROWS_PER_CALL
from executor.components.optimizer import take_step
from executor.networks.build import layer_rate_multipliers
from executor.search.runners.feeds.rows import gather, with_images
from executor.search.runners.training_state import MEASUREMENTS, NORM_EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras

    from executor.runtime.replicas import Replicas
    from executor.search.runners.feeds.image_feed import ImageFeed
    from executor.search.runners.feeds.rows import Batch, Rows
    from executor.search.runners.workspace import Workspace


def compile_graph(
    function: Callable[..., Any],
    *signature: Any,  # noqa: ANN401 - nested specs
    has_loop: bool = False,
) -> Callable[..., Any]:
    """Trace the graph of a function; tf.function's own call warns about retracing.

    has_loop: whether the function has a Python loop over tensors. Converting loops takes more time than tracing, so the
    functions that it calls must be marked with tf.autograph.experimental.do_not_convert.
    """
    graph: Callable[..., Any] = tf.function(
        function, input_signature=signature, autograph=has_loop
    ).get_concrete_function()
    return graph


def compile_outputs(network: keras.Model, *, at_once: int = ROWS_PER_CALL) -> Callable[[Rows], np.ndarray]:
    """Compile a function from rows on the device to outputs, (rows, outputs) float32, offsets included.

    at_once: rows per call.
    """
    signature = {name: tf.TensorSpec(spec.shape, spec.dtype) for name, spec in network.input.items()}

    def forward(inputs: dict[str, tf.Tensor], offset: tf.Tensor) -> tf.Tensor:
        return network(inputs, training=False) + offset

    output_names = compile_graph(forward, signature, tf.TensorSpec(network.output.shape, tf.float32))

    def compute(rows: Rows) -> np.ndarray:
        outputs = []
        for start in range(0, len(rows), at_once):
            here = slice(start, start + at_once)
            inputs = {name: values[here] for name, values in rows.inputs.items()}
            if rows.images is not None:
                inputs["dense"] = rows.images[here]
            outputs.append(output_names(inputs, rows.offset[here]))
        return np.concatenate([output.numpy() for output in outputs])

    return compute


def first_kernel(paths: Sequence[str]) -> int:
    """Index of the kernel of the first hidden layer among the paths of weights; 0 without a kernel.

    >>> first_kernel(["waves/kernel", "scale/scale", "hidden_1/kernel", "output/kernel"])
    2
    """
    kernels = [at for at, path in enumerate(paths) if path.endswith("kernel") and "waves/" not in path]
    return (kernels or [0])[0]


def measure_norms(gradients: Sequence[tf.Tensor], weights: Sequence[tf.Tensor], first: int) -> tf.Tensor:
    """Norms of all gradients and of all weights, and the share of gradient number `first` in the norm, (3,)."""
    whole = tf.linalg.global_norm(gradients)
    return tf.stack([whole, tf.linalg.global_norm(weights), tf.math.divide_no_nan(tf.norm(gradients[first]), whole)])


def compile_step(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    at: Workspace,
    *,
    batch: int,
    replicas: Replicas | None = None,
) -> Callable[[Batch, np.ndarray, np.ndarray, float, int], np.ndarray]:
    """Compile a function that takes training steps.

    Its arguments are rows; their indices in each step, (steps, batch) int32; rates, (steps,) float32; the weight decay;
    and the number of the first step within the epoch, from 0. It returns sums of the measurements of EpochMeans,
    (4, 1); NORM_EVERY sets which steps have norms. The loop over steps is inside the graph: an epoch of 2,000 rows
    takes 24 ms, 88 ms with model.fit. replicas: devices that share each batch.
    """
    weights = network.trainable_variables
    kernel = first_kernel([weight.path for weight in weights])
    rate_multipliers = layer_rate_multipliers(network, at.parts, at.bundle)

    images = at.train.images
    feed = cast("ImageFeed", images)  # of images alone

    def gradients_of(
        inputs: dict[str, tf.Tensor], target: tf.Tensor, offset: tf.Tensor, weight: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            cost = at.loss(target, network(inputs, training=True) + offset, sample_weight=weight)
        # Keras would square duplicate embedding gradients separately, so they are densified first.
        return cost, [tf.convert_to_tensor(gradient) for gradient in tape.gradient(cost, weights)]

    compute = gradients_of if replicas is None else partial(replicas.gradients, gradients_of)

    def take_one(batch: Batch, rate: tf.Tensor, decay: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        cost, gradients = compute(batch.inputs, batch.target, batch.offset, batch.weight)
        norms = tf.cond(index % NORM_EVERY == 0, lambda: measure_norms(gradients, weights, kernel), lambda: tf.zeros(3))
        take_step(optimizer, gradients, weights, rate=rate, decay=decay, rate_multipliers=rate_multipliers)
        return tf.concat([cost[None], norms], axis=0)[:, None]

    one_step: Callable[..., tf.Tensor] = tf.autograph.experimental.do_not_convert(take_one)

    def steps(rows: Batch, order: tf.Tensor, rates: tf.Tensor, decay: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        sums = tf.zeros([MEASUREMENTS, 1])
        for index in tf.range(tf.shape(rates)[0]):
            batch = gather(rows, order[index])
            if images is not None:
                batch = with_images(batch, images.gather(order[index]))
            sums += one_step(batch, rates[index], decay, first + index)
        return sums

    def streamed_steps(
        rows: Batch, order: tf.Tensor, rates: tf.Tensor, decay: tf.Tensor, first: tf.Tensor
    ) -> tf.Tensor:
        sums, index = tf.zeros([MEASUREMENTS, 1]), first
        for pixels, chosen, rate in feed.streamed(order, rates):
            batch = with_images(gather(rows, chosen), feed.standardised(pixels))
            sums += one_step(batch, rate, decay, index)
            index += 1
        return sums

    trained = compile_graph(
        streamed_steps if images is not None and images.is_streamed else steps,
        at.train.spec,
        tf.TensorSpec([None, batch], tf.int32),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([], tf.int32),
        has_loop=True,
    )
    return lambda rows, order, rates, decay, first: np.asarray(
        trained(rows, tf.constant(order), tf.constant(rates), tf.constant(decay, tf.float32), tf.constant(first)),
        np.float64,
    )
