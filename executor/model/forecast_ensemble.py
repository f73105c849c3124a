"""The model of a forecast: the best trial of each network, averaged, and trained again with the latest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.components.configuration import configuration
from executor.model.refit import NO_TIME, NOT_ASKED, Length, has_time_to_refit, refit_mean

if TYPE_CHECKING:
    from pathlib import Path

    from executor.components.metric import PerformanceMetric
    from executor.model.ensemble import SelectedNetwork
    from executor.preprocessing.examples import Parts
    from executor.search.records.outcome import Outcome
    from executor.search.records.trials import Trials
    from rules.vocabulary.bundle import Bundle

REFIT_SHARE: Final = 0.15  # of a time budget, kept for training the chosen networks again
MARGIN: Final = 1.15
"""Times the best P up to which another network joins the mean. Means of unlike forecasts err less than most of them
(Bates and Granger 1969; the M4 competition's second finding), but a network that failed would spoil it."""


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
    """The mean of the best linear, perceptron and recurrent trial, those whose P is near the best one's.

    Each is trained again on training and validation rows for as many epochs as were best, where time allows: the latest
    rows resemble most what comes. Chosen.outputs are those before that, for rows that did not train.
    seconds: time for it. single: the best trial alone. refit: whether any is trained again.
    """
    members = [trials.best] if single else _nearly_best(trials, bundle, metric)
    lengths = [Length(epochs=one.best_epoch or one.epochs, planned=one.planned_epochs) for one in members]
    kinds = ", ".join(configuration_of(one, bundle) for one in members)
    return refit_mean(
        members,
        lengths if refit and has_time_to_refit(members, parts, seconds=seconds) else None,
        parts,
        bundle,
        metric=metric,
        seed=seed,
        directory=directory,
        who=f"the best trial ({kinds})" if single else f"the best of each network near the best P ({kinds})",
        why_not=NO_TIME if refit else NOT_ASKED,
    )


def configuration_of(outcome: Outcome, bundle: Bundle) -> str:
    """Which network a trial of a forecast trained."""
    return configuration(bundle, outcome.hyperparameters).network


def _nearly_best(trials: Trials, bundle: Bundle, metric: PerformanceMetric) -> list[Outcome]:
    """The best trial of each network, where its P is within MARGIN; a forecast's P is an error, so lower is better."""
    best: dict[str, Outcome] = {}
    for one in trials.ranked:
        if one.weights is not None:
            best.setdefault(configuration_of(one, bundle), one)
    limit = MARGIN * (trials.best.score or 0.0)
    squared = MARGIN if metric.name == "mse" else 1.0
    return [one for one in best.values() if one.score is not None and one.score <= limit * squared]
