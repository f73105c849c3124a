"""Whether the handbook gives the configurations of the strategy notes on every dataset of their kind.

    PCWAT_DATASETS=folder python -m benchmarks.checks.configurations

A budget of an hour leaves the choice of the tuner to the notes: with fewer than four trials the handbook tunes by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.catalogue import catalogue
from recommender.recommendation.recommend import recommend
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

BUDGET: Final = 3_600.0
SLOTS: Final = (Slot.METRIC, Slot.LOSS, Slot.INITIALIZER, Slot.OPTIMIZER, Slot.TUNER)
CROSS_ENTROPY: Final = {"binary_crossentropy", "categorical_crossentropy"}
ADAM: Final = {"adam", "sgd", "rmsprop"}  # SGD for large datasets, RMSprop for sequences
NOTES: Final = {
    "Classification": ({"accuracy", "roc_auc"}, CROSS_ENTROPY, {"he"}, ADAM, {"random", "bayesian"}),
    "Imbalanced classification": ({"f1", "roc_auc"}, {"weighted_crossentropy"}, {"xavier"}, {"adamw"}, {"bayesian"}),
    "Regression": ({"rmse", "mse"}, {"mse"}, {"he"}, ADAM, {"grid"}),
    "Regression with outliers": ({"mae"}, {"huber"}, {"he"}, ADAM, {"grid"}),
    "Time series forecasting": ({"rmse", "mae"}, {"mse"}, {"he"}, {"rmsprop"}, {"grid"}),
    "Image tasks": ({"accuracy"}, CROSS_ENTROPY, {"he"}, {"sgd_momentum"}, {"hyperband"}),
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
        configuration = _configuration(facts)
        differs = [
            slot.letter
            for slot, own, allowed in zip(SLOTS, chosen, NOTES[configuration], strict=True)
            if own not in allowed
        ]
        wrong += bool(differs)
        remark = f"differs in {' '.join(differs)}" if differs else ""
        print(f"{name:<28}{configuration:<28}{', '.join(chosen):<64}{remark}")
    print(f"differing: {wrong} of {len(catalogue())}")


def _configuration(facts: Mapping[str, object]) -> str:
    ratio, tail, outliers = (
        facts[name] for name in ("imbalance_ratio", "squared_deviation_top_share", "outlier_share")
    )
    if facts["task"] == Task.FORECASTING:
        return "Time series forecasting"
    if isinstance(ratio, int | float):
        if ratio > 4:  # noqa: PLR2004  as P003 and P004
            return "Imbalanced classification"
        return "Image tasks" if facts["modality"] == "image" else "Classification"
    has_outliers = isinstance(outliers, float) and outliers >= 0.01  # noqa: PLR2004  as P006
    is_heavy = isinstance(tail, float) and tail >= 0.3  # noqa: PLR2004  as P009
    return "Regression with outliers" if has_outliers or is_heavy else "Regression"


if __name__ == "__main__":
    main()
