"""Why a slot was decided as it was: who won, by which margins, who lost to whom, who stayed silent, how firm it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from recommender.audit.reach import reach
from recommender.recommendation.trial_budget import MIN_TRIALS_FOR_SENSITIVITY
from rules.decision.counterfactual import Flip
from rules.decision.trace import FROM_BUNDLE, Fragility, TestResult
from rules.text.html import html_table
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recommender.audit.subject import Subject
    from rules.decision.record import Record, SwitchedOff
    from rules.decision.trace import Decision, RuleTrace

_CLOSED = ConfigDict(frozen=True, extra="forbid")


class Lost(BaseModel):
    """A rule that fired and was beaten. to: each winner with its claim."""

    model_config = _CLOSED

    rule: str
    choice: str
    to: tuple[str, ...]
    because: str


class Silent(BaseModel):
    """A rule that did not fire, and the tests that kept it silent."""

    model_config = _CLOSED

    rule: str
    choice: str
    failed: tuple[TestResult, ...]

    @property
    def is_elsewhere(self) -> bool:
        """Whether the rule is for another kind of dataset altogether."""
        return any(test.fact in {"task", "modality"} for test in self.failed)


class Explanation(BaseModel):
    """Everything about one decision, for a reader."""

    model_config = _CLOSED

    slot: Slot
    label: str
    choice: str
    by: str
    """The rules that decided, or the person who pinned."""
    layer: str
    place: str
    because: str
    stance: str
    ruled: str
    """What the rules say, where a person chose otherwise; else empty."""
    means: str
    """What the choice comes to, where its name does not say it."""
    tests: tuple[TestResult, ...]
    """Of the rule that won."""
    lost: tuple[Lost, ...]
    silent: tuple[Silent, ...]
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    fragile: tuple[Fragility, ...]
    provisional: tuple[str, ...]
    switched_off: tuple[str, ...]
    """Rules of the slot that a book switched off, each with its place, author and reason."""
    flips: tuple[Flip, ...]
    """The nearest changes that would give another choice."""

    def _repr_html_(self) -> str:
        met = [("measured", test.fact, f"{test.measured}, wanted {test.wanted}") for test in self.tests]
        lost = [("lost", one.choice, f"{one.rule}: {one.because}") for one in self.lost]
        rows = [("chosen", self.choice, f"{self.by}: {self.because}"), *met, *lost]
        return html_table(f"{self.slot.letter} {self.label}", ("", "What", "Why"), rows)


def explain(subject: Subject, slots: Iterable[Slot] = tuple(Slot)) -> tuple[Explanation, ...]:
    """Explain the decisions on some slots; the flips are those of the subject's book."""
    record, wanted = subject.record, tuple(slots)
    found = subject.flips(wanted)
    off = record.book.switched_off
    bundle = Bundle.of({slot: decision.choice for slot, decision in record.decisions.items()})
    return tuple(
        _explanation(
            record.decisions[slot],
            _means(slot, bundle, record),
            found.get(slot, ()),
            [one for one in off if one.rule.startswith(slot.letter)],
        )
        for slot in wanted
    )


def _explanation(decision: Decision, means: str, nearest: tuple[Flip, ...], off: Iterable[SwitchedOff]) -> Explanation:
    winner, pin, choice = decision.winner, decision.pin, str(decision.choice)
    deciding = [trace for trace in decision.trace if trace.outcome == "decides"]
    beaten = [trace for trace in decision.trace if trace.outcome == "beaten"]
    silent = [trace for trace in decision.trace if trace.outcome == "silent"]
    is_contested = winner.stance == "contested" and not pin
    by = ", ".join(decision.rules)
    if pin:
        by = FROM_BUNDLE if pin.origin == "bundle" else f"a person ({pin.author})" if pin.author else "a person"
    return Explanation(
        slot=decision.slot,
        label=decision.slot.label,
        choice=choice,
        by=by,
        layer="pin" if pin else winner.layer,
        place="" if pin else winner.place,
        because=pin.reason if pin else winner.because,
        stance="" if pin else winner.stance,
        ruled=f"{decision.ruled} by {', '.join(decision.rules)}" if pin else "",
        means=means,
        tests=() if pin else winner.tests,
        lost=tuple(_lost(trace) for trace in beaten),
        silent=tuple(sorted((_silent(trace) for trace in silent), key=lambda one: (len(one.failed), one.rule))),
        evidence_for=tuple(
            _evidence(trace, said=trace is winner and not pin) for trace in deciding if trace.choice == choice
        ),
        evidence_against=(
            *(
                f"{_evidence(trace)} It would choose {trace.choice}."
                for trace in [*deciding, *beaten]
                if trace.choice != choice
            ),
            *([f"{winner.rule} is contested: sources disagree."] if is_contested else []),
        ),
        fragile=() if pin else decision.fragile,
        provisional=() if pin else decision.provisional,
        switched_off=tuple(
            f"{one.rule} by {one.author or 'an unnamed author'} ({one.place}): {one.reason}" for one in off
        ),
        flips=nearest,
    )


def _lost(trace: RuleTrace) -> Lost:
    to = tuple(
        f"{defeat.rule} {'overrides it by name' if defeat.declared else 'is more specific'}"
        for defeat in trace.beaten_by
    )
    return Lost(rule=trace.rule, choice=trace.choice, to=to, because=trace.because)


def _silent(trace: RuleTrace) -> Silent:
    failed = tuple(test for test in trace.tests if not test.passes)
    return Silent(rule=trace.rule, choice=trace.choice, failed=failed)


def _evidence(trace: RuleTrace, *, said: bool = False) -> str:
    """A rule's reason and its source in one line. said: the reason was given before."""
    sources = "; ".join(f"{kind}: {citation}" for kind, citation in trace.source.items())
    return f"{trace.rule} [{sources}]" if said else f"{trace.rule}: {trace.because} [{sources}]"


def _means(slot: Slot, bundle: Bundle, record: Record) -> str:
    if slot is not Slot.HYPERPARAMETERS:
        task, modality = (record.facts[name].value if name in record.facts else None for name in ("task", "modality"))
        return reach(slot, bundle, task=task, modality=modality)
    varied = ", ".join(one.value.replace("_", " ") for one in bundle.searched)
    if not varied:
        return "Nothing is varied."
    allowed = record.facts["trial_budget"].value if "trial_budget" in record.facts else ""
    is_less = isinstance(allowed, int | float) and allowed < MIN_TRIALS_FOR_SENSITIVITY
    budget = f" The budget allows about {allowed:g}." if is_less else ""
    return (
        f"The search varies {varied}. How sensitive the model is to them is measured from {MIN_TRIALS_FOR_SENSITIVITY} "
        f"completed trials of one length on.{budget}"
    )
