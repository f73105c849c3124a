"""Devices: GPUs, their memory, and precision."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import keras
import tensorflow as tf
from pydantic import ValidationError

from recommender.speed.device_speed import FILE, DeviceChoice, DeviceSpeed, requested_of
from recommender.training_cost import STEP_OVERHEAD_SECONDS
from rules.errors import RunError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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
    model: str = ""
    """Such as NVIDIA H200; empty for a CPU, or if unknown."""
    streams: int = 1
    """Stacks that it trains in parallel."""
    networks: int | None = None
    """Networks of a stack at most, by its measured speed; None where it was not measured."""
    speed: DeviceSpeed | None = None
    """Measured speed of a GPU, which replaces the cost model of a CPU."""

    @property
    def label(self) -> str:
        """Name for users."""
        return self.name.removeprefix("/")

    def stack_seconds(self, networks: int, network_seconds: float) -> float:
        """Seconds of a step of a stack. network_seconds: that each network adds to a step by the cost model."""
        if self.speed is None:
            return STEP_OVERHEAD_SECONDS + networks * network_seconds
        return self.speed.step_seconds(0) + networks * self.speed.factor * network_seconds

    def share(self, networks: int) -> float:
        """Seconds of a network in a stack of some networks, relative to one alone; 1 by the cost model of a CPU."""
        return 1.0 if self.speed is None else self.speed.step_seconds(networks) / networks / self.speed.step_seconds(1)

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
    return tuple(_gpu(gpu.name, physical[min(index, len(physical) - 1)]) for index, gpu in enumerate(logical))


def available_devices(kind: NetworkKind) -> tuple[Device, ...]:
    """Where networks of a kind can be trained, and PCWAT_DEVICE allows it; the CPU comes first.

    Networks for images train on GPUs with deterministic operations; bags of terms have no deterministic sums on a GPU.
    Raises TrainingError as check_request.
    """
    found = check_request() if kind.runs_on_gpu else (_cpu(),)
    if kind.is_deterministic and found[-1].name != CPU.name:  # of others some operation may have no such form, and fail
        tf.config.experimental.enable_op_determinism()
    return found


def check_request() -> tuple[Device, ...]:
    """All devices that PCWAT_DEVICE allows, the CPU first.

    Raises TrainingError as detect_devices, and if PCWAT_DEVICE names a device that does not exist.
    """
    found = (_cpu(), *(one for one in detect_devices() if one.name != CPU.name))
    allowed = requested_of([one.label for one in found])
    return tuple(one for one in found if one.label in allowed)


def training_devices(kind: NetworkKind, *, width: int, directory: Path | None = None) -> tuple[Device, ...]:
    """Where networks of a kind are trained: as the search of a run chose, else where they are expected to be fast.

    directory: of the run; its choice counts where this machine has these devices. Raises TrainingError as
    available_devices, RunError if the file of the choice is damaged.
    """
    found = available_devices(kind)
    choice = None if directory is None else read_choice(directory)
    if choice is not None and (chosen := devices_of(choice, found)):
        return chosen
    cpus = tuple(one for one in found if one.name == CPU.name)
    gpus = found[len(cpus) :]
    return gpus if gpus and (not cpus or kind.pays_on_gpu(width)) else cpus


def devices_of(choice: DeviceChoice, found: Sequence[Device]) -> tuple[Device, ...]:
    """Those of the found devices that a choice names; empty where one of them is missing."""
    speeds = {one.devices[0]: one for one in choice.measured if len(one.devices) == 1}
    chosen = tuple(
        replace(one, networks=choice.networks, speed=None if one.name == CPU.name else speeds.get(one.label))
        for one in found
        if one.label in choice.devices
    )
    return chosen if len(chosen) == len(choice.devices) else ()


def read_choice(directory: Path) -> DeviceChoice | None:
    """The devices that the search of a run chose; None without a choice. Raises RunError if the file is damaged."""
    path = directory / FILE
    if not path.exists():
        return None
    try:
        return DeviceChoice.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise RunError(f"{path} is damaged. Restore it from a copy, or start a new run.") from None


def is_wide(width: int) -> bool:
    """Whether a GPU is expected to pay for a network of columns, where it was not measured; width: encoded columns."""
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


def _gpu(name: str, physical: tf.config.PhysicalDevice) -> Device:
    details = tf.config.experimental.get_device_details(physical)
    return Device(name=_short(name), capability=details.get("compute_capability"), model=details.get("device_name", ""))


def _short(name: str) -> str:
    """Shorten '/device:GPU:0' to '/GPU:0'."""
    return "/" + name.removeprefix("/device:")
