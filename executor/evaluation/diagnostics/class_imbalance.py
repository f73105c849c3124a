"""Treatment of class imbalance, from metric to decision threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.loss import WeightedLabels, create_loss, sample_weights
from executor.evaluation.scores import ClassTreatment, ImbalanceChoice
from executor.networks.output_layer import initial_bias
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.model.signature import Signature
    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle

IMBALANCE_RATIO: Final = (
    4.0  # rows of the most frequent class per row of the rarest, from which the notes have other rules
)


def imbalance_choice(bundle: Bundle, parts: Parts, signature: Signature) -> ImbalanceChoice | None:
    """Describe the treatment of imbalance in a run; None for numeric targets, or without a rare class."""
    if not parts.task.is_classification:
        return None
    target = parts.train.target.astype(np.float64)
    positives = target.sum(axis=0)
    of_classes = np.array([len(target) - positives[0], positives[0]]) if parts.task is Task.BINARY else positives
    pairs = (
        [of_classes] if parts.task is not Task.MULTILABEL else [np.array([one, len(target) - one]) for one in positives]
    )
    ratio = max(pair.max() / max(1.0, pair.min()) for pair in pairs)
    if ratio <= IMBALANCE_RATIO:
        return None
    names = signature.targets if parts.task is Task.MULTILABEL else signature.labels
    treated = zip(
        names,
        of_classes,
        _weights(bundle, parts, len(names)),
        _biases(bundle, parts),
        _thresholds(signature, len(names)),
        strict=True,
    )
    return ImbalanceChoice(
        ratio=float(ratio),
        metric=str(bundle.metric),
        loss=str(bundle.loss),
        classes=tuple(
            ClassTreatment(name=name, rows=int(rows), weight=float(weight), bias=float(bias), threshold=threshold)
            for name, rows, weight, bias, threshold in treated
        ),
        temperatures=tuple(one.value for one in signature.temperatures),
    )


def _weights(bundle: Bundle, parts: Parts, count: int) -> list[float]:
    """Weight of a row of each class, or of the positives of each label."""
    loss = create_loss(bundle.loss, parts)
    if isinstance(loss, WeightedLabels):
        return loss.positive
    weights = sample_weights(bundle.loss, parts)
    if weights is None:
        return [1.0] * count
    weights = weights if parts.train.weight is None else weights / parts.train.weight
    classes = parts.train.raw_target
    return [float(weights[classes == one].mean()) if np.any(classes == one) else 1.0 for one in range(count)]


def _biases(bundle: Bundle, parts: Parts) -> list[float]:
    """Output bias of each class, or of each label; of two classes that of the output, with its sign."""
    bias = initial_bias(parts, bundle)
    return [-float(bias[0]), float(bias[0])] if parts.task is Task.BINARY else bias.tolist()


def _thresholds(signature: Signature, count: int) -> list[float | None]:
    if signature.task is Task.BINARY:
        return [signature.cuts[0] if signature.cuts and one == signature.rare_class else None for one in range(count)]
    return [*signature.cuts] or [None] * count
