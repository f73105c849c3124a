"""Search space: hyperparameters, ranges and values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import keras_tuner

from executor.components.configuration import Value, configuration
from executor.components.training_length import choose_batch_size
from executor.networks.tabular import TABULAR
from recommender.training_cost import trial_seconds
from rules.errors import ChoiceError
from rules.vocabulary.choices import MAX_RATE, Grid, Hyperparameter, Manual

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.components.network_kind import NetworkKind
    from rules.vocabulary.bundle import Bundle


TRIALS_IN_TIME: Final = 16  # trials of a size that must fit into the time limit
RATE_SPAN: Final = 10.0  # factor below and above the default rate
RATE_STEPS: Final = (10**0.5, 10**-0.5, 10.0, 0.1)  # multiples of the default rate on a grid, the nearest first
SHRINKAGES: Final = (1e-4, 1e-5, 5e-4)  # share of a weight that decay subtracts per step at the default rate
MAX_DECAY: Final = 0.5  # maximum weight decay, for low rates
NETWORKS: Final[tuple[Value, ...]] = ("mlp", "linear", "gru")
"""The first is the default: it includes the linear network, and the notes on initializers apply to its hidden
layers."""
BATCHES_TRIED: Final = (0.5, 2.0, 0.25)  # multiples of the default batch size
MIN_IN_A_BATCH: Final = 8  # minimum batch size
EMBEDDINGS_TRIED: Final = (2.0, 0.5, 4.0)  # multiples of the default dimension
PROPERTIES_TRIED: Final[Mapping[Hyperparameter, tuple[float, ...]]] = MappingProxyType(
    {
        Hyperparameter.BETA_1: (0.9, 0.95, 0.8),
        Hyperparameter.BETA_2: (0.999, 0.99, 0.95),
        Hyperparameter.RHO: (0.9, 0.99, 0.95),
        Hyperparameter.MOMENTUM: (0.9, 0.95, 0.5),
        Hyperparameter.EPSILON: (1e-7, 1e-8, 1e-5, 1e-3),
    }
)
"""Values of optimizer parameters: Keras' defaults, and values around them such as RealMLP's beta_2 of 0.95."""
NEIGHBOURS: Final = 2  # values per hyperparameter of a manual search without a list


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Scope of a search."""

    width: int
    """Encoded columns."""
    rows: int
    """Training rows."""
    folds: int = 1
    """Networks of a trial."""
    trials: int | None = None
    """The maximum number of trials; None for no limit."""
    seconds: float | None = None
    """Time limit; sizes with fewer than TRIALS_IN_TIME trials are not searched. None for no limit."""
    slowdown: float = 1.0
    """Measured duration of a training, relative to that of the cost model."""
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    """Defaults of a smaller network, which was chosen by the time limit; empty for the default network."""
    kind: NetworkKind = TABULAR
    has_embeddings: bool = True
    """Whether the network has embeddings."""

    @property
    def batch_size(self) -> int:
        """Default batch size."""
        return choose_batch_size(self.kind, self.rows)

    def affords(self, units: int) -> bool:
        """Whether the time suffices to search layers with a number of units."""
        if self.seconds is None:
            return True
        one = self.slowdown * self.folds * trial_seconds(rows=self.rows, width=self.width, units=units)
        return TRIALS_IN_TIME * one <= self.seconds


def search_space(bundle: Bundle, scope: Scope) -> keras_tuner.HyperParameters:
    """Create the search space of a bundle; defaults are those of the default configuration.

    The most sensitive hyperparameter is the last one. Classification of few rows starts with narrower layers.
    """
    space = keras_tuner.HyperParameters()
    candidates = _candidates(bundle, scope)
    for name, values in reversed(candidates.items()):
        if name is Hyperparameter.LEARNING_RATE and not isinstance(bundle.tuner, Grid | Manual):
            rate = bundle.optimizer.learning_rate
            space.Float(name.value, rate / RATE_SPAN, min(rate * RATE_SPAN, MAX_RATE), sampling="log", default=rate)
        else:
            space.Choice(name.value, list(values), default=values[0])
    return space


