"""The vocabulary of facts and choices, rulebooks with their proof, and decisions. Reads no dataset.

Users may import the names in `__all__`; everything else may change between versions.

- `vocabulary`: facts that rules read, and the choices that they make.
- `rulebook`: rules and constraints, read from YAML files.
- `book`: the shipped rules: `handbook` (the strategy notes) and `evidence` (exceptions with their sources).
- `proof`: the proof that a rulebook makes exactly one choice per slot for every dataset.
- `decision`: requests, decisions, traces, the audit record, and what-if questions.
- `scorecard`: what rules are worth, measured on datasets.
- `explore`: a page that evaluates rulebooks in the browser.
- `cli`: the verb `recommend rules`.
- `text`: reading, writing and wording of text.
- `schemas`: JSON Schemas of a rulebook, a bundle and an audit record.
- `templates`: templates of decision tables and of docs/rules.md.
- `errors`: every error that a user may see.

Names are imported when they are first used, so that `recommend` starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rules.decision.request import (
        ImageReading,
        Request,
        SequenceReading,
    )
    from rules.decision.trace import (
        Pin,
    )
    from rules.errors import (
        BookError,
        ChoiceError,
        ColumnError,
        DatasetError,
        PcwatError,
        ProofError,
        RunError,
        SettingsError,
        TargetError,
        TrainingError,
    )
    from rules.vocabulary.bundle import (
        Bundle,
    )
    from rules.vocabulary.choices import (
        F1,
        R2,
        Accuracy,
        Adafactor,
        Adagrad,
        Adam,
        AdamW,
        ArchitectureFunction,
        Backbone,
        BagOfNgrams,
        BalancedAccuracy,
        Bayesian,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        Choice,
        CrossValidation,
        Custom,
        CustomArchitecture,
        CustomLoss,
        CustomMetric,
        Defaults,
        Focal,
        Grid,
        Gru,
        He,
        HighAndMedium,
        HighSensitivity,
        Holdout,
        Huber,
        Hyperband,
        Hyperparameter,
        InceptionTime,
        Lecun,
        Lion,
        LogCosh,
        LogLoss,
        LossFunction,
        Mae,
        MaeLoss,
        Manual,
        Mape,
        Mcc,
        MetricFunction,
        MiniRocket,
        MostSensitive,
        Mse,
        MseLoss,
        Muon,
        Nadam,
        Networks,
        NoAugmentation,
        NoTransfer,
        Pinball,
        Poisson,
        PrAuc,
        QuadraticKappa,
        Quantile,
        Random,
        RandomNormal,
        RandomTranslation,
        RandomTranslationAndFlip,
        RandomUniform,
        Range,
        Relu,
        Rmse,
        RmsProp,
        RocAuc,
        Selu,
        Sgd,
        SgdMomentum,
        Slot,
        Smape,
        Standard,
        Tanh,
        TextCnn,
        Tweedie,
        WeightedCrossentropy,
        Xavier,
        register_architecture,
        register_loss,
        register_metric,
    )
    from rules.vocabulary.column_kind import Kind
    from rules.vocabulary.facts import (
        Modality,
        Task,
    )

__version__ = "0.2.0"

__all__ = [  # noqa: RUF022  grouped by what they are
    # The request
    "Request",
    "ImageReading",
    "SequenceReading",
    "Kind",
    "Task",
    "Modality",
    "Pin",
    # The bundle: one choice for each slot
    "Bundle",
    "Slot",
    "Choice",
    # Choices of the slot activation
    "Relu",
    "Tanh",
    "Selu",
    # Choices of the slot metric
    "Accuracy",
    "RocAuc",
    "F1",
    "LogLoss",
    "PrAuc",
    "Mcc",
    "BalancedAccuracy",
    "QuadraticKappa",
    "Mse",
    "Rmse",
    "Mae",
    "Mape",
    "Smape",
    "R2",
    "Pinball",
    "CustomMetric",
    # Choices of the slot loss
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "WeightedCrossentropy",
    "Focal",
    "Huber",
    "MseLoss",
    "MaeLoss",
    "Quantile",
    "LogCosh",
    "Poisson",
    "Tweedie",
    "CustomLoss",
    # Choices of the slot initializer
    "Xavier",
    "He",
    "Lecun",
    "RandomUniform",
    "RandomNormal",
    # Choices of the slot optimizer
    "Sgd",
    "SgdMomentum",
    "Adam",
    "AdamW",
    "RmsProp",
    "Adagrad",
    "Nadam",
    "Lion",
    "Muon",
    "Adafactor",
    # Choices of the slot hyperparameters
    "Defaults",
    "MostSensitive",
    "HighSensitivity",
    "HighAndMedium",
    "Networks",
    "Custom",
    "Hyperparameter",
    "Range",
    # Choices of the slot tuner
    "Grid",
    "Random",
    "Bayesian",
    "Hyperband",
    "Manual",
    # Choices of the slot augmentation
    "NoAugmentation",
    "RandomTranslation",
    "RandomTranslationAndFlip",
    # Choices of the slot transfer
    "NoTransfer",
    "Backbone",
    # Choices of the slot architecture
    "Standard",
    "MiniRocket",
    "InceptionTime",
    "Gru",
    "BagOfNgrams",
    "TextCnn",
    "CustomArchitecture",
    # Choices of the slot validation
    "Holdout",
    "CrossValidation",
    # Metrics, losses and architectures that are not shipped
    "MetricFunction",
    "register_metric",
    "LossFunction",
    "register_loss",
    "ArchitectureFunction",
    "register_architecture",
    # Errors
    "PcwatError",
    "DatasetError",
    "TargetError",
    "ColumnError",
    "ChoiceError",
    "BookError",
    "ProofError",
    "SettingsError",
    "RunError",
    "TrainingError",
]

_MODULES: Final = {
    "rules.decision.request": ("ImageReading", "Request", "SequenceReading"),
    "rules.decision.trace": ("Pin",),
    "rules.vocabulary.facts": ("Task", "Modality"),
    "rules.vocabulary.bundle": ("Bundle",),
    "rules.vocabulary.column_kind": ("Kind",),
    "rules.errors": tuple(name for name in __all__ if name.endswith("Error")),
}
"""Modules that define exported names; the choices are in `rules.vocabulary.choices`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'rules' has no attribute {name!r}")
    found = (module for module, names in _MODULES.items() if name in names)
    return getattr(import_module(next(found, "rules.vocabulary.choices")), name)
