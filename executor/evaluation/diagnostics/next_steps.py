"""Next steps where the score is not satisfactory: more time, another model, more labelled rows, transfer learning.

Each step is recommended only with the measurement that supports it (docs/evidence.md, section 4). Where the training
was cut off, more time comes before all others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from executor.evaluation.verdict import LOWEST, compared_scores, is_at_ceiling, name_baseline, reach_verdict
from rules.errors import ChoiceError
from rules.text.numbers import number
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Modality

if TYPE_CHECKING:
    from executor.evaluation.diagnostics.learning_curve import LearningCurve
    from executor.evaluation.scores import CutOff, Scores

MIN_ERROR_REDUCTION: Final = 0.05
"""Share of the error that the second half of the rows removes (docs/evidence.md, section 4)."""
UNDERFIT_SHARE: Final = 0.8
"""Training error as a share of the hold-out error from which a network underfits; our own bound."""
LEARNED_ERROR: Final = 0.01
"""Training error of a metric of at most 1 below which the training rows are learned; our own bound, likewise."""

PRETRAINED: Final = {
    Modality.IMAGE: "a network pretrained on other images",
    Modality.TEXT: "a pretrained language model",
    Modality.SEQUENCE: "a model pretrained on other series",
    Modality.TABULAR: "a model pretrained on other tables, such as TabPFN",  # Hollmann et al. 2025
}


class NextStep(BaseModel):
    """A recommended next step, and the measurement that supports it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["time", "architecture", "labels", "transfer"]
    advice: str
    because: str


class NextSteps(BaseModel):
    """Whether the score is satisfactory, and what to try where it is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float | None
    """The score that the user asked for; None where the verdict decides."""
    is_satisfied: bool
    why: str
    steps: tuple[NextStep, ...] = ()


def check_level(level: float | None, metric: str) -> None:
    """Check that a metric can have a value. Raises ChoiceError if it cannot."""
    if level is None:
        return
    low, high = LOWEST.get(metric, 0.0), 1.0 if metric in LOWEST else math.inf
    if not (math.isfinite(level) and low <= level <= high):
        limits = {(0.0, math.inf): "a number of at least 0", (-math.inf, 1.0): "a number of at most 1"}.get(
            (low, high), f"between {low:g} and {high:g}"
        )
        raise ChoiceError(f"--satisfied-at must be a value of the metric {metric}, {limits}, but got {level:g}.")


def recommend_next_steps(scores: Scores, curve: LearningCurve, *, level: float | None, modality: Modality) -> NextSteps:
    """Recommend what to try next, unless the score is satisfactory or at its ceiling.

    If training was cut off, only more time is recommended: the other steps presume a trained network.

    Args:
        scores: Scores of the model on the hold-out.
        curve: Learning curve of the selected configuration.
        level: Score that satisfies the user; without it, a model that is better than every baseline does.
        modality: What a row of the dataset mainly holds.

    Returns:
        Whether the score is satisfactory, the reason, and at most three steps.
    """
    is_satisfied, why = _against_level(scores, level) if level is not None else _by_verdict(scores)
    if is_satisfied:
        return NextSteps(level=level, is_satisfied=True, why=why)
    if scores.cut_off is not None:
        return NextSteps(level=level, is_satisfied=False, why=why, steps=(_time(scores.cut_off),))
    found = (_architecture(scores, level), _labels(scores, curve), _transfer(scores, level, modality))
    return NextSteps(level=level, is_satisfied=False, why=why, steps=tuple(step for step in found if step is not None))


def _against_level(scores: Scores, level: float) -> tuple[bool, str]:
    value = scores.hold_out.value
    if value is None:
        return False, f"{scores.metric} is undefined on the hold-out"
    reached = not scores.direction.better(level, value)
    return reached, f"{scores.metric} {number(value)} {'reaches' if reached else 'does not reach'} {number(level)}"


def _by_verdict(scores: Scores) -> tuple[bool, str]:
    scores = compared_scores(scores)
    if is_at_ceiling(scores):
        return True, f"{scores.metric} {number(scores.hold_out.value or 0.0)} is at its ceiling"
    verdict = reach_verdict(scores)
    return verdict.kind == "good", verdict.headline


def _is_underfit(scores: Scores, level: float | None) -> bool:
    """Whether the error on the training rows is high, too."""
    if scores.training is None or scores.hold_out.value is None:
        return False
    if level is not None:
        return scores.direction.better(level, scores.training)
    training, hold_out = (scores.direction.error(value) for value in (scores.training, scores.hold_out.value))
    return hold_out > 0 and training >= UNDERFIT_SHARE * hold_out


def _has_learned_its_rows(scores: Scores) -> bool:
    """Whether hardly any training row is wrong, so that no other network could learn them better."""
    return scores.training is not None and scores.direction is Direction.MAX and 1 - scores.training < LEARNED_ERROR


def _time(cut_off: CutOff) -> NextStep:
    return NextStep(
        name="time", advice=f"Train again with {cut_off.option}", because=f"{cut_off.extent}; {cut_off.need}"
    )


def _architecture(scores: Scores, level: float | None) -> NextStep | None:
    compared = compared_scores(scores)
    because = [
        f"{name_baseline(name, one)} reaches {compared.metric} {number(one.value)}"
        for name, one in compared.baselines.items()
        if one.gain.is_negative and one.value is not None
    ]
    if _is_underfit(scores, level) and scores.training is not None and not _has_learned_its_rows(scores):
        because.append(f"the network underfits: its {scores.metric} on training rows is {number(scores.training)}")
    if not because:
        return None
    return NextStep(
        name="architecture", advice="Try another architecture, or another kind of model", because="; ".join(because)
    )


def _labels(scores: Scores, curve: LearningCurve) -> NextStep | None:
    if curve.error_reduction is None or curve.error_reduction < MIN_ERROR_REDUCTION or curve.whole is None:
        return None
    return NextStep(
        name="labels",
        advice="Collect more labelled rows",
        because=f"the error of {scores.metric} is {curve.error_reduction:.0%} lower with all {curve.rows:,} training "
        "rows than with half of them",
    )


def _transfer(scores: Scores, level: float | None, modality: Modality) -> NextStep | None:
    if _is_underfit(scores, level) or scores.training is None or scores.hold_out.value is None:
        return None
    return NextStep(
        name="transfer",
        advice=f"Try transfer learning from {PRETRAINED[modality]}",
        because=f"{scores.metric} is {number(scores.training)} on training rows and {number(scores.hold_out.value)} on "
        "the hold-out, a gap that pretraining narrows",
    )
