"""Model of a forecast: mean of the best trial of each network, retrained with the latest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.model.ensemble import Length
from executor.model.refit import NO_TIME, NOT_ASKED, has_time_to_refit, refit_mean

if TYPE_CHECKING:
    from pathlib import Path

    from executor.components.metric import PerformanceMetric
    from executor.model.ensemble import SelectedNetwork
    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from executor.search.records.trials import Trials
    from rules.vocabulary.bundle import Bundle

REFIT_SHARE: Final = 0.15  # of a time limit, reserved for retraining
MARGIN: Final = 1.15
"""Factor of the best error up to which another network joins the mean. Means of different forecasts have a lower error
than most of them (Bates and Granger 1969; second finding of the M4 competition), but not with a failed network."""


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
) -> SelectedNetwork:
    """Average the best linear, perceptron and recurrent trials whose error is near the best one.

    Each is retrained on training and validation rows up to its best epoch, where time allows, because the latest rows
    are most similar to the future. The outputs for validation rows are those before retraining.
    seconds: time for it. single: the best trial alone. refit: whether networks are retrained.
    """
    members = [trials.best] if single else _nearly_best(trials, bundle, metric)
    lengths = [
        Length(epochs=one.epochs if one.best_epoch is None else one.best_epoch, planned=one.planned_epochs)
        for one in members
    ]
    kinds = ", ".join(configuration_of(one, bundle) for one in members)
    return refit_mean(
        members,
        lengths if refit and has_time_to_refit(members, parts, seconds=seconds) else None,
        parts,
        bundle,
        metric=metric,
        seconds=seconds,
        seed=seed,
        directory=directory,
        who=f"the best trial ({kinds})" if single else f"the best trials of each network ({kinds})",
        why_not=NO_TIME if refit else NOT_ASKED,
    )


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
