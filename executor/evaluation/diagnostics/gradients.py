"""Vanishing and exploding gradients of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from rules.text.numbers import number
from rules.text.wording import counted, listed
from rules.vocabulary.facts import UNMEASURED, Measurement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.search.records.outcome import Outcome

GRADIENT_FLOW: Final = "gradient_flow"
"""The fact of a training that rules may test."""
GradientProblem = Literal["exploding", "vanishing"]

EXPLODING_FACTOR: Final = 1_000
"""Growth of the gradient norm since the first epoch, from which gradients explode; our own bound."""
VANISHING_SHARE: Final = 1e-4
"""Share of the first hidden layer in the gradient norm of each epoch, below which gradients vanish; our own bound. It
is 0 with zero weights. The first epoch is not compared: a network that starts at a linear model has 0 in its first
step."""
MIN_EPOCHS: Final = 2
"""Measured epochs from which gradients can be called stable."""
MAX_NAMED: Final = 5  # trials in a sentence
REMEDIES: Final[Mapping[GradientProblem, str]] = {
    "exploding": "Pin a lower learning rate, or an optimizer with clip_norm.",
    "vanishing": "Pin another initializer or activation.",
}


def gradient_problem(outcome: Outcome) -> GradientProblem | None:
    """Return what is wrong with the gradients of a trial; None if nothing is, or they were not measured.

    Gradients explode if their norm is not finite in an epoch, or grows to EXPLODING_FACTOR times that of the first
    epoch. They vanish if the first hidden layer has less than VANISHING_SHARE of the norm in every epoch after the
    first (Glorot and Bengio 2010, section 4.2).
    """
    norms = outcome.gradient_norm
    if not norms:
        return None
    known = [norm for norm in norms if norm is not None]
    if len(known) < len(norms) or max(known) > EXPLODING_FACTOR * known[0] > 0:
        return "exploding"
    share = _largest_share(outcome)
    return "vanishing" if share is not None and share < VANISHING_SHARE else None


def describe_gradients(ranked: Sequence[Outcome]) -> str:
    """Describe trials with exploding or vanishing gradients, with a remedy; "" if there is none. ranked: best first."""
    sentences = []
    for problem, remedy in REMEDIES.items():
        own = [one for one in ranked if gradient_problem(one) == problem]
        if not own:
            continue
        numbers = sorted(one.number for one in own)
        which = (
            f"trial {numbers[0]}"
            if len(own) == 1
            else f"{counted(len(own), 'trial')} ({listed([*map(str, numbers)], most=MAX_NAMED)})"
        )
        verb = "explode" if problem == "exploding" else "vanish"
        sentences.append(f"Gradients {verb} in {which}: {_measured(own[0], problem)}. {remedy}")
    if sentences and gradient_problem(ranked[0]) is not None:
        sentences.append("Rules test it in a next training with --after RUN.")
    return " ".join(sentences)


def gradient_flow(ranked: Sequence[Outcome]) -> Measurement:
    """Measure the fact `gradient_flow` of a training: the gradients of its best trial. ranked: best first."""
    best = ranked[0]
    problems = [gradient_problem(one) for one in ranked]
    others = [
        f"{word} in {count} of {counted(len(ranked), 'trial')}" for word in REMEDIES if (count := problems.count(word))
    ]
    epochs = len(best.gradient_norm)
    if epochs < MIN_EPOCHS and problems[0] is None:
        source = f"trial {best.number}, the best, has {counted(epochs, 'measured epoch')}, fewer than {MIN_EPOCHS}"
        return Measurement(value=UNMEASURED, source=source)
    source = f"{counted(epochs, 'epoch')} of trial {best.number}, the best"
    return Measurement(value=problems[0] or "stable", source="; ".join([source, *others]))


def _largest_share(outcome: Outcome) -> float | None:
    """Largest share of the first hidden layer in the gradient norm of an epoch after the first; None if unmeasured."""
    return max((share for share in outcome.first_layer_share[1:] if share is not None), default=None)


def _measured(outcome: Outcome, problem: GradientProblem) -> str:
    """The measurement of the best trial with a problem."""
    where = f"in trial {outcome.number}"
    if problem == "vanishing":
        share = number(_largest_share(outcome) or 0.0)
        return f"{where} the first hidden layer has at most {share} of the gradient norm in every epoch after the first"
    if None in outcome.gradient_norm:
        return f"{where} the gradient norm is not finite from epoch {outcome.gradient_norm.index(None) + 1}"
    first, highest = outcome.gradient_norm[0], max(norm for norm in outcome.gradient_norm if norm is not None)
    return f"{where} the gradient norm grows from {number(first or 0.0)} to {number(highest)}"
