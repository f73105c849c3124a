"""Initial weights of the linear layer of a network of texts: logistic or ridge regression on its terms.

Both are fitted on the training rows, once for all trials of a search. The penalty is the one with the best score on the
validation rows.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from executor.components.loss import class_weights, create_loss
from executor.components.metric import create_metric
from executor.networks.output_layer import log_prior
from executor.preprocessing.design_matrix import feature_matrix
from executor.preprocessing.feature_ridge import LinearStart
from executor.preprocessing.inputs import TextInputs
from executor.runtime.clock import Clock
from executor.runtime.log import LOG
from rules.vocabulary.choices import BagOfNgrams, WeightedCrossentropy
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy import sparse

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice

STRENGTHS: Final = (10.0, 100.0, 1.0)
"""Inverse penalties of logistic regression (docs/evidence.md#linear-start-of-texts)."""
PENALTIES: Final = (1.0, 0.1, 10.0)  # of ridge regression; rows of TF-IDF have norm 1
MAX_STEPS: Final = 100  # of L-BFGS, the default of scikit-learn
STEPS_PER_CHECK: Final = 20  # of L-BFGS between two checks of the clock
TWO_CLASSES: Final = 2
START_SHARE: Final = 0.15  # of a time limit, for the choice of the penalty


def with_linear_start(parts: Parts, bundle: Bundle, *, clock: Clock | None = None) -> Parts:
    """Fit the initial weights on the training rows; parts of other networks are returned as they are.

    Where the parts have such weights, of other rows, their penalty is kept, and the fit starts at them.
    clock: when the fit must end; by default it converges.
    """
    architecture, clock = bundle.architecture, clock or Clock()
    if not isinstance(parts.inputs, TextInputs) or not isinstance(architecture, BagOfNgrams):
        return parts
    if not architecture.linear_start:
        return parts
    before = parts.inputs.start
    with threadpool_limits(1):  # thread overhead dominates for models this small
        start = _choose(parts, bundle, clock) if before is None else _fit(parts, bundle, before.penalty, clock, before)
    return replace(parts, inputs=replace(parts.inputs, start=start))


def linear_start(parts: Parts, bundle: Bundle) -> LinearStart:
    """Return the initial weights of the parts; fitted now where they have none."""
    found = with_linear_start(parts, bundle) if parts.inputs_as(TextInputs).start is None else parts
    start = found.inputs_as(TextInputs).start
    if start is None:
        raise ValueError("the architecture has no linear start")
    return start


def fit_logistic(
    features: np.ndarray | sparse.csr_matrix,
    classes: np.ndarray,
    *,
    clock: Clock,
    strength: float = 1.0,
    weights: np.ndarray | None = None,
    before: tuple[np.ndarray, np.ndarray] | None = None,
) -> LogisticRegression:
    """Fit logistic regression until it converges, MAX_STEPS, or the deadline of the clock.

    strength: inverse penalty. weights: of rows. before: coefficients and intercepts at which the fit starts.
    """
    model = LogisticRegression(C=strength, max_iter=STEPS_PER_CHECK, warm_start=True)
    if before is not None:
        model.coef_, model.intercept_ = before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # an incomplete fit is still a model
        for _ in range(MAX_STEPS // STEPS_PER_CHECK):
            model.fit(features, classes, weights)
            if model.n_iter_.max() < STEPS_PER_CHECK or clock.is_over:
                break
    return model


def _choose(parts: Parts, bundle: Bundle, clock: Clock) -> LinearStart:
    """Select the penalty with the best validation score, of ties the lowest loss.

    A further penalty is tried where its fit is expected to end in time.
    """
    metric, loss = create_metric(bundle.metric), create_loss(bundle.loss, parts)
    asked = feature_matrix(parts.validation, parts)
    found: list[tuple[float, float, LinearStart]] = []
    longest, fitted = 0.0, None
    penalties = STRENGTHS if parts.task.is_classification else PENALTIES
    for penalty in penalties:
        if longest > clock.remaining():
            LOG.info("The linear start was fitted with %d of %d penalties within its time.", len(found), len(penalties))
            break
        fitted = _fit(parts, bundle, penalty, clock, fitted)
        outputs = parts.validation.restored(asked @ fitted.kernel + fitted.bias).astype(np.float32)
        score = metric.direction.utility(metric.score(outputs, parts.validation, parts))
        found.append((score, -float(loss(parts.validation.target, outputs, parts.validation.weight)), fitted))
        longest = max(longest, fitted.seconds)
    return max(found, key=lambda one: one[:2])[2]


def _fit(parts: Parts, bundle: Bundle, penalty: float, clock: Clock, before: LinearStart | None) -> LinearStart:
    """Fit kernel and bias on the training rows; before: of another penalty, or of other rows."""
    begin, features, outputs = clock.now(), feature_matrix(parts.train, parts), parts.outputs
    if not parts.task.is_classification:
        ridge = Ridge(alpha=penalty).fit(features, parts.train.change, parts.train.weight)
        # scikit-learn drops the axis of a single output.
        kernel, bias = ridge.coef_.reshape(outputs, -1), np.reshape(ridge.intercept_, outputs)
    else:
        kernel, bias = np.zeros((outputs, parts.vocabulary)), log_prior(parts).astype(np.float64)
        truth = parts.train.raw_target.reshape(len(parts.train), -1)
        for output, classes in enumerate(truth.T):
            present = np.unique(classes)
            own = present.tolist() if parts.task is Task.MULTICLASS else [output]
            if len(present) == 1:
                continue
            model = fit_logistic(
                features,
                classes,
                clock=clock,
                strength=penalty,
                weights=_row_weights(bundle.loss, classes, parts.train.weight),
                before=None if before is None else _weights_of(before, own, classes=len(present)),
            )
            if len(own) == len(model.coef_):
                kernel[own], bias[own] = model.coef_, model.intercept_
            else:  # two classes of a multiclass task, whose logits scikit-learn returns as one difference
                kernel[own] = np.outer([-0.5, 0.5], model.coef_[0])
                bias[own] = np.mean(bias[own]) + np.array([-0.5, 0.5]) * model.intercept_
    return LinearStart(
        kernel=np.ascontiguousarray(kernel.T, np.float32),
        bias=np.asarray(bias, np.float32),
        penalty=penalty,
        seconds=clock.now() - begin,
    )


def _row_weights(loss: Choice, classes: np.ndarray, own: np.ndarray | None) -> np.ndarray | None:
    """Weights of rows by class, times their own, with mean 1, (rows,); None where all weigh the same."""
    weights = own
    if isinstance(loss, WeightedCrossentropy):
        weights = class_weights(np.bincount(classes, own)[classes], kind=loss.weights)
        weights = weights if own is None else weights * own
    return None if weights is None else np.asarray(weights / weights.mean())


def _weights_of(before: LinearStart, own: Sequence[int], *, classes: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients and intercepts of some outputs, at which a fit starts; None where scikit-learn has another form."""
    rows = 1 if classes == TWO_CLASSES else classes  # of scikit-learn's coefficients
    return (before.kernel.T[own], before.bias[own]) if len(own) == rows else None
