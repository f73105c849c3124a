"""Oracles whose proposals do not depend on scores: grid, random search and manual lists."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final

import keras_tuner

from executor.search.oracles.base import InMemoryOracle, Objective, active_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from executor.components.configuration import Value

RUNNING, STOPPED = "RUNNING", "STOPPED"  # keras_tuner.engine.trial.TrialStatus
MAX_COUNTED: Final = 100_000  # points of a grid with conditions that are listed to count them; else an upper bound
COARSE: Final = 2  # values of each hyperparameter on the first grid: the default and the most promising alternative


class RandomOracle(InMemoryOracle, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]  # untyped base
    """Random search without repetition."""

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        super().__init__(space=space, objective=objective, seed=seed, max_trials=None)


class ManualOracle(InMemoryOracle):
    """A list of configurations in order.

    configurations: with a value for every hyperparameter of the space. total: their number; None if time decides how
    many of them are tried.
    """

    def __init__(
        self,
        *,
        space: keras_tuner.HyperParameters,
        objective: Objective,
        seed: int,
        configurations: Iterable[dict[str, Value]],
        total: int | None,
    ) -> None:
        super().__init__(space=space, objective=objective, seed=seed)
        self._waiting = iter(configurations)
        self.total = total

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002 - keras-tuner's signature
        """Propose the next configuration of the list."""
        values = next(self._waiting, None)
        return {"status": STOPPED if values is None else RUNNING, "values": values}


class GridOracle(ManualOracle):
    """Every combination of a space of choices: a coarse grid over all hyperparameters, then finer ones.

    The coarse grid has two values per hyperparameter. Each finer grid adds one value to one hyperparameter, the most
    sensitive (the last of the space) first. Within a grid, combinations with the fewest changes of the defaults come
    first, so that 1 + n trials vary all n hyperparameters. Unlike keras-tuner's grid it proposes trials in parallel.
    """

    def __init__(self, *, space: keras_tuner.HyperParameters, objective: Objective, seed: int) -> None:
        axes = {item.name: list(dict.fromkeys([item.default, *item.values])) for item in reversed(space.space)}
        names = [item.name for item in space.space]
        points = (dict(zip(axes, point, strict=True)) for point in grid_points([*axes.values()]))
        configurations: Iterable[dict[str, Value]] = ({name: point[name] for name in names} for point in points)
        total = math.prod(map(len, axes.values()))
        if any(item.conditions for item in space.space):
            configurations = _distinct(active_values(space, point) for point in configurations)
            if total <= MAX_COUNTED:
                configurations = [*configurations]
                total = len(configurations)
        super().__init__(space=space, objective=objective, seed=seed, configurations=configurations, total=total)


def _distinct(configurations: Iterable[dict[str, Value]]) -> Iterator[dict[str, Value]]:
    """Configurations without repetition."""
    seen: set[tuple[tuple[str, Value], ...]] = set()
    for one in configurations:
        if (key := tuple(one.items())) not in seen:
            seen.add(key)
            yield one


def grid_points(axes: Sequence[Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """Iterate over all combinations of values, in the order of finer grids.

    axes: the values of each hyperparameter, its default first; the most sensitive hyperparameter first.

    >>> list(grid_points([[1, 2, 3], ["a", "b"]]))
    [(1, 'a'), (2, 'a'), (1, 'b'), (2, 'b'), (3, 'a'), (3, 'b')]
    """
    sizes = [min(COARSE, len(values)) for values in axes]
    yield from _points(axes, [range(size) for size in sizes])
    while any(size < len(values) for size, values in zip(sizes, axes, strict=True)):
        smallest = min(size for size, values in zip(sizes, axes, strict=True) if size < len(values))
        for finer, values in enumerate(axes):
            if sizes[finer] == smallest and smallest < len(values):
                yield from _points(
                    axes, [range(size, size + 1) if axis == finer else range(size) for axis, size in enumerate(sizes)]
                )
                sizes[finer] += 1


def _points(axes: Sequence[Sequence[Value]], indices: Sequence[range]) -> Iterator[tuple[Value, ...]]:
    """Combinations of values of each axis, with the fewest changes of the defaults first."""
    for changes in range(len(axes) + 1):
        for changed in itertools.combinations(range(len(axes)), changes):
            own = [[index for index in indices[axis] if (index > 0) is (axis in changed)] for axis in range(len(axes))]
            for point in itertools.product(*own):
                yield tuple(values[index] for values, index in zip(axes, point, strict=True))
