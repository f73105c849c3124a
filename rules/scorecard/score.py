"""Computation of a scorecard from the results of trainings."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import kendalltau

from rules.scorecard.decide_again import decide_again
from rules.scorecard.effects import SlotErrors, effect, errors_of_slot, hindsight, interval_of_mean, log_ratios
from rules.scorecard.handbook import compare_with_handbook, handbook_score
from rules.scorecard.scorecard import (
    MIN_DATASETS,
    Alternative,
    ConfigurationScore,
    MetricScore,
    Regret,
    RuleScore,
    Scorecard,
    SlotScore,
)
from rules.scorecard.sensitivity import sensitivity_scores
from rules.scorecard.spread import spread_scores
from rules.scorecard.tuners import tuner_scores
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.scorecard.decide_again import Books
    from rules.scorecard.handbook import Comparison
    from rules.scorecard.results import Results

WORST: Final = 3  # datasets that are named as those where a rule fails
BOOK: Final = "rules"
HANDBOOK: Final = "handbook"
LEFT_OUT: Final = "rules, left-one-out"
"""The rules, with the choice of the handbook where the other datasets speak against the rule."""


def score(results: Results, more: Sequence[Results] = (), *, books: Books | None = None) -> Scorecard:
    """Compute the scorecard of results; they must have at least one dataset.

    Args:
        results: The trainings.
        more: Measurements with other settings, which are only used to compare rules with the handbook. Default ().
        books: The rules to score. None scores the choices that were recommended when the trainings were made, and no
            rules of tuners. Default None.
    """
    if books is not None:
        results, *more = (decide_again(one, books) for one in (results, *more))
    first = next(iter(results.datasets.values()))
    compared = compare_with_handbook([results, *more], books)
    slots, scored, configurations = [], [], []
    for slot in Slot:
        if slot in {Slot.HYPERPARAMETERS, Slot.TUNER}:  # configurations and searches are no alternatives
            continue
        errors = errors_of_slot(results, slot)
        if errors:
            most = _with_most_choices(errors)
            slots.append(_slot_score(slot, most, results, compared))
            scored += _rule_scores(slot, errors, results)
            configurations += _configuration_scores(slot, most, results)
    return Scorecard(
        datasets=len({training.dataset for training in results.trainings}),
        trainings=len(results.trainings),
        settings=first.settings,
        version=first.version,
        slots=tuple(slots),
        rules=tuple(scored),
        metrics=tuple(_metric_scores(results)),
        sensitivities=sensitivity_scores(results),
        spreads=tuple(spread_scores(results)),
        tuners=tuple(tuner_scores(results)),
        configurations=tuple(sorted(configurations, key=lambda one: CONFIGURATIONS.index(one.configuration))),
        contested=tuple(map(handbook_score, compared.values())),
    )


MIN_MODELS: Final = 5  # trainings of a dataset with different scores, whose ranks are correlated


def _metric_scores(results: Results) -> Iterator[MetricScore]:
    """Stability of each metric, over the datasets whose trainings have scores on halves of the test rows."""
    halves: dict[str, dict[str, set[tuple[float, float]]]] = defaultdict(lambda: defaultdict(set))
    shares: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for training in results.trainings:
        if training.slot in {Slot.HYPERPARAMETERS, Slot.TUNER}:  # random configurations, some far from any that is used
            continue
        for metric, (first, second) in training.halves.items():
            if first is not None and second is not None:
                halves[metric][training.dataset].add((first, second))
        for metric, share in training.top_share.items():
            shares[metric][training.dataset].append(share)
    for metric, by_dataset in sorted(halves.items()):
        found = [
            float(kendalltau(*zip(*sorted(own), strict=True)).statistic)
            for own in by_dataset.values()
            if len(own) >= MIN_MODELS
        ]
        known = [one for one in found if math.isfinite(one)]
        if not known:
            continue
        low, high = interval_of_mean(known)
        means = [float(np.mean(own)) for own in shares[metric].values()]
        yield MetricScore(
            metric=metric,
            datasets=len(known),
            stability=float(np.mean(known)),
            low=low,
            high=high,
            top_share=float(np.mean(means)) if means else None,
        )


CLASSIFICATION: Final = "Classification"
IMBALANCED: Final = "Imbalanced classification"
REGRESSION: Final = "Regression"
OUTLIERS: Final = "Regression with outliers"
FORECASTING: Final = "Time series forecasting"
IMAGES: Final = "Image tasks"
CONFIGURATIONS: Final = (CLASSIFICATION, IMBALANCED, REGRESSION, OUTLIERS, FORECASTING, IMAGES)
"""The configurations of the strategy notes."""
IMBALANCE: Final = 4.0  # ratio from which P003 and P004 take a task as imbalanced


def configuration_of(facts: Mapping[str, object], metric: str) -> str:
    """The configuration of the strategy notes that a dataset belongs to.

    A numeric target has outliers where the handbook evaluates it by the mean absolute error.

    facts: values by name. metric: of the handbook.
    """
    if facts["modality"] == "image":
        return IMAGES
    if facts["task"] == Task.FORECASTING:
        return FORECASTING
    if Task(str(facts["task"])).is_classification:
        ratio = facts["imbalance_ratio"]
        return IMBALANCED if isinstance(ratio, int | float) and ratio > IMBALANCE else CLASSIFICATION
    return OUTLIERS if metric == "mae" else REGRESSION


def _configuration_scores(slot: Slot, errors: Mapping[str, SlotErrors], results: Results) -> list[ConfigurationScore]:
    members: dict[str, list[str]] = defaultdict(list)
    for name, own in errors.items():
        dataset = results.datasets[name]
        if dataset.handbook[slot] in own.by_choice:
            members[configuration_of(dataset.facts, dataset.handbook[Slot.METRIC])].append(name)
    found = []
    for configuration, names in members.items():
        by_choice = {name: errors[name].by_choice for name in names}
        best = {name: hindsight(by_choice[name]) for name in names}
        handbook = {name: results.datasets[name].handbook[slot] for name in names}
        counts = Counter(handbook.values())
        found.append(
            ConfigurationScore(
                configuration=configuration,
                slot=slot,
                choice=max(counts, key=lambda choice: counts[choice]),
                handbook=effect(log_ratios(by_choice[name][handbook[name]], best[name]) for name in names),
                rules=effect(log_ratios(by_choice[name][errors[name].chosen], best[name]) for name in names),
            )
        )
    return found


def _rule_scores(slot: Slot, errors: Mapping[str, SlotErrors], results: Results) -> list[RuleScore]:
    decided: dict[str, list[str]] = defaultdict(list)
    for name in errors:
        for rule in results.datasets[name].rules[slot]:
            decided[rule].append(name)
    return [_rule_score(rule, slot, names, errors, results) for rule, names in sorted(decided.items())]


def _rule_score(
    rule: str, slot: Slot, names: list[str], errors: Mapping[str, SlotErrors], results: Results
) -> RuleScore:
    ratios: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for name in names:
        own = errors[name]
        for choice, measured in own.by_choice.items():
            if choice not in {own.chosen, own.chosen_searched}:
                ratios[choice][name] = log_ratios(measured, own.by_choice[own.reference(choice)])
    alternatives = [_alternative(choice, found) for choice, found in ratios.items()]
    alternatives.sort(key=lambda one: (-one.effect.datasets, one.effect.ratio))
    return RuleScore(
        rule=rule,
        slot=slot,
        choice=results.datasets[names[0]].chosen[slot],
        datasets=tuple(names),
        alternatives=tuple(alternatives),
    )


def _alternative(choice: str, ratios: Mapping[str, np.ndarray]) -> Alternative:
    means = sorted((math.exp(one.mean()), name) for name, one in ratios.items())
    worst = tuple((name, ratio) for ratio, name in means[:WORST] if ratio < 1)
    return Alternative(choice=choice, effect=effect(ratios.values()), worst=worst)


def _with_most_choices(errors: Mapping[str, SlotErrors]) -> dict[str, SlotErrors]:
    """Datasets with at least half as many choices as that with most: hindsight among few choices is no reference."""
    most = max(len(one.by_choice) for one in errors.values())
    return {name: one for name, one in errors.items() if 2 * len(one.by_choice) >= most}


def _slot_score(
    slot: Slot, errors: Mapping[str, SlotErrors], results: Results, compared: Mapping[str, Comparison]
) -> SlotScore:
    ratios: dict[str, list[np.ndarray]] = defaultdict(list)
    for name, own in errors.items():
        handbook, best = results.datasets[name].handbook[slot], hindsight(own.by_choice)
        for choice, measured in own.by_choice.items():
            ratios[choice].append(log_ratios(measured, best))
        ratios[BOOK].append(log_ratios(own.by_choice[own.chosen], best))
        deciding = results.datasets[name].rules[slot]
        has_both = handbook in own.by_choice
        rejected = has_both and any(rule in compared and compared[rule].rejects(name) for rule in deciding)
        ratios[LEFT_OUT].append(log_ratios(own.by_choice[handbook if rejected else own.chosen], best))
        if has_both:
            ratios[HANDBOOK].append(log_ratios(own.by_choice[handbook], best))
    policies = (BOOK, LEFT_OUT, HANDBOOK)
    fixed = [choice for choice, found in ratios.items() if choice not in policies and len(found) >= MIN_DATASETS]
    fixed.sort(key=lambda choice: (-len(ratios[choice]), effect(ratios[choice]).ratio))
    listed = [policy for policy in policies if ratios[policy]] + fixed
    return SlotScore(
        slot=slot,
        datasets=len(errors),
        regrets=tuple(Regret(policy=policy, effect=effect(ratios[policy])) for policy in listed),
    )
