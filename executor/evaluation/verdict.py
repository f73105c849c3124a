"""Verdict on a model: whether to use it, from the gains over its baselines on the hold-out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from executor.evaluation.scores import BOOSTING, EXPONENTIAL, MEAN_FORECAST, NEIGHBOURS, SEASONAL, TF_IDF, THETA
from rules.text.numbers import number
from rules.vocabulary.direction import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from executor.evaluation.scores import BaselineScore, Estimate, Scores

BASELINE_NAMES: Final = {
    SEASONAL: "the seasonal naive forecast",
    "linear": "the linear model",
    TF_IDF: "the linear model on TF-IDF",
    EXPONENTIAL: "exponential smoothing",
    THETA: "the Theta model",
    MEAN_FORECAST: "the mean of Theta, exponential smoothing and the seasonal naive forecast",
    NEIGHBOURS: "nearest neighbours",
    BOOSTING: "gradient boosting",
}
"""Baselines in prose, the simplest first; the constant baseline is called what it predicts."""
CEILING: Final = 0.99
"""Score from which no next step is advised, for metrics with best value 1; our own choice, without a source."""
LOWEST: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("accuracy", "roc_auc", "f1", "pr_auc", "balanced_accuracy"), 0.0),
        "mcc": -1.0,
        "quadratic_kappa": -1.0,
        "r2": -math.inf,
    }
)
"""Lowest value of each metric whose best value is 1; all others are errors of at least 0."""


EXPECTED_COST: Final = "expected cost per row"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether to use a model.

    Attributes:
        kind: `good` to use the model; `doubtful` where a baseline is level with it, or its training was cut off; `bad`
            where a baseline is better, or the model found no signal.
        sentences: At most three; the first says what to do, the others give the numbers.
    """

    kind: Literal["good", "doubtful", "bad"]
    sentences: tuple[str, ...]

    @property
    def headline(self) -> str:
        """What to do, without the full stop."""
        return self.sentences[0].removesuffix(".")

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join(self.sentences)


def compared_scores(scores: Scores) -> Scores:
    """The scores that a verdict compares: those of the metric, or with costs the expected cost per row."""
    if scores.cost is None:
        return scores
    costs = scores.cost.baselines
    baselines = {
        name: one.model_copy(update={"value": costs[name].value, "gain": costs[name].saving})
        for name, one in scores.baselines.items()
        if name in costs
    }
    by_cost = {"metric": EXPECTED_COST, "direction": Direction.MIN, "hold_out": scores.cost.model}
    return scores.model_copy(update={**by_cost, "baselines": baselines})


def reach_verdict(scores: Scores) -> Verdict:
    """Conclude from the 95 % intervals of the gains whether to use a model: of the metric, or with costs of the cost.

    A model is better than a baseline where the interval of its gain lies above 0, worse where it lies below 0, and
    level with it otherwise. Of a model and a baseline that are level, the simpler one is advised. Of a model whose
    training was cut off nothing is concluded unless it is better than every baseline.

    Args:
        scores: Scores on the hold-out; the verdict that they hold is not read.

    Returns:
        The verdict, in at most three sentences.
    """
    scores = compared_scores(scores)
    constant = scores.baselines.get("constant")
    if scores.hold_out.value is None or constant is None or constant.gain.low is None:
        reason = f"{scores.metric} is undefined on the hold-out, which is too small or has a single class"
        return Verdict(kind="doubtful", sentences=(f"No verdict: {reason}.",))
    if scores.cut_off is not None and not is_better_than_all(scores):
        return _of_unfinished_training(scores)
    if not constant.gain.is_positive:
        return _without_signal(scores, constant)
    better = {name: one for name, one in scores.baselines.items() if one.gain.is_negative}
    if better:
        return _worse_than(better, scores)
    level = [name for name in BASELINE_NAMES if name in scores.baselines and scores.baselines[name].gain.is_level]
    if level:
        return _level_with(level, scores)
    return _better_than_all(scores)


def is_better_than_all(scores: Scores) -> bool:
    """Whether the model is certainly better than each baseline that has a score. scores: the compared ones."""
    return not _not_beaten(scores)


def _not_beaten(scores: Scores) -> dict[str, BaselineScore]:
    """Baselines with a score that the model is not certainly better than, by name."""
    scored = {name: one for name, one in scores.baselines.items() if one.gain.value is not None}
    return {name: one for name, one in scored.items() if not one.gain.is_positive}


