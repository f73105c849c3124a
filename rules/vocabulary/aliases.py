"""Former names of choices, parameters, facts and tasks, for files of earlier versions.

Bundles, records and books of earlier versions, and input of users, can contain former names. They are replaced during
parsing and reported once. Former names are never written.
"""

from __future__ import annotations

import logging
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG: Final = logging.getLogger("pcwat.renamed")

CHOICES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "architecture": {
            "random_kernels": "minirocket",
            "inception": "inception_time",
            "recurrent": "gru",
            "bag_of_terms": "bag_of_ngrams",
        },
        "augmentation": {"shifts": "random_translation", "shifts_and_flips": "random_translation_and_flip"},
        "validation": {"rows_apart": "holdout", "folds": "cross_validation"},
    }
)
"""For each slot: former name → name of a choice."""

PARAMETERS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = MappingProxyType(
    {
        ("architecture", "standard"): {"ranks": "quantile_transform"},
        ("architecture", "bag_of_ngrams"): {"letters": "character_ngrams"},
        ("validation", "holdout"): {"temperature": "temperature_scaling"},
        ("validation", "cross_validation"): {"count": "folds", "temperature": "temperature_scaling"},
    }
)
"""For each slot and choice: former name → name of a parameter."""

VALUES: Final[Mapping[tuple[str, str, str], Mapping[str, str]]] = MappingProxyType(
    {
        ("metric", "f1", "average"): {"rare": "binary"},
        ("metric", "f1", "threshold"): {"half": "fixed"},
    }
)
"""For each slot, choice and parameter: former value → value."""

FACTS: Final[Mapping[str, str]] = MappingProxyType({"division": "split", "rare_class_rows": "minority_class_rows"})
"""Former name → name of a fact."""

LEVELS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "split": {"chance": "random", "given": "predefined"},
        "task": {"multi_regression": "multioutput_regression"},
    }
)
"""For each fact that is a name, those that report a choice excepted: former value → value."""


@cache
def report(former: str, current: str) -> None:
    """Log once in a process that a former name was read."""
    LOG.warning("%r was renamed to %r; both are read.", former, current)


def forget_reports() -> None:
    """Report every former name anew, as in a new process."""
    report.cache_clear()


def current_name(slot: str, name: str) -> str:
    """The name of a choice.

    >>> current_name("validation", "holdout")
    'holdout'
    """
    return _renamed(CHOICES.get(slot, {}), name)


def current_parameter(slot: str, choice: str, parameter: str) -> str:
    """The name of a parameter of a choice."""
    return _renamed(PARAMETERS.get((slot, choice), {}), parameter)


def current_value(slot: str, choice: str, parameter: str, value: object) -> object:
    """The value of a parameter of a choice."""
    return _renamed(VALUES.get((slot, choice, parameter), {}), value) if isinstance(value, str) else value


def current_choice(slot: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A choice in stored form: its name and its parameters."""
    name = fields.get("name")
    name = current_name(slot, name) if isinstance(name, str) else name
    found: dict[str, Any] = {}
    for key, value in fields.items():
        parameter = current_parameter(slot, str(name), key)
        if parameter != key and parameter in fields:
            parameter = key  # both names are there: the former one is refused as unknown
        found[parameter] = current_value(slot, str(name), parameter, value)
    return found | {"name": name}


def current_fact(name: str) -> str:
    """The name of a fact."""
    return _renamed(FACTS, name)


def current_category(fact: str, value: Any) -> Any:  # noqa: ANN401  a name, a number, or what is refused later
    """The value of a fact.

    >>> current_category("split", "random"), current_category("rows", 7)
    ('random', 7)
    """
    return _renamed(CHOICES.get(fact) or LEVELS.get(fact, {}), value) if isinstance(value, str) else value


def former_choice(slot: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A choice in the stored form of the versions before the names changed, its parameters in the same order."""
    name = fields["name"]
    parameters = _inverted(PARAMETERS.get((slot, name), {}))
    found = {}
    for key, value in fields.items():
        values = _inverted(VALUES.get((slot, name, key), {}))
        found[parameters.get(key, key)] = values.get(value, value) if isinstance(value, str) else value
    return found | {"name": _inverted(CHOICES.get(slot, {})).get(name, name)}


def former_fact(name: str) -> str:
    """The former name of a fact; the name itself where it has not changed."""
    return _inverted(FACTS).get(name, name)


def former_category(fact: str, value: str) -> str:
    """The former value of a fact; the value itself where it has not changed."""
    return _inverted(CHOICES.get(fact) or LEVELS.get(fact, {})).get(value, value)


def _renamed(table: Mapping[str, str], name: str) -> str:
    if name not in table:
        return name
    report(name, table[name])
    return table[name]


def _inverted(table: Mapping[str, str]) -> dict[str, str]:
    return {current: former for former, current in table.items()}
