"""Facts for rules, derived from a profile."""

from __future__ import annotations

from operator import neg
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, UNKNOWN, UNMEASURED, Measurement, Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recommender.profile.profile import Profile

NO_TRAINING: Final[Mapping[str, Measurement]] = MappingProxyType(
    {
        name: Measurement(value=UNMEASURED, source="known only after a training; --after RUN reads it")
        for name, fact in FACTS.items()
        if fact.after_training
    }
)
"""Facts of the training before one."""


def facts(
    profile: Profile, *, trial_budget: Measurement, training: Mapping[str, Measurement] = NO_TRAINING
) -> dict[str, Measurement]:
    """Facts of a dataset: a measurement of each fact that does not report a slot's choice.

    A fact that does not apply to the task is NOT_APPLICABLE; one that could not be measured is UNKNOWN. With several
    targets the worst one counts: the largest imbalance, the rarest class, the most outliers, the heaviest tail, the
    largest skewness. training: facts that a training measured; by default there was none.
    """
    given = {
        "task": Measurement(value=profile.task.value, source="inferred from the target, or given by --task"),
        "modality": Measurement(value=profile.modality.value, source="inferred from the kinds of the feature columns"),
        "trial_budget": trial_budget,
        **training,
    }
    if profile.modality is not Modality.IMAGE and FACTS[MIRROR].applies_to(profile.task):
        given[MIRROR] = Measurement(value=0.0, source="no images")
    if profile.get(TEXT_WORDS) is None:
        given[TEXT_WORDS] = Measurement(value=0.0, source="no text columns")
    return {
        name: given[name]
        if name in given
        else _measurement(profile, name)
        if fact.applies_to(profile.task)
        else Measurement(value=NOT_APPLICABLE, source=f"does not apply to {profile.task}")
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
"""Severity of the facts of a target, by which the worst of several targets is selected."""


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
