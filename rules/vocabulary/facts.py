"""The vocabulary that rules may read: each fact's meaning, unit, domain, and the tasks to which it applies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.vocabulary.aliases import current_level


class Task(StrEnum):
    """The kind of prediction.

    Examples:
        >>> Task("binary").is_classification
        True
        >>> [str(task) for task in Task]
        ['binary', 'multiclass', 'multilabel', 'regression', 'multioutput_regression', 'forecasting']
    """

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"
    MULTIOUTPUT_REGRESSION = "multioutput_regression"
    FORECASTING = "forecasting"

    @classmethod
    def _missing_(cls, value: object) -> Task | None:
        """The task of a former name."""
        current = current_level("task", value)
        return None if current == value else cls(current)

    @property
    def is_classification(self) -> bool:
        return self in CLASSIFICATION


class Modality(StrEnum):
    """The main content of a row of a dataset.

    Examples:
        >>> [str(modality) for modality in Modality]
        ['tabular', 'image', 'text', 'sequence']
    """

    TABULAR = "tabular"
    IMAGE = "image"
    TEXT = "text"
    SEQUENCE = "sequence"


CLASSIFICATION: Final = frozenset({Task.BINARY, Task.MULTICLASS, Task.MULTILABEL})
NUMERIC_TARGET: Final = frozenset({Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION, Task.FORECASTING})


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The domain of a fact that takes one of finitely many names."""

    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The domain of a numeric fact, both ends included; an infinite end is never reached."""

    low: float
    high: float
    whole: bool = False

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high and (not self.whole or value == int(value))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that a rule may test."""

    name: str
    meaning: str
    unit: str
    domain: Levels | Interval
    tasks: frozenset[Task] = frozenset(Task)
    slot: str | None = None
    """The slot whose choice this fact reports; None for a property of the dataset or of the plan."""

    def applies_to(self, task: object) -> bool:
        return task in self.tasks


class NotApplicable:
    """The fact has no meaning for this task (the class balance of a regression)."""

    def __repr__(self) -> str:
        return "n/a"


class Unknown:
    """The fact has a meaning but could not be measured."""

    def __repr__(self) -> str:
        return "unknown"


def exact(number: float) -> str:
    """A number in few digits, but in as many as part it from every other.

    >>> exact(4.0), exact(1e6), exact(1_234_567)
    ('4', '1e+06', '1234567')
    """
    short = f"{number:g}"
    return short if float(short) == number else repr(number).removesuffix(".0")


NOT_APPLICABLE: Final = NotApplicable()
UNKNOWN: Final = Unknown()

Value = str | float | int | NotApplicable | Unknown


def recorded(value: Value) -> str | float | int:
    """A value as files and people read it: one that is not there is a word.

    >>> recorded(0.5), recorded(NOT_APPLICABLE)
    (0.5, 'n/a')
    """
    return repr(value) if isinstance(value, NotApplicable | Unknown) else value


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A fact's value for one dataset, and how it came about."""

    value: Value
    low: float | None = None
    """The lower end of the 95 % interval where the value is an estimate."""
    high: float | None = None
    source: str = ""
    """Where the value comes from, in words: "counted on 1,000 rows", "given by --trials"."""


def _share(name: str, meaning: str, unit: str, tasks: frozenset[Task] = frozenset(Task)) -> Fact:
    return Fact(name=name, meaning=meaning, unit=unit, domain=Interval(low=0, high=1), tasks=tasks)


def _count(name: str, meaning: str, unit: str, *, low: int = 0, tasks: frozenset[Task] = frozenset(Task)) -> Fact:
    return Fact(name=name, meaning=meaning, unit=unit, domain=Interval(low=low, high=math.inf, whole=True), tasks=tasks)


