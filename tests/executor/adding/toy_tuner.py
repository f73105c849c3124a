"""A search that tries the lowest and the highest learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from executor.search.oracles.fixed import ManualOracle
from rules.vocabulary.choices import Choice

if TYPE_CHECKING:
    import keras_tuner

    from executor.search.oracle import OracleSettings


class Extremes(Choice):
    name: Literal["extremes"] = "extremes"


def extremes(_choice: Extremes, settings: OracleSettings) -> keras_tuner.Oracle:
    defaults = {item.name: item.default for item in settings.space.space}
    rate = next(item for item in settings.space.space if item.name == "learning_rate")
    both = [defaults | {"learning_rate": value} for value in (rate.min_value, rate.max_value)]
    return ManualOracle(configurations=both, total=2, **settings.common)
