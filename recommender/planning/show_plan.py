"""The plan of a training on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recommender.planning.reductions import duration
from recommender.recommendation.render import plain
from rules.text.numbers import number, size_text
from rules.text.wording import counted
from rules.vocabulary.choices.slot import NOTES_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from recommender.planning.training_plan import PlannedValue, TrainingPlan

MIN_WITHOUT_DECIMALS: Final = 10.0  # seconds
MINUTES_FROM: Final = 120.0  # seconds
MINUTE: Final = 60.0  # seconds
HOURS_FROM: Final = 7_200.0  # seconds
HOUR: Final = 3_600.0  # seconds


def show_plan(plan: TrainingPlan, console: Console) -> None:
    """Print a plan."""
    limit = "without a time limit" if plan.budget is None else f"within {duration(plan.budget)}"
    if plan.workers is not None:
        limit += f", on {counted(plan.workers, 'worker')} of the cluster {plan.cluster}"
    size = f": {counted(plan.rows, 'row')}, {counted(plan.columns, 'feature column')}; predict "
    targets = plain(", ".join(plan.targets), "bold")
    console.print(Text.assemble(plain(plan.dataset, "bold"), size, targets, f", {limit}"))
    console.print()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _lines(plan):
        grid.add_row(name, plain(value))
    console.print(grid)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("Stage")
    table.add_column("Seconds", justify="right")
    table.add_column("Interval", justify="right")
    for stage in plan.stages:
        table.add_row(stage.name.value, _seconds(stage.seconds.value), _interval(stage.seconds, _seconds))
    table.add_row("all", _seconds(plan.seconds.value), _interval(plan.seconds, _seconds), style="bold")
    console.print(table)
    console.print()
    if plan.budget is not None and plan.seconds.low > plan.budget:
        console.print(plain(f"! The training takes longer than {duration(plan.budget)}: it cannot be made smaller."))
    for one in plan.overruled:
        console.print(Padding(plain(f"- {one.sentence} {one.remedy}".strip()), (0, 0, 0, 2)))
    for sentence in (*plan.notes, plan.speed.sentence):
        console.print(plain(sentence, "dim"))


def _lines(plan: TrainingPlan) -> Iterator[tuple[str, str]]:
    first, further = plan.first, plan.trials.further
    choices = [plan.bundle.choice(slot) for slot in NOTES_ORDER]
    yield "Bundle", ", ".join(str(choice) for choice in choices)
    networks = counted(first.networks, "network")
    if first.folds is not None:
        repeats = f", {first.repeats} times" if first.repeats > 1 else ""
        networks += f" ({first.folds} folds{repeats})"
    smaller = "".join(f", {name} {value}" for name, value in first.hyperparameters.items())
    epochs = f"at most {counted(first.epochs, 'epoch')}"
    yield "First training", f"{networks}{smaller}, {epochs}: {_about(first.seconds, time_text)} unless it stops early"
    some = f" of about {time_text(plan.trials.seconds_each)}" if further.value else ""
    count = f"{counted(int(further.value), 'further trial')}{some}"
    if further.low < further.high:
        count += f" ({_interval(further, number)})"
    yield "Search", f"{count}; it ends {plan.trials.ends}"
    model = counted(plan.model.networks, "network")
    if plan.model.networks > 1:
        model = f"the mean of {model}"
    if plan.model.all_rows_networks:
        model += f"; after its evaluation, {counted(plan.model.all_rows_networks, 'network')} on all rows"
    yield "Model", model
    yield "Time", _about(plan.seconds, time_text)
    yield "Peak memory", _about(plan.memory_bytes, size_text)
    yield "Disk", _about(plan.disk_bytes, size_text)
    if plan.devices:
        yield "Devices", plan.devices


def _about(estimate: PlannedValue, text: Callable[[float], str]) -> str:
    found = _interval(estimate, text)
    return f"about {text(estimate.value)}" + (f" ({found})" if " to " in found else "")


def _interval(estimate: PlannedValue, text: Callable[[float], str]) -> str:
    low, high = text(estimate.low), text(estimate.high)
    return low if low == high else f"{low} to {high}"


def _seconds(value: float) -> str:
    return f"{value:,.1f}" if value < MIN_WITHOUT_DECIMALS else f"{value:,.0f}"


def time_text(seconds: float) -> str:
    """Seconds as a text.

    >>> time_text(9.04), time_text(48.2), time_text(600), time_text(9000)
    ('9.0 s', '48 s', '10 min', '2.5 h')
    """
    if seconds < MINUTES_FROM:
        return f"{_seconds(seconds)} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < HOURS_FROM else f"{seconds / HOUR:.1f} h"
