"""Training steps a second by device and stack size, and the devices that pcwat chooses by them.

    python -m benchmarks.speed.devices [--rows 2000 20000 200000] [--stacks 8 32 128 512] [--images 1797] [--trials 512]

Networks of tables of 20 columns train in stacks, a network of digits of 8 x 8 pixels alone, and on several GPUs that
share each batch, if there are several. A step has its share of the
validation of an epoch. "networks a second" counts the steps of all networks of a stack. The last lines of each table
are the choices for a number of trials, and with a time limit of 5 minutes alone. Stacks that do not fit into the memory
of a device are left out. With a GPU, it takes about three minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

from rich.console import Console  # noqa: E402  after TensorFlow was silenced
from rich.table import Table  # noqa: E402

from benchmarks.search.throughput import BUNDLE, Job, images, rows  # noqa: E402
from executor.components.metric import create_metric  # noqa: E402
from executor.components.training_length import whole_epochs  # noqa: E402
from executor.networks.registry import network_kind  # noqa: E402
from executor.runtime.budget import Budget  # noqa: E402
from executor.runtime.clock import Clock  # noqa: E402
from executor.runtime.devices import CPU, available_devices  # noqa: E402
from executor.search.choose_devices import Search, measure_devices  # noqa: E402
from recommender.speed.device_speed import DeviceSpeed, Work, choose_devices  # noqa: E402
from recommender.training_cost import TRAINED_SHARE, steps_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 300.0  # seconds


def measure(job: Job, stacks: Sequence[int], trials: int, console: Console) -> None:
    """Measure a job on each device, and print the figures and the choice."""
    count, kind = len(job.parts.train), network_kind(job.bundle, job.parts.inputs)
    epochs, batch = whole_epochs(job.bundle, kind, rows=count), kind.batch_size(count)
    table = Table("device", "stack", "steps a second", "networks a second", "compiling, s", title=job.name)
    speeds = []
    found = available_devices(kind)
    groups = [[one] for one in found]
    gpus = [one for one in found if one.name != CPU.name]
    groups += [gpus] if kind.shares_batches and len(gpus) > 1 else []
    for devices in groups:
        names = tuple(one.label for one in devices)
        times, model = [], 0.0
        for stack in stacks:
            with tempfile.TemporaryDirectory() as folder:
                search = Search(
                    bundle=job.bundle,
                    parts=job.parts,
                    metric=create_metric(job.bundle.metric),
                    budget=Budget(),
                    clock=Clock(),
                    seed=0,
                    directory=Path(folder),
                    first=dict,
                    epochs=epochs,
                )
                width = job.parts.train.dense.shape[1]
                speed = measure_devices(search, devices, [stack], width=width, batch=batch)
            if speed is None:
                break
            (time,) = speed.times
            times.append(time)
            model = speed.model_seconds
            table.add_row(
                f"{'+'.join(names)} {devices[0].model}".strip(),
                f"{stack}",
                f"{1 / time.step_seconds:,.0f}",
                f"{time.rate:,.0f}",
                f"{time.compile_seconds:.1f}",
            )
        if times:
            model_name = devices[0].model
            speeds.append(DeviceSpeed(devices=names, model=model_name, times=tuple(times), model_seconds=model))
    console.print(table)
    steps = TRAINED_SHARE * epochs * steps_of(count, batch)
    for work in (Work(networks=trials, steps=steps), Work(networks=None, steps=steps, seconds=LIMIT)):
        what = f"{trials} trials" if work.networks else f"{LIMIT:.0f} s"
        console.print(f"{what}: {choose_devices(speeds, work).sentence}", highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000, 20_000, 200_000])
    parser.add_argument("--stacks", type=int, nargs="+", default=[8, 32, 128, 512])
    parser.add_argument("--images", type=int, default=1_797, help="0 for none")
    parser.add_argument("--trials", type=int, default=512)
    given = parser.parse_args()
    console = Console()
    for count in given.rows:
        parts = rows(count)
        job = Job(name=f"table, {len(parts.train):,} training rows", parts=parts, bundle=BUNDLE)
        measure(job, given.stacks, given.trials, console)
    if given.images:
        measure(images(given.images), [1], given.trials, console)


if __name__ == "__main__":
    main()
