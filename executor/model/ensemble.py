"""Ensemble of the best trials: greedy selection on validation rows, kept only where it is certainly better."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from executor.components.configuration import configuration
from executor.model.assemble import network_outputs
from executor.model.rebuild import rebuild_networks
from executor.networks.build import average_networks
from executor.networks.registry import network_kind
from executor.networks.stacked_tabular import StackShape, forward, masks
from executor.preprocessing.inputs import ImageInputs
from executor.search.records.fitting_arrays import require_fitting_arrays
from executor.search.records.weights import read_weights
from executor.search.runners.stack import out_of_fold_outputs
from executor.search.runners.stacked_graph import OUTPUTS_PER_CALL
from recommender.recommendation.training_work import CANDIDATES
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import keras

    from executor.components.metric import PerformanceMetric
    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from executor.search.records.trials import Trials
    from rules.vocabulary.bundle import Bundle

PICKS: Final = 20  # maximum number of selections, with repetition (docs/evidence.md, section 4)
HALVINGS: Final = 10  # of the validation rows: selection on one half, evaluation on the other
MIN_ROWS: Final = 100  # validation rows; smaller halves are too noisy
SPLIT_STREAM: Final = 11  # separates the halvings from other random numbers of the same seed


@dataclass(frozen=True, kw_only=True)
class SelectedNetwork:
    """The selected network, or mean of networks."""

    network: keras.Model
    outputs: np.ndarray
    """Outputs for the validation rows, (rows, outputs), offsets included; out-of-fold outputs where there are folds."""
    members: dict[int, int]
    """Trial → number of selections; one trial where there is no ensemble."""
    score: float | None
    """Score on the validation rows."""
    why: str
    retrained: Mapping[int, Length] = field(default_factory=dict)
    """Trial → epochs for which its network was trained again, with validation rows; empty where none was."""


@dataclass(frozen=True, kw_only=True)
class Length:
    """Epochs of retraining."""

    epochs: int
    planned: int
    """Epochs of the learning-rate schedule."""


def select_network(
    trials: Trials,
    bundle: Bundle,
    parts: Parts,
    *,
    metric: PerformanceMetric,
    seed: int,
    single: bool = False,
    groups: np.ndarray | None = None,
) -> SelectedNetwork:
    """Select the best trial's network, or the mean of several where it is better by more than a standard error.

    Where nothing is searched, trials differ in their seeds alone, and all are averaged. Else networks are added one by
    one, each the one with which the mean scores best on the validation rows (Caruana et al. 2004). The gain is measured
    by halving the validation rows: selection on one half, comparison with the single best trial on the other. The mean
    is kept where its gain exceeds its standard error over such halvings. Outputs are averaged before the output
    activation: logits, or standardized values.

    single: select one trial in any case. groups: (rows,) groups of the validation rows, which are never split, so that
    no entity is used for both selection and evaluation.
    """
    best = trials.best
    kept = [one for one in trials.ranked if one.weights is not None]
    if not single and _are_seeds(kept, bundle, parts):
        network = _mean_network([(one, 1) for one in kept], bundle, parts, seed=seed)
        if network_kind(bundle, parts.inputs).is_stackable:
            mean = np.mean([validation_outputs(one, bundle, parts) for one in kept], axis=0)
        else:
            mean = network_outputs(network, parts.validation) + parts.validation.offset
        return SelectedNetwork(
            network=network,
            outputs=mean,
            members={one.number: 1 for one in kept},
            score=metric.score(mean, parts.validation, parts),
            why=f"{len(kept)} trainings of the default configuration from different seeds",
        )
    found = kept[: max(2, parts.networks_at_once(CANDIDATES) // parts.fold_count)]
    alone = "a single network was requested"
    if not single:
        alone = _too_few(found, bundle, parts)
    if alone:
        return _select_single(best, bundle, parts, seed=seed, why=alone)
    outputs = np.stack([validation_outputs(one, bundle, parts) for one in found])

    def score(mean: np.ndarray, rows: np.ndarray) -> float:
        return metric.direction.utility(metric.score(mean[rows], parts.validation.take(rows), parts))

    gain, error = _gain(outputs, score, seed=seed, groups=groups)
    picks = _greedy(outputs, score, np.arange(len(parts.validation)))
    if not gain > error or len(set(picks)) == 1:
        why = f"an ensemble is not certainly better (gain {number(gain)}, standard error {number(error)})"
        return _select_single(best, bundle, parts, seed=seed, why=why)
    members = {index: picks.count(index) for index in dict.fromkeys(picks)}
    mean = outputs[picks].mean(axis=0)
    return SelectedNetwork(
        network=_mean_network([(found[index], times) for index, times in members.items()], bundle, parts, seed=seed),
        outputs=mean,
        members={found[index].number: times for index, times in members.items()},
        score=metric.direction.sign * score(mean, np.arange(len(mean))),
        why=f"better than the best trial by {number(gain)} (standard error {number(error)}) on validation rows that "
        "were not used for selection",
    )


def _are_seeds(kept: Sequence[Outcome], bundle: Bundle, parts: Parts) -> bool:
    """Whether trials differ in their seeds alone, and their networks can be averaged."""
    return (
        len(kept) > 1
        and can_average_seeds(bundle, parts)
        and all(one.hyperparameters == kept[0].hyperparameters and one.continues is None for one in kept)
    )


def can_average_seeds(bundle: Bundle, parts: Parts) -> bool:
    """Whether networks of several seeds are averaged: those of tables and images; texts and series are refitted."""
    return network_kind(bundle, parts.inputs).is_stackable or isinstance(parts.inputs, ImageInputs)


def _mean_network(members: Sequence[tuple[Outcome, int]], bundle: Bundle, parts: Parts, *, seed: int) -> keras.Model:
    """Average the networks of trials. members: trials and their weights."""
    networks = [(network, times) for one, times in members for network in rebuild_networks(one, bundle, parts, seed)]
    return average_networks([network for network, _ in networks], [times for _, times in networks])


def _too_few(found: Sequence[Outcome], bundle: Bundle, parts: Parts) -> str:
    """Why no ensemble is possible; empty where it is."""
    if not network_kind(bundle, parts.inputs).is_stackable:
        return "networks that are trained sequentially form no ensemble"
    if len(found) < 2:  # noqa: PLR2004  two make a mean
        return "only one trial was completed"
    if len(parts.validation) < MIN_ROWS:
        return f"{len(parts.validation)} validation rows are too few for an ensemble (minimum {MIN_ROWS})"
    return ""


def _select_single(best: Outcome, bundle: Bundle, parts: Parts, *, seed: int, why: str) -> SelectedNetwork:
    """Select one trial: its network, or the mean of its networks over folds."""
    networks = rebuild_networks(best, bundle, parts, seed)
    outputs = np.stack([network_outputs(network, parts.validation) for network in networks])
    own = outputs[0] if parts.folds is None else out_of_fold_outputs(outputs, parts.folds)
    return SelectedNetwork(
        network=average_networks(networks),
        outputs=own + parts.validation.offset,
        members={best.number: 1},
        score=best.score,
        why=why,
    )


def validation_outputs(outcome: Outcome, bundle: Bundle, parts: Parts) -> np.ndarray:
    """Compute outputs of a trial for the validation rows, (rows, outputs), offsets included; out-of-fold with folds.

    From its weights, because building Keras networks takes a hundred times as long.
    """
    if outcome.weights is None:
        raise KeyError(f"Only a completed trial has weights, but trial {outcome.number} {outcome.status}.")
    chosen, count = configuration(bundle, outcome.hyperparameters), parts.fold_count
    shape = StackShape.of(parts, [chosen])
    weights = read_weights(outcome.weights)
    expected = [size for _ in range(count) for size in shape.weights]
    with require_fitting_arrays(outcome.weights):
        if [weight.size for weight in weights] != [math.prod(size) for size in expected]:
            raise ValueError(f"it has {len(weights)} arrays, whose sizes are not those of its {len(expected)} weights")
    # Trials outside a stack have the shapes of the Keras model.
    weights = [weight.reshape(size) for weight, size in zip(weights, expected, strict=True)]
    each = len(weights) // count
    stacked = [tf.constant(np.stack(weights[index::each])) for index in range(each)]
    units, layers = (tf.constant(mask) for mask in masks([chosen] * count, shape))
    rows = parts.validation
    inputs = rows.network_inputs
    at_once = max(1, OUTPUTS_PER_CALL // (count * shape.units))
    outputs = np.concatenate(
        [
            forward(
                stacked,
                {name: tf.constant(np.asarray(own[start : start + at_once])) for name, own in inputs.items()},
                bundle=bundle.of_trial(outcome.hyperparameters),
                shape=shape,
                units=units,
                layers=layers,
            )
            for start in range(0, len(rows), at_once)
        ],
        axis=1,
    )
    return np.asarray((outputs[0] if parts.folds is None else out_of_fold_outputs(outputs, parts.folds)) + rows.offset)


def _greedy(outputs: np.ndarray, score: Callable[[np.ndarray, np.ndarray], float], rows: np.ndarray) -> list[int]:
    """Select indices of networks greedily, the best one first; outputs: (candidates, rows, outputs)."""
    total = np.zeros(outputs.shape[1:])
    picks: list[int] = []
    reached = -np.inf
    while len(picks) < PICKS:
        scores = [score((total + one) / (len(picks) + 1), rows) for one in outputs]
        at = int(np.argmax(scores))
        if picks and not scores[at] > reached:
            break
        reached = scores[at]
        picks.append(at)
        total += outputs[at]
    return picks


def _gain(
    outputs: np.ndarray,
    score: Callable[[np.ndarray, np.ndarray], float],
    *,
    seed: int,
    groups: np.ndarray | None = None,
) -> tuple[float, float]:
    """Gain of the ensemble over the single best on rows not used for selection, and its standard error."""
    random = np.random.default_rng([seed, SPLIT_STREAM])
    gains = []
    _, unit = np.unique(np.arange(outputs.shape[1]) if groups is None else groups, return_inverse=True)
    for _ in range(HALVINGS):
        order = random.permutation(unit.max() + 1)
        selects = np.isin(unit, order[: len(order) // 2])
        selecting, evaluating = np.flatnonzero(selects), np.flatnonzero(~selects)
        picks = _greedy(outputs, score, selecting)
        gains.append(score(outputs[picks].mean(axis=0), evaluating) - score(outputs[picks[0]], evaluating))
    # Halves share rows, so their gains are not independent: the spread of one gain estimates the error of the mean.
    return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(2))
