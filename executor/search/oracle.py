"""T: the bundle's tuning strategy as an oracle that is asked for trials and told their outcomes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keras_tuner.src.engine.oracle import LOCKS, THREADS

from executor.components.batch_size import batch_of
from executor.components.configuration import Scope, manual_configurations, search_space
from executor.preprocessing.examples import Architecture
from executor.search.oracles.bayesian import BayesianOracle
from executor.search.oracles.fixed import GridOracle, ManualOracle, RandomOracle
from executor.search.oracles.hyperband import HyperbandOracle
from recommender.training_cost import EPOCHS, TEXT_EPOCHS, steps_of, table_epochs
from rules.errors import ChoiceError
from rules.vocabulary.choices import Bayesian, Grid, Hyperband, Manual, Random

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import keras_tuner

    from executor.components.configuration import Value
    from executor.search.oracles.base import Objective
    from executor.search.records.journal import Outcome
    from rules.vocabulary.bundle import Bundle

FORECAST_EPOCHS: Final = 96
"""Of a forecast at most: its networks start at a linear solution, and of 100 rows an epoch is 2 steps, which take less
than judging them (248 epochs took 29 s on two busy cores)."""
IMAGE_EPOCHS: Final = 30
"""The same on images, where an epoch takes a hundred times as long: with a decaying rate 8 epochs of 4,000 digits reach
97.5 % (docs/evidence.md, section 3)."""
IMAGE_STEPS: Final = 900
"""Steps of a trial on images at least, for which small datasets get more epochs, up to MOST_IMAGE_EPOCHS."""
MOST_IMAGE_EPOCHS: Final = 100
MOST_SEQUENCE_EPOCHS: Final = 300
"""Of a network that reads sequences step by step: of 50 sequences an epoch is one step. InceptionTime's own 1,500 take
minutes on two cores."""


def epochs_of(architecture: Architecture, *, steps: int) -> int:
    """The epochs of a whole trial; steps: of an epoch."""
    if architecture is Architecture.FORECASTER:
        return min(FORECAST_EPOCHS, table_epochs(steps))
    if architecture is Architecture.TABULAR:
        return table_epochs(steps)
    if architecture.reads_steps:
        return min(MOST_SEQUENCE_EPOCHS, max(IMAGE_EPOCHS, -(-IMAGE_STEPS // steps)))
    if architecture.reads_texts:
        return TEXT_EPOCHS
    return min(MOST_IMAGE_EPOCHS, max(IMAGE_EPOCHS, -(-IMAGE_STEPS // steps)))


def whole_epochs(bundle: Bundle, architecture: Architecture, *, rows: int) -> int:
    """The epochs of a whole trial on a number of training rows, at the bundle's batch size."""
    batch = batch_of(architecture, rows, bundle.optimizer.batch_size)
    return epochs_of(architecture, steps=steps_of(rows, batch))


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A trial that the oracle wants run."""

    number: int
    hyperparameters: Mapping[str, Value]
    """Those that the search varies."""
    epochs: int = EPOCHS
    first_epoch: int = 0
    """Epochs that the trial which this one continues was trained."""
    continues: int | None = None
    """The trial from whose weights and optimizer state this one goes on."""
    may_go_on: bool = False
    """Whether another trial may continue this one."""


def tuning(
    bundle: Bundle,
    scope: Scope,
    *,
    objective: Objective,
    seed: int,
    epochs: int | None = None,
) -> keras_tuner.Oracle:
    """The oracle of the bundle's tuner over the bundle's search space.

    epochs: of a whole trial, EPOCHS when None.
    Raises ChoiceError on a choice of another slot, or a manual list with a bad value.
    """
    space = search_space(bundle, scope)
    listed = manual_configurations(bundle, scope)
    match bundle.tuner:
        case _ if not space.space:
            # Nothing varies: the default configuration is the whole list, whatever the strategy.
            return ManualOracle(space=space, objective=objective, seed=seed, configurations=listed[:1], total=1)
        case Grid():
            return GridOracle(space=space, objective=objective, seed=seed)
        case Random():
            return RandomOracle(space=space, objective=objective, seed=seed)
        case Bayesian():
            return BayesianOracle(space=space, objective=objective, seed=seed)
        case Hyperband(factor=factor):
            most = EPOCHS if epochs is None else epochs
            return HyperbandOracle(
                space=space, objective=objective, seed=seed, factor=factor, epochs=most, trials=scope.trials
            )
        case Manual():
            return ManualOracle(space=space, objective=objective, seed=seed, configurations=listed, total=len(listed))
    raise ChoiceError(f"A tuner must be one of the slot's choices, but got {bundle.tuner}.")


def ask(
    oracle: keras_tuner.Oracle,
    count: int = 1,
    *,
    epochs: int | None = None,
    enough: Callable[[Sequence[Proposal]], bool] = lambda _: False,
) -> list[Proposal]:
    """The next trials to run at once; none when the oracle has nothing left to propose.

    At most `count`, and no more once they are `enough`.
    epochs: of a whole trial, where the oracle does not ration them; EPOCHS when None.
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
    """Where the trial of a round runs, as keras-tuner calls it."""
    return f"slot-{index}"


def _proposal(trial: keras_tuner.engine.trial.Trial, oracle: keras_tuner.Oracle, epochs: int) -> Proposal:
    values: dict[str, Any] = dict(trial.hyperparameters.values)
    rung = {name: values.pop(name) for name in list(values) if name.startswith("tuner/")}
    last, first = rung.get("tuner/epochs", epochs), rung.get("tuner/initial_epoch", 0)
    return Proposal(
        number=int(trial.trial_id),
        hyperparameters=values,
        epochs=last - first,
        first_epoch=first,
        continues=int(rung["tuner/trial_id"]) if "tuner/trial_id" in rung else None,
        may_go_on=last < getattr(oracle, "max_epochs", last),
    )


def tell(oracle: keras_tuner.Oracle, outcomes: Sequence[Outcome]) -> None:
    """Report how the trials that were asked for last ended; one without a score has failed."""
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
    """keras-tuner leaves the oracle's lock held when a call raises, so that the next call would wait for ever."""
    try:
        yield
    except BaseException:
        THREADS[oracle] = None
        if LOCKS[oracle].locked():
            LOCKS[oracle].release()
        raise