_SERIES: Final = frozenset({Task.FORECASTING})
_ALL: Final = (
    Fact(
        name="task",
        meaning="what is to be predicted",
        unit="task",
        domain=Levels(values=tuple(Task)),
    ),
    Fact(
        name="modality",
        meaning="what a row mainly holds",
        unit="modality",
        domain=Levels(values=tuple(Modality)),
    ),
    _count("rows", "labelled rows of the dataset", "rows", low=1),
    _count("features", "columns that a model may read", "columns", low=1),
    _count(
        "classes", "distinct classes of the target", "classes", low=2, tasks=frozenset({Task.BINARY, Task.MULTICLASS})
    ),
    Fact(
        name="imbalance_ratio",
        meaning="rows of the most frequent class per row of the rarest (for several labels: the worst label)",
        unit="rows per row",
        domain=Interval(low=1, high=math.inf),
        tasks=CLASSIFICATION,
    ),
    _count("minority_class_rows", "rows of the rarest class", "rows", low=1, tasks=CLASSIFICATION),
    _share(
        "outlier_share",
        "share of target values beyond a modified z-score of 3.5 on the raw and on the Yeo-Johnson scale",
        "fraction of rows",
        NUMERIC_TARGET,
    ),
    _share(
        "squared_deviation_top_share",
        "share of the target's squared deviations from its mean that the 1 % of rows farthest from it carry",
        "fraction of squared deviations",
        NUMERIC_TARGET,
    ),
    Fact(
        name="target_skew",
        meaning="skewness of the target (for several targets: the one furthest from zero)",
        unit="1",
        domain=Interval(low=-math.inf, high=math.inf),
        tasks=NUMERIC_TARGET,
    ),
    _share("missing_share", "share of feature cells that are empty", "fraction of cells"),
    _share("sparsity", "share of numeric feature cells that are exactly zero", "fraction of cells"),
    Fact(
        name="mirror_agreement",
        meaning=(
            "how well nearest neighbours know mirror images, as a share of how well they know images as they are; 0 "
            "where rows hold no images"
        ),
        unit="fraction of accuracy",
        domain=Interval(low=0, high=1),
        tasks=frozenset({Task.BINARY, Task.MULTICLASS}),
    ),
    Fact(
        name="text_words",
        meaning="words of a row's texts in the mean; 0 where rows hold no texts",
        unit="words",
        domain=Interval(low=0, high=math.inf),
    ),
    _count("series", "series that a forecast continues: entities times targets", "series", low=1, tasks=_SERIES),
    _count("series_length", "rows of the longest series", "rows", low=1, tasks=_SERIES),
    _count("season", "steps of the season that repeats best; 1 for none", "steps", low=1, tasks=_SERIES),
    _count("horizon", "steps that a forecast looks ahead", "steps", low=1, tasks=_SERIES),
    _share("trend_strength", "share of the variance without season that the trend explains", "1", _SERIES),
    _share("season_strength", "share of the variance without trend that the season explains", "1", _SERIES),
    _share("gap_share", "share of steps in time that are longer than most", "fraction of steps", _SERIES),
    _count("trial_budget", "trials that the budget allows", "trials", low=1),
    Fact(
        name="split",
        meaning=(
            "how rows are split into training and hold-out rows: at random, by the entities whose rows stay "
            "together, by time, or as a column of the dataset predefines"
        ),
        unit="way",
        domain=Levels(values=("random", "entity", "time", "predefined")),
    ),
    Fact(
        name="activation",
        meaning="the activation of the hidden layers",
        unit="name",
        domain=Levels(values=("relu", "tanh", "selu")),
        slot="activation",
    ),
    Fact(
        name="metric",
        meaning="the performance metric P",
        unit="name",
        domain=Levels(values=("accuracy", "roc_auc", "f1", "mse", "rmse", "mae")),
        slot="metric",
    ),
    Fact(
        name="search_dimensions",
        meaning="hyperparameters that the search varies",
        unit="hyperparameters",
        domain=Interval(low=0, high=14, whole=True),
        slot="hyperparameters",
    ),
    Fact(
        name="architecture",
        meaning="which network reads the rows",
        unit="name",
        domain=Levels(values=("standard", "minirocket", "inception_time", "gru", "bag_of_ngrams", "text_cnn")),
        slot="architecture",
    ),
)

FACTS: Final[Mapping[str, Fact]] = MappingProxyType({fact.name: fact for fact in _ALL})
"""Every fact by name."""

IMPOSSIBLE: Final = ({"task": (Task.FORECASTING,), "modality": (Modality.IMAGE, Modality.TEXT)},)
"""Combinations that no dataset can show: a forecast continues a series of numbers."""

Facts = Mapping[str, Measurement]
"""What is known of one dataset: a measurement for each fact that rules may read."""
