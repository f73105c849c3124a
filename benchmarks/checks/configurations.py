"""Whether the handbook gives the configurations of the strategy notes on every dataset of their kind.

    PCWAT_DATASETS=folder python -m benchmarks.checks.configurations

A budget of an hour leaves the choice of the tuner to the notes: with fewer than four trials the handbook tunes by hand.
"""

from __future__ import annotations

from typing import Final

from benchmarks.catalogue import catalogue
from recommender.recommendation.recommend import recommend
from rules.scorecard.score import (
    CLASSIFICATION,
    FORECASTING,
    IMAGES,
    IMBALANCED,
    OUTLIERS,
    REGRESSION,
    configuration_of,
)
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import Task

BUDGET: Final = 3_600.0
SLOTS: Final = (Slot.METRIC, Slot.LOSS, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.TUNER)
CROSS_ENTROPY: Final = {"binary_crossentropy", "categorical_crossentropy"}
ADAM: Final = {"adam", "sgd", "rmsprop"}  # SGD for large datasets, RMSprop for sequences
NOTES: Final = {
    CLASSIFICATION: ({"accuracy", "roc_auc"}, CROSS_ENTROPY, {"he"}, ADAM, {"random", "bayesian"}),
    IMBALANCED: ({"f1", "roc_auc"}, {"weighted_crossentropy"}, {"xavier"}, {"adamw"}, {"bayesian"}),
    REGRESSION: ({"rmse", "mse"}, {"mse"}, {"he"}, ADAM, {"grid"}),
    OUTLIERS: ({"mae"}, {"huber"}, {"he"}, ADAM, {"grid"}),
    FORECASTING: ({"rmse", "mae"}, {"mse"}, {"he"}, {"rmsprop"}, {"grid"}),
    IMAGES: ({"accuracy"}, CROSS_ENTROPY, {"he"}, {"sgd_momentum"}, {"hyperband"}),
}
"""The choices of the notes for P, C, W, A and T, by configuration."""


def main() -> None:
    wrong = 0
    for name, row in catalogue().items():
        advice = recommend(
            row["path"],
            target=tuple(row["target"].split("|")),
            task=Task.FORECASTING if row["task"] == "forecasting" else None,
            book=("handbook",),
            budget=BUDGET,
        )
        facts = {fact: measured.value for fact, measured in advice.strategy.facts.items()}
        chosen = [advice.bundle.choice(slot).model_dump()["name"] for slot in SLOTS]
        configuration = configuration_of(facts, chosen[0])
        differs = [
            slot.letter
            for slot, own, allowed in zip(SLOTS, chosen, NOTES[configuration], strict=True)
            if own not in allowed
        ]
        wrong += bool(differs)
        remark = f"differs in {' '.join(differs)}" if differs else ""
        print(f"{name:<28}{configuration:<28}{', '.join(chosen):<64}{remark}")
    print(f"differing: {wrong} of {len(catalogue())}")


if __name__ == "__main__":
    main()
