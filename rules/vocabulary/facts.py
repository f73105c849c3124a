"""Facts that rules may test: meaning, unit, domain, and the tasks to which each applies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.vocabulary.aliases import current_category


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
        current = current_category("task", value)
        return None if current == value else cls(current)

    @property
    def is_classification(self) -> bool:
        """Whether classes or labels are predicted."""
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
class Categories:
    """The domain of a fact that takes one of finitely many names."""

    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Domain of a numeric fact, both ends included; values are finite. whole: integers only."""

    low: float
    high: float
    whole: bool = False

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high and (not self.whole or value == int(value))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A property that a rule may test."""

    name: str
    meaning: str
    unit: str
    domain: Categories | Interval
    tasks: frozenset[Task] = frozenset(Task)
    slot: str | None = None
    """The slot whose choice this fact reports; None for a property of the dataset or the training plan."""
    after_training: bool = False
    """Whether a training measures it; before one it has the value `UNMEASURED`, with which no shipped rule fires."""

    def applies_to(self, task: object) -> bool:
        return task in self.tasks


class NotApplicable:
    """The fact does not apply to this task, such as class balance to regression."""

    def __repr__(self) -> str:
        return "n/a"


class Unknown:
    """The fact applies but could not be measured."""

    def __repr__(self) -> str:
        return "unknown"


def exact_text(number: float) -> str:
    """Shortest text that reads back as the same number.

    >>> exact_text(4.0), exact_text(1e6), exact_text(1_234_567)
    ('4', '1e+06', '1234567')
    """
    short = f"{number:g}"
    return short if float(short) == number else repr(number).removesuffix(".0")


NOT_APPLICABLE: Final = NotApplicable()
UNKNOWN: Final = Unknown()

Value = str | float | int | NotApplicable | Unknown


def record_value(value: Value) -> str | float | int:
    """A value as written to files: an inapplicable or unknown fact becomes a word.

    >>> record_value(0.5), record_value(NOT_APPLICABLE)
    (0.5, 'n/a')
    """
    return repr(value) if isinstance(value, NotApplicable | Unknown) else value


def recorded_value(written: object) -> Value:
    """The value that `record_value` wrote.

    >>> recorded_value(0.5), recorded_value("n/a") is NOT_APPLICABLE
    (0.5, True)
    """
    special: dict[object, Value] = {repr(kind): kind for kind in (NOT_APPLICABLE, UNKNOWN)}
    value: Value = special.get(written, written)  # type: ignore[arg-type]  # a name or a number otherwise
    return value


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A fact's value for one dataset, with its interval and source."""

    value: Value
    low: float | None = None
    """Lower end of the 95 % interval if the value is an estimate."""
    high: float | None = None
    source: str = ""
    """Source of the value as text: "counted on 1,000 rows", "given by --trials"."""


def _share(name: str, meaning: str, unit: str, tasks: frozenset[Task] = frozenset(Task)) -> Fact:
    return Fact(name=name, meaning=meaning, unit=unit, domain=Interval(low=0, high=1), tasks=tasks)


def _count(name: str, meaning: str, unit: str, *, low: int = 0, tasks: frozenset[Task] = frozenset(Task)) -> Fact:
    return Fact(name=name, meaning=meaning, unit=unit, domain=Interval(low=low, high=math.inf, whole=True), tasks=tasks)


