"""From a profile to the facts that rules read."""

from __future__ import annotations

from operator import neg
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, UNKNOWN, Measurement, Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recommender.profile.profile import Profile


def facts(profile: Profile, *, trial_budget: Measurement) -> dict[str, Measurement]:
    """What rules may know of the dataset: a measurement for each fact that no slot reports.

    A fact that has no meaning for the task is NOT_APPLICABLE; one that could not be measured is UNKNOWN. Of several
    targets the worst counts: the greatest imbalance, the rarest class, the most outliers, the heaviest tail, the
    furthest skew.
    """
    given = {
        "task": Measurement(value=profile.task.value, source="inferred from the target, or given by --task"),
        "modality": Measurement(value=profile.modality.value, source="the kinds of the columns to learn from"),
        "trial_budget": trial_budget,
    }
    if profile.modality is not Modality.IMAGE and FACTS[MIRROR].applies_to(profile.task):
        given[MIRROR] = Measurement(value=0.0, source="the rows hold no images")
    if profile.get(TEXT_WORDS) is None:
        given[TEXT_WORDS] = Measurement(value=0.0, source="the rows hold no texts")
    return {
        name: given[name]
        if name in given
        else _measurement(profile, name)
        if fact.applies_to(profile.task)
        else Measurement(value=NOT_APPLICABLE, source=f"has no meaning for {profile.task}")
        for name, fact in FACTS.items()
        if fact.slot is None
    }


MIRROR: Final = "mirror_agreement"
TEXT_WORDS: Final = "text_words"
WORST: Final[Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "classes": float,
        "imbalance_ratio": float,
        "minority_class_rows": neg,
        "outlier_share": float,
        "squared_deviation_top_share": float,
        "target_skew": abs,
    }
)
"""For each fact of a target: how bad a value is. Of several targets the worst counts."""


def _measurement(profile: Profile, name: str) -> Measurement:
    whose = ""
    if name not in WORST:
        one = profile.get(name)
    else:
        every = {target: found for target in profile.targets if (found := profile.get(name, target=target)) is not None}
        worst = max(every, key=lambda target: WORST[name](float(every[target].value or 0)), default=None)
        one = None if worst is None else every[worst]
        whose = f"of {worst!r}: " if len(profile.targets) > 1 else ""
    if one is None or one.value is None:
        return Measurement(value=UNKNOWN, source="could not be measured")
    return Measurement(value=one.value, low=one.low, high=one.high, source=whose + one.how)