def is_at_ceiling(scores: Scores) -> bool:
    """Whether next to no error is left: the metric, or of predicted numbers R², is at least CEILING."""
    known = {scores.metric: scores.hold_out.value} if scores.metric in LOWEST else {}
    known["r2"] = scores.others.get("r2", scores.others.get("r_squared"))  # the former name
    return any(value is not None and value >= CEILING for value in known.values())


def name_baseline(name: str, baseline: BaselineScore) -> str:
    """A baseline in prose."""
    return BASELINE_NAMES.get(name, baseline.says)


def _of_unfinished_training(scores: Scores) -> Verdict:
    if scores.cut_off is None:
        raise ValueError("a training that was not cut off is finished")
    first = f"Train again with {scores.cut_off.option}: {scores.cut_off.extent}."
    names = [name_baseline(name, one) for name, one in _not_beaten(scores).items()]
    return Verdict(kind="doubtful", sentences=(first, f"So far it is not certainly better than {_listed(names)}."))


def _without_signal(scores: Scores, constant: BaselineScore) -> Verdict:
    if constant.gain.is_negative:
        first = f"Do not use this model: it is worse than {constant.says}."
    else:
        first = f"Do not use this model: no signal was found, it is not certainly better than {constant.says}."
    sentences = [first, f"Its gain is {_gain(constant.gain, scores)}."]
    others = {name: one for name, one in scores.baselines.items() if name != "constant" and one.gain.is_negative}
    if others:
        name = _best(others, scores.direction)
        sentences.append(
            f"{_capitalized(name_baseline(name, others[name]))} is better by {_loss(others[name].gain, scores)}."
        )
    return Verdict(kind="bad", sentences=tuple(sentences))


def _worse_than(better: dict[str, BaselineScore], scores: Scores) -> Verdict:
    name = _best(better, scores.direction)
    used = name_baseline(name, better[name])
    return Verdict(
        kind="bad",
        sentences=(
            f"Use {used} instead: it is better by {_loss(better[name].gain, scores)}.",
            "Keep the network only if you need one Keras model that reads raw rows.",
        ),
    )


def _level_with(level: list[str], scores: Scores) -> Verdict:
    """level: names of baselines, the simplest first."""
    used = BASELINE_NAMES[level[0]]
    if level == [BOOSTING]:
        first = f"Use this model or {used}: they are level."
    else:
        first = f"Use {used}: it is simpler, and the network is not certainly better."
    sentences = [first, f"The network's gain over {used} is {_gain(scores.baselines[level[0]].gain, scores)}."]
    if len(level) > 1:
        sentences.append(f"The network is also level with {_listed([BASELINE_NAMES[name] for name in level[1:]])}.")
    return Verdict(kind="doubtful", sentences=tuple(sentences))


def _better_than_all(scores: Scores) -> Verdict:
    known = {name: one for name, one in scores.baselines.items() if one.gain.value is not None}
    name = _best(known, scores.direction)
    sentences = [
        "Use this model: it is better than every baseline.",
        f"Its gain over {name_baseline(name, known[name])}, the best of them, is {_gain(known[name].gain, scores)}."
        if len(known) > 1
        else f"Its gain over {name_baseline(name, known[name])} is {_gain(known[name].gain, scores)}.",
    ]
    if scores.cut_off is not None:
        extent = scores.cut_off.extent
        sentences.append(f"{_capitalized(extent)}; a longer training ({scores.cut_off.option}) may improve it.")
    return Verdict(kind="good", sentences=tuple(sentences))


def _best(baselines: dict[str, BaselineScore], direction: Direction) -> str:
    """Name of the baseline with the best score."""
    return direction.best(baselines, key=lambda name: baselines[name].value)


def _gain(gain: Estimate, scores: Scores) -> str:
    value, low, high = (number(one or 0.0) for one in (gain.value, gain.low, gain.high))
    return f"{value} (95 % interval {low} to {high}){_unit(scores)}"


def _loss(gain: Estimate, scores: Scores) -> str:
    """A negative gain, as the gain of the baseline."""
    value, low, high = (number(-(one or 0.0)) for one in (gain.value, gain.high, gain.low))
    return f"{value} (95 % interval {low} to {high}){_unit(scores)}"


def _unit(scores: Scores) -> str:
    """What a gain is one of, unless it is the metric, which is named next to the verdict."""
    return f" in {EXPECTED_COST}" if scores.metric == EXPECTED_COST else ""


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
