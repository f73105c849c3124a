from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from rules.scorecard.results import MeasuredDataset, Results, Settings, TrainingResult
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.vocabulary.choices import Choice, Slot


class MakeResults(Protocol):
    def __call__(
        self,
        slot: Slot,
        scores: Mapping[str, Mapping[Choice, Sequence[float | None]]],
        *,
        chosen: Choice,
        handbook: Choice | None = ...,
        direction: Direction = ...,
        share: float = ...,
    ) -> Results: ...


@pytest.fixture
def make_results() -> MakeResults:
    """Results of a slot: dataset → choice → score of each seed. The rule of all datasets is called W002."""

    def make(
        slot: Slot,
        scores: Mapping[str, Mapping[Choice, Sequence[float | None]]],
        *,
        chosen: Choice,
        handbook: Choice | None = None,
        direction: Direction = Direction.MIN,
        share: float = 1.0,
    ) -> Results:
        seeds = len(next(iter(next(iter(scores.values())).values())))
        datasets = {
            name: MeasuredDataset(
                name=name,
                digest="sha256:0",
                task="regression" if direction is Direction.MIN else "binary",
                modality="tabular",
                metric="rmse" if direction is Direction.MIN else "accuracy",
                direction=direction,
                rows=100,
                test_rows=20,
                facts={
                    "rows": 100,
                    "modality": "tabular",
                    "task": "regression" if direction is Direction.MIN else "binary",
                    "imbalance_ratio": 1.0,
                },
                chosen={slot.value: str(chosen)},
                rules={slot.value: ("W002",)},
                handbook={"metric": "rmse", slot.value: str(handbook or chosen)},
                settings=Settings(seeds=seeds, rows=1_000, share=share),
                version="0",
            )
            for name in scores
        }
        trainings = tuple(
            TrainingResult(
                dataset=name,
                slot=slot,
                choice=choice.model_dump(exclude_defaults=True) | {"name": choice.model_dump()["name"]},
                seed=seed,
                score=score,
                validation_score=score,
                epochs=1,
                best_epoch=1,
                seconds=1.0,
            )
            for name, by_choice in scores.items()
            for choice, own in by_choice.items()
            for seed, score in enumerate(own)
        )
        return Results(datasets=datasets, trainings=trainings)

    return make
