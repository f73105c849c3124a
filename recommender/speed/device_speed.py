"""Choice of the devices of a training by their measured speed, which the user's cache directory keeps."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from recommender.speed.machine_speed import cache_directory, machine, write_cache
from rules.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE: Final = "devices.json"
"""File of the known speeds in the user's cache directory, and of the choice in a run directory."""
VARIABLE: Final = "PCWAT_DEVICE"
"""Environment variable with the device that trains: cpu, gpu for all GPUs, or gpu:N."""
VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
MAX_KEPT: Final = 200  # measurements in the cache
MAX_BYTES: Final = 1 << 20
ALIKE: Final = 2.0  # ratio of encoded columns, and of batch sizes, up to which a measurement serves another training
ENOUGH: Final = 0.9
"""Share of the most networks a second with which a smaller stack is chosen, which needs less memory."""

Reason = Literal["measured", "known", "requested", "not measured", "only device"]


class StackTime(BaseModel):
    """Measured seconds of a stack; of networks that train alone, of one network."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    networks: int
    step_seconds: float
    """Of a training step, with its share of the validation of an epoch."""
    compile_seconds: float

    @property
    def rate(self) -> float:
        """Network steps a second."""
        return self.networks / self.step_seconds


class DeviceSpeed(BaseModel):
    """Measured speed of a device, or of several that share each batch."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    devices: tuple[str, ...]
    """Such as GPU:0; several where they share each batch of one network."""
    model: str = ""
    """Such as NVIDIA H200; empty for the CPU."""
    times: tuple[StackTime, ...]
    """By number of networks, from few to many."""
    model_seconds: float = 0.0
    """Seconds that a network adds to a step by the cost model; 0 for networks that train alone."""

    @property
    def best(self) -> StackTime:
        """The smallest stack with nearly the most network steps a second."""
        most = max(one.rate for one in self.times)
        return next(one for one in self.times if one.rate >= ENOUGH * most)

    def seconds(self, networks: int, steps: float) -> float:
        """Seconds to train some networks for a number of steps each, with compilation."""
        best = self.best
        fitting = [one for one in self.times if networks <= one.networks <= best.networks]
        chosen = fitting[0] if fitting else best
        return chosen.compile_seconds + math.ceil(networks / chosen.networks) * steps * chosen.step_seconds

    def step_seconds(self, networks: int) -> float:
        """Seconds of a step of a stack: a constant part, and a part for each network."""
        first, last = self.times[0], self.times[-1]
        each = first.step_seconds / first.networks
        if last.networks > first.networks:
            each = max(0.0, last.step_seconds - first.step_seconds) / (last.networks - first.networks)
        return max(0.0, first.step_seconds - each * first.networks) + each * networks

    def up_to(self, networks: int) -> DeviceSpeed:
        """The speed of stacks of at most about a number of networks."""
        larger = [one for one in self.times if one.networks >= networks]
        return self.model_copy(update={"times": tuple(one for one in self.times if one not in larger[1:])})

    @property
    def factor(self) -> float:
        """Seconds that a network adds to a step, relative to the cost model."""
        return (self.step_seconds(1) - self.step_seconds(0)) / self.model_seconds if self.model_seconds else 1.0


