"""Sensitivity to hyperparameters: shares of the variance of scores over random configurations of a corpus."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import rankdata

from rules.scorecard.effects import LEVEL, RESAMPLES
from rules.scorecard.results import error_of
from rules.scorecard.scorecard import MIN_DATASETS, HyperparameterScore, SensitivityScore
from rules.vocabulary.choices import Hyperparameter, Slot, names
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.scorecard.results import MeasuredDataset, Results, TrainingResult

NOTES: Final[Mapping[str, tuple[str, tuple[Hyperparameter, ...]]]] = MappingProxyType(
    {
        "Learning rate": ("high", (Hyperparameter.LEARNING_RATE,)),
        "Learning-rate schedule": ("high", (Hyperparameter.SCHEDULE,)),
        "Loss function": ("high", (Hyperparameter.LOSS,)),
        "Units per layer": ("high", (Hyperparameter.UNITS,)),
        "Parameter initialization strategy": ("medium", (Hyperparameter.INITIALIZER,)),
        "Number of layers": ("medium", (Hyperparameter.LAYERS,)),
        "Layer properties": ("medium", (Hyperparameter.EMBEDDING_DIMENSION,)),
        "Degree of regularization": ("medium", (Hyperparameter.DROPOUT, Hyperparameter.WEIGHT_DECAY)),
        "Choice of optimizer": ("low", (Hyperparameter.OPTIMIZER,)),
        "Optimizer properties": (
            "low",
            (
                Hyperparameter.BETA_1,
                Hyperparameter.BETA_2,
                Hyperparameter.RHO,
                Hyperparameter.MOMENTUM,
                Hyperparameter.EPSILON,
            ),
        ),
        "Size of minibatch": ("low", (Hyperparameter.BATCH_SIZE,)),
        "Choice of non-linearity": ("low", (Hyperparameter.ACTIVATION,)),
    }
)
"""Rows of the table of sensitivities in the strategy notes: their rating, and the hyperparameters that are drawn."""
ALL: Final = "All datasets"
CLASSES, NUMBERS, FORECASTS, SEQUENCES = "Classification tables", "Regression tables", "Forecasts", "Sequences"
KINDS: Final = (ALL, CLASSES, NUMBERS, FORECASTS, SEQUENCES)
MIN_CONFIGURATIONS: Final = 12  # of a dataset, from which shares are estimated


def kind_of(dataset: MeasuredDataset) -> str:
    """The kind of data of a dataset; texts and images have their own name."""
    if dataset.task == Task.FORECASTING:
        return FORECASTS
    if dataset.modality == "sequence":
        return SEQUENCES
    if dataset.modality == "tabular":
        return CLASSES if Task(dataset.task).is_classification else NUMBERS
    return f"{dataset.modality.capitalize()}s"


def sensitivity_scores(results: Results) -> tuple[SensitivityScore, ...]:
    """Shares of the variance that the hyperparameters of the notes explain, for each kind of data, and for all."""
    trainings: dict[str, list[TrainingResult]] = defaultdict(list)
    for one in results.trainings:
        is_random = one.slot is Slot.HYPERPARAMETERS and Hyperparameter.OPTIMIZER in one.choice.get("values", {})
        if is_random and not one.message:
            trainings[one.dataset].append(one)
    by_kind: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for name, own in sorted(trainings.items()):
        if len(own) >= MIN_CONFIGURATIONS:
            shares = variance_shares(own, results.datasets[name])
            for kind in (ALL, kind_of(results.datasets[name])):
                by_kind[kind][name] = shares
    listed = [kind for kind, found in by_kind.items() if kind == ALL or len(found) >= MIN_DATASETS]
    kinds = sorted(listed, key=lambda kind: KINDS.index(kind) if kind in KINDS else len(KINDS))
    return tuple(
        SensitivityScore(
            kind=kind,
            datasets=len(by_kind[kind]),
            configurations=sum(len(trainings[name]) for name in by_kind[kind]),
            hyperparameters=tuple(_rows([*by_kind[kind].values()])),
        )
        for kind in kinds
    )


def variance_shares(trainings: Sequence[TrainingResult], dataset: MeasuredDataset) -> dict[str, float]:
    """Share of the variance of the scores' ranks that each row of the notes' table explains on one dataset.

    It is the main effect of each hyperparameter, which values drawn independently of each other allow to estimate one
    by one, less what chance explains (epsilon squared; Kelley 1935). A hyperparameter without effect has a share near 0
    on average, so single shares may be negative. A property of an optimizer is compared among the configurations with
    that property.
    """
    ranks = rankdata([error_of(one.score, dataset) for one in trainings])
    values = [_values(one) for one in trainings]
    found = {}
    for row, (_, hyperparameters) in NOTES.items():
        used = [name for name in hyperparameters if any(name in one for one in values)]
        if used:
            found[row] = sum(_share([one.get(name) for one in values], ranks) for name in used)
    return found


def _values(training: TrainingResult) -> dict[str, Any]:
    """Value of each hyperparameter of a configuration; the learning rate relative to the optimizer's default."""
    values: dict[str, Any] = {name: own[0] for name, own in training.choice["values"].items()}
    default = names(Slot.OPTIMIZER)[values[Hyperparameter.OPTIMIZER]]().learning_rate  # type: ignore[attr-defined]
    relative = round(2 * np.log10(values[Hyperparameter.LEARNING_RATE] / default))  # half powers of ten
    return values | {Hyperparameter.LEARNING_RATE: relative}


def _share(values: Sequence[object], ranks: np.ndarray) -> float:
    """Epsilon squared of a hyperparameter, times the share of the configurations that have it."""
    has = np.array([value is not None for value in values])
    own = ranks[has]
    levels = np.unique([str(value) for value in values if value is not None], return_inverse=True)[1]
    count, groups, total = len(own), int(levels.max(initial=0)) + 1, float(((own - own.mean()) ** 2).sum())
    if groups < 2 or count <= groups or total == 0:  # noqa: PLR2004  nothing to compare
        return 0.0
    sizes = np.bincount(levels)
    between = float((sizes * (np.bincount(levels, own) / sizes - own.mean()) ** 2).sum())
    within = (total - between) / (count - groups)
    everything = float(((ranks - ranks.mean()) ** 2).sum())
    return (between - (groups - 1) * within) / everything


def _rows(shares: Sequence[Mapping[str, float]]) -> Iterator[HyperparameterScore]:
    """Mean share of each row over the datasets that have it, with its interval by bootstrap over these."""
    for row, (rating, _) in NOTES.items():
        own = np.array([one[row] for one in shares if row in one])
        if len(own) == 0:
            continue
        drawn = np.random.default_rng(0).integers(len(own), size=(RESAMPLES, len(own)))
        low, high = np.quantile(own[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        yield HyperparameterScore(
            name=row, rating=rating, share=float(own.mean()), low=float(low), high=float(high), datasets=len(own)
        )
