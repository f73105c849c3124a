"""Where and how precisely to compute: GPUs, their memory, and half precision."""

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
"""Lowest compute capability that multiplies in bfloat16 (NVIDIA Ampere). Volta and Turing, 7.x, have float16 alone,
whose gradients vanish without a scaled loss; there float32 is kept."""
WIDE: Final = 4_096
"""Encoded columns; below it a step is bound by launches, not by arithmetic, and the casts only cost. An estimate:
a float32 product of 512 by 4,096 times 4,096 by 256 takes about 0.1 ms on an A10, ten times a launch."""

MAX_STREAMS: Final = 2
"""Stacks that a CPU trains at the same time. One leaves cores idle while it compiles and between its products: two take
1.35 ms a step of 8 trials with 3 layers of 128 units instead of 1.73, of 6 with 4 layers of 64 units 0.59 instead of
1.02."""

Precision = Literal["float32", "mixed_bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Device:
    """One place to compute."""

    name: str
    """As tf.device takes it."""
    capability: tuple[int, int] | None = None
    """A GPU's compute capability; None for a CPU, or where the driver does not tell."""
    streams: int = 1
    """Stacks that it trains at the same time."""

    def compute(self, *, width: int) -> tf.DType:
        """The type in which a stack's hidden layers compute."""
        return tf.bfloat16 if self.precision(width=width) == "mixed_bfloat16" else tf.float32

    def precision(self, *, width: int) -> Precision:
        """The precision in which a network with so many encoded columns computes; its output is always float32."""
        fast = self.capability is not None and self.capability >= HALF_PRECISION
        return "mixed_bfloat16" if fast and width >= WIDE else "float32"


CPU: Final = Device(name="/CPU:0")


def detect_devices() -> tuple[Device, ...]:
    """The GPUs, each prepared; without any, the CPU.

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
    # Virtual GPUs of one physical GPU share its capability; the last one stands for all where there are more.
    return tuple(
        Device(name=_short(gpu.name), capability=_capability(physical[min(index, len(physical) - 1)]))
        for index, gpu in enumerate(logical)
    )


def training_devices(kind: NetworkKind, *, width: int) -> tuple[Device, ...]:
    """Where networks of a kind are trained: the GPUs where they pay, else the CPU. Raises TrainingError as detect.

    Measured once, on an H200 beside 16 cores on which other runs went on: in 49 s an image network made 19 epochs of
    fashion_mnist there and 4 on the cores, with the same numbers each time where operations are deterministic, which
    did not slow it. A narrow table's step is bound by launches: 8 trials of vehicle took 32 and 43 s there, on two
    quiet cores 37 s, and a run of 30 s ended in epoch 36 of its first trial, since compiling takes seconds. A bag of
    terms has no sum on a GPU that is the same each time.
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


def _cpu() -> Device:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return replace(CPU, streams=min(cores, MAX_STREAMS))


def configure_tensorflow() -> None:
    """Set how TensorFlow computes, and begin; call it before anything is computed or a model is loaded.

    GPUs take memory as they need it, where they are not in use already. Products are those of float32 everywhere: GPUs
    since Ampere would round their factors to the 11 bits of TF32, and a model would answer otherwise than on a CPU.
    Raises TrainingError if a GPU cannot be used, for want of memory say.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in tf.config.list_physical_devices("GPU"):
        _grow(gpu)
    try:
        tf.config.list_logical_devices()
    except tf.errors.OpError as error:
        raise TrainingError(
            f"The GPU cannot be used: {str(error.message).rstrip('.')}. Free it of other processes (nvidia-smi shows "
            "them), or compute on the CPU: set the environment variable CUDA_VISIBLE_DEVICES to -1."
        ) from None


@contextmanager
def use_device(device: Device, *, width: int) -> Iterator[None]:
    """Place what runs inside on the device, in its precision for so many encoded columns."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(device.precision(width=width))
    try:
        with tf.device(device.name):
            yield
    finally:
        keras.config.set_dtype_policy(before)


def _grow(gpu: tf.config.PhysicalDevice) -> None:
    """Let the GPU's memory grow, unless TensorFlow has begun to use it or it is divided into virtual ones."""
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError):
        return


def _capability(gpu: tf.config.PhysicalDevice) -> tuple[int, int] | None:
    capability: tuple[int, int] | None = tf.config.experimental.get_device_details(gpu).get("compute_capability")
    return capability


def _short(name: str) -> str:
    """'/device:GPU:0' as '/GPU:0'."""
    return "/" + name.removeprefix("/device:")
