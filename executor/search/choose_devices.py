"""The devices of a search, by a measured second of its training steps on each."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from executor.components.training_length import choose_batch_size
from executor.networks.registry import network_kind
from executor.runtime.devices import CPU, available_devices, devices_of, read_choice, training_devices, use_device
from executor.runtime.log import LOG
from executor.search.create_runner import create_runner, trains_alone
from executor.search.records.proposal import Proposal
from executor.search.round_size import LEARNING_AT_ONCE, step_costs
from executor.search.runners.workspace import create_workspace, is_stacked
from recommender.recommendation.training_work import MAX_SEEDS, TRIALS_WITHOUT_BUDGET
from recommender.speed.device_speed import (
    ENOUGH,
    FILE,
    DeviceChoice,
    DeviceSpeed,
    Reason,
    StackTime,
    TrainedSize,
    Work,
    choose_devices,
    known_speeds,
    remember_speeds,
    requested_device,
)
from recommender.training_cost import TRAINED_SHARE, steps_of
from rules.errors import PcwatError, RunError
from rules.text.files import write_text
from rules.vocabulary.choices import Bayesian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from executor.components.configuration import Value
    from executor.components.metric import PerformanceMetric
    from executor.components.network_kind import NetworkKind
    from executor.preprocessing.examples import Parts
    from executor.runtime.budget import Budget
    from executor.runtime.clock import Clock
    from executor.runtime.devices import Device
    from rules.vocabulary.bundle import Bundle

STACKS: Final = (8, 32, 128, 512)
"""Networks of the measured stacks, up to what a search trains at once. Four times as many show whether more pay; the
largest has four times the rows of a usual batch."""
GRAPH_SECONDS: Final = 5.0  # to compile and measure a graph; an estimate
MEASURING_SHARE: Final = 0.2  # of the time limit at most, for measuring
MIN_SECONDS: Final = 1e-9  # avoids division by zero with a clock that stands still


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search trains."""

    bundle: Bundle
    parts: Parts
    metric: PerformanceMetric
    budget: Budget
    clock: Clock
    seed: int
    directory: Path
    first: Callable[[], Mapping[str, Value]]
    """Returns the hyperparameters of the first trial."""
    epochs: int
    """Of a full trial."""
    at_once: int | None = None
    """Trials that train at once, as the user sets it; 1 for training through Keras layers."""

    @property
    def kind(self) -> NetworkKind:
        return network_kind(self.bundle, self.parts.inputs)

    @property
    def trials(self) -> int | None:
        """Trials of the search; None where only time is limited."""
        if not self.bundle.searched:
            return min(MAX_SEEDS, self.budget.trials or MAX_SEEDS)
        if self.budget.trials is None and self.budget.seconds is None:
            return TRIALS_WITHOUT_BUDGET
        return self.budget.trials

    @property
    def networks(self) -> int:
        """Networks that the search trains at once at most; 1 where they train alone."""
        if not is_stacked(self.bundle, self.kind) or (self.at_once == 1 and self.parts.folds is None):
            return 1
        most = LEARNING_AT_ONCE if isinstance(self.bundle.tuner, Bayesian) else STACKS[-1]
        least = min(most, self.at_once or most, self.trials or most)
        return self.parts.fold_count * max(1, min(least, STACKS[-1] // self.parts.fold_count))


@contextmanager
def use_chosen_devices(
    search: Search, *, is_remote: bool = False
) -> Iterator[tuple[tuple[Device, ...], DeviceChoice | None]]:
    """Choose the devices of a search, write the choice into the run directory, and use the first within the block.

    A resumed search keeps its choice where this machine has the devices. Where there is one device, nothing is measured
    and there is no choice. is_remote: whether a cluster trains the trials. Raises TrainingError as available_devices,
    RunError if the directory is not writable.
    """
    kind, width = search.kind, search.parts.train.dense.shape[1]
    found = (CPU,) if is_remote else available_devices(kind)
    before = None if is_remote else read_choice(search.directory)
    choice: DeviceChoice | None
    if before is not None and (chosen := devices_of(before, found)):
        choice = before
    elif is_remote or (before is None and len(found) == 1 and found[0].name == CPU.name and requested_device() is None):
        chosen, choice = found, None
    else:
        choice = _choose(search, found, width)
        if before is not None:
            choice = choice.model_copy(update={"began_on": before.began_on or before.devices})
        write_text(search.directory / FILE, choice.model_dump_json(indent=2) + "\n", error=RunError)
        chosen = devices_of(choice, found)
    if choice is not None:
        LOG.info("%s", choice.sentence)
    with use_device(chosen[0], width=width):
        yield chosen, choice


def _choose(search: Search, found: Sequence[Device], width: int) -> DeviceChoice:
    """Choose among the found devices by known or measured speeds."""
    names = tuple(one.label for one in found)
    is_requested = requested_device() is not None
    if len(found) == 1 and (found[0].name == CPU.name or search.networks == 1):
        is_free = not is_requested or not search.kind.runs_on_gpu
        return DeviceChoice(devices=names, reason="only device" if is_free else "requested")
    batch = choose_batch_size(search.kind, len(search.parts.train), search.bundle.optimizer.batch_size)
    size = TrainedSize(network=search.kind.name, columns=width, batch=batch)
    groups: list[Sequence[Device]] = [(one,) for one in found]
    gpus = [one for one in found if one.name != CPU.name]
    if search.kind.shares_batches and len(gpus) > 1:
        groups.append(gpus)
    known = {(one.devices, one.model): one for one in known_speeds(size, networks=search.networks)}
    speeds = [known[key] for group in groups if (key := (_labels(group), group[0].model)) in known]
    is_known = len(speeds) == len(groups)
    stacks = [count for count in STACKS if count < search.networks] if search.networks > 1 else []
    stacks = [max(1, count // search.parts.fold_count) for count in (*stacks, search.networks)]
    if not is_known:
        if GRAPH_SECONDS * len(stacks) * len(groups) > MEASURING_SHARE * search.clock.remaining():
            return _unmeasured(search, width)
        speeds = [
            own
            for some in groups
            if (own := measure_devices(search, some, stacks, width=width, batch=batch)) is not None
        ]
        if {*names} - {name for one in speeds for name in one.devices if len(one.devices) == 1}:
            return _unmeasured(search, width)
        remember_speeds(size, speeds, networks=search.networks)
    work = Work(
        networks=None if search.trials is None else search.trials * search.parts.fold_count,
        each=search.parts.fold_count,
        steps=TRAINED_SHARE * search.epochs * steps_of(len(search.parts.train), batch),
        seconds=None if search.budget.seconds is None else search.clock.remaining(),
    )
    reason: Reason = "requested" if is_requested else "known" if is_known else "measured"
    return choose_devices([one.up_to(search.networks) for one in speeds], work, reason=reason)


def _unmeasured(search: Search, width: int) -> DeviceChoice:
    """The devices that are expected to be fast."""
    devices = training_devices(search.kind, width=width)
    return DeviceChoice(
        devices=tuple(one.label for one in devices),
        reason="not measured" if requested_device() is None else "requested",
    )


def measure_devices(
    search: Search, devices: Sequence[Device], stacks: Sequence[int], *, width: int, batch: int
) -> DeviceSpeed | None:
    """Measure about a second of steps on a device, in larger and larger stacks while they gain; None if it fails.

    devices: one, or several that share each batch. stacks: numbers of trials. width: encoded columns. batch: batch size
    of networks that train alone.
    """
    parts, alone, first = search.parts, search.at_once == 1, search.first()
    where = " and ".join(_labels(devices))
    times: list[StackTime] = []
    with use_device(devices[0], width=width):
        at = create_workspace(
            search.bundle,
            parts,
            metric=search.metric,
            clock=search.clock,
            seed=search.seed,
            directory=search.directory,
        )
        runner = create_runner(at, devices, width=width, one_by_one=alone, together=True)
        proposal = Proposal(number=0, hyperparameters=first, epochs=search.epochs)
        steps, model = steps_of(len(parts.train), batch), 0.0
        if not trains_alone(at, one_by_one=alone):
            steps, model = step_costs(at, parts, first)
        for trials in stacks:
            try:
                speed = runner.measure(proposal, trials=trials)
            except PcwatError:
                raise
            except Exception as error:  # noqa: BLE001  a device that fails, or whose memory is too small
                LOG.info("%s: %d trials at once could not be measured: %s", where, trials, type(error).__name__)
                # Repacking a stack needs memory for two, so one that just fits is too large.
                times = times[:-1] if len(times) > 1 else times
                break
            times.append(
                StackTime(
                    networks=trials * parts.fold_count,
                    step_seconds=max(MIN_SECONDS, speed.epoch_seconds / steps),
                    compile_seconds=max(0.0, speed.compile_seconds),
                )
            )
            if len(times) > 1 and times[-2].rate >= ENOUGH * times[-1].rate:
                break
    if not times:
        return None
    return DeviceSpeed(
        devices=_labels(devices),
        model=devices[0].model,
        times=tuple(times),
        model_seconds=model / parts.fold_count,
    )


def _labels(devices: Sequence[Device]) -> tuple[str, ...]:
    return tuple(one.label for one in devices)
