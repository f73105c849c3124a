"""Another book is scored on the same trainings, by the facts that were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rules.scorecard.decide_again import Books, decide_again, decisions
from rules.scorecard.results import Settings, read_results
from rules.scorecard.score import score
from rules.scorecard.shipped import RESULTS_FILE
from rules.vocabulary.choices import He, Slot, Xavier

if TYPE_CHECKING:
    from rules.scorecard.results import Results
    from rules.vocabulary.choices import Choice
    from tests.rules.scorecard.conftest import MakeResults


@pytest.fixture(scope="module")
def books() -> Books:
    return Books.of()


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Facts of a table with a numeric target."""
    return read_results([RESULTS_FILE]).datasets["auto_mpg"].facts


def measured_as(make_results: MakeResults, chosen: Choice, other: Choice, **fields: object) -> Results:
    results = make_results(Slot.INITIALIZER, {"a": {chosen: [1.0], other: [1.2]}}, chosen=chosen)
    (one,) = results.datasets.values()
    return results.model_copy(update={"datasets": {"a": one.model_copy(update=fields)}})


def test_choices_and_rules_follow_from_the_facts(
    make_results: MakeResults, books: Books, facts: dict[str, Any]
) -> None:
    measured = measured_as(make_results, Xavier(), He(), facts=facts)

    (again,) = decide_again(measured, books).datasets.values()

    assert (again.chosen["initializer"], again.rules["initializer"]) == ("he", ("W002",))
    assert (again.chosen["metric"], again.handbook["loss"]) == ("rmse", "mse")


def test_a_pin_of_the_measurement_stays(make_results: MakeResults, books: Books, facts: dict[str, Any]) -> None:
    settings = Settings(seeds=1, rows=1_000, share=1.0, pins={"activation": "tanh"})
    pinned = measured_as(make_results, He(), Xavier(), facts=facts, settings=settings).datasets["a"]

    assert str(decisions(pinned, books.book)[Slot.INITIALIZER].choice) == "xavier"
    assert decisions(pinned, books.book)[Slot.ACTIVATION].rules == ()


def test_a_slot_whose_choice_was_not_trained_has_no_score(
    make_results: MakeResults, books: Books, facts: dict[str, Any]
) -> None:
    measured = measured_as(make_results, Xavier(), He(distribution="uniform"), facts=facts)

    assert score(measured).slots
    assert score(measured, books=books).slots == ()


def test_the_handbook_alone_has_its_own_regret(books: Books) -> None:
    """A book is scored without new trainings: the handbook as the book has the regret that it has as the handbook."""
    results = read_results([RESULTS_FILE])
    shipped, notes = (
        score(results, books=Books(book=book, handbook=books.handbook)) for book in (books.book, books.handbook)
    )

    assert notes.contested == ()
    assert notes.mean_regret("rules") == notes.mean_regret("handbook") > shipped.mean_regret("rules")
