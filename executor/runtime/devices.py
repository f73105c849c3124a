"""Devices: GPUs, their memory, and precision."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import keras
import tensorflow as tf

from rules.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.components.network_kind import NetworkKind

HALF_PRECISION: Final = (8, 0)
"""Minimum compute capability for bfloat16 (NVIDIA Ampere). Volta and Turing, 7.x, only have float16, whose gradients
vanish without loss scaling; they use float32."""
WIDE: Final = 4_096
"""Encoded columns from which bfloat16 pays: smaller steps are bound by kernel launches. An estimate: a float32 product
of 512 by 4,096 times 4,096 by 256 takes about 0.1 ms on an A10, ten times a launch."""

MAX_STREAMS: Final = 2
"""Stacks that a CPU trains in parallel; one leaves cores idle: docs/evidence.md#speed-of-operations."""

Precision = Literal["float32", "mixed_bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device."""

    name: str
    """Name for tf.device."""
    capability: tuple[int, int] | None = None
    """Compute capability of a GPU; None for a CPU, or if unknown."""
    streams: int = 1
    """Stacks that it trains in parallel."""

    def compute(self, *, width: int) -> tf.DType:
        """Type of the hidden layers of a stack."""
        return tf.bfloat16 if self.precision(width=width) == "mixed_bfloat16" else tf.float32

    def precision(self, *, width: int) -> Precision:
        """Precision of a network with a number of encoded columns; its output is always float32."""
        fast = self.capability is not None and self.capability >= HALF_PRECISION
        return "mixed_bfloat16" if fast and width >= WIDE else "float32"


CPU: Final = Device(name="/CPU:0")


def detect_devices() -> tuple[Device, ...]:
    """Configure and return the GPUs; the CPU without GPUs.

    Raises TrainingError as prepare, and if Keras does not run on TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"Keras must run on TensorFlow, but its backend is {keras.backend.backend()!r}. "
            "Unset the environment variable KERAS_BACKEND, or set it to tensorflow."
        )
    configure_tensorflow()
    logical = tf.config.list_logical_devices("GPU")
    if not logical:
        return (_cpu(),)
    physical = tf.config.list_physical_devices("GPU")
    # Virtual GPUs share the capability of their physical GPU; further ones use the last known.
    return tuple(
        Device(name=_short(gpu.name), capability=_capability(physical[min(index, len(physical) - 1)]))
        for index, gpu in enumerate(logical)
    )


def training_devices(kind: NetworkKind, *, width: int) -> tuple[Device, ...]:
    """Where networks of a kind are trained: the GPUs where they pay, else the CPU. Raises TrainingError as detect.

    Networks for images train on GPUs with deterministic operations. Steps of narrow tables are bound by kernel
    launches, and bags of terms have no deterministic sums on a GPU: docs/evidence.md#gpu.
    """
    found = detect_devices()
    if found[0].name == CPU.name or not kind.pays_on_gpu(width):
        return (_cpu(),)
    if kind.is_deterministic:  # of the others some operation may have no such form, and fail
        tf.config.experimental.enable_op_determinism()
    return found


def is_wide(width: int) -> bool:
    """Whether a GPU pays for a network of columns; width: encoded columns. A narrow step is bound by launches."""
    return width >= WIDE


def available_cores() -> int:
    """Number of cores on which the process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> Device:
    return replace(CPU, streams=min(available_cores(), MAX_STREAMS))


def configure_tensorflow() -> None:
    """Configure TensorFlow; call it before anything is computed or a model is loaded.

    GPUs allocate memory as needed. TF32 is disabled, because predictions would differ from those on a CPU.
    Raises TrainingError if a GPU cannot be used, for instance for lack of memory.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in tf.config.list_physical_devices("GPU"):
        _grow(gpu)
    try:
        tf.config.list_logical_devices()
    except tf.errors.OpError as error:
        raise TrainingError(
            f"The GPU cannot be used: {str(error.message).rstrip('.')}. Stop other processes on it (see nvidia-smi), "
            "or use the CPU: set the environment variable CUDA_VISIBLE_DEVICES to -1."
        ) from None


@contextmanager
def use_device(device: Device, *, width: int) -> Iterator[None]:
    """Use a device within the block, in its precision for a number of encoded columns."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(device.precision(width=width))
    try:
        with tf.device(device.name):
            yield
    finally:
        keras.config.set_dtype_policy(before)


def _grow(gpu: tf.config.PhysicalDevice) -> None:
    """Enable memory growth, unless the GPU is in use or virtual."""
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError):
        return


def _capability(gpu: tf.config.PhysicalDevice) -> tuple[int, int] | None:
    capability: tuple[int, int] | None = tf.config.experimental.get_device_details(gpu).get("compute_capability")
    return capability


def _short(name: str) -> str:
    """Shorten '/device:GPU:0' to '/GPU:0'."""
    return "/" + name.removeprefix("/device:")
