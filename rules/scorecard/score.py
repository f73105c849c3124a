"""Computation of a scorecard from the results of trainings."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from rules.scorecard.effects import effect, errors_of_slot, hindsight, log_ratios
from rules.scorecard.scorecard import Alternative, Regret, RuleScore, Scorecard, SlotScore
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from rules.scorecard.results import Results

MIN_DATASETS: Final = 3  # of a fixed choice whose regret is given
WORST: Final = 3  # datasets that are named as those where a rule fails
BOOK: Final = "rules"
HANDBOOK: Final = "handbook"


def score(results: Results) -> Scorecard:
    """Compute the scorecard of results; they must have at least one dataset."""
    first = next(iter(results.datasets.values()))
    slots, scored = [], []
    for slot in Slot:
        errors = {
            name: own
            for name, own in errors_of_slot(results, slot).items()
            if results.datasets[name].chosen[slot] in own and len(own) > 1
        }
        if errors:
            slots.append(_slot_score(slot, errors, results))
            scored += _rule_scores(slot, errors, results)
    return Scorecard(
        datasets=len(results.datasets),
        trainings=len(results.trainings),
        settings=first.settings,
        version=first.version,
        slots=tuple(slots),
        rules=tuple(scored),
    )


def _rule_scores(slot: Slot, errors: Mapping[str, Mapping[str, np.ndarray]], results: Results) -> list[RuleScore]:
    decided: dict[str, list[str]] = defaultdict(list)
    for name in errors:
        for rule in results.datasets[name].rules[slot]:
            decided[rule].append(name)
    return [_rule_score(rule, slot, names, errors, results) for rule, names in sorted(decided.items())]


def _rule_score(
    rule: str, slot: Slot, names: list[str], errors: Mapping[str, Mapping[str, np.ndarray]], results: Results
) -> RuleScore:
    ratios: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for name in names:
        own = errors[name]
        reference = own[results.datasets[name].chosen[slot]]
        for choice, measured in own.items():
            if choice != results.datasets[name].chosen[slot]:
                ratios[choice][name] = log_ratios(measured, reference)
    alternatives = [_alternative(choice, found) for choice, found in ratios.items()]
    alternatives.sort(key=lambda one: (-one.effect.datasets, one.effect.ratio))
    choice = results.datasets[names[0]].chosen[slot]
    return RuleScore(rule=rule, slot=slot, choice=choice, datasets=tuple(names), alternatives=tuple(alternatives))


def _alternative(choice: str, ratios: Mapping[str, np.ndarray]) -> Alternative:
    means = sorted((math.exp(one.mean()), name) for name, one in ratios.items())
    worst = tuple((name, ratio) for ratio, name in means[:WORST] if ratio < 1)
    return Alternative(choice=choice, effect=effect(ratios.values()), worst=worst)


def _slot_score(slot: Slot, errors: Mapping[str, Mapping[str, np.ndarray]], results: Results) -> SlotScore:
    ratios: dict[str, list[np.ndarray]] = defaultdict(list)
    for name, own in errors.items():
        dataset = results.datasets[name]
        best = hindsight(own)
        for choice, measured in own.items():
            ratios[choice].append(log_ratios(measured, best))
        ratios[BOOK].append(log_ratios(own[dataset.chosen[slot]], best))
        if dataset.handbook[slot] in own:
            ratios[HANDBOOK].append(log_ratios(own[dataset.handbook[slot]], best))
    policies = (BOOK, HANDBOOK)
    fixed = [choice for choice, found in ratios.items() if choice not in policies and len(found) >= MIN_DATASETS]
    fixed.sort(key=lambda choice: (-len(ratios[choice]), effect(ratios[choice]).ratio))
    listed = [policy for policy in policies if ratios[policy]] + fixed
    return SlotScore(
        slot=slot,
        datasets=len(errors),
        regrets=tuple(Regret(policy=policy, effect=effect(ratios[policy])) for policy in listed),
    )
