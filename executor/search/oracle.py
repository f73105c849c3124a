"""Tuner: the bundle's choice as an ask-and-tell oracle of keras-tuner."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keras_tuner.src.engine.oracle import LOCKS, THREADS

from executor.search.oracles.bayesian import BayesianOracle
from executor.search.oracles.fixed import GridOracle, ManualOracle, RandomOracle
from executor.search.oracles.hyperband import HyperbandOracle
from executor.search.records.proposal import Proposal
from executor.search.space import Scope, manual_configurations, search_space
from recommender.training_cost import EPOCHS
from rules.errors import ChoiceError
from rules.vocabulary.choices import Bayesian, Grid, Hyperband, Hyperparameter, Manual, Random

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import keras_tuner

    from executor.components.configuration import Value
    from executor.search.oracles.base import Objective
    from executor.search.records.outcome import Outcome
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice


@dataclass(frozen=True, kw_only=True)
class OracleSettings:
    """What an oracle is created from, besides the choice of the tuner."""

    space: keras_tuner.HyperParameters
    objective: Objective
    seed: int
    epochs: int
    """Of a full trial."""
    trials: int | None
    """The maximum number of trials; None for no limit."""
    has_time_limit: bool
    configurations: list[dict[str, Value]]
    """Those of a manual search, the defaults first."""

    @property
    def common(self) -> dict[str, Any]:
        """The keywords that each oracle takes."""
        return {"space": self.space, "objective": self.objective, "seed": self.seed}


def _hyperband(choice: Hyperband, settings: OracleSettings) -> keras_tuner.Oracle:
    return HyperbandOracle(
        factor=choice.factor,
        epochs=settings.epochs,
        trials=settings.trials,
        default_first=settings.has_time_limit,
        **settings.common,
    )


def _manual(_choice: Choice, settings: OracleSettings) -> keras_tuner.Oracle:
    listed = settings.configurations
    return ManualOracle(configurations=listed, total=len(listed), **settings.common)


ORACLES: Final[dict[type[Choice], Callable[[Any, OracleSettings], keras_tuner.Oracle]]] = {
    Grid: lambda _choice, settings: GridOracle(**settings.common),
    Random: lambda _choice, settings: RandomOracle(**settings.common),
    Bayesian: lambda _choice, settings: BayesianOracle(**settings.common),
    Hyperband: _hyperband,
    Manual: _manual,
}
"""The oracles by the class of the tuner's choice."""


def create_oracle(
    bundle: Bundle,
    scope: Scope,
    *,
    objective: Objective,
    seed: int,
    epochs: int | None = None,
    seeds: int = 1,
) -> keras_tuner.Oracle:
    """Create the oracle of the bundle's tuner over the bundle's search space.

    epochs: of a full trial, EPOCHS by default. seeds: the most trainings of the default configuration where nothing is
    searched.
    Raises ChoiceError on a choice of another slot, or a manual list with a bad value.
    """
    if type(bundle.tuner) not in ORACLES:
        raise ChoiceError(f"A tuner must be one of the slot's choices, but got {bundle.tuner}.")
    settings = OracleSettings(
        space=search_space(bundle, scope),
        objective=objective,
        seed=seed,
        epochs=EPOCHS if epochs is None else epochs,
        trials=scope.trials,
        has_time_limit=scope.seconds is not None,
        configurations=manual_configurations(bundle, scope),
    )
    if all(len(getattr(item, "values", ())) == 1 for item in settings.space.space):
        # Nothing is searched: every tuner has only the default configuration. Further seeds depend on the time.
        return ManualOracle(
            configurations=settings.configurations[:1] * seeds, total=1 if seeds == 1 else None, **settings.common
        )
    return ORACLES[type(bundle.tuner)](bundle.tuner, settings)


def ask(
    oracle: keras_tuner.Oracle,
    count: int = 1,
    *,
    epochs: int | None = None,
    enough: Callable[[Sequence[Proposal]], bool] = lambda _: False,
) -> list[Proposal]:
    """Ask for the next trials to run in parallel, at most `count`, until they are `enough`.

    Returns none when the oracle has nothing left to propose. epochs: of a full trial, where the oracle does not
    schedule them; EPOCHS by default.
    """
    found: list[Proposal] = []
    while len(found) < count and not (found and enough(found)):
        with _unlocked_on_error(oracle):
            trial = oracle.create_trial(_slot(len(found)))
        if trial.status != "RUNNING":
            break
        found.append(_proposal(trial, oracle, EPOCHS if epochs is None else epochs))
    return found


def _slot(index: int) -> str:
    """Tuner id of a trial within a round."""
    return f"slot-{index}"


def _proposal(trial: keras_tuner.engine.trial.Trial, oracle: keras_tuner.Oracle, epochs: int) -> Proposal:
    values: dict[str, Any] = dict(trial.hyperparameters.values)
    rung = {name: values.pop(name) for name in list(values) if name.startswith("tuner/")}
    last, first = (
        rung.get("tuner/epochs", values.get(Hyperparameter.EPOCHS, epochs)),
        rung.get("tuner/initial_epoch", 0),
    )
    return Proposal(
        number=int(trial.trial_id),
        hyperparameters=values,
        epochs=last - first,
        first_epoch=first,
        continues=int(rung["tuner/trial_id"]) if "tuner/trial_id" in rung else None,
        may_continue=last < getattr(oracle, "max_epochs", last),
    )


def tell(oracle: keras_tuner.Oracle, outcomes: Sequence[Outcome]) -> None:
    """Report the outcomes of the running trials; a trial without a score has failed."""
    running = {int(trial.trial_id): trial for trial in oracle.ongoing_trials.values()}
    for outcome in outcomes:
        trial = running[outcome.number]
        with _unlocked_on_error(oracle):
            if outcome.score is None:
                trial.status, trial.message = "FAILED", outcome.message
            else:
                oracle.update_trial(trial.trial_id, {oracle.objective.name: outcome.score}, step=outcome.epochs)
                trial.status = "COMPLETED"
            oracle.end_trial(trial)


@contextmanager
def _unlocked_on_error(oracle: keras_tuner.Oracle) -> Iterator[None]:
    """Release the oracle's lock on errors: keras-tuner keeps it, and the next call would deadlock."""
    try:
        yield
    except BaseException:
        THREADS[oracle] = None
        if LOCKS[oracle].locked():
            LOCKS[oracle].release()
        raise