class Work(BaseModel):
    """What a search has to train."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    networks: int | None
    """Networks of all trials; None where only time is limited."""
    each: int = 1
    """Networks of a trial."""
    steps: float
    """Training steps of a network."""
    seconds: float | None = None
    """Seconds of the search; None without a time limit."""


class DeviceChoice(BaseModel):
    """The devices of a training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    devices: tuple[str, ...]
    """Such as CPU:0."""
    together: bool = False
    """Whether the devices share each batch of one network; otherwise each trains trials of its own."""
    networks: int | None = None
    """Networks of a stack at most; None where it was not measured, and for networks that train alone."""
    reason: Reason
    measured: tuple[DeviceSpeed, ...] = ()
    """Of all devices that were measured."""
    began_on: tuple[str, ...] = ()
    """Devices with which the run began, where they are others."""

    @property
    def request(self) -> str:
        """The value of PCWAT_DEVICE that requests these devices.

        >>> DeviceChoice(devices=("GPU:0", "GPU:1"), reason="known").request
        'gpu'
        """
        first = self.devices[0].lower()
        return first.partition(":")[0] if first == "cpu:0" or len(self.devices) > 1 else first

    @property
    def named(self) -> tuple[str, ...]:
        """The devices with their models, such as GPU:0 (NVIDIA H200)."""
        models = {one.devices: one.model for one in self.measured}
        return tuple(_named(name, models.get((name,), "")) for name in self.devices)

    @property
    def sentence(self) -> str:
        """Devices, reason and figures in one line.

        >>> DeviceChoice(devices=("CPU:0",), reason="requested").sentence
        'Trains on CPU:0, as PCWAT_DEVICE requests.'
        """
        where = " and ".join(self.devices)
        if len(self.devices) > 1:
            where += ", which share each batch" if self.together else ", each with trials of its own"
        figures = "; ".join(
            f"{'+'.join(one.devices)} {one.best.rate:,.0f}"
            + (f" in stacks of {one.best.networks:,}" if one.model_seconds else "")
            for one in self.measured
        )
        why = {
            "measured": f"measured network steps a second: {figures}",
            "known": f"network steps a second, measured before: {figures}",
            "requested": f"as {VARIABLE} requests" + (f" ({figures} network steps a second)" if figures else ""),
            "not measured": "without a measurement, for which the time limit is too short",
            "only device": "the only device for this network",
        }[self.reason]
        began = ""
        if self.began_on:
            began = f" The run began on {' and '.join(self.began_on)}: further scores may differ in the last digits."
        return f"Trains on {where}{': ' if self.reason in {'measured', 'known'} else ', '}{why}.{began}"


def choose_devices(speeds: Sequence[DeviceSpeed], work: Work, *, reason: Reason = "measured") -> DeviceChoice:
    """Choose the devices on which a search is expected to end first: one, several GPUs side by side, or together.

    speeds: of the CPU, of each GPU, and of several that share each batch. With a time limit alone, the trials are those
    that the fastest devices complete in it, at least one.

    >>> cpu = DeviceSpeed(devices=("CPU:0",), times=(StackTime(networks=1, step_seconds=0.1, compile_seconds=1),))
    >>> gpu = DeviceSpeed(devices=("GPU:0",), times=(StackTime(networks=1, step_seconds=0.01, compile_seconds=5),))
    >>> [choose_devices([cpu, gpu], Work(networks=1, steps=steps)).devices for steps in (10, 1_000)]
    [('CPU:0',), ('GPU:0',)]
    """
    alone = [one for one in speeds if len(one.devices) == 1]
    gpus = sorted((one for one in alone if one.devices[0].startswith("GPU")), key=lambda one: -one.best.rate)
    # Trials are distributed evenly, so that a slow GPU would delay the others.
    even = [one for one in gpus if 2 * one.best.rate >= gpus[0].best.rate]
    groups = [[one] for one in alone] + ([even] if len(even) > 1 else [])
    groups += [[one] for one in speeds if len(one.devices) > 1]
    networks = work.networks or _affordable(groups, work)
    chosen = min(groups, key=lambda group: _seconds(group, networks, work))
    best = chosen[0].best.networks if chosen[0].model_seconds else None
    return DeviceChoice(
        devices=tuple(sorted(name for one in chosen for name in one.devices)),
        together=len(chosen[0].devices) > 1,
        networks=best,
        reason=reason,
        measured=tuple(speeds),
    )


def _seconds(group: Sequence[DeviceSpeed], networks: int, work: Work) -> float:
    """Seconds of devices that train an equal number of trials each."""
    share = work.each * math.ceil(networks / work.each / len(group))
    return max(one.seconds(share, work.steps) for one in group)


def _affordable(groups: Sequence[Sequence[DeviceSpeed]], work: Work) -> int:
    """Networks that the fastest devices train within the time limit, at least those of one trial."""
    if work.seconds is None:
        return work.each
    trained = 0.0
    for group in groups:
        left = max(0.0, work.seconds - max(one.best.compile_seconds for one in group))
        trained = max(trained, sum(one.best.rate for one in group) * left / max(work.steps, 1.0))
    return max(work.each, int(trained))


