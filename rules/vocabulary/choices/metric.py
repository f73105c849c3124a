"""Metric, by which trials are compared on validation rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rules.vocabulary.choices.custom import CustomMetric
from rules.vocabulary.choices.slot import Choice

DecisionThreshold = Literal["tuned", "fixed"]


class Accuracy(Choice):
    """Fraction of rows that are predicted correctly; for several labels, fraction of cells.

    Examples:
        >>> str(Accuracy())
        'accuracy'
    """

    name: Literal["accuracy"] = "accuracy"


class RocAuc(Choice):
    """Area under the ROC curve. Several classes are scored one against the rest, several labels are averaged.

    Examples:
        >>> str(RocAuc())
        'roc_auc'
    """

    name: Literal["roc_auc"] = "roc_auc"


class F1(Choice):
    """Harmonic mean of precision and recall.

    Attributes:
        average: "binary" scores the rarest class, "macro" averages over the classes or labels. Default "macro".
        threshold: Decision threshold of a probability: "tuned" on validation rows, or "fixed" for 0.5. Default "tuned".

    Examples:
        >>> str(F1(average="binary"))
        'f1 (average binary)'
    """

    name: Literal["f1"] = "f1"
    average: Literal["binary", "macro"] = "macro"
    threshold: DecisionThreshold = "tuned"


class Mse(Choice):
    """Mean squared error, in the squared unit of the target.

    Examples:
        >>> str(Mse())
        'mse'
    """

    name: Literal["mse"] = "mse"


class Rmse(Choice):
    """Root mean squared error, in the unit of the target.

    Examples:
        >>> str(Rmse())
        'rmse'
    """

    name: Literal["rmse"] = "rmse"


class Mae(Choice):
    """Mean absolute error, in the unit of the target.

    Examples:
        >>> str(Mae())
        'mae'
    """

    name: Literal["mae"] = "mae"


class LogLoss(Choice):
    """Mean negative log-likelihood of the true class; for several labels, mean over all cells. Lower is better.

    Examples:
        >>> str(LogLoss())
        'log_loss'
    """

    name: Literal["log_loss"] = "log_loss"


class PrAuc(Choice):
    """Average precision of the rarest of two classes: the area under the precision-recall curve.

    Examples:
        >>> str(PrAuc())
        'pr_auc'

    References:
        Davis and Goadrich 2006, The relationship between precision-recall and ROC curves.
    """

    name: Literal["pr_auc"] = "pr_auc"


class Mcc(Choice):
    """Matthews correlation coefficient of true and predicted classes, from -1 to 1.

    Attributes:
        threshold: Decision threshold of two classes: "tuned" on validation rows, or "fixed" for 0.5. Default "tuned".

    Examples:
        >>> str(Mcc(threshold="fixed"))
        'mcc (threshold fixed)'

    References:
        Gorodkin 2004, Comparing two K-category assignments by a K-category correlation coefficient.
    """

    name: Literal["mcc"] = "mcc"
    threshold: DecisionThreshold = "tuned"


class BalancedAccuracy(Choice):
    """Mean recall of the classes.

    Attributes:
        threshold: Decision threshold of two classes: "tuned" on validation rows, or "fixed" for 0.5. Default "tuned".

    Examples:
        >>> str(BalancedAccuracy())
        'balanced_accuracy'

    References:
        Brodersen et al. 2010, The balanced accuracy and its posterior distribution.
    """

    name: Literal["balanced_accuracy"] = "balanced_accuracy"
    threshold: DecisionThreshold = "tuned"


class QuadraticKappa(Choice):
    """Cohen's kappa with quadratic weights, from -1 to 1, for ordered classes such as ratings.

    The order of classes is that of their values. Classes that are texts have no order, so only two of them are allowed.

    Attributes:
        threshold: Decision threshold of two classes: "tuned" on validation rows, or "fixed" for 0.5. Default "tuned".

    Examples:
        >>> str(QuadraticKappa())
        'quadratic_kappa'

    References:
        Cohen 1968, Weighted kappa: nominal scale agreement with provision for scaled disagreement or partial credit.
    """

    name: Literal["quadratic_kappa"] = "quadratic_kappa"
    threshold: DecisionThreshold = "tuned"


class Mape(Choice):
    """Mean absolute error relative to the true value, as a fraction; undefined for a target with a zero.

    Examples:
        >>> str(Mape())
        'mape'
    """

    name: Literal["mape"] = "mape"


class Smape(Choice):
    """Mean of 2 · |true - predicted| / (|true| + |predicted|), from 0 to 2; 0 where both are zero.

    Examples:
        >>> str(Smape())
        'smape'

    References:
        Makridakis et al. 2020, The M4 competition.
    """

    name: Literal["smape"] = "smape"


class R2(Choice):
    """Coefficient of determination R², at most 1, averaged over targets.

    Examples:
        >>> str(R2())
        'r2'
    """

    name: Literal["r2"] = "r2"


class Pinball(Choice):
    """Pinball loss of a predicted quantile, in the unit of the target.

    Attributes:
        level: Probability that the target is below the quantile, in (0, 1). Default 0.5, half the mean absolute error.

    Examples:
        >>> str(Pinball(level=0.9))
        'pinball (level 0.9)'

    References:
        Koenker and Bassett 1978, Regression quantiles.
    """

    name: Literal["pinball"] = "pinball"
    level: Annotated[float, Field(gt=0, lt=1)] = 0.5


Metric = Annotated[
    Accuracy
    | RocAuc
    | F1
    | LogLoss
    | PrAuc
    | Mcc
    | BalancedAccuracy
    | QuadraticKappa
    | Mse
    | Rmse
    | Mae
    | Mape
    | Smape
    | R2
    | Pinball
    | CustomMetric,
    Field(discriminator="name"),
]
