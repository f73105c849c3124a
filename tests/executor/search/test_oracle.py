"""Each trap of keras-tuner's oracles that we know of stays closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.search.oracle import ask, create_oracle, tell
from executor.search.oracles.base import SEED_STRIDE, Objective, tuner_seed
from executor.search.records.outcome import Outcome
from executor.search.space import Scope
from recommender.training_cost import EPOCHS
from rules.errors import ChoiceError
from rules.vocabulary.choices import Bayesian, Defaults, Grid, HighAndMedium, Hyperband, Manual, Random, Relu
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras_tuner

    from executor.search.records.proposal import Proposal
    from rules.vocabulary.bundle import Bundle

TUNERS = [Grid(), Random(), Bayesian(), Hyperband(), Manual()]
F1 = Objective(name="val_f1_score", direction=Direction.MAX)


def oracle_of(
    bundle: Bundle, *, objective: Objective = F1, seed: int = 0, trials: int | None = 9, seeds: int = 1
) -> keras_tuner.Oracle:
    scope = Scope(width=20, rows=5_000, trials=trials)
    return create_oracle(bundle, scope, objective=objective, seed=seed, seeds=seeds)


def outcome(proposal: Proposal, score: float | None) -> Outcome:
    return Outcome(
        number=proposal.number,
        hyperparameters=dict(proposal.hyperparameters),
        status="failed" if score is None else "completed",
        score=score,
        epochs=1,
        planned_epochs=proposal.epochs,
        seconds=1,
        message="" if score is not None else "it broke",
        ended_by="failed" if score is None else "completed",
    )


def propose(oracle: keras_tuner.Oracle, trials: int, score: float | None = 0.5) -> list[Proposal]:
    proposals: list[Proposal] = []
    while len(proposals) < trials and (asked := ask(oracle)):
        (proposal,) = asked
        tell(oracle, [outcome(proposal, score)])
        proposals.append(proposal)
    return proposals


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_first_trial_is_the_default_configuration(make_bundle: Callable[..., Bundle], tuner: object) -> None:
    (proposal,) = ask(oracle_of(make_bundle(tuner=tuner, hyperparameters=HighAndMedium())))
    assert proposal is not None
    assert dict(proposal.hyperparameters) == {
        "learning_rate": 0.001, "units": 256, "schedule": "cosine", "layers": 3, "dropout": 0.1, "weight_decay": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_objective_keeps_its_direction_whatever_its_name(make_bundle: Callable[..., Bundle], tuner: object) -> None:
    # keras-tuner guesses "min" for this name.
    assert oracle_of(make_bundle(tuner=tuner)).objective.direction == "max"


@pytest.mark.parametrize("tuner", [Random(), Bayesian(), Hyperband()])
def test_a_seed_gives_the_same_proposals_and_its_neighbours_share_none_but_the_default(
    make_bundle: Callable[..., Bundle], tuner: object
) -> None:
    runs = {seed: propose(oracle_of(make_bundle(tuner=tuner), seed=seed), 9) for seed in (0, 1, 2, 3)}
    assert propose(oracle_of(make_bundle(tuner=tuner), seed=0), 9) == runs[0]
    rates = [{p.hyperparameters["learning_rate"] for p in run if p.number > 0} - {0.001} for run in runs.values()]
    assert len(set.union(*rates)) == sum(len(some) for some in rates)


def test_seed_zero_is_not_at_random() -> None:
    assert tuner_seed(0) == 1
    assert tuner_seed(2) - tuner_seed(1) == SEED_STRIDE > 1_000 * 6  # trials by hyperparameters


@pytest.mark.parametrize("tuner", TUNERS)
def test_three_failures_in_a_row_do_not_end_the_search(make_bundle: Callable[..., Bundle], tuner: object) -> None:
    assert len(propose(oracle_of(make_bundle(tuner=tuner)), 5, score=None)) == 5


@pytest.mark.parametrize("tuner", TUNERS)
def test_an_oracle_writes_no_files_and_prints_nothing(
    make_bundle: Callable[..., Bundle],
    tuner: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    oracle = oracle_of(make_bundle(tuner=tuner))
    propose(oracle, 3)
    propose(oracle, 1, score=None)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_an_error_inside_an_oracle_does_not_leave_its_lock_held(
    make_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = oracle_of(make_bundle())

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(oracle, "populate_space", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(oracle)
    assert ask(oracle)


@pytest.mark.parametrize("tuner", TUNERS)
def test_where_nothing_is_searched_the_default_configuration_is_the_only_trial(
    make_bundle: Callable[..., Bundle], tuner: object
) -> None:
    proposals = propose(oracle_of(make_bundle(tuner=tuner, hyperparameters=Defaults())), 5)
    assert [(dict(proposal.hyperparameters), proposal.epochs) for proposal in proposals] == [({}, EPOCHS)]


def test_where_nothing_is_searched_the_default_configuration_may_be_trained_from_several_seeds(
    make_bundle: Callable[..., Bundle],
) -> None:
    oracle = oracle_of(make_bundle(hyperparameters=Defaults()), seeds=3)
    assert [(one.number, dict(one.hyperparameters)) for one in propose(oracle, 5)] == [(0, {}), (1, {}), (2, {})]
    assert oracle.total is None


def test_a_smaller_network_that_time_chose_is_not_searched(make_bundle: Callable[..., Bundle]) -> None:
    bundle, scope = make_bundle(hyperparameters=Defaults()), Scope(width=8, rows=600, hyperparameters={"units": 32})
    oracle = create_oracle(bundle, scope, objective=F1, seed=0, seeds=2)
    assert [dict(one.hyperparameters) for one in propose(oracle, 5)] == [{"units": 32}, {"units": 32}]


def test_a_grid_proposes_each_of_its_combinations_once(make_bundle: Callable[..., Bundle]) -> None:
    proposals = propose(oracle_of(make_bundle(tuner=Grid())), 100)
    assert len({str(proposal.hyperparameters) for proposal in proposals}) == len(proposals) == 5 * 4  # rates and units


def test_manual_works_through_its_list_in_order(make_bundle: Callable[..., Bundle]) -> None:
    tuner = Manual(configurations=({"units": 64}, {"units": 32}))
    proposals = propose(oracle_of(make_bundle(tuner=tuner)), 100)
    assert [proposal.hyperparameters["units"] for proposal in proposals] == [256, 64, 32]


def test_the_oracle_knows_what_it_was_told(make_bundle: Callable[..., Bundle]) -> None:
    oracle = oracle_of(make_bundle())
    propose(oracle, 1, score=0.75)
    propose(oracle, 1, score=None)
    trials = list(oracle.trials.values())
    assert [(trial.status, trial.score) for trial in trials] == [("COMPLETED", 0.75), ("FAILED", None)]
    assert trials[1].message == "it broke"


def test_a_choice_of_another_slot_is_refused(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle().model_copy(update={"tuner": Relu()})
    with pytest.raises(ChoiceError, match="must be one of the slot's choices, but got relu"):
        oracle_of(bundle)