def requested_device() -> str | None:
    """The device that PCWAT_DEVICE names, in capital letters; None where it is chosen by its speed.

    Raises TrainingError if the variable is not cpu, gpu or gpu:N.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if not given or given.lower() == "auto":
        return None
    if re.fullmatch(r"cpu(:0)?|gpu(:[0-9]{1,3})?", given.lower()) is None:
        raise TrainingError(
            f"{VARIABLE} must be auto, cpu, gpu or gpu:N, but got {given!r}. Correct the environment variable, or "
            "unset it."
        )
    return "CPU:0" if given.lower().startswith("cpu") else given.upper()


def requested_of(found: Sequence[str]) -> tuple[str, ...]:
    """Those of the found devices that PCWAT_DEVICE names; all where it names none.

    found: such as CPU:0. Raises TrainingError if it names a device that does not exist.
    """
    wanted = requested_device()
    if wanted is None:
        return tuple(found)
    chosen = tuple(name for name in found if wanted in {name, name.partition(":")[0]})
    if not chosen:
        hidden = f", and {VISIBLE}={os.environ[VISIBLE]} hides others" if VISIBLE in os.environ else ""
        raise TrainingError(
            f"{VARIABLE} must name a device that TensorFlow finds, but got {wanted.lower()!r}; it finds "
            f"{', '.join(found).lower()}{hidden}. Install pcwat[gpu] and the driver of the GPU, or set "
            f"{VARIABLE}=cpu."
        )
    return chosen


@dataclass(frozen=True, kw_only=True)
class TrainedSize:
    """The size of a training, on which the speeds of devices depend."""

    network: str
    """Kind of network."""
    columns: int
    """Encoded columns."""
    batch: int


class _KnownSpeeds(BaseModel):
    """Measured speeds of the devices of a machine, for trainings of one size."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    machine: str
    network: str
    """Kind of network."""
    columns: int
    """Encoded columns."""
    batch: int
    networks: int
    """Largest stack that was of interest."""
    speeds: tuple[DeviceSpeed, ...]

    def serves(self, other: TrainedSize) -> bool:
        """Whether the speeds serve a training of another size."""
        ratios = (self.columns + 1) / (other.columns + 1), self.batch / other.batch
        return self.network == other.network and all(1 / ALIKE <= ratio <= ALIKE for ratio in ratios)


class _Cache(BaseModel):
    known: tuple[_KnownSpeeds, ...] = ()


def known_speeds(size: TrainedSize, *, networks: int = 1) -> tuple[DeviceSpeed, ...]:
    """The latest speeds of the devices of this machine for a training of about this size; empty if unknown.

    networks: largest stack of interest.
    """
    own = [one for one in _read().known if one.machine == _machine()]
    found = [one.speeds for one in own if one.serves(size) and one.networks >= networks]
    return found[-1] if found else ()


def known_devices() -> tuple[str, ...]:
    """The devices of this machine that were measured last, with their models; empty if unknown."""
    own = [one for one in _read().known if one.machine == _machine()]
    return tuple(_named(one.devices[0], one.model) for one in own[-1].speeds) if own else ()


def _named(device: str, model: str) -> str:
    return f"{device} ({model})" if model else device


def remember_speeds(size: TrainedSize, speeds: Sequence[DeviceSpeed], *, networks: int = 1) -> None:
    """Keep measured speeds; without a writable cache directory nothing is kept. networks: as in known_speeds."""
    own = _KnownSpeeds(machine=_machine(), **asdict(size), networks=networks, speeds=tuple(speeds))
    write_cache(FILE, _Cache(known=(*_read().known, own)[-MAX_KEPT:]).model_dump_json(indent=2))


def _machine() -> str:
    visible = os.environ.get(VISIBLE)
    return machine() if visible is None else f"{machine()}, {VISIBLE}={visible}"


def _read() -> _Cache:
    """Known speeds; none where the file is missing, damaged or of another version."""
    try:
        with (cache_directory() / FILE).open("rb") as file:
            return _Cache.model_validate(json.loads(file.read(MAX_BYTES)))
    except (OSError, ValueError, RuntimeError, ValidationError):
        return _Cache()
