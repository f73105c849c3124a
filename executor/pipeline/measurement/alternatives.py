"""The alternatives of a choice that are admissible for a dataset, and checks of what a comparison is to train."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rules.decision.engine import check_bundle
from rules.errors import ChoiceError, MeasurementError, did_you_mean
from rules.vocabulary.choices import (
    MAX_RATE,
    Adafactor,
    Choice,
    Focal,
    He,
    Lecun,
    Lion,
    LogCosh,
    Muon,
    Nadam,
    Poisson,
    Quantile,
    RandomNormal,
    RandomUniform,
    Slot,
    Tweedie,
    WeightedCrossentropy,
    Xavier,
    names,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from rules.decision.trace import Pin
    from rules.rulebook.rule import Rule
    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.facts import Facts

MEASURED: Final = (
    Slot.ACTIVATION,
    Slot.LOSS,
    Slot.INITIALIZER,
    Slot.OPTIMIZER,
    Slot.AUGMENTATION,
    Slot.ARCHITECTURE,
    Slot.VALIDATION,
)
"""Slots whose choices are compared by trainings of equal length. The metric is what they are compared by; the tuner and
its hyperparameters have no effect without a search; transfer learning needs a file of weights."""
STEP: Final = 10**0.5  # factor between the learning rates that are tried
FIRST_STEPS: Final = (0, -1, 1)
MAX_STEPS: Final = 4  # from the rate of the choice, up or down: a factor of 100
MORE: Final[Mapping[Slot, tuple[Choice, ...]]] = MappingProxyType(
    {
        Slot.INITIALIZER: (
            Xavier(distribution="normal"),
            He(distribution="uniform"),
            Lecun(distribution="uniform"),
            RandomUniform(limit=0.2),
            RandomNormal(stddev=0.2),
        ),
        Slot.LOSS: (WeightedCrossentropy(weights="square_root"),),
    }
)
"""Parameters that no rule chooses."""
ONLY_AGAINST: Final[frozenset[type[Choice]]] = frozenset(
    {Focal, LogCosh, Poisson, Quantile, Tweedie, Nadam, Lion, Muon, Adafactor}
)
"""Choices that no rule makes, and that are compared only if --against names them: each lengthens a measurement."""
KIND_OF_DATA: Final = frozenset({"modality", "task"})


def alternatives(
    slot: Slot, bundle: Bundle, book: Rulebook, facts: Facts, *, against: Collection[str] = ()
) -> list[Choice]:
    """The choice of a bundle for a slot, then every other admissible one.

    These are the choices of rules for this kind of data without those that test an earlier training, each choice of the
    slot with its default parameters except ONLY_AGAINST, and MORE. against: names of choices that are included in any
    case.
    """
    chosen = bundle.choice(slot)
    distinct = {str(choice): choice for choice in (chosen, *_candidates(slot, book, facts, against))}.values()
    return [choice for choice in distinct if choice == chosen or _is_admissible(choice, slot, bundle, book, facts)]


def _candidates(slot: Slot, book: Rulebook, facts: Facts, against: Collection[str]) -> Iterator[Choice]:
    yield from (rule.choice for rule in book.of(slot) if _concerns(rule, facts) and not rule.tests_training)
    if slot is not Slot.ARCHITECTURE:  # networks for other kinds of data have no effect on this kind
        known = names(slot).items()
        yield from (choice() for name, choice in known if choice not in ONLY_AGAINST or name in against)
    yield from MORE.get(slot, ())


def _concerns(rule: Rule, facts: Facts) -> bool:
    """Whether a rule is for this kind of data, whatever its other facts."""
    return all(test.holds(facts[test.fact].value) for test in rule.when if test.fact in KIND_OF_DATA)


def _is_admissible(choice: Choice, slot: Slot, bundle: Bundle, book: Rulebook, facts: Facts) -> bool:
    try:
        check_bundle(bundle.model_copy(update={slot.value: choice}), book, facts)
    except ChoiceError:
        return False
    return True


def next_rates(choice: Choice, scores: Mapping[int, float]) -> list[Choice]:
    """The optimizer with the next learning rates to try.

    These are its rate, the next lower and the next higher one, and then the rate beyond the best one, as long as that
    is the lowest or the highest.

    scores: of the rates that were tried, by their step from the rate of the choice; higher is better. Returns none
    where the best rate has worse neighbours on both sides, is a factor of 100 away, or is the largest possible one.
    """
    possible = all_rates(choice)
    first = [possible[step] for step in FIRST_STEPS if step in possible and step not in scores]
    if first:
        return first
    best = max(scores, key=lambda step: scores[step])
    step = best - 1 if best == min(scores) else best + 1
    is_edge = best in {min(scores), max(scores)}
    return [possible[step]] if is_edge and step in possible else []


def all_rates(choice: Choice) -> dict[int, Choice]:
    """An optimizer with every learning rate that may be tried, by the step from its own rate."""
    own: float = choice.learning_rate  # type: ignore[attr-defined]  # every optimizer has it
    # Rounded, because the rate is part of the choice's text.
    rates = {step: float(f"{own * STEP**step:.3g}") for step in range(-MAX_STEPS, MAX_STEPS + 1)} | {0: own}
    return {step: choice.model_copy(update={"learning_rate": rate}) for step, rate in rates.items() if rate <= MAX_RATE}


def check_slot(slot: Slot | str, pins: Sequence[Pin] = ()) -> Slot:
    """The slot of a name or letter. Raises MeasurementError if it cannot be compared or is pinned."""
    found = Slot.named(str(slot))
    possible = ", ".join(MEASURED)
    if found is None:
        raise MeasurementError(
            f"The slot must be one of {possible}, but got {str(slot)!r}.{did_you_mean(str(slot), MEASURED)}"
        )
    if found not in MEASURED:
        raise MeasurementError(
            f"The slot {found.value!r} cannot be compared by trainings of equal length. Choose one of {possible}."
        )
    if any(pin.slot is found for pin in pins):
        raise MeasurementError(f"The slot {found.value!r} cannot be both compared and pinned. Remove its pin.")
    return found


def check_names(choices: Sequence[str], slot: Slot) -> None:
    """Raise MeasurementError on a name of no choice of the slot, and on fewer than two names."""
    known = list(names(slot))
    for name in choices:
        if name not in known:
            raise MeasurementError(
                f"A choice must be a name of the slot {slot.value!r} ({', '.join(known)}), but got {name!r}."
                f"{did_you_mean(name, known)}"
            )
    if len(choices) > 0 and len(set(choices)) < 2:  # noqa: PLR2004  nothing to compare
        raise MeasurementError(f"A comparison needs two choices or more, but got only {choices[0]!r}. Add another one.")
