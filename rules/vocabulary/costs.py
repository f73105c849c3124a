"""Costs of predicted classes, by actual class."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rules.errors import ChoiceError, did_you_mean
from rules.text.text_file import read_text
from rules.text.wording import listed
from rules.text.yaml_document import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLE: Final = "{bad: {good: 5}, good: {bad: 1}}"
MAX_LISTED: Final = 20  # classes in a message


def read_costs(text: str) -> Any:  # noqa: ANN401  checked by `check_costs`
    """Read costs from a YAML file, or from a YAML mapping in braces. Raises ChoiceError."""
    if text.lstrip().startswith("{"):
        return parse(text, source="--costs", error=ChoiceError).data
    if not Path(text).is_file():
        raise ChoiceError(
            f"--costs must be a YAML file with the costs of classes, or a mapping such as {EXAMPLE!r}, but there is no "
            f"file {text!r}. Check the path."
        )
    content = parse(read_text(Path(text), what="YAML", error=ChoiceError), source=text, error=ChoiceError).data
    if not content:
        raise ChoiceError(f"--costs must be a mapping such as {EXAMPLE}, but {text} is empty. Add the costs.")
    return content


def check_costs(value: object) -> object:
    """Costs of the form actual class → predicted class → cost, with classes as text. Raises ValueError."""
    if not isinstance(value, dict):
        return value
    found = {}
    for actual, row in value.items():
        if not isinstance(row, dict):
            raise ValueError(f"the costs of the class {actual!r} must be a mapping such as {EXAMPLE}")  # noqa: TRY004  pydantic's
        for predicted, cost in row.items():
            is_number = isinstance(cost, int | float) and not isinstance(cost, bool)
            if not is_number or not math.isfinite(cost) or cost < 0:
                raise ValueError(
                    f"each cost must be a finite number of at least 0, but that of {predicted!r} for the class "
                    f"{actual!r} is {cost!r}"
                )
        found[str(actual)] = {str(predicted): float(cost) for predicted, cost in row.items()}
    return found


def cost_matrix(costs: Mapping[str, Mapping[str, float]], labels: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """Costs by actual and predicted class, in the order of the labels; a correct prediction costs 0 by default.

    Raises ChoiceError on unknown classes, missing pairs, and a class for which no wrong prediction costs more than the
    correct one.

    >>> cost_matrix({"bad": {"good": 5.0}, "good": {"bad": 1.0}}, ("bad", "good"))
    ((0.0, 5.0), (1.0, 0.0))
    """
    named = {_match(name, labels): row for name, row in costs.items()}
    rows = {actual: {_match(name, labels): cost for name, cost in row.items()} for actual, row in named.items()}
    for actual in labels:
        missing = [name for name in labels if name != actual and name not in rows.get(actual, {})]
        if missing:
            raise ChoiceError(
                f"The costs must have every pair of classes, but that of predicting {missing[0]!r} for the class "
                f"{actual!r} is missing. Add it; correct predictions cost 0 if they are left out."
            )
        right = rows[actual].get(actual, 0.0)
        cheaper = [name for name in labels if name != actual and rows[actual][name] < right]
        if cheaper or all(cost == right for cost in rows[actual].values()):
            raise ChoiceError(
                f"A wrong prediction must cost more than a correct one, but for the class {actual!r} "
                + (f"{cheaper[0]!r} costs less. " if cheaper else "all predictions cost the same. ")
                + "Correct the costs."
            )
    return tuple(tuple(rows[actual].get(name, 0.0) for name in labels) for actual in labels)


def _match(name: str, labels: Sequence[str]) -> str:
    """The label of a name; upper and lower case may differ. Raises ChoiceError."""
    alike = [label for label in labels if label.lower() == name.lower()]
    if name not in labels and len(alike) != 1:
        raise ChoiceError(
            f"The costs must be those of classes, but there is no class {name!r}.{did_you_mean(name, labels)} Classes: "
            f"{listed(labels, most=MAX_LISTED)}."
        )
    return name if name in labels else alike[0]


def cost_ratio(matrix: Sequence[Sequence[float]]) -> float:
    """Ratio of the largest to the smallest cost above 0 of a wrong prediction.

    >>> cost_ratio(((0, 5), (1, 0)))
    5.0
    """
    wrong = [cost for at, row in enumerate(matrix) for other, cost in enumerate(row) if other != at and cost > 0]
    return float(max(wrong) / min(wrong))
