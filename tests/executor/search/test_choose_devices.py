"""The devices of a search on a machine with several, which are pretended here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from executor.components.metric import create_metric
from executor.networks.registry import TABULAR
from executor.runtime import devices as device_module
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from executor.runtime.devices import CPU, Device, read_choice, training_devices
from executor.search import choose_devices as module
from executor.search.choose_devices import Search, use_chosen_devices
from recommender.speed.device_speed import DeviceChoice, DeviceSpeed, StackTime
from recommender.time_plan import TimePlan
from rules.errors import RunError, TrainingError
from rules.vocabulary.choices import Accuracy, Bayesian, Random

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

GPU = Device(name="/GPU:0", model="A10", capability=(8, 0))
MILLISECONDS = {"CPU:0": {8: 1.0, 32: 2.0, 128: 8.0}, "GPU:0": {8: 2.0, 128: 2.5, 512: 5.0}}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """A machine with a GPU, and the devices that are measured with the trials of their stacks."""
    asked: list[tuple[str, list[int]]] = []

    def measure(
        search: Search, devices: Sequence[Device], stacks: Sequence[int], *, width: int, batch: int
    ) -> DeviceSpeed:
        (device,) = devices
        assert (width, batch) == (30, 64)
        asked.append((device.label, [*stacks]))
        each = search.parts.fold_count
        times = [
            StackTime(networks=count * each, step_seconds=seconds / 1_000, compile_seconds=1)
            for count, seconds in MILLISECONDS[device.label].items()
        ]
        return DeviceSpeed(devices=(device.label,), model=device.model, times=tuple(times), model_seconds=1e-4)

    monkeypatch.setenv("PCWAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PCWAT_DEVICE", raising=False)
    monkeypatch.setattr(device_module, "detect_devices", lambda: (GPU,))
    monkeypatch.setattr(module, "measure_devices", measure)
    return asked


@pytest.fixture
def chosen(
    make_bundle: Callable[..., Bundle], breast_cancer: Parts, tmp_path: Path
) -> Callable[..., tuple[tuple[Device, ...], DeviceChoice | None]]:
    def choose(
        trials: int | None = 600, seconds: float | None = None, **others: Any
    ) -> tuple[tuple[Device, ...], DeviceChoice | None]:
        bundle = make_bundle(**{"tuner": Random(), "metric": Accuracy(), **others})
        search = Search(
            bundle=bundle,
            parts=breast_cancer,
            metric=create_metric(bundle.metric),
            budget=Budget(trials=trials, seconds=seconds),
            clock=Clock(TimePlan(limit=seconds), now=lambda: 0.0),
            seed=0,
            directory=tmp_path,
            first=dict,
            epochs=100,
        )
        with use_chosen_devices(search) as found:
            return found

    return choose


def test_measured_figures_choose_the_device_and_the_stack_and_both_are_recorded(
    measured: list[tuple[str, list[int]]], chosen: Callable[..., Any], tmp_path: Path
) -> None:
    devices, choice = chosen()
    assert measured == [("CPU:0", [8, 32, 128, 512]), ("GPU:0", [8, 32, 128, 512])]
    assert [(one.name, one.networks) for one in devices] == [("/GPU:0", 512)]
    assert choice == read_choice(tmp_path)
    assert [one.best.networks for one in choice.measured] == [32, 512]
    # A round has 512 trials, in one graph whose costs are the measured ones.
    assert devices[0].stack_seconds(0, 1e-4) == pytest.approx(0.001952, abs=1e-6)
    assert devices[0].share(512) < 0.01


def test_known_figures_are_not_measured_again(
    measured: list[tuple[str, list[int]]], chosen: Callable[..., Any], tmp_path: Path
) -> None:
    first = chosen()[1]
    (tmp_path / "devices.json").unlink()  # another run
    again = chosen()[1]
    assert len(measured) == 2
    assert (again.reason, again.devices, again.measured) == ("known", first.devices, first.measured)


def test_a_bayesian_search_measures_its_rounds_and_a_few_trials_stay_on_the_cpu(
    measured: list[tuple[str, list[int]]], chosen: Callable[..., Any]
) -> None:
    devices, _ = chosen(trials=8, tuner=Bayesian())
    assert measured == [("CPU:0", [8]), ("GPU:0", [8])]
    assert [one.name for one in devices] == ["/CPU:0"]


def test_a_short_time_limit_is_not_spent_on_measuring(
    measured: list[tuple[str, list[int]]], chosen: Callable[..., Any]
) -> None:
    devices, choice = chosen(trials=None, seconds=199.0)  # 8 graphs of 5 s are more than a fifth
    assert (measured, [one.name for one in devices], choice.reason) == ([], ["/CPU:0"], "not measured")


def test_a_request_is_fulfilled_and_a_cpu_alone_is_not_measured(
    measured: list[tuple[str, list[int]]],
    chosen: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PCWAT_DEVICE", "cpu")
    devices, choice = chosen()
    assert (measured, [one.name for one in devices], choice.reason) == ([], ["/CPU:0"], "requested")
    monkeypatch.setenv("PCWAT_DEVICE", "gpu")
    devices, choice = chosen(trials=8)
    assert (choice.reason, choice.devices, choice.began_on) == ("requested", ("GPU:0",), ("CPU:0",))
    monkeypatch.setenv("PCWAT_DEVICE", "gpu:1")
    with pytest.raises(TrainingError, match=r"got 'gpu:1'; it finds cpu:0, gpu:0"):
        chosen()


def test_one_device_is_neither_measured_nor_recorded(
    measured: list[tuple[str, list[int]]],
    chosen: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_module, "detect_devices", lambda: (CPU,))
    devices, choice = chosen()
    assert [(one.name, one.networks, one.speed) for one in devices] == [("/CPU:0", None, None)]
    assert (measured, choice, (tmp_path / "devices.json").exists()) == ([], None, False)


@pytest.mark.usefixtures("measured")
def test_a_resumed_run_keeps_its_devices_and_says_where_they_are_missing(
    chosen: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = chosen()[1]
    monkeypatch.setitem(MILLISECONDS, "CPU:0", {8: 0.001})
    assert chosen()[1] == first
    monkeypatch.setattr(device_module, "detect_devices", lambda: (CPU,))
    devices, choice = chosen()
    assert ([one.name for one in devices], choice.began_on) == (["/CPU:0"], ("GPU:0",))
    assert choice.sentence.endswith("The run began on GPU:0: further scores may differ in the last digits.")
    (tmp_path / "devices.json").write_text("{")
    with pytest.raises(RunError, match=r"devices\.json is damaged\. Restore it from a copy, or start a new run\."):
        training_devices(TABULAR, width=30, directory=tmp_path)
