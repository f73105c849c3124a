"""What to try where P is not satisfying: another architecture, more labelled rows, or transfer learning.

These three are the notes' own. Each is named only with the measurement that supports it (docs/evidence.md, section 4).
Where time cut the training off, more time comes before all of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from executor.evaluation.scores import BOOSTING, TF_IDF
from rules.errors import ChoiceError
from rules.text.numbers import number
from rules.vocabulary.direction import Direction
from rules.vocabulary.facts import Modality

if TYPE_CHECKING:
    from executor.evaluation.diagnostics.learning_curve import LearningCurve
    from executor.evaluation.scores import BaselineScore, CutOff, Scores

STANDARD_ERRORS: Final = 2 * 1.96  # between the ends of a 95 % interval
MIN_ERROR_REDUCTION: Final = (
    0.05  # share of the error that the second half of the rows takes away (docs/evidence.md, section 4)
)
UNDERFIT_SHARE: Final = 0.8
"""Share of the hold-out's error that a training error is from which the gap between the two is not the trouble. Our own
bound: no source gives a number."""
LEARNED_ERROR: Final = (
    0.01  # error of a P of at most 1 below which the training rows are learned; our own bound, likewise
)
BOUNDED_METRICS: Final = frozenset({"accuracy", "roc_auc", "f1"})  # these lie between 0 and 1

PRETRAINED: Final = {
    Modality.IMAGE: "a network trained on many other images",
    Modality.TEXT: "a language model trained on other texts",
    Modality.SEQUENCE: "a model trained on many other series",
    Modality.TABULAR: "a model trained on many other tables (TabPFN: Hollmann et al. 2025), or on one like yours",
}


class NextStep(BaseModel):
    """Something to try. because: what was measured that speaks for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["time", "architecture", "labels", "transfer"]
    advice: str
    because: str


class NextSteps(BaseModel):
    """Whether P satisfies, and what to try where it does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float | None
    """The P that a person asked for; None where the baselines are the measure."""
    is_satisfied: bool
    why: str
    steps: tuple[NextStep, ...] = ()


def check_level(level: float | None, metric: str) -> None:
    """Raises ChoiceError on a satisfying P that the metric cannot have."""
    if level is None:
        return
    if not math.isfinite(level) or level < 0 or (metric in BOUNDED_METRICS and level > 1):
        limits = "between 0 and 1" if metric in BOUNDED_METRICS else "a number of at least 0"
        raise ChoiceError(f"--satisfied-at is a value of P, here {metric}, which is {limits}, but got {level:g}.")


def recommend_next_steps(scores: Scores, curve: LearningCurve, *, level: float | None, modality: Modality) -> NextSteps:
    """Judge P against a level or, without one, against the baselines, and say what to try next.

    Of a network whose training was cut off only more time is advised: the other steps presume what it would learn.

    level: P that would satisfy. modality: what a row of the dataset mainly holds.
    """
    is_satisfied, why = _against_level(scores, level) if level is not None else _against_baselines(scores)
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


def _against_baselines(scores: Scores) -> tuple[bool, str]:
    """Whether the model is better than each baseline by more than a standard error of the difference."""
    value = scores.hold_out.value
    if value is None:
        return False, f"{scores.metric} is undefined on the hold-out"
    if scores.direction.error(value) == 0:
        return True, f"{scores.metric} {number(value)} is the best there is"
    for name, baseline in scores.baselines.items():
        gain, error = baseline.gain.value, _standard_error(baseline)
        if gain is not None and error is not None and gain <= error:
            size = f"the gain is {number(gain)}, the standard error {number(error)}"
            return False, f"{scores.metric} is not better than {_spoken(name)} by more than a standard error: {size}"
    return True, f"{scores.metric} is better than every baseline by more than a standard error"


def _spoken(name: str) -> str:
    models = {BOOSTING: BOOSTING, "linear": "a linear model", TF_IDF: f"a linear model on {TF_IDF}"}
    return models.get(name, f"the {name} answer")


def _standard_error(baseline: BaselineScore) -> float | None:
    """Of the gain, from its interval."""
    if baseline.gain.low is None or baseline.gain.high is None:
        return None
    return (baseline.gain.high - baseline.gain.low) / STANDARD_ERRORS


def _is_underfit(scores: Scores, level: float | None) -> bool:
    """Whether even the training rows are not answered well."""
    if scores.training is None or scores.hold_out.value is None:
        return False
    if level is not None:
        return scores.direction.better(level, scores.training)
    training, judged = (scores.direction.error(value) for value in (scores.training, scores.hold_out.value))
    return training >= UNDERFIT_SHARE * judged


def _knows_its_rows(scores: Scores) -> bool:
    """Whether next to nothing is wrong on the training rows, so that no other network could learn them better."""
    return scores.training is not None and scores.direction is Direction.MAX and 1 - scores.training < LEARNED_ERROR


def _time(cut_off: CutOff) -> NextStep:
    return NextStep(
        name="time", advice=f"Train again with {cut_off.option}", because=f"{cut_off.extent}; {cut_off.need}"
    )


def _architecture(scores: Scores, level: float | None) -> NextStep | None:
    because = []
    for name in ("linear", BOOSTING, TF_IDF):
        baseline = scores.baselines.get(name)
        error = None if baseline is None else _standard_error(baseline)
        if baseline is None or error is None or baseline.value is None or baseline.gain.value is None:
            continue
        if baseline.gain.value < -error:
            because.append(f"{_spoken(name)} finds more in the same rows ({scores.metric} {number(baseline.value)})")
    if _is_underfit(scores, level) and scores.training is not None and not _knows_its_rows(scores):
        because.append(
            f"even on the rows that it was trained on, {scores.metric} is {number(scores.training)}: the network does "
            "not learn them"
        )
    if not because:
        return None
    return NextStep(
        name="architecture",
        advice="Another architecture, or another kind of model",
        because="; ".join(because),
    )


def _labels(scores: Scores, curve: LearningCurve) -> NextStep | None:
    if curve.saved is None or curve.saved < MIN_ERROR_REDUCTION or curve.whole is None:
        return None
    return NextStep(
        name="labels",
        advice="More labelled rows",
        because=f"with all {curve.rows:,} training rows the error of {scores.metric} is {curve.saved:.0%} lower than "
        "with half of them, so that it has not levelled off",
    )


def _transfer(scores: Scores, level: float | None, modality: Modality) -> NextStep | None:
    if _is_underfit(scores, level) or scores.training is None or scores.hold_out.value is None:
        return None
    return NextStep(
        name="transfer",
        advice=f"Transfer learning, from {PRETRAINED[modality]}",
        because=f"{scores.metric} is {number(scores.training)} on the rows that it was trained on and "
        f"{number(scores.hold_out.value)} on others: what was learned elsewhere narrows such a gap",
    )
