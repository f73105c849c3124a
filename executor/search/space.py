"""Search space: hyperparameters, ranges and values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import keras_tuner
import numpy as np

from executor.components.configuration import Value, configuration
from executor.components.training_length import choose_batch_size
from executor.networks.tabular import TABULAR
from recommender.training_cost import trial_seconds
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    MAX_RATE,
    OPTIMIZER_PROPERTIES,
    SEARCHED_SLOTS,
    WHOLE,
    Grid,
    Hyperparameter,
    Manual,
    Range,
    Slot,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from executor.components.network_kind import NetworkKind
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Listed


TRIALS_IN_TIME: Final = 16  # trials of a size that must fit into the time limit
RANGE_STEPS: Final = 5  # values of a range on a grid, the ends included
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
    conditions = _conditions(bundle, scope, candidates)
    parents = {parent for parent, _ in conditions.values()}
    for name, values in _in_order(candidates, parents):
        if name in conditions:
            parent, having = conditions[name]
            with space.conditional_scope(parent.value, having):
                _add(space, name, values)
        elif isinstance(values, UserRange):
            _add(space, name, values)
        elif (
            name is Hyperparameter.LEARNING_RATE
            and name not in getattr(bundle.hyperparameters, "values", {})
            and not isinstance(bundle.tuner, Grid | Manual)
        ):
            rate = bundle.optimizer.learning_rate
            space.Float(name.value, rate / RATE_SPAN, min(rate * RATE_SPAN, MAX_RATE), sampling="log", default=rate)
        else:
            space.Choice(name.value, list(values), default=values[0])
    return space


def _in_order(
    candidates: Mapping[Hyperparameter, list[Value] | UserRange], first: Collection[Hyperparameter]
) -> list[tuple[Hyperparameter, list[Value] | UserRange]]:
    """Hyperparameters in the order of the space: those on which others depend, then the others, most sensitive last."""
    found = [*candidates.items()][::-1]
    return [*(pair for pair in found if pair[0] in first), *(pair for pair in found if pair[0] not in first)]


def _add(space: keras_tuner.HyperParameters, name: Hyperparameter, values: list[Value] | UserRange) -> None:
    """Add a hyperparameter with the values or the range of the user."""
    if isinstance(values, list):
        space.Choice(name.value, values, default=values[0])
        return
    kind, number = (space.Int, int) if name in WHOLE else (space.Float, float)
    kind(
        name.value,
        number(values.ends.low),
        number(values.ends.high),
        sampling="log" if values.ends.is_log(name) else "linear",
        default=values.default,
    )


def manual_configurations(bundle: Bundle, scope: Scope) -> list[dict[str, Value]]:
    """Create the list of a manual search: the defaults, then the bundle's list or neighbours of the defaults.

    Each item has a value for every hyperparameter of the search space. Raises ChoiceError on an invalid value.
    """
    candidates = _candidates(bundle, scope)
    if getattr(bundle.hyperparameters, "values", {}):
        return _neighbours(bundle, scope, candidates)
    axes = {name: _steps(name, values) for name, values in candidates.items()}
    defaults: dict[str, Value] = {name.value: values[0] for name, values in axes.items()}
    given = bundle.tuner.configurations if isinstance(bundle.tuner, Manual) else ()
    changes: list[dict[str, Value]] = [{name.value: value for name, value in item.items()} for item in given] or [
        {name.value: value} for name, values in axes.items() for value in values[1 : 1 + NEIGHBOURS]
    ]
    listed = [defaults]
    for change in changes:
        chosen = configuration(bundle, defaults | change, defaults=scope.kind.defaults).model_dump()
        item = {name: chosen[name] for name in defaults}
        if item not in listed:
            listed.append(item)
    return listed


def _neighbours(
    bundle: Bundle, scope: Scope, candidates: Mapping[Hyperparameter, list[Value] | UserRange]
) -> list[dict[str, Value]]:
    """The first value of each hyperparameter, then each other value of one of them."""
    conditions = _conditions(bundle, scope, candidates)
    axes = {name: _steps(name, values) for name, values in candidates.items()}
    first = {name: values[0] for name, values in axes.items()}
    listed: list[dict[str, Value]] = []
    for change in ({}, *({name: value} for name, values in axes.items() for value in values[1:])):
        values = first | change
        item = {
            name.value: value
            for name, value in values.items()
            if name not in conditions or values[conditions[name][0]] in conditions[name][1]
        }
        if item not in listed:
            listed.append(item)
    return listed


def _steps(name: Hyperparameter, values: list[Value] | UserRange) -> list[Value]:
    """Values of a list, or of a range those on a grid."""
    return values if isinstance(values, list) else values.steps(name)


@dataclass(frozen=True, kw_only=True)
class UserRange:
    """A range of the user with a default in it."""

    ends: Range
    default: float

    def steps(self, name: Hyperparameter) -> list[Value]:
        """Values on a grid: the default, the ends, and values between them."""
        space = np.geomspace if self.ends.is_log(name) else np.linspace
        inner = space(self.ends.low, self.ends.high, RANGE_STEPS).tolist()
        ordered = [self.default, self.ends.low, self.ends.high, *inner[1:-1]]
        return list(dict.fromkeys(_number(name, value) for value in ordered))


def _number(name: Hyperparameter, value: float) -> float | int:
    return round(value) if name in WHOLE else float(value)


def _conditions(
    bundle: Bundle, scope: Scope, candidates: Mapping[Hyperparameter, list[Value] | UserRange]
) -> dict[Hyperparameter, tuple[Hyperparameter, list[Value]]]:
    """Hyperparameters that exist only with some values of another one, and these values, in a space of the user."""
    if not getattr(bundle.hyperparameters, "values", {}):
        return {}
    found: dict[Hyperparameter, tuple[Hyperparameter, list[Value]]] = {}
    networks = candidates.get(Hyperparameter.NETWORK, [])
    optimizers = dict(bundle.searched_choices(Slot.OPTIMIZER))
    for name in candidates:
        if name in OPTIMIZER_PROPERTIES and optimizers:
            having = [label for label, choice in optimizers.items() if name in type(choice).model_fields]
            if len(having) < len(optimizers):
                found[name] = Hyperparameter.OPTIMIZER, [*having]
        elif isinstance(networks, list) and len(networks) > 1:
            having = [str(one) for one in networks if name not in _unused(bundle, scope, network=str(one))]
            if len(having) < len(networks):
                found[name] = Hyperparameter.NETWORK, [*having]
    return found


def _unused(bundle: Bundle, scope: Scope, **values: Value) -> frozenset[str]:
    """Hyperparameters that the network does not have."""
    return scope.kind.unused(configuration(bundle, values, defaults=scope.kind.defaults))


def _of_user(
    name: Hyperparameter, values: Sequence[Listed] | Range, bundle: Bundle, scope: Scope
) -> list[Value] | UserRange:
    """Values of the user, the default of the bundle first if it is among them; of a range for a grid, some of it.

    Raises ChoiceError if the network does not have the hyperparameter.
    """
    networks = getattr(bundle.hyperparameters, "values", {}).get(Hyperparameter.NETWORK) or [{}]
    options = [{} if isinstance(one, dict) else {"network": one} for one in networks]
    if all(name in _unused(bundle, scope, **one) for one in options):
        raise ChoiceError(f"The network {scope.kind.name} has no {name}, so it cannot be searched.")
    if name in SEARCHED_SLOTS:
        slot = SEARCHED_SLOTS[name]
        labels = [label for label, _ in bundle.searched_choices(slot)]
        current = [label for label, choice in bundle.searched_choices(slot) if choice == bundle.choice(slot)]
        return list(dict.fromkeys([*current, *labels]))
    default = _defaults(bundle, scope).get(name)
    if isinstance(values, Range):
        middle = (values.low * values.high) ** 0.5 if values.is_log(name) else (values.low + values.high) / 2
        is_inside = isinstance(default, int | float) and values.low <= default <= values.high
        user = UserRange(ends=values, default=_number(name, default if is_inside else middle))  # type: ignore[arg-type]
        return user.steps(name) if isinstance(bundle.tuner, Grid | Manual) else user
    listed: list[Value] = [value if isinstance(value, str) else _number(name, value) for value in values]  # type: ignore[arg-type]
    return [default, *(one for one in listed if one != default)] if default in listed else listed


def _candidates(bundle: Bundle, scope: Scope) -> dict[Hyperparameter, list[Value] | UserRange]:
    """Default and candidate values of each searched hyperparameter, the most sensitive first.

    Raises ChoiceError if the network does not have one of them.
    """
    candidates: dict[Hyperparameter, list[Value] | UserRange]
    if isinstance(bundle.tuner, Manual) and bundle.tuner.configurations:
        candidates = dict(_listed(bundle, bundle.tuner, scope))
    else:
        given = getattr(bundle.hyperparameters, "values", {})
        candidates = {
            name: _of_user(name, given[name], bundle, scope) if name in given else _worth_trying(name, bundle, scope)
            for name in bundle.searched
        }
    if Hyperparameter.EMBEDDING_DIMENSION in candidates and not scope.has_embeddings:
        raise ChoiceError(
            "The embedding_dimension can be searched only if the network has embeddings, but no column has enough "
            "categories for one. Leave it out of the searched hyperparameters."
        )
    fixed: dict[Hyperparameter, list[Value] | UserRange] = {
        Hyperparameter(name): [value] for name, value in scope.hyperparameters.items()
    }
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
    rate, default = bundle.optimizer.learning_rate, defaults.get(name)
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
    has_own_first = name is Hyperparameter.UNITS and name not in scope.hyperparameters
    first = [] if default is None or has_own_first else [default]  # None for a parameter of another searched optimizer
    return list(dict.fromkeys([*first, *others[name]]))
