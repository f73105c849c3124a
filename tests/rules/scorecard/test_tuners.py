"""Test errors of replayed searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.scorecard.page import to_markdown
from rules.scorecard.results import TrainingResult
from rules.scorecard.score import score
from rules.vocabulary.choices import Mae, Mse, Slot

if TYPE_CHECKING:
    from tests.rules.scorecard.conftest import MakeResults


def search(tuner: str, seed: int, *errors: float | None) -> TrainingResult:
    return TrainingResult(
        dataset="a",
        slot=Slot.TUNER,
        choice={"name": tuner},
        seed=seed,
        score=errors[-1],
        validation_score=errors[-1],
        after_trainings=errors,
        epochs=10 * len(errors),
        best_epoch=None,
        seconds=0.0,
    )


def test_tuners_are_compared_with_random_search_after_equal_epochs(make_results: MakeResults) -> None:
    results = make_results(Slot.LOSS, {"a": {Mse(): [1.0], Mae(): [1.1]}}, chosen=Mse(), handbook=Mse())
    searches = (
        search("random", 0, 4.0, 4.0, 4.0, 2.0, 2.0, 2.0, 2.0, 1.0),
        search("random", 1, 4.0, 4.0, 4.0, 2.0, 2.0, 2.0, 2.0, 1.0),
        search("grid", 0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0, 1.0),
        search("grid", 1, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0, 1.0, 0.5),
    )
    card = score(results.model_copy(update={"trainings": (*results.trainings, *searches)}))

    assert [(one.tuner, one.budget) for one in card.tuners] == [("grid", 4), ("grid", 8)]
    first, second = (one.effect.ratio for one in card.tuners)
    assert first == pytest.approx((4 / 2 * 1 / 2) ** 0.5)
    assert second == pytest.approx((1 / 1 * 0.5 / 1) ** 0.5)
    assert "| 4 | grid | 1.000 (0.500 to 2.000) | 1 |" in to_markdown(card)


def test_search_without_a_model_has_the_largest_error(make_results: MakeResults) -> None:
    """Hyperband has no whole training yet; ratios are bounded by 10."""
    results = make_results(Slot.LOSS, {"a": {Mse(): [1.0], Mae(): [1.1]}}, chosen=Mse(), handbook=Mse())
    searches = (search("random", 0, *[1.0] * 4), search("hyperband", 0, *[None] * 4))
    (one,) = score(results.model_copy(update={"trainings": (*results.trainings, *searches)})).tuners

    assert one.effect.ratio == pytest.approx(10)
