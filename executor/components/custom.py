"""Metrics that are not shipped: calls of their functions, with checks of what they return. Without TensorFlow."""

from __future__ import annotations

import inspect
import logging
import math
from numbers import Real
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.errors import TrainingError
from rules.vocabulary.choices import CustomChoice, MetricFunction, Slot, load_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import CustomMetric

LOG: Final = logging.getLogger("pcwat.custom")


def check_installed(bundle: Bundle) -> None:
    """Raise ChoiceError if a choice of a bundle is not shipped and not installed, or has changed."""
    searched = (choice for _, choice in bundle.searched_choices(Slot.LOSS))
    for choice in (bundle.metric, bundle.loss, bundle.architecture, *searched):
        if isinstance(choice, CustomChoice):
            load_function(choice)


class CustomFunction:
    """The function of a metric, from true and predicted values to a score; NaN where it fails, which is logged once.

    Raises ChoiceError if the function is not installed or has changed.
    """

    def __init__(self, choice: CustomMetric) -> None:
        self.choice = choice
        found = load_function(choice)
        if not isinstance(found, MetricFunction):
            raise TypeError(f"a metric is a MetricFunction, but {choice} is {found!r}")
        self._function: Callable[..., object] = found.function
        self.takes_weights = _takes_weights(found.function)
        """Whether the function has a parameter `sample_weight`, as those of scikit-learn."""
        self._is_reported = False

    def __call__(self, true: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
        try:
            return self.score(true, predicted, weight)
        except TrainingError as error:
            if not self._is_reported:
                self._is_reported = True
                LOG.warning("%s Its score is undefined there.", error)
            return math.nan

    def score(self, true: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Score predictions; weight: (rows,), which is passed to a function that takes weights.

        Raises TrainingError if the function raises, or returns no number.
        """
        arrays = (values[:, 0] if values.ndim > 1 and values.shape[1] == 1 else values for values in (true, predicted))
        own = {} if weight is None or not self.takes_weights else {"sample_weight": weight}
        try:
            found = self._function(*arrays, **own)
        except Exception as error:
            raise TrainingError(
                f"The metric {self.choice} raised {type(error).__name__} for {len(true):,} rows: {error}."
            ) from error
        if isinstance(found, bool | np.bool_) or not isinstance(found, Real):
            raise TrainingError(
                f"The metric {self.choice} must return a number, but returned {type(found).__name__} for "
                f"{len(true):,} rows."
            )
        return float(found)

    def check(self, true: np.ndarray, predicted: np.ndarray) -> None:
        """Score random predictions. Raises TrainingError if the score is not a finite number."""
        found = self.score(true, predicted)
        if not math.isfinite(found):
            raise TrainingError(
                f"The metric {self.choice} must return a finite number, but returned {found} for random predictions of "
                f"{len(true):,} rows."
            )


def _takes_weights(function: Callable[..., object]) -> bool:
    """Whether a function has a parameter `sample_weight`."""
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions of C have no signature
        return False