def manual_configurations(bundle: Bundle, scope: Scope) -> list[dict[str, Value]]:
    """Create the list of a manual search: the defaults, then the bundle's list or neighbours of the defaults.

    Each item has a value for every hyperparameter of the search space. Raises ChoiceError on an invalid value.
    """
    candidates = _candidates(bundle, scope)
    defaults: dict[str, Value] = {name.value: values[0] for name, values in candidates.items()}
    given = bundle.tuner.configurations if isinstance(bundle.tuner, Manual) else ()
    changes: list[dict[str, Value]] = [{name.value: value for name, value in item.items()} for item in given] or [
        {name.value: value} for name, values in candidates.items() for value in values[1 : 1 + NEIGHBOURS]
    ]
    listed = [defaults]
    for change in changes:
        chosen = configuration(bundle, defaults | change, defaults=scope.kind.defaults).model_dump()
        item = {name: chosen[name] for name in defaults}
        if item not in listed:
            listed.append(item)
    return listed


def _candidates(bundle: Bundle, scope: Scope) -> dict[Hyperparameter, list[Value]]:
    """Default and candidate values of each searched hyperparameter, the most sensitive first.

    Raises ChoiceError if the network does not have one of them.
    """
    if isinstance(bundle.tuner, Manual) and bundle.tuner.configurations:
        candidates = _listed(bundle, bundle.tuner, scope)
    else:
        candidates = {name: _worth_trying(name, bundle, scope) for name in bundle.searched}
    if Hyperparameter.EMBEDDING_DIMENSION in candidates and not scope.has_embeddings:
        raise ChoiceError(
            "The embedding_dimension can be searched only if the network has embeddings, but no column has enough "
            "categories for one. Leave it out of the searched hyperparameters."
        )
    fixed = {Hyperparameter(name): [value] for name, value in scope.hyperparameters.items()}
    return candidates | {name: value for name, value in fixed.items() if name not in candidates}


def _defaults(bundle: Bundle, scope: Scope) -> dict[str, Value]:
    """Defaults of all hyperparameters of the bundle's network and optimizer."""
    defaults = configuration(bundle, {}, defaults=scope.kind.defaults).model_dump(exclude_none=True)
    return {"batch_size": scope.batch_size} | defaults | dict(scope.hyperparameters)


def _listed(bundle: Bundle, tuner: Manual, scope: Scope) -> dict[Hyperparameter, list[Value]]:
    """Values in the list of a manual search, the default of each hyperparameter first."""
    defaults = _defaults(bundle, scope)
    found: dict[Hyperparameter, list[Value]] = {}
    for name in Hyperparameter:
        named = [
            configuration(bundle, {name.value: item[name]}, defaults=scope.kind.defaults).model_dump()[name.value]
            for item in tuner.configurations
            if name in item
        ]
        if named:
            found[name] = list(dict.fromkeys([defaults[name.value], *named]))
    return found


def _worth_trying(name: Hyperparameter, bundle: Bundle, scope: Scope) -> list[Value]:
    """Default of a hyperparameter, then alternatives, the most promising first."""
    defaults = _defaults(bundle, scope)
    rate, default = bundle.optimizer.learning_rate, defaults[name]
    sizes = scope.kind.sizes(bundle, scope)
    decays: list[Value] = [min(share / rate, MAX_DECAY) for share in SHRINKAGES]
    batch, dimension = int(defaults["batch_size"]), int(defaults["embedding_dimension"])
    batches = (int(batch * times) for times in BATCHES_TRIED)
    others: Mapping[Hyperparameter, list[Value]] = {
        Hyperparameter.LEARNING_RATE: [min(rate * step, MAX_RATE) for step in RATE_STEPS],
        Hyperparameter.UNITS: [*sizes.units],
        Hyperparameter.SCHEDULE: ["cosine", "one_cycle", "constant"],
        Hyperparameter.LAYERS: [*sizes.layers],
        Hyperparameter.DROPOUT: [0.0, 0.1, 0.3, 0.5],
        Hyperparameter.WEIGHT_DECAY: [*decays, 0.0],
        Hyperparameter.NETWORK: [*NETWORKS],
        Hyperparameter.BATCH_SIZE: [size for size in batches if MIN_IN_A_BATCH <= size <= scope.rows],
        Hyperparameter.EMBEDDING_DIMENSION: [max(1, int(dimension * times)) for times in EMBEDDINGS_TRIED],
        **{name: [*values] for name, values in PROPERTIES_TRIED.items()},
    }
    first = [] if name is Hyperparameter.UNITS and name not in scope.hyperparameters else [default]
    return list(dict.fromkeys([*first, *others[name]]))
