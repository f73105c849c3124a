"""Where and how precisely a search computes, on pretended and on virtual devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import pytest
import tensorflow as tf

from executor.networks.registry import CNN, FORECASTER, RECURRENT, TABULAR, TERM_BAG
from executor.runtime import devices
from executor.runtime.devices import Device, configure_tensorflow, detect_devices, training_devices, use_device
from rules.errors import TrainingError
from tests.effort import long_test
from tests.executor.runtime.processes import run_script

if TYPE_CHECKING:
    from executor.components.network_kind import NetworkKind


def test_without_a_gpu_the_cpu_computes_in_float32() -> None:
    assert detect_devices()[-1].capability is None or tf.config.list_physical_devices("GPU")
    assert Device(name="/CPU:0").precision(width=100_000) == "float32"


@pytest.mark.parametrize(
    ("capability", "width", "precision"),
    [
        ((7, 5), 4_096, "float32"),  # no bfloat16
        ((8, 0), 4_096, "mixed_bfloat16"),
        ((9, 0), 4_096, "mixed_bfloat16"),
        ((9, 0), 4_095, "float32"),  # too narrow to gain
    ],
)
def test_half_precision_needs_bfloat16_and_width(capability: tuple[int, int], width: int, precision: str) -> None:
    assert Device(name="/GPU:0", capability=capability).precision(width=width) == precision


def test_gpus_are_named_with_their_capability_and_their_memory_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [tf.config.PhysicalDevice(name=f"/physical_device:GPU:{index}", device_type="GPU") for index in (0, 1)]
    logical = [tf.config.LogicalDevice(name=f"/device:GPU:{index}", device_type="GPU") for index in (0, 1)]
    grown: list[str] = []
    monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda *_: gpus)
    monkeypatch.setattr(devices.tf.config, "list_logical_devices", lambda *_: logical)
    monkeypatch.setattr(devices.tf.config.experimental, "set_memory_growth", lambda gpu, _: grown.append(gpu.name))
    capabilities = {gpus[0].name: {"compute_capability": (8, 0)}, gpus[1].name: {}}
    monkeypatch.setattr(devices.tf.config.experimental, "get_device_details", lambda gpu: capabilities[gpu.name])
    assert detect_devices() == (Device(name="/GPU:0", capability=(8, 0)), Device(name="/GPU:1", capability=None))
    assert grown == [gpu.name for gpu in gpus]


def test_a_gpu_in_use_keeps_its_memory_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    gpu = tf.config.PhysicalDevice(name="/physical_device:GPU:0", device_type="GPU")
    logical = tf.config.LogicalDevice(name="/device:GPU:0", device_type="GPU")
    monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda _: [gpu])
    monkeypatch.setattr(devices.tf.config, "list_logical_devices", lambda *_: [logical])
    monkeypatch.setattr(devices.tf.config.experimental, "set_memory_growth", in_use)
    monkeypatch.setattr(devices.tf.config.experimental, "get_device_details", lambda _: {})
    assert detect_devices() == (Device(name="/GPU:0"),)


def test_a_gpu_without_memory_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise tf.errors.InternalError(None, None, "cudaSetDevice() on GPU:0 failed. Status: out of memory")

    monkeypatch.setattr(devices.tf.config, "list_logical_devices", full)
    with pytest.raises(
        TrainingError, match=r"out of memory\. Stop other processes on it .* set the environment variable CUDA_VISIBLE_"
    ):
        detect_devices()


@pytest.mark.parametrize(
    ("kind", "width", "expected"),
    [
        (TABULAR, 4_095, "/CPU:0"),  # bound by launches
        (TABULAR, 4_096, "/GPU:0"),
        (FORECASTER, 100, "/CPU:0"),
        (CNN, 64, "/GPU:0"),
        (RECURRENT, 64, "/GPU:0"),
        (TERM_BAG, 30_000, "/CPU:0"),  # no reproducible sum on a GPU
    ],
)
def test_networks_are_trained_where_they_are_fast_and_reproducible(
    kind: NetworkKind,
    width: int,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "detect_devices", lambda: (Device(name="/GPU:0"),))
    monkeypatch.setattr(devices.tf.config.experimental, "enable_op_determinism", lambda: None)
    assert [device.name for device in training_devices(kind, width=width)] == [expected]


def test_products_are_those_of_float32_on_every_device() -> None:
    tf.config.experimental.enable_tensor_float_32_execution(True)
    configure_tensorflow()
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_another_backend_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.keras.backend, "backend", lambda: "jax")
    with pytest.raises(TrainingError, match=r"its backend is 'jax'\. Unset the environment variable KERAS_BACKEND"):
        detect_devices()


def test_the_precision_is_set_inside_and_restored_also_after_an_error() -> None:
    before = keras.config.dtype_policy().name

    def inside() -> None:
        with use_device(Device(name="/CPU:0", capability=(8, 0)), width=10_000):
            assert keras.config.dtype_policy().name == "mixed_bfloat16"
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        inside()
    assert keras.config.dtype_policy().name == before


@long_test
def test_computation_is_placed_on_a_virtual_device() -> None:
    script = """
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from executor.runtime.devices import Device, use_device, detect_devices

assert [device.name for device in detect_devices()] == ["/CPU:0"], detect_devices()
with use_device(Device(name="/CPU:1"), width=10):
    print(tf.constant(1.0).device)
print(tf.constant(1.0).device)
"""
    printed = run_script(script)
    assert [line.rsplit("/", 1)[-1] for line in printed.split()] == ["device:CPU:1", "device:CPU:0"]
