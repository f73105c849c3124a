"""Whether to use a model, in one line, by what the hold-out says of it and of the simple answers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from executor.evaluation.scores import (
    BOOSTING,
    EXPONENTIAL,
    TF_IDF,
    BaselineScore,
    CutOff,
    Estimate,
    is_better_than_all,
    is_negative,
    is_positive,
)
from rules.text.numbers import number

if TYPE_CHECKING:
    from executor.evaluation.scores import Scores

_INSTEAD: Final = {BOOSTING: "gradient boosting", "linear": "a linear model", EXPONENTIAL: "exponential smoothing"}
"""What can be used in place of a model, in words."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """kind: good to use; doubtful where a simple answer is as good; bad where it should not be used."""

    kind: Literal["good", "doubtful", "bad"]
    says: str


def advice(scores: Scores) -> Advice:
    """The advice that the verdict's sentences give reasons for."""
    constant = scores.baselines.get("constant")
    if constant is None or constant.gain.low is None:
        return Advice(kind="doubtful", says="Nothing can be said of this model")
    if scores.cut_off is not None and scores.had_too_little_time:
        return Advice(kind="doubtful", says=f"Too little time to judge: train again with {scores.cut_off.option}")
    if not is_positive(constant.gain):
        return Advice(kind="bad", says="Do not use this model")
    for name, words in _INSTEAD.items():
        if name in scores.baselines and is_negative(scores.baselines[name].gain):
            return Advice(kind="bad", says=f"Use {words} instead")
    level = [_INSTEAD.get(name, name) for name, one in scores.baselines.items() if not is_positive(one.gain)]
    if level:
        return Advice(kind="doubtful", says=f"Usable, but not certainly better than {' or '.join(level)}")
    return Advice(kind="good", says="Use this model")


def verdict(baselines: dict[str, BaselineScore], cut_off: CutOff | None = None) -> str:
    """What the comparison with the baselines means, in sentences.

    cut_off: of a model that was not trained to its end. Where it is not better than every baseline, nothing is
    concluded of the data, and no other model is advised.
    """
    constant = baselines.get("constant")
    if constant is None or constant.gain.value is None or constant.gain.low is None or constant.gain.high is None:
        return "P is undefined on the hold-out, so nothing can be said: it is too small or holds a single class."
    if cut_off is not None and not is_better_than_all(baselines):
        return f"Too little time: {cut_off.extent}; {cut_off.need}. {_so_far(baselines)}"
    return _compared(baselines, constant)


def _compared(baselines: dict[str, BaselineScore], constant: BaselineScore) -> str:
    """What the comparison of a fully trained model with the baselines means."""
    seasonal, linear = baselines.get("seasonal naive"), baselines.get("linear")
    others = _about_boosting(baselines.get(BOOSTING), constant)
    # Boosting comes first, as in the report's advice: one order, not two.
    instead = "" if BOOSTING in baselines and is_negative(baselines[BOOSTING].gain) else ": use that"
    if linear is not None and is_negative(linear.gain):
        others.insert(0, f"But a linear model is better ({linear.says}){instead}.")
    elif linear is not None and is_positive(constant.gain) and not is_positive(linear.gain):
        others.insert(0, f"Level with a linear model ({linear.says}){_by(linear.gain)}.")
    words = baselines.get(TF_IDF)
    if words is not None and is_negative(words.gain):
        others.insert(0, f"But {words.says}, weighted by TF-IDF, is better{instead}.")
    elif words is not None and is_positive(constant.gain) and not is_positive(words.gain):
        others.insert(0, f"Level with {words.says}, weighted by TF-IDF.")
    smoothing = baselines.get(EXPONENTIAL)
    if smoothing is not None and is_negative(smoothing.gain):
        others.insert(0, f"But exponential smoothing is better{instead}.")
    if is_negative(constant.gain):
        return " ".join([f"Worse than {constant.says}: do not use this model.", *others])
    value, low, high = (number(one or 0.0) for one in (constant.gain.value, constant.gain.low, constant.gain.high))
    if not is_positive(constant.gain):
        found = f"{low} to {high}, contains 0."
        nothing = f"No signal found: no better than {constant.says}, for the 95 % interval of the gain, {found}"
        return " ".join([nothing, *others])
    sentences = [f"Beats {constant.says} by {value} (95 % interval {low} to {high})."]
    if seasonal is not None and not is_positive(seasonal.gain):
        sentences.append(f"It is not certainly better than {seasonal.says}.")
    return " ".join([*sentences, *others])


def _so_far(baselines: dict[str, BaselineScore]) -> str:
    """How a model that was not trained to its end compares with each baseline."""
    found = []
    for name, one in baselines.items():
        if one.gain.value is None:
            continue
        gain = one.gain
        how = "better than" if is_positive(gain) else "worse than" if is_negative(gain) else "not certainly better than"
        spoken = {"linear": "a linear model", "constant": one.says}.get(name, name)
        found.append(f"{how} {spoken}{_by(gain)}")
    return f"So far it is {'; '.join(found)}."


def _by(gain: Estimate) -> str:
    """A gain in words, with its interval; nothing where it has none."""
    if gain.value is None or gain.low is None or gain.high is None:
        return ""
    return f": the gain is {number(gain.value)} (95 %: {number(gain.low)} to {number(gain.high)})"


def _about_boosting(boosting: BaselineScore | None, constant: BaselineScore) -> list[str]:
    """Whether to use gradient boosting instead; of a model without signal only where boosting is certainly better."""
    if boosting is None or boosting.gain.value is None or boosting.gain.low is None or boosting.gain.high is None:
        return []
    value, low, high = boosting.gain.value, boosting.gain.low, boosting.gain.high
    if high < 0:
        size = f"by {number(-value)} (95 %: {number(-high)} to {number(-low)})"
        return [f"Gradient boosting is better {size}: use it instead, unless you need one Keras model for raw rows."]
    if not is_positive(constant.gain):
        return []
    if low > 0:
        size = f"by {number(value)} (95 %: {number(low)} to {number(high)})"
        return [f"Better than gradient boosting {size}, which had {boosting.says}."]
    return [f"Level with gradient boosting{_by(boosting.gain)}."]
