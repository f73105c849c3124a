"""A search without training: an oracle is asked, and told the score that a function gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from executor.search.oracle import ask, tell
from executor.search.oracles.base import Objective
from executor.search.records.outcome import Outcome
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras_tuner

    from executor.search.records.proposal import Proposal


class Drive(Protocol):
    def __call__(
        self, oracle: keras_tuner.Oracle, score_of: Callable[[Proposal], float | None], *, trials: int
    ) -> list[tuple[Proposal, float | None]]: ...


@pytest.fixture
def loss() -> Objective:
    return Objective(name="loss", direction=Direction.MIN)


@pytest.fixture
def outcome_of() -> Callable[[Proposal, float | None], Outcome]:
    """The outcome of a trial with this score; None for a failed one."""

    def make(proposal: Proposal, score: float | None) -> Outcome:
        fields: dict[str, Any] = {
            "number": proposal.number,
            "hyperparameters": dict(proposal.hyperparameters),
            "status": "failed" if score is None else "completed",
            "score": score,
            "epochs": proposal.epochs,
            "planned_epochs": proposal.epochs,
            "ended_by": "failed" if score is None else "completed",
            "seconds": 1.0,
            "continues": proposal.continues,
        }
        return Outcome.model_validate(fields)

    return make


@pytest.fixture
def drive(outcome_of: Callable[[Proposal, float | None], Outcome]) -> Drive:
    """Ask and tell until the oracle stops or so many trials have run; None as a score is a failed trial."""

    def run(
        oracle: keras_tuner.Oracle, score_of: Callable[[Proposal], float | None], *, trials: int
    ) -> list[tuple[Proposal, float | None]]:
        ended: list[tuple[Proposal, float | None]] = []
        while len(ended) < trials and (asked := ask(oracle)):
            (proposal,) = asked
            score = score_of(proposal)
            tell(oracle, [outcome_of(proposal, score)])
            ended.append((proposal, score))
        return ended

    return run


class DriveRounds(Protocol):
    def __call__(
        self, oracle: keras_tuner.Oracle, score_of: Callable[[Proposal], float | None], *, at_once: int, trials: int
    ) -> list[list[Proposal]]: ...


@pytest.fixture
def drive_rounds(outcome_of: Callable[[Proposal, float | None], Outcome]) -> DriveRounds:
    """Ask for some trials at once and tell them all, until the oracle stops or so many have run."""

    def run(
        oracle: keras_tuner.Oracle, score_of: Callable[[Proposal], float | None], *, at_once: int, trials: int
    ) -> list[list[Proposal]]:
        rounds: list[list[Proposal]] = []
        left = trials
        while left > 0 and (asked := ask(oracle, min(at_once, left))):
            tell(oracle, [outcome_of(proposal, score_of(proposal)) for proposal in asked])
            rounds.append(asked)
            left -= len(asked)
        return rounds

    return run
