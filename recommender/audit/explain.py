"""Explanation of decisions: deciding rules with margins, beaten and silent rules, evidence, and robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from recommender.audit.reach import choice_scope
from recommender.recommendation.trial_budget import MIN_TRIALS_FOR_SENSITIVITY
from rules.decision.counterfactual import Flip
from rules.decision.trace import FROM_BUNDLE, Fragility, TestResult
from rules.scorecard.shipped import evidence_against, evidence_for
from rules.text.html import html_table
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Custom, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recommender.audit.subject import Subject
    from rules.decision.record import Record, SwitchedOff
    from rules.decision.trace import Decision, RuleTrace

_CLOSED = ConfigDict(frozen=True, extra="forbid")


class Lost(BaseModel):
    """A rule that fired and was beaten. to: the rules that beat it, each with the reason."""

    model_config = _CLOSED

    rule: str
    choice: str
    to: tuple[str, ...]
    because: str


class Silent(BaseModel):
    """A rule that did not fire, with its failed tests."""

    model_config = _CLOSED

    rule: str
    choice: str
    failed: tuple[TestResult, ...]

    @property
    def is_elsewhere(self) -> bool:
        """Whether the rule is for another task or modality."""
        return any(test.fact in {"task", "modality"} for test in self.failed)


class Explanation(BaseModel):
    """Explanation of one decision."""

    model_config = _CLOSED

    slot: Slot
    label: str
    choice: str
    by: str
    """The deciding rules, or the user who pinned the choice."""
    layer: str
    place: str
    because: str
    stance: str
    ruled: str
    """The choice of the rules if the user pinned another; otherwise empty."""
    reduced: str
    """What the time limit of the run reduced in the choice; otherwise empty."""
    means: str
    """The effect of the choice, if its name does not show it."""
    tests: tuple[TestResult, ...]
    """Tests of the deciding rule."""
    lost: tuple[Lost, ...]
    silent: tuple[Silent, ...]
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    fragile: tuple[Fragility, ...]
    provisional: tuple[str, ...]
    switched_off: tuple[str, ...]
    """Rules of the slot that a book disabled, each with place, author and reason."""
    flips: tuple[Flip, ...]
    """The smallest changes of facts that lead to another choice."""

    def _repr_html_(self) -> str:
        met = [("measured", test.fact, f"{test.measured}, wanted {test.wanted}") for test in self.tests]
        lost = [("lost", one.choice, f"{one.rule}: {one.because}") for one in self.lost]
        rows = [("chosen", self.choice, f"{self.by}: {self.because}"), *met, *lost]
        return html_table(f"{self.slot.letter} {self.label}", ("", "What", "Why"), rows)


def explain(subject: Subject, slots: Iterable[Slot] = tuple(Slot)) -> tuple[Explanation, ...]:
    """Explain the decisions for some slots, with flips by the subject's book."""
    record, wanted = subject.record, tuple(slots)
    found = subject.flips(wanted)
    off = record.book.switched_off
    bundle = Bundle.of({slot: decision.choice for slot, decision in record.decisions.items()})
    return tuple(
        _explanation(
            record.decisions[slot],
            _means(slot, bundle, record) + _searched(slot, bundle, subject),
            subject.reduction() if slot is Slot.VALIDATION else "",
            found.get(slot, ()),
            [one for one in off if one.rule.startswith(slot.letter)],
        )
        for slot in wanted
    )


def _explanation(
    decision: Decision, means: str, reduced: str, nearest: tuple[Flip, ...], off: Iterable[SwitchedOff]
) -> Explanation:
    winner, pin, choice = decision.winner, decision.pin, str(decision.choice)
    deciding = [trace for trace in decision.trace if trace.outcome == "decides"]
    beaten = [trace for trace in decision.trace if trace.outcome == "beaten"]
    silent = [trace for trace in decision.trace if trace.outcome == "silent"]
    is_contested = winner.stance == "contested" and not pin
    by = ", ".join(decision.rules)
    if pin:
        by = FROM_BUNDLE if pin.origin == "bundle" else f"user ({pin.author})" if pin.author else "user"
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
        reduced=reduced,
        means=means,
        tests=() if pin else winner.tests,
        lost=tuple(_lost(trace) for trace in beaten),
        silent=tuple(sorted((_silent(trace) for trace in silent), key=lambda one: (len(one.failed), one.rule))),
        evidence_for=tuple(
            _evidence(trace, with_reason=trace is not winner or bool(pin))
            for trace in deciding
            if trace.choice == choice
        )
        + tuple(
            f"{trace.rule}: {sentence}"
            for trace in deciding
            if trace.choice == choice
            for sentence in evidence_for(trace.rule, trace.choice)
        ),
        evidence_against=(
            *(
                f"{_evidence(trace)} It would choose {trace.choice}."
                for trace in [*deciding, *beaten]
                if trace.choice != choice
            ),
            *([f"{winner.rule} is contested: sources disagree."] if is_contested else []),
            *(
                f"{trace.rule}: {sentence}"
                for trace in deciding
                if trace.choice == choice
                for sentence in evidence_against(trace.rule, trace.choice)
            ),
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
        f"{defeat.rule} {'overrides it' if defeat.declared else 'is more specific'}" for defeat in trace.beaten_by
    )
    return Lost(rule=trace.rule, choice=trace.choice, to=to, because=trace.because)


def _silent(trace: RuleTrace) -> Silent:
    failed = tuple(test for test in trace.tests if not test.passes)
    return Silent(rule=trace.rule, choice=trace.choice, failed=failed)


def _evidence(trace: RuleTrace, *, with_reason: bool = True) -> str:
    """A rule's reason and source in one line."""
    sources = "; ".join(f"{kind}: {citation}" for kind, citation in trace.source.items())
    return f"{trace.rule}: {trace.because} [{sources}]" if with_reason else f"{trace.rule} [{sources}]"


def _searched(slot: Slot, bundle: Bundle, subject: Subject) -> str:
    """What the search varies in a slot, and the choice of the best trial; empty where it varies nothing."""
    labels = [label for label, _ in bundle.searched_choices(slot)]
    if not labels:
        return ""
    best = subject.best_choice(slot)
    return f" The search varies it: {', '.join(labels)}.{f' The best trial has {best}.' if best else ''}"


def _means(slot: Slot, bundle: Bundle, record: Record) -> str:
    if slot is not Slot.HYPERPARAMETERS:
        task, modality = (record.facts[name].value if name in record.facts else None for name in ("task", "modality"))
        return choice_scope(slot, bundle, task=task, modality=modality)
    chosen = bundle.hyperparameters
    varied = ", ".join(one.value.replace("_", " ") for one in bundle.searched)
    if isinstance(chosen, Custom) and chosen.values:
        varied = "; ".join(chosen.varied)
    if not varied:
        return "No hyperparameter is searched."
    allowed = record.facts["trial_budget"].value if "trial_budget" in record.facts else ""
    is_less = isinstance(allowed, int | float) and allowed < MIN_TRIALS_FOR_SENSITIVITY
    budget = f" The budget allows about {allowed:g}." if is_less else ""
    return (
        f"The search varies {varied}. Their importance is measured if at least {MIN_TRIALS_FOR_SENSITIVITY} trials "
        f"complete.{budget}"
    )
