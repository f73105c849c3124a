"""Whether to use a model, in one line, by what the hold-out says of it and of the simple answers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from executor.evaluation.scores import BOOSTING, EXPONENTIAL, is_negative, is_positive

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
