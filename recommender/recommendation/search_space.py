"""The search space of the user: parsed from options or from a mapping, and pinned as a choice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from rules.decision.trace import Pin
from rules.errors import ChoiceError, did_you_mean
from rules.text.yaml_document import parse
from rules.vocabulary.choices import (
    SEARCHED_SLOTS,
    Custom,
    CustomChoice,
    Hyperparameter,
    Listed,
    Manual,
    Range,
    Slot,
    check_values,
    parse_choice,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    Space = Mapping[str, Sequence[Listed] | str | Range] | Sequence[str]
    """Values or a range by name, or texts such as "units=[64,512]" and "dropout=0..0.5"."""

RANGE: Final = re.compile(r"(?P<low>[^:]+?)\.\.(?P<high>[^:]+)(?::(?P<scale>.*))?")
SCALES: Final = ("linear", "log")
FORMS: Final = "NAME=[VALUE, …] or NAME=LOW..HIGH"
OPTION: Final = "--search"


def with_search(pins: Sequence[Pin], space: Space, *, author: str = "") -> tuple[Pin, ...]:
    """Pins with one for the hyperparameters that a user searches; the same pins where the space is empty.

    Raises ChoiceError if the space is not valid, or a pinned slot is searched, too.
    """
    if not space:
        return tuple(pins)
    searched = parse_space(space)
    pinned = {pin.slot: pin for pin in pins}
    for name in searched.searched:
        if SEARCHED_SLOTS.get(name) in pinned:
            raise ChoiceError(f"The {name} is pinned and searched, too. Remove --pin {name} or {OPTION} {name}.")
    if Slot.HYPERPARAMETERS in pinned:
        raise ChoiceError(
            f"{OPTION} names the searched hyperparameters, which are pinned, too. Remove --pin hyperparameters or "
            f"{OPTION}."
        )
    tuner = pinned.get(Slot.TUNER)
    if tuner is not None and isinstance(tuner.choice, Manual) and tuner.choice.configurations:
        raise ChoiceError(f"The tuner is pinned to a list of configurations, so {OPTION} has no effect. Remove one.")
    return (*pins, Pin(slot=Slot.HYPERPARAMETERS, choice=searched, reason=f"the user's {OPTION}", author=author))


def parse_space(space: Space) -> Custom:
    """The choice of hyperparameters of a search space.

    Raises ChoiceError on an unknown name, a value of another type, an empty range, and a name that occurs twice.

    >>> str(parse_space(["units=[64,512]", "dropout=0..0.5"]))
    'custom (units=[64,512]; dropout=0..0.5)'
    >>> str(parse_space({"learning_rate": "1e-4..1e-2"}))
    'custom (learning_rate=0.0001..0.01)'
    """
    if not isinstance(space, Mapping | Sequence):
        raise ChoiceError(f"A search space maps names to values, or lists texts {FORMS}, but got {space!r}.")
    given = [space] if isinstance(space, str) else space
    pairs = given.items() if isinstance(given, Mapping) else [_divided(text) for text in given]
    values: dict[Hyperparameter, tuple[Listed, ...] | Range] = {}
    for word, written in pairs:
        name = _name(word)
        if name in values:
            raise ChoiceError(f"A hyperparameter takes one {OPTION}, but {name} has two. Remove one of them.")
        found = _values(name, written)
        try:
            check_values(name, found)
        except ValueError as error:
            raise ChoiceError(f"{OPTION} {error}.") from None
        values[name] = found if isinstance(found, Range) else tuple(_resolved(name, found))
    return Custom(searched=tuple(values), values=values)


def _divided(text: str) -> tuple[str, str]:
    name, equals, value = str(text).partition("=")
    if not equals or not value.strip():
        raise ChoiceError(f"{OPTION} must be {FORMS}, but got {text!r}.")
    return name.strip(), value.strip()


def _name(word: str) -> Hyperparameter:
    if word not in set(Hyperparameter):
        raise ChoiceError(
            f"{OPTION} has no hyperparameter {word!r}.{did_you_mean(str(word), Hyperparameter)} It may be one of "
            f"{', '.join(Hyperparameter)}."
        )
    return Hyperparameter(word)


def _values(name: Hyperparameter, written: Sequence[Listed] | str | Range) -> Sequence[Listed] | Range:
    """Values of a list, or of a text that is a list or a range."""
    if isinstance(written, Range):
        return written
    if not isinstance(written, str):
        if not isinstance(written, Sequence):
            raise ChoiceError(f"{OPTION} {name} takes a list of values or a range, but got {written!r}.")
        return written
    found = RANGE.fullmatch(written)
    if found is not None and not written.startswith("["):
        return _range(name, written, found)
    content = parse(written, source=f"{OPTION} {name}", error=ChoiceError).data
    if not isinstance(content, list):
        raise ChoiceError(f"{OPTION} must be {FORMS}, but got {name}={written}.")
    return content


def _range(name: Hyperparameter, written: str, found: re.Match[str]) -> Range:
    scale = found["scale"]
    if scale is not None and scale not in SCALES:
        raise ChoiceError(f"The scale of a range is {' or '.join(SCALES)}, but got {name}={written}.")
    try:
        low, high = float(found["low"]), float(found["high"])
    except ValueError:
        raise ChoiceError(f"The ends of a range are numbers, but got {name}={written}.") from None
    try:
        return Range.model_validate({"low": low, "high": high, "scale": scale})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ChoiceError(f"{OPTION} {name}: {reason}.") from None


def _resolved(name: Hyperparameter, values: Iterable[Listed]) -> Iterable[Listed]:
    """Values whose choices exist; a loss of another package with its version and digest."""
    for value in values:
        if name not in SEARCHED_SLOTS:
            yield value
            continue
        choice = parse_choice(SEARCHED_SLOTS[name], value)
        yield choice.model_dump(mode="json") if isinstance(choice, CustomChoice) else value
