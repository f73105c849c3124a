"""Rules compared with the handbook, over the trainings of all measurements."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rules.scorecard.decide_again import decide_again
from rules.scorecard.effects import effect, errors_of_slot, log_ratios
from rules.scorecard.scorecard import AS_IF, HandbookScore
from rules.scorecard.tuners import space_rule_ratios, tuner_rule_ratios
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.scorecard.decide_again import Books
    from rules.scorecard.effects import SlotErrors
    from rules.scorecard.results import Results, Settings


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A rule compared with the handbook where their choices differ."""

    rule: str
    choice: str
    ratios: Mapping[str, np.ndarray]
    """Dataset → logarithm of the error with the choice of the handbook relative to the rule, by training."""
    settings: tuple[Settings, ...]

    def rejects(self, name: str) -> bool:
        """Whether a dataset has the rule, and the other datasets speak against it."""
        others = [float(one.mean()) for other, one in self.ratios.items() if other != name]
        return name in self.ratios and sum(others) < 0


def compare_with_handbook(measurements: Sequence[Results], books: Books | None) -> dict[str, Comparison]:
    """Compare each rule with the handbook, over the trainings of all measurements.

    Of each dataset, the trainings with the largest share of the epochs count. A rule is compared with the pins for
    which most datasets were measured, none if there are as many.
    """
    pinned: dict[str, list[Results]] = defaultdict(list)
    for results in measurements:
        pinned[str(_settings(results).pins)].append(results)
    best: dict[str, Comparison] = {}
    for group in pinned.values():
        for one in _comparisons(group, books):
            if one.rule not in best or len(one.ratios) > len(best[one.rule].ratios):
                best[one.rule] = one
    return {rule: best[rule] for rule in sorted(best)}


def handbook_score(compared: Comparison) -> HandbookScore:
    """The effect of a rule relative to the handbook."""
    return HandbookScore(
        rule=compared.rule,
        choice=compared.choice,
        effect=effect(compared.ratios.values()),
        left_out=left_out_ratio([float(one.mean()) for one in compared.ratios.values()]),
        settings=compared.settings,
    )


def _settings(results: Results) -> Settings:
    return next(iter(results.datasets.values())).settings


def _comparisons(measurements: Sequence[Results], books: Books | None) -> Iterator[Comparison]:
    """Compare rules by measurements with the same pins."""
    ratios: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    settings: dict[str, list[Settings]] = defaultdict(list)
    choices: dict[str, str] = {}
    longest: dict[tuple[str, str], float] = {}
    for results in sorted(measurements, key=lambda one: -_settings(one).share):
        own = _settings(results)
        for rule, choice, found in _all_ratios(results, books):
            choices.setdefault(rule, choice)
            used = {
                name: one for name, one in found.items() if longest.setdefault((rule, name), own.share) == own.share
            }
            settings[rule] += [own] if used else []
            for name, one in used.items():
                ratios[rule][name].append(one)
    for rule, by_dataset in ratios.items():
        pooled = {name: np.concatenate(each) for name, each in by_dataset.items()}
        yield Comparison(rule=rule, choice=choices[rule], ratios=pooled, settings=tuple(settings[rule]))


def _all_ratios(results: Results, books: Books | None) -> Iterator[tuple[str, str, Mapping[str, np.ndarray]]]:
    """Each rule with its choice, and its ratios by dataset, as `rule_ratios` gives them."""
    for slot in Slot:
        if slot in {Slot.HYPERPARAMETERS, Slot.TUNER}:
            continue
        for rule, found in rule_ratios(slot, errors_of_slot(results, slot), results).items():
            if books is None or rule not in AS_IF:
                yield rule, results.datasets[next(iter(found))].chosen[slot], found
    if books is None:
        return
    by_id = books.book.book.by_id
    for rule, found in (space_rule_ratios(results, books) | tuner_rule_ratios(results, books)).items():
        yield rule, str(by_id[rule].choice), found
    for rule in AS_IF.keys() & by_id.keys():
        changed, slot = decide_again(results, books, AS_IF[rule]), by_id[rule].slot
        ratios = rule_ratios(slot, errors_of_slot(changed, slot), changed)
        if rule in ratios:
            yield rule, str(by_id[rule].choice), ratios[rule]


def rule_ratios(slot: Slot, errors: Mapping[str, SlotErrors], results: Results) -> dict[str, dict[str, np.ndarray]]:
    """Logarithm of the error with the choice of the handbook relative to the rule: rule → dataset → (seeds,)."""
    found: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for name, own in errors.items():
        notes = results.datasets[name].handbook[slot]
        if notes in own.by_choice and notes != own.chosen:
            for rule in results.datasets[name].rules[slot]:
                found[rule][name] = log_ratios(own.by_choice[notes], own.by_choice[own.chosen])
    return found


def left_out_ratio(logs: Sequence[float]) -> float | None:
    """Mean ratio of errors where each dataset keeps a rule only if the mean over the others favours it.

    logs: of the ratio of errors without and with the rule, by dataset. None with fewer than two.

    >>> round(left_out_ratio([math.log(1.2), math.log(1.2), math.log(0.9)]), 3)  # each dataset keeps it
    1.09
    >>> round(left_out_ratio([math.log(1.2), math.log(0.9)]), 3)  # only the second one, on which it loses
    0.949
    """
    if len(logs) < 2:  # noqa: PLR2004  no others
        return None
    kept = [own if sum(logs) - own >= 0 else 0.0 for own in logs]
    return math.exp(float(np.mean(kept)))