_SERIES: Final = frozenset({Task.FORECASTING})
UNMEASURED: Final = "unmeasured"
"""Value of a fact of the training before one. It is a value, so that the proof of a book includes it."""
_ALL: Final = (
    Fact(
        name="task",
        meaning="kind of prediction",
        unit="task",
        domain=Categories(values=tuple(Task)),
    ),
    Fact(
        name="modality",
        meaning="main content of a row",
        unit="modality",
        domain=Categories(values=tuple(Modality)),
    ),
    _count("rows", "labelled rows of the dataset", "rows", low=1),
    _share(
        "effective_row_share",
        "effective sample size of weighted rows, relative to their number; 1 for rows without weights",
        "fraction of rows",
    ),
    _count("features", "feature columns", "columns", low=1),
    _count(
        "classes", "distinct classes of the target", "classes", low=2, tasks=frozenset({Task.BINARY, Task.MULTICLASS})
    ),
    Fact(
        name="imbalance_ratio",
        meaning="ratio of the most frequent to the rarest class, in rows (multilabel: the worst label)",
        unit="rows per row",
        domain=Interval(low=1, high=math.inf),
        tasks=CLASSIFICATION,
    ),
    Fact(
        name="cost_ratio",
        meaning="ratio of the largest to the smallest cost of a wrong class; 1 without costs",
        unit="cost per cost",
        domain=Interval(low=1, high=math.inf),
        tasks=frozenset({Task.BINARY, Task.MULTICLASS}),
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
        "share of the target's squared deviations from its mean contributed by the 1 % most deviating rows",
        "fraction of squared deviations",
        NUMERIC_TARGET,
    ),
    Fact(
        name="target_skew",
        meaning="skewness of the target (several targets: the one furthest from zero)",
        unit="1",
        domain=Interval(low=-math.inf, high=math.inf),
        tasks=NUMERIC_TARGET,
    ),
    _share("missing_share", "share of feature cells that are empty", "fraction of cells"),
    _share("sparsity", "share of numeric feature cells that are exactly zero", "fraction of cells"),
    Fact(
        name="mirror_agreement",
        meaning=(
            "nearest-neighbour accuracy on mirrored images relative to unmirrored images; 0 for rows without images"
        ),
        unit="fraction of accuracy",
        domain=Interval(low=0, high=1),
        tasks=frozenset({Task.BINARY, Task.MULTICLASS}),
    ),
    Fact(
        name="text_words",
        meaning="average number of words in a row's text; 0 for rows without text",
        unit="words",
        domain=Interval(low=0, high=math.inf),
    ),
    _count("series", "series to forecast: entities times targets", "series", low=1, tasks=_SERIES),
    _count("series_length", "rows of the longest series", "rows", low=1, tasks=_SERIES),
    _count("season", "length of the strongest season; 1 for none", "steps", low=1, tasks=_SERIES),
    _count("horizon", "steps to forecast ahead", "steps", low=1, tasks=_SERIES),
    _share("trend_strength", "share of the deseasonalised variance that the trend explains", "1", _SERIES),
    _share("season_strength", "share of the detrended variance that the season explains", "1", _SERIES),
    _share("gap_share", "share of time steps that are longer than the usual step", "fraction of steps", _SERIES),
    _count("trial_budget", "trials that the budget allows", "trials", low=1),
    Fact(
        name="split",
        meaning=(
            "how rows are split into training and hold-out rows: at random, by the entities whose rows stay "
            "together, by time, or as a column of the dataset predefines"
        ),
        unit="way",
        domain=Categories(values=("random", "entity", "time", "predefined")),
    ),
    Fact(
        name="gradient_flow",
        meaning="gradients of the best trial of a finished training: stable, vanishing or exploding",
        unit="state",
        domain=Categories(values=(UNMEASURED, "stable", "vanishing", "exploding")),
        after_training=True,
    ),
    Fact(
        name="activation",
        meaning="activation function of the hidden layers",
        unit="name",
        domain=Categories(values=("relu", "tanh", "selu")),
        slot="activation",
    ),
    Fact(
        name="metric",
        meaning="performance metric",
        unit="name",
        domain=Categories(
            values=(
                "accuracy",
                "roc_auc",
                "f1",
                "log_loss",
                "pr_auc",
                "mcc",
                "balanced_accuracy",
                "quadratic_kappa",
                "mse",
                "rmse",
                "mae",
                "mape",
                "smape",
                "r2",
                "pinball",
                "custom",
            )
        ),
        slot="metric",
    ),
    Fact(
        name="search_dimensions",
        meaning="number of hyperparameters that the search varies",
        unit="hyperparameters",
        domain=Interval(low=0, high=21, whole=True),
        slot="hyperparameters",
    ),
    Fact(
        name="architecture",
        meaning="network architecture",
        unit="name",
        domain=Categories(
            values=("standard", "minirocket", "inception_time", "gru", "bag_of_ngrams", "text_cnn", "custom")
        ),
        slot="architecture",
    ),
)

FACTS: Final[Mapping[str, Fact]] = MappingProxyType({fact.name: fact for fact in _ALL})
"""Every fact by name."""

IMPOSSIBLE: Final = ({"task": (Task.FORECASTING,), "modality": (Modality.IMAGE, Modality.TEXT)},)
"""Combinations of facts that no dataset can have: forecasts are of numeric series."""

Facts = Mapping[str, Measurement]
"""The facts of one dataset: a measurement per fact name."""
