"""The choice of devices by measured figures, and the cache of these figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recommender.speed import device_speed
from recommender.speed.device_speed import (
    DeviceChoice,
    DeviceSpeed,
    StackTime,
    TrainedSize,
    Work,
    choose_devices,
    known_devices,
    known_speeds,
    remember_speeds,
    requested_of,
)
from rules.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path


def speed(*devices: str, compiling: float, model: str = "", **milliseconds: float) -> DeviceSpeed:
    """A speed; milliseconds: of a step by networks, such as n8=1."""
    times = tuple(
        StackTime(networks=int(name[1:]), step_seconds=each / 1_000, compile_seconds=compiling)
        for name, each in milliseconds.items()
    )
    return DeviceSpeed(devices=devices, model=model, times=times, model_seconds=1e-4)


CPU = speed("CPU:0", compiling=1, n8=1, n32=2, n128=8)  # 8,000, 16,000 and 16,000 network steps a second
GPU = speed("GPU:0", compiling=10, model="A10", n8=2, n128=2.5, n512=5)  # 4,000, 51,200 and 102,400
SECOND = GPU.model_copy(update={"devices": ("GPU:1",)})


@pytest.mark.parametrize(
    ("work", "devices"),
    [
        (Work(networks=3, steps=3_000), "CPU:0"),  # 1 + 3,000 x 1 ms = 4 s, and 10 + 3,000 x 2 ms = 16 s
        (Work(networks=512, steps=3_000), "GPU:0"),  # 1 + 16 stacks x 6 s = 97 s, and 10 + 15 s = 25 s
        (Work(networks=512, steps=100), "CPU:0"),  # 1 + 16 x 0.2 s = 4.2 s, and 10.5 s
        (Work(networks=None, steps=3_000, seconds=10), "CPU:0"),  # the GPU compiles for as long
        (Work(networks=None, steps=3_000, seconds=600), "GPU:0"),  # 102,400 x 590 s / 3,000 = 20,138 networks
        (Work(networks=None, steps=1e6, seconds=60), "CPU:0"),  # one network alone, in a smallest stack: 1 and 2 ms
    ],
)
def test_the_device_is_chosen_on_which_the_work_ends_first(work: Work, devices: str) -> None:
    assert choose_devices([CPU, GPU], work).devices == (devices,)


def test_a_stack_is_the_smallest_with_nine_tenths_of_the_best_rate() -> None:
    assert choose_devices([CPU], Work(networks=512, steps=1)).networks == 32
    assert choose_devices([GPU], Work(networks=512, steps=1)).networks == 512
    assert speed("GPU:0", compiling=1, n8=1, n32=3.5, n128=15).best.networks == 32  # 8,000, 9,143 and 8,533
    assert speed("GPU:0", compiling=1, n8=1, n32=3.8, n128=15).best.networks == 8  # 8,421


def test_trials_are_distributed_over_gpus_and_a_slow_one_is_left_out() -> None:
    work = Work(networks=1_024, steps=3_000)
    both = choose_devices([CPU, GPU, SECOND], work)
    assert (both.devices, both.together, both.networks) == (("GPU:0", "GPU:1"), False, 512)
    slow = speed("GPU:1", compiling=10, n8=20, n512=50)
    assert choose_devices([CPU, GPU, slow], work).devices == ("GPU:0",)


def test_gpus_share_batches_only_where_there_are_fewer_trials_than_gpus() -> None:
    alone = [DeviceSpeed(devices=(name,), times=(_one(0.1),)) for name in ("GPU:0", "GPU:1")]
    together = DeviceSpeed(devices=("GPU:0", "GPU:1"), times=(_one(0.06),))
    speeds = [DeviceSpeed(devices=("CPU:0",), times=(_one(2),)), *alone, together]
    first = choose_devices(speeds, Work(networks=1, steps=100))
    assert (first.devices, first.together, first.networks) == (("GPU:0", "GPU:1"), True, None)  # 6 s, not 10 s
    assert not choose_devices(speeds, Work(networks=2, steps=100)).together  # 10 s, not 12 s
    # Within 60 s, 11 trials fit on two GPUs, and none of 1,000 steps.
    assert not choose_devices(speeds, Work(networks=None, steps=100, seconds=60)).together
    assert choose_devices(speeds, Work(networks=None, steps=1_000, seconds=60)).together


def _one(seconds: float) -> StackTime:
    return StackTime(networks=1, step_seconds=seconds, compile_seconds=0)


def test_a_step_has_a_constant_part_and_a_part_for_each_network() -> None:
    gpu = speed("GPU:0", compiling=1, n100=2, n300=3)
    assert gpu.step_seconds(0) == pytest.approx(0.0015)
    assert gpu.step_seconds(500) == pytest.approx(0.004)
    assert gpu.factor == pytest.approx(5e-6 / 1e-4)
    assert [one.networks for one in gpu.up_to(150).times] == [100, 300]
    assert [one.networks for one in gpu.up_to(64).times] == [100]


def test_the_sentence_has_the_figures_of_all_devices() -> None:
    choice = choose_devices([CPU, GPU], Work(networks=512, steps=3_000))
    assert choice.sentence == (
        "Trains on GPU:0: measured network steps a second: CPU:0 16,000 in stacks of 32; "
        "GPU:0 102,400 in stacks of 512."
    )
    resumed = DeviceChoice(devices=("CPU:0",), reason="requested", began_on=("GPU:0",))
    assert resumed.sentence == (
        "Trains on CPU:0, as PCWAT_DEVICE requests. "
        "The run began on GPU:0: further scores may differ in the last digits."
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PCWAT_CACHE", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path / "devices.json"


SIZE = TrainedSize(network="tabular", columns=20, batch=128)


def test_speeds_are_known_for_sizes_of_up_to_twice_as_many_columns(cache: Path) -> None:
    assert known_speeds(SIZE) == known_devices() == ()
    remember_speeds(SIZE, [CPU, GPU], networks=40)
    assert cache.exists()
    assert known_speeds(SIZE, networks=40) == (CPU, GPU)
    assert known_speeds(SIZE, networks=41) == ()  # larger stacks were not measured
    assert known_speeds(TrainedSize(network="tabular", columns=41, batch=64)) == (CPU, GPU)
    for other in ("forecaster", 20, 128), ("tabular", 42, 128), ("tabular", 9, 128), ("tabular", 20, 257):
        assert known_speeds(TrainedSize(network=other[0], columns=other[1], batch=other[2])) == ()
    assert known_devices() == ("CPU:0", "GPU:0 (A10)")


def test_another_machine_and_hidden_gpus_have_speeds_of_their_own(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_speeds(SIZE, [CPU, GPU])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert known_speeds(SIZE) == ()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(device_speed, "machine", lambda: "another")
    assert known_speeds(SIZE) == ()
    assert cache.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"known": [{"machine": 1}]}', "null", "\udcff"])
def test_a_damaged_cache_is_ignored_and_replaced(cache: Path, text: str) -> None:
    cache.write_bytes(text.encode(errors="surrogateescape"))
    assert known_speeds(SIZE) == ()
    remember_speeds(SIZE, [CPU])
    assert known_speeds(SIZE) == (CPU,)


FOUND = ("CPU:0", "GPU:0", "GPU:1")


@pytest.mark.parametrize(
    ("given", "devices"),
    [("", FOUND), ("auto", FOUND), ("cpu", FOUND[:1]), ("GPU", FOUND[1:]), (" gpu:1 ", FOUND[2:])],
)
def test_the_environment_variable_names_devices(
    given: str, devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PCWAT_DEVICE", given)
    assert requested_of(FOUND) == devices


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cuda", r"^PCWAT_DEVICE must be auto, cpu, gpu or gpu:N, but got 'cuda'\. Correct the environment variable,"),
        ("gpu:-1", r"must be auto, cpu, gpu or gpu:N, but got 'gpu:-1'"),
        (
            "gpu:2",
            r"must name a device that TensorFlow finds, but got 'gpu:2'; it finds cpu:0, gpu:0, gpu:1, and CUDA_",
        ),
    ],
)
def test_a_device_that_does_not_exist_is_refused_with_the_remedy(
    given: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("PCWAT_DEVICE", given)
    with pytest.raises(TrainingError, match=message):
        requested_of(FOUND)
