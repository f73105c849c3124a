"""Retraining of selected networks on training and validation rows, where time allows."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.configuration import configuration
from executor.components.metric import create_metric
from executor.components.optimizer import create_optimizer, learning_rates
from executor.components.training_length import choose_batch_size
from executor.model.assemble import network_outputs
from executor.model.ensemble import Length, SelectedNetwork
from executor.model.rebuild import rebuild_networks
from executor.networks.build import average_networks, build_network
from executor.networks.registry import network_kind
from executor.networks.starts.logistic_start import with_linear_start
from executor.preprocessing.inputs import TextInputs
from executor.runtime.clock import Clock
from executor.runtime.cluster_call import call_each
from executor.runtime.devices import CPU, training_devices, use_device
from executor.runtime.replicas import replicas_of
from executor.search.records.trials import continued_trials
from executor.search.runners.compiled import compile_step
from executor.search.runners.feeds.row_windows import shuffle_rows
from executor.search.runners.outcomes import trial_seed
from executor.search.runners.workspace import create_workspace
from recommender.training_cost import COMPILE_SECONDS, steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from executor.components.metric import PerformanceMetric
    from executor.preprocessing.examples import Parts
    from executor.runtime.cluster import Pool
    from executor.runtime.replicas import Replicas
    from executor.search.records.outcome import Outcome
    from executor.search.records.trials import Trials
    from executor.search.runners.workspace import Workspace
    from rules.vocabulary.bundle import Bundle

MAX_MEMBERS: Final = 3
"""Networks of texts in an ensemble (docs/evidence.md, section 4: three to five); each has a vector per term."""
REFIT_SHARE: Final = 0.15  # of a time limit, reserved for retraining
MARGIN: Final = 1.15
"""Factor of the best error up to which another network joins the mean. Means of different forecasts have a lower error
than most of them (Bates and Granger 1969; second finding of the M4 competition), but not with a failed network."""
START_AGAIN_SHARE: Final = 0.5
"""Time of a linear start that is fitted again, from the solution on fewer rows, as a share of the first fit."""
NO_TIME: Final = "no time was left to retrain with validation rows"
NOT_ASKED: Final = "the bundle does not retrain"


def refit_best_trials(
    trials: Trials,
    bundle: Bundle,
    parts: Parts,
    *,
    metric: PerformanceMetric,
    seconds: float,
    seed: int,
    directory: Path,
    single: bool = False,
    refit: bool = True,
    pool: Pool | None = None,
) -> SelectedNetwork:
    """Average the best trials, each retrained on training and validation rows, as many as time allows.

    The linear model on TF-IDF also learns from the validation rows. The outputs for validation rows are those before
    retraining.
    seconds: time for it. single: the best trial alone. refit: whether networks are retrained. pool: of a cluster, whose
    workers retrain them.
    """
    found = _distinct(trials)[: 1 if single else MAX_MEMBERS]
    more = (len(parts.train) + len(parts.validation)) / len(parts.train)
    lengths = [_length(one, trials) for one in found]
    needed = START_AGAIN_SHARE * more * _start_seconds(parts) + np.cumsum(
        [
            (COMPILE_SECONDS + _whole(one, trials)[1] * more * length.epochs / length.planned) if length.epochs else 0.0
            for one, length in zip(found, lengths, strict=True)
        ]
    )
    affordable = len(found) if not refit else int(np.sum(needed <= seconds))
    members = found[: max(1, affordable)]
    return refit_mean(
        members,
        lengths[:affordable] if affordable and refit else None,
        parts,
        bundle,
        metric=metric,
        seconds=seconds,
        seed=seed,
        directory=directory,
        who="the best trial" if len(members) == 1 else f"the mean of the {len(members)} best trials",
        why_not=NO_TIME if refit else NOT_ASKED,
        pool=pool,
    )


def refit_mean(
    members: Sequence[Outcome],
    again: Sequence[Length] | None,
    parts: Parts,
    bundle: Bundle,
    *,
    metric: PerformanceMetric,
    seconds: float,
    seed: int,
    directory: Path,
    who: str,
    why_not: str = NO_TIME,
    pool: Pool | None = None,
) -> SelectedNetwork:
    """Average the networks of trials, retrained on training and validation rows; outputs are those before retraining.

    again: epochs of each network; None to keep them as they are. parts: of the search. seconds: time for it. who:
    description of the members.
    why_not: reason why they are not retrained. pool: of a cluster, whose workers retrain them.
    """
    before = [rebuild_networks(one, bundle, parts, seed)[0] for one in members]
    outputs = np.mean([network_outputs(network, parts.validation) for network in before], axis=0)
    outputs = outputs + parts.validation.offset
    networks, rows = before, f"training rows: {why_not}"
    if again is not None:
        everything = replace(parts, train=parts.train.joined(parts.validation))
        networks = retrain_networks(
            members,
            again,
            everything,
            bundle,
            metric=metric,
            seconds=seconds,
            seed=seed,
            directory=directory,
            pool=pool,
        )
        rows = "training and validation rows"
    return SelectedNetwork(
        network=average_networks(networks),
        outputs=outputs,
        members={one.number: 1 for one in members},
        score=metric.score(outputs, parts.validation, parts),
        why=f"{who}, trained on {rows}",
        retrained={one.number: length for one, length in zip(members, again or (), strict=again is not None)},
    )


def retrain_networks(
    members: Sequence[Outcome],
    lengths: Sequence[Length],
    parts: Parts,
    bundle: Bundle,
    *,
    metric: PerformanceMetric,
    seconds: float,
    seed: int,
    directory: Path,
    pool: Pool | None = None,
) -> list[keras.Model]:
    """Train the networks of trials on the training rows of some parts. seconds: time for a linear start.

    pool: workers of a cluster that train a network each, on one core.
    """
    started = with_linear_start(parts, bundle, clock=Clock().lasting(seconds))
    kind = network_kind(bundle, parts.inputs)
    width = parts.train.dense.shape[1]
    devices = training_devices(kind, width=width, directory=directory)
    device, replicas = devices[0], replicas_of(directory, devices)
    with use_device(device, width=0):
        at = create_workspace(bundle, started, metric=metric, seed=seed, directory=directory)
        planned = list(zip(members, lengths, strict=True))
        trained = None
        if pool is not None and device.name == CPU.name:
            rows = pool.share(RetrainingRows(bundle=bundle, parts=started, seed=seed))
            trained = call_each(pool, retrain_on_worker, [(rows, one, length) for one, length in planned])
        if trained is None:
            return [_retrain(one, at, length, replicas) for one, length in planned]
        networks = [_initial_network(one, at) for one in members]
        for network, weights in zip(networks, trained, strict=True):
            network.set_weights(weights or [])  # no call was cancelled
        return networks


@dataclass(frozen=True, kw_only=True)
class RetrainingRows:
    """What networks that are trained again share; each machine of a cluster gets it once."""

    bundle: Bundle
    parts: Parts
    seed: int


def retrain_on_worker(rows: RetrainingRows, outcome: Outcome, length: Length) -> list[np.ndarray]:
    """Train the network of a trial in the process of a worker; returns its weights."""
    with use_device(CPU, width=0), tempfile.TemporaryDirectory() as folder:
        metric = create_metric(rows.bundle.metric)
        at = create_workspace(rows.bundle, rows.parts, metric=metric, seed=rows.seed, directory=Path(folder))
        return [*_retrain(outcome, at, length).get_weights()]


def retraining_seconds(
    members: Sequence[Outcome], lengths: Sequence[Length], trials: Trials, parts: Parts, *, of: int
) -> float:
    """Expected seconds of `retrain_networks` on the training rows of some parts. of: rows that trained the trials."""
    seconds = START_AGAIN_SHARE * _start_seconds(parts)
    for one, length in zip(members, lengths, strict=True):
        epochs, whole = _whole(one, trials)
        seconds += whole * length.epochs / max(1, epochs)
    return COMPILE_SECONDS * len(members) + seconds * len(parts.train) / of


def _whole(outcome: Outcome, trials: Trials) -> tuple[int, float]:
    """Epochs and seconds of a trial and of those that it continues."""
    chain = continued_trials(outcome, trials.ranked)
    return sum(one.epochs for one in chain), sum(one.seconds for one in chain)


def _start_seconds(parts: Parts) -> float:
    """Seconds that the fit of the initial weights took."""
    start = parts.inputs.start if isinstance(parts.inputs, TextInputs) else None
    return 0.0 if start is None else start.seconds


def _distinct(trials: Trials) -> list[Outcome]:
    """Trials with weights, the best first; of those whose best weights are the linear start, only the first."""
    kept = [one for one in trials.ranked if one.weights is not None]
    starts = [one for one in kept if one.best_epoch == 0]
    return [one for one in kept if one not in starts[1:]]


def _length(outcome: Outcome, trials: Trials) -> Length:
    """Epochs up to the best one of a trial that starts at a solution, else all epochs; of a schedule over all of them.

    Only the former is certain to be as good on the validation rows as the solution.
    """
    whole = _whole(outcome, trials)[0]
    if outcome.start_score is None or outcome.best_epoch is None:
        return Length(epochs=whole, planned=whole)
    return Length(epochs=outcome.best_epoch, planned=whole)


def _initial_network(outcome: Outcome, at: Workspace) -> keras.Model:
    """The network of a trial before training."""
    at = at.for_trial(outcome.hyperparameters)
    seed = trial_seed(at.seed, outcome.number)
    return build_network(parts=at.parts, bundle=at.bundle, hyperparameters=outcome.hyperparameters, seed=seed)


def _retrain(outcome: Outcome, at: Workspace, length: Length, replicas: Replicas | None = None) -> keras.Model:
    """Train the network of a trial on the rows of a workspace. replicas: devices that share each batch."""
    build = partial(_initial_network, outcome, at)
    at = at.for_trial(outcome.hyperparameters)
    bundle, parts = at.bundle, at.parts
    chosen = configuration(bundle, outcome.hyperparameters, defaults=at.kind.defaults)
    if length.epochs == 0:
        return build()
    with nullcontext() if replicas is None else replicas.scope():
        network = build()
        optimizer = create_optimizer(bundle.optimizer, chosen)
        optimizer.build(network.trainable_variables)
    batch = choose_batch_size(at.kind, len(parts.train), chosen.batch_size)
    step = compile_step(network, optimizer, at, batch=batch, replicas=replicas)
    every = steps_of(len(parts.train), batch)
    for epoch in range(length.epochs):
        progress = (epoch * every + np.arange(every)) / (length.planned * every)
        rates = learning_rates(chosen.schedule, highest=chosen.learning_rate, progress=progress)
        order = shuffle_rows([at.seed, epoch], len(parts.train), batch)
        step(at.train.columns, order, rates, chosen.weight_decay, 0)
    if replicas is None:
        return network
    saved = build()  # without copies on several devices
    saved.set_weights(network.get_weights())
    return saved


def average_forecasters(
    trials: Trials,
    bundle: Bundle,
    parts: Parts,
    *,
    metric: PerformanceMetric,
    seconds: float,
    seed: int,
    directory: Path,
    single: bool = False,
    refit: bool = True,
    pool: Pool | None = None,
) -> SelectedNetwork:
    """Average the best linear, perceptron and recurrent trials whose error is near the best one.

    Each is retrained on training and validation rows up to its best epoch, where time allows, because the latest rows
    are most similar to the future. The outputs for validation rows are those before retraining.
    seconds: time for it. single: the best trial alone. refit: whether networks are retrained. pool: of a cluster, whose
    workers retrain them.
    """
    members = [trials.best] if single else _nearly_best(trials, bundle, metric)
    lengths = [
        Length(epochs=one.epochs if one.best_epoch is None else one.best_epoch, planned=one.planned_epochs)
        for one in members
    ]
    kinds = ", ".join(configuration_of(one, bundle) for one in members)
    return refit_mean(
        members,
        lengths if refit and _has_time(members, lengths, parts, seconds=seconds) else None,
        parts,
        bundle,
        metric=metric,
        seconds=seconds,
        seed=seed,
        directory=directory,
        who=f"the best trial ({kinds})" if single else f"the best trials of each network ({kinds})",
        why_not=NO_TIME if refit else NOT_ASKED,
        pool=pool,
    )


def _has_time(members: Sequence[Outcome], lengths: Sequence[Length], parts: Parts, *, seconds: float) -> bool:
    """Whether all members can be retrained for their epochs within a number of seconds."""
    more = (len(parts.train) + len(parts.validation)) / len(parts.train)
    needed = sum(
        one.seconds / max(1, one.epochs) * length.epochs * more for one, length in zip(members, lengths, strict=True)
    )
    return needed <= seconds


def configuration_of(outcome: Outcome, bundle: Bundle) -> str:
    """Network of a trial of a forecast."""
    return configuration(bundle, outcome.hyperparameters).network


def _nearly_best(trials: Trials, bundle: Bundle, metric: PerformanceMetric) -> list[Outcome]:
    """Best trial of each network, where its error is within MARGIN of the best."""
    best: dict[str, Outcome] = {}
    for one in trials.ranked:
        if one.weights is not None:
            best.setdefault(configuration_of(one, bundle), one)
    squared = MARGIN if metric.name in {"mse", "r2"} else 1.0
    error = metric.direction.error
    limit = MARGIN * squared * error(trials.best.score or 0.0)
    return [one for one in best.values() if one.score is not None and error(one.score) <= limit]
