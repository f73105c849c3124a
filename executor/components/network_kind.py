"""Properties of a kind of network: what it reads, how it is built, its defaults, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from recommender.training_cost import UNITS, batch_size, table_epochs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import keras

    from executor.components.configuration import Configuration, Value
    from executor.preprocessing.examples import Parts
    from executor.preprocessing.inputs import Inputs
    from rules.vocabulary.bundle import Bundle

ROWS_PER_CALL: Final = 8_192  # rows whose outputs are computed at once
ONLY_FORECASTS: Final = frozenset({"network"})  # hyperparameters that only a forecast has


class Build(Protocol):
    """Function that builds a network with its initial weights."""

    def __call__(
        self, *, parts: Parts, bundle: Bundle, hyperparameters: Mapping[str, Value], seed: int
    ) -> keras.Model: ...


class SearchLimits(Protocol):
    """Limits of the sizes that a search tries."""

    @property
    def width(self) -> int:
        """Encoded columns."""

    @property
    def rows(self) -> int:
        """Training rows."""

    def affords(self, units: int) -> bool:
        """Whether the time is enough to search layers of a number of units."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Values of the size of a network that a search tries, the most promising first."""

    units: Sequence[int] = (UNITS, 128, 512, 64)
    layers: Sequence[int] = (2, 4, 1)


@dataclass(frozen=True, kw_only=True)
class NetworkKind:
    """A kind of network. `executor.networks.registry` lists them; `docs/architecture.md` shows how to add one."""

    name: str
    reads: type[Inputs]
    build: Build
    is_chosen: Callable[[Bundle], bool] | None = None
    """Whether a bundle chooses it for such inputs; None for the default network of these inputs."""
    defaults: Mapping[str, Value] = field(default_factory=dict)
    """Hyperparameters whose default differs from that of `Configuration`."""
    sizes: Callable[[Bundle, SearchLimits], Sizes] = lambda _bundle, _limits: Sizes()
    smaller: Sequence[Mapping[str, Value]] = ()
    """Hyperparameters of smaller networks than the default one, from large to small, for short time limits; with them
    a training is laid over all the time that a limit leaves."""
    epochs: Callable[[int], int] = table_epochs
    """Epochs of a full trial, by the steps of an epoch."""
    shortest_epochs: Callable[[int], int] | None = None
    """Epochs that must fit into a time limit, else a smaller network is trained, by the steps of an epoch; None for
    SHORTENED_SHARE of a full trial."""
    batch_size: Callable[[int], int] = batch_size
    """Default batch size, by the number of training rows."""
    augmented_epochs: int = 0
    """Epochs from which images are augmented."""
    row_seconds: Callable[[Parts, Configuration], float] | None = None
    """Seconds of a training step per row on two idle cores, of networks without a stacked form; None if unknown."""
    rate_multipliers: Callable[[keras.Model], list[float]] | None = None
    """Learning-rate multiplier of each trainable weight; None where all have the same rate."""
    unused: Callable[[Configuration], frozenset[str]] = lambda _chosen: ONLY_FORECASTS
    """Names of hyperparameters that a network of a configuration does not have."""
    has_embeddings: bool = True
    """Whether it has an embedding layer."""
    is_stackable: bool = False
    """Whether networks can be stacked in one graph, see `executor.networks.stacked_tabular`."""
    has_rated_dropout: bool = True
    """Whether its dropout rates are weights, so that trials of several rates share a graph; not in stacks."""
    stops_early: bool = True
    """Whether a trial ends when its score stops improving."""
    rows_per_call: int = ROWS_PER_CALL
    """Rows whose outputs are computed at once."""
    pays_on_gpu: Callable[[int], bool] = lambda _width: True
    """Whether a GPU is expected to be faster than the CPU where neither was measured, by the number of encoded columns:
    on a cluster, and within short time limits."""
    shares_batches: bool = False
    """Whether several GPUs may share each batch, where that is measured to be faster."""
    runs_on_gpu: bool = True
    """Whether results of a GPU are reproducible."""
    is_deterministic: bool = False
    """Whether each of its operations has a deterministic form on a GPU."""
