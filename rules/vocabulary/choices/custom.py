"""Metrics, losses and architectures of other packages or of the program that calls, found by entry point or registered.

A choice names the function and holds all that rules, records and finished models need of it, so that only a training
needs the package.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from rules.errors import ChoiceError
from rules.vocabulary.choices.slot import Choice, Slot
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

Reads = Literal["predictions", "probabilities"]
Inputs = Literal["tabular", "image"]
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
CUSTOM: Final = "custom"
GROUPS: Final[Mapping[Slot, str]] = {
    Slot.METRIC: "pcwat.metrics",
    Slot.LOSS: "pcwat.losses",
    Slot.ARCHITECTURE: "pcwat.architectures",
}
"""Entry-point group of each slot to which packages add choices."""


class CustomChoice(Choice):
    """Base class of a metric, a loss or an architecture that is not shipped.

    Attributes:
        function: Name of the entry point, or the registered name.
        tasks: Tasks for which it is defined; empty for all.
        distribution: Name of the package that has the entry point; None for a registered function.
        version: Version of that package; None for a registered function.
        digest: SHA-256 of the source file of the function, or of the lines of a registered function; None if they are
            not known.
    """

    slot: ClassVar[Slot]

    name: Literal["custom"] = "custom"
    function: str
    tasks: tuple[Task, ...] = ()
    distribution: str | None = None
    version: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        """The name of the function, with its package.

        >>> str(CustomMetric(function="my_cost", direction="min", distribution="my-package", version="1.0"))
        'my_cost (my-package 1.0)'
        """
        return self.function if self.distribution is None else f"{self.function} ({self.distribution} {self.version})"


class CustomMetric(CustomChoice):
    """Metric of another package, or of the program that calls; see `MetricFunction`.

    Attributes:
        function: Name of the entry point, or the registered name.
        direction: "max" or "min".
        reads: "predictions" or "probabilities".
        tasks: Tasks for which it is defined; empty for all. Default ().
        distribution: Name of the package that has the entry point; None for a registered function. Default None.
        version: Version of that package; None for a registered function. Default None.
        digest: SHA-256 of the source file of the function, or of the lines of a registered function; None if they are
            not known. Default None.

    Examples:
        >>> str(CustomMetric(function="my_cost", direction="min"))
        'my_cost'
    """

    slot = Slot.METRIC

    direction: Direction
    reads: Reads = "predictions"


class CustomLoss(CustomChoice):
    """Loss of another package, or of the program that calls; see `LossFunction`.

    Attributes:
        function: Name of the entry point, or the registered name.
        tasks: Tasks for which it is defined.
        distribution: Name of the package that has the entry point; None for a registered function. Default None.
        version: Version of that package; None for a registered function. Default None.
        digest: SHA-256 of the source file of the function, or of the lines of a registered function; None if they are
            not known. Default None.

    Examples:
        >>> str(CustomLoss(function="my_loss", tasks=("regression",)))
        'my_loss'
    """

    slot = Slot.LOSS


class CustomArchitecture(CustomChoice):
    """Architecture of another package, or of the program that calls; see `ArchitectureFunction`.

    Attributes:
        function: Name of the entry point, or the registered name.
        reads: "tabular" or "image".
        tasks: Tasks for which it is defined; empty for all. Default ().
        distribution: Name of the package that has the entry point; None for a registered function. Default None.
        version: Version of that package; None for a registered function. Default None.
        digest: SHA-256 of the source file of the function, or of the lines of a registered function; None if they are
            not known. Default None.

    Examples:
        >>> str(CustomArchitecture(function="my_network", distribution="my-package", version="1.0"))
        'my_network (my-package 1.0)'
    """

    slot = Slot.ARCHITECTURE

    reads: Inputs = "tabular"


class _Function:
    """What a function needs besides itself."""

    tasks: tuple[Task, ...]

    def _check(self, function: object, tasks: Iterable[str]) -> tuple[Task, ...]:
        if not callable(function):
            raise ChoiceError(f"A {type(self).__name__} needs a function, but got {function!r}.")
        try:
            return tuple(Task(task) for task in tasks)
        except ValueError:
            raise ChoiceError(f"tasks must be some of {', '.join(Task)}, but got {tasks!r}.") from None


@dataclass(frozen=True)
class MetricFunction(_Function):
    """A metric as a function of true and predicted values, as scikit-learn has it.

    Attributes:
        function: Takes the true values and the predictions, and returns a float. Classes are numbered in the order of
            `labels` in signature.json, so that of two classes the second is 1; both arrays are (rows,). Several labels
            and several numeric targets are (rows, targets). Probabilities are (rows,) of class 1 for two classes,
            (rows, classes) for several, and (rows, labels).
        direction: "max" if higher scores are better, else "min". A metric that is maximized should have 1 as its best
            value, and one that is minimized 0.
        reads: "predictions", or "probabilities" of a classification. Default "predictions".
        tasks: Tasks for which it is defined. Default (): all.

    Raises:
        ChoiceError: If an argument is not valid.

    Examples:
        >>> MetricFunction(max, direction="min").direction
        <Direction.MIN: 'min'>
    """

    function: Callable[[Any, Any], float]
    direction: Direction | str
    reads: Reads = "predictions"
    tasks: tuple[Task, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", self._check(self.function, self.tasks))
        if self.direction not in set(Direction):
            raise ChoiceError(f"The direction of a metric must be max or min, but got {self.direction!r}.")
        object.__setattr__(self, "direction", Direction(self.direction))
        if self.reads not in {"predictions", "probabilities"}:
            raise ChoiceError(f"A metric reads predictions or probabilities, but got {self.reads!r}.")


@dataclass(frozen=True)
class LossFunction(_Function):
    """A loss as a function of true values and outputs of the network.

    Attributes:
        function: Takes two tensors of the shape (…, outputs), and returns the loss of each row, (…). It uses
            `keras.ops` along the last axis only, because many networks train at once. Outputs are logits; true values
            are 0 or 1, one-hot for several classes. Of numbers both are standardized values.
        tasks: Tasks for which it is defined; all of classes, or all of numbers.

    Raises:
        ChoiceError: If an argument is not valid.

    Examples:
        >>> LossFunction(max, tasks=("regression",)).tasks
        (<Task.REGRESSION: 'regression'>,)
    """

    function: Callable[[Any, Any], Any]
    tasks: tuple[Task, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", self._check(self.function, self.tasks))
        if len({task.is_classification for task in self.tasks}) != 1:
            raise ChoiceError(
                f"The tasks of a loss must be of classes or of numbers, but got {', '.join(self.tasks) or 'none'}. "
                "Make two losses."
            )


@dataclass(frozen=True)
class ArchitectureFunction(_Function):
    """Hidden layers of a network, as a function of its inputs.

    Attributes:
        function: Takes the inputs, a dict of Keras tensors by name, and a `NetworkSettings`. Returns a Keras tensor
            (rows, features), to which the output layer is added. A table has the input "dense" (rows, width): scaled
            numbers and one-hot categories; with columns of many categories also "codes" (rows, columns) of int32 ids,
            in one vocabulary. Images are "image" (rows, height, width, channels), standardized; other columns next to
            them are "column_features" and "codes".
        reads: "tabular" or "image": the data for which it is defined. Default "tabular".
        tasks: Tasks for which it is defined. Default (): all but forecasting.

    Raises:
        ChoiceError: If an argument is not valid.

    Examples:
        >>> ArchitectureFunction(max).reads
        'tabular'
    """

    function: Callable[[Any, Any], Any]
    reads: Inputs = "tabular"
    tasks: tuple[Task, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", self._check(self.function, self.tasks))
        if self.reads not in {"tabular", "image"}:
            raise ChoiceError(f"An architecture reads tabular or image data, but got {self.reads!r}.")


OwnFunction = MetricFunction | LossFunction | ArchitectureFunction
KINDS: Final[Mapping[Slot, type[OwnFunction]]] = {
    Slot.METRIC: MetricFunction,
    Slot.LOSS: LossFunction,
    Slot.ARCHITECTURE: ArchitectureFunction,
}
_REGISTERED: Final[dict[tuple[Slot, str], OwnFunction]] = {}


def register(slot: Slot, name: str, function: OwnFunction, *, shipped: Collection[str]) -> None:
    """Register a function under a name in this process; a name that was registered before is replaced.

    shipped: names that are taken. Raises ChoiceError on a name that is taken or cannot be written, and another type.
    """
    _check_name(slot, name, shipped, source="")
    _REGISTERED[slot, name] = _checked(slot, name, function)


def find_choice(
    slot: Slot, name: str, *, shipped: Collection[str]
) -> CustomMetric | CustomLoss | CustomArchitecture | None:
    """The choice of a registered function, or of an entry point; None if there is none.

    Raises ChoiceError on an entry point that cannot be loaded, or whose name is taken.
    """
    if slot not in GROUPS:
        return None
    if (slot, name) in _REGISTERED:
        function = _REGISTERED[slot, name]
        return _choice(name, function, digest=_digest_of_code(function.function))
    entries = list(entry_points(group=GROUPS[slot], name=name))
    if not entries:
        return None
    packages = [entry.dist.name if entry.dist is not None else "?" for entry in entries]
    _check_name(slot, name, shipped, source=f" of the package {packages[0]}")
    if len(entries) > 1:
        raise ChoiceError(f"The {slot} {name!r} is in several packages: {', '.join(packages)}. Uninstall all but one.")
    try:
        loaded = entries[0].load()
    except Exception as error:
        raise ChoiceError(
            f"The {slot} {name!r} of the package {packages[0]} cannot be imported: {type(error).__name__}: {error}."
        ) from error
    dist = entries[0].dist
    function = _checked(slot, name, loaded)
    return _choice(
        name,
        function,
        digest=_digest_of_file(function.function),
        distribution=None if dist is None else dist.name,
        version=None if dist is None else dist.version,
    )


def installed_names(slot: Slot) -> list[str]:
    """Names of all registered functions and entry points of a slot."""
    if slot not in GROUPS:
        return []
    return sorted({*entry_points(group=GROUPS[slot]).names, *(name for own, name in _REGISTERED if own is slot)})


def refuse_taken_name(slot: Slot, name: str) -> None:
    """Raise ChoiceError if a package has an entry point with the name of a shipped choice, which could be meant."""
    if slot in GROUPS:
        for entry in entry_points(group=GROUPS[slot], name=name):
            package = "?" if entry.dist is None else entry.dist.name
            _check_name(slot, name, [name], source=f" of the package {package}")


def load_function(choice: CustomChoice) -> OwnFunction:
    """The function of a choice, which must be the one that was chosen.

    Raises ChoiceError if it is not installed, or its source file has changed.
    """
    slot, again = choice.slot, f"--pin {choice.slot}={choice.function}"
    found = find_choice(slot, choice.function, shipped=())
    if found is None:
        remedy = (
            f"Call rules.register_{slot} before the training, in Python"
            if choice.distribution is None
            else f"Install {choice.distribution} {choice.version}"
        )
        raise ChoiceError(f"The {slot} {choice} is not installed, but its function is needed. {remedy}.")
    if found != choice:
        raise ChoiceError(
            f"The {slot} {choice.function!r} has changed: the bundle has that of {_origin(choice)}, but "
            f"{_origin(found)} is installed. Install the former, or start a new run with {again}."
        )
    if (slot, choice.function) in _REGISTERED:
        return _REGISTERED[slot, choice.function]
    loaded: OwnFunction = next(iter(entry_points(group=GROUPS[slot], name=choice.function))).load()
    return loaded


def _origin(choice: CustomChoice) -> str:
    package = "this program" if choice.distribution is None else f"{choice.distribution} {choice.version}"
    return f"{package} ({(choice.digest or 'no source file')[:19]})"


EXAMPLES: Final[Mapping[Slot, str]] = {
    Slot.METRIC: 'direction="min"',
    Slot.LOSS: 'tasks=["regression"]',
    Slot.ARCHITECTURE: 'reads="tabular"',
}
"""Further arguments of the class of each slot."""


def _check_name(slot: Slot, name: str, taken: Collection[str], *, source: str) -> None:
    if name in taken or name == CUSTOM:
        raise ChoiceError(f"The {slot} {name!r}{source} has the name of a shipped one. Give it another name.")
    if not NAME.fullmatch(name):
        raise ChoiceError(
            f"The name of a {slot} must consist of lower-case letters, digits and _, but got {name!r}{source}."
        )


def _checked(slot: Slot, name: str, function: object) -> OwnFunction:
    kind = KINDS[slot]
    if not isinstance(function, kind):
        example = EXAMPLES[slot]
        raise ChoiceError(
            f"The {slot} {name!r} must be a {kind.__name__}, but is a {type(function).__name__}. Wrap the function: "
            f"{kind.__name__}(function, {example})."
        )
    return function


def _choice(
    name: str,
    function: OwnFunction,
    *,
    digest: str | None,
    distribution: str | None = None,
    version: str | None = None,
) -> CustomMetric | CustomLoss | CustomArchitecture:
    own: dict[str, Any] = {
        "function": name,
        "tasks": function.tasks,
        "distribution": distribution,
        "version": version,
        "digest": digest,
    }
    if isinstance(function, MetricFunction):
        return CustomMetric(direction=Direction(function.direction), reads=function.reads, **own)
    if isinstance(function, ArchitectureFunction):
        return CustomArchitecture(reads=function.reads, **own)
    return CustomLoss(**own)


def _digest_of_file(function: Callable[..., Any]) -> str | None:
    """SHA-256 of the source file of a function; None if it has none."""
    try:
        source = inspect.getsourcefile(inspect.unwrap(function))
        return None if source is None else _sha256(Path(source).read_bytes())
    except (TypeError, OSError):
        return None


def _digest_of_code(function: Callable[..., Any]) -> str | None:
    """SHA-256 of the source lines of a function, whose file may change; None if they are not known."""
    try:
        return _sha256(inspect.getsource(inspect.unwrap(function)).encode())
    except (TypeError, OSError):
        return None


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
