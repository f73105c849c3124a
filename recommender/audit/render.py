"""Answers of the audit on a terminal. What comes from data, books and records is never read as markup."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.text import Text

from recommender.recommendation.render import plain
from rules.cli.render import plain_table
from rules.decision.meanings import meanings
from rules.text.numbers import number, quantity
from rules.text.wording import counted, printable
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from recommender.audit.explain import Explanation
    from recommender.audit.question import WhatIf, WhyNot
    from recommender.audit.replay import MeasuredAgain, Replay
    from recommender.audit.verify import Check
    from rules.decision.counterfactual import Flip
    from rules.decision.record import Guardrail, Record
    from rules.decision.trace import TestResult
    from rules.vocabulary.choices import Slot

INDENT: Final = (0, 0, 0, 3)
DEEPER: Final = (0, 0, 0, 6)
CHANGES: Final = {"new": "new", "gone": "gone", "different": "different from then"}
MARKS: Final = {
    "intact": ("✓", "green"),
    "altered": ("✗", "bold red"),
    "missing": ("?", "bold red"),
    "unchecked": ("-", "dim"),
    "passed": ("✓", "dim"),
    "done": ("•", "cyan"),
    "alerted": ("!", "yellow"),
}


def _line(console: Console, text: Text, indent: tuple[int, int, int, int] = INDENT) -> None:
    console.print(Padding(text, indent))


def _list(console: Console, heading: str, lines: Iterable[Text]) -> None:
    """A heading and its lines; nothing where there are none."""
    found = list(lines)
    if found:
        _line(console, Text(heading, style="dim"))
        for line in found:
            _line(console, line, DEEPER)


def _facts(console: Console, texts: Iterable[str], explained: set[str]) -> None:
    """What the facts mean that some texts name, each once. explained: those that were, and then are."""
    found = {fact: meaning for fact, meaning in meanings(texts).items() if fact not in explained}
    explained.update(found)
    for fact, meaning in found.items():
        _line(console, plain(f"{fact}: {meaning}", "dim"))


def show_explanation(one: Explanation, console: Console, explained: set[str]) -> None:
    """One decision: who won and by what margins, who lost, who stayed silent, the evidence, and how firm it is.

    explained: the facts whose meaning was given before.
    """
    console.print(Text.assemble((one.slot.letter, "bold cyan"), f"  {one.label}: ", plain(one.choice, "bold")))
    where = "".join(f" · {it}" for it in (one.place, one.stance) if it)
    _line(console, plain(f"by {one.by}{where}", "dim"))
    _line(console, plain(one.because))
    if one.means:
        _line(console, plain(one.means))
    if one.ruled:
        _line(console, plain(f"The rules say {one.ruled}.", "yellow"))
    if one.tests:
        table = plain_table("wanted", "measured", "margin")
        for test in one.tests:
            margin = "" if test.margin is None else quantity(test.margin, FACTS[test.fact].unit)
            table.add_row(plain(test.wanted), plain(number(test.measured)), plain(margin))
        console.print(Padding(table, INDENT))
    _facts(console, (test.wanted for test in one.tests), explained)
    for fragile in one.fragile:
        between = f"{fragile.fact} lies between {number(fragile.low)} and {number(fragile.high)} (95 %)"
        _line(console, plain(f"Fragile: {between}; at one end it would be {fragile.other}.", "yellow"))
    for fact in one.provisional:
        _line(console, plain(f"Provisional: {fact} could not be measured.", "yellow"))
    _list(console, "Fired and lost", (plain(f"{it.rule} {it.choice}: {'; '.join(it.to)}") for it in one.lost))
    close = [it for it in one.silent if not it.is_elsewhere]
    _list(console, "Stayed silent", (plain(f"{it.rule} {it.choice}: {failing(it.failed)}") for it in close))
    far = sorted((it for it in one.silent if it.is_elsewhere), key=lambda it: it.rule)
    elsewhere = ", ".join(f"{it.rule} {it.choice}" for it in far)
    _list(console, "For another task or modality", [plain(elsewhere)] if elsewhere else [])
    _list(console, "Switched off", map(plain, one.switched_off))
    _list(console, "Evidence for", map(plain, one.evidence_for))
    _list(console, "Evidence against", map(plain, one.evidence_against))
    _list(console, "Would change with", map(_flip, near(one.flips)))
    tests = [test.wanted for it in close for test in it.failed]
    _facts(console, [*tests, *(flip.how for flip in near(one.flips))], explained)
    console.print()


def failing(tests: Sequence[TestResult]) -> str:
    """The tests that keep a rule silent: what was wanted, what was measured, how far off."""
    parts = []
    for test in tests:
        off = "" if test.margin is None else f" (off by {number(abs(test.margin))})"
        parts.append(f"wants {test.wanted}, measured {number(test.measured)}{off}")
    return "; ".join(parts)


def near(flips: Iterable[Flip]) -> list[Flip]:
    """The flips that leave the task and the modality as they are."""
    return [flip for flip in flips if flip.is_near]


def _flip(flip: Flip) -> Text:
    rules = f" ({', '.join(flip.rules)})" if flip.rules else ""
    return Text.assemble(plain(flip.how), " → ", plain(flip.becomes, "bold"), rules)


def show_why_not(answer: WhyNot, console: Console) -> None:
    """Why a choice was not made, and what would make it."""
    by = ", ".join(answer.chosen_by)
    console.print(Text.assemble(f"{answer.slot.label}: ", plain(answer.chosen, "bold"), plain(f" by {by}")))
    if answer.is_chosen:
        console.print(plain(f"That is what you ask for; 'recommend audit explain … {answer.slot}' says why."))
        return
    for forbidden in answer.forbidden:
        console.print(plain(f"{answer.wanted} is forbidden here by {forbidden}.", "yellow"))
    console.print()
    if answer.candidates:
        console.print(plain(f"Rules that would give {answer.wanted}:"))
    for one in answer.candidates:
        _line(console, Text.assemble((one.rule, "bold"), plain(f" {one.choice}: {one.because}")))
        if one.failed:
            _line(console, plain(f"silent here: {failing(one.failed)}", "dim"), DEEPER)
        elif one.beaten_by:
            beats = "beats it" if len(one.beaten_by) == 1 else "beat it"
            _line(console, plain(f"fires here, but {enumerated(one.beaten_by)} {beats}", "dim"), DEEPER)
        else:
            _line(console, plain("fires here, and would decide", "dim"), DEEPER)
    if answer.candidates:
        console.print()
    if answer.nearest is None:
        _out_of_reach(answer, console)
    else:
        what = "Smallest change found that gives it: "
        if not answer.nearest.is_near:
            what = "No change of the numbers gives it; another kind of dataset would: "
        console.print(Text.assemble(what, plain(answer.nearest.how, "bold")))
        rules = enumerated(answer.nearest.rules)
        _line(console, plain(f"then {rules} would choose {answer.nearest.becomes}", "dim"))
    texts = [test.wanted for one in answer.candidates for test in one.failed]
    _facts(console, [*texts, answer.nearest.how if answer.nearest else ""], set())


def _out_of_reach(answer: WhyNot, console: Console) -> None:
    """Why no change of the facts gives a choice, and how to have it all the same."""
    if answer.forbidden:
        console.print(plain("So a person may not choose it here either.", "yellow"))
        return
    waiting = [one for one in answer.candidates if one.awaits and not answer.held_by]
    for one in waiting:
        slots = " and the ".join(one.awaits)
        console.print(plain(f"{one.rule} decides only where the user pins the {slots}.", "yellow"))
    if not answer.candidates:
        console.print(plain(f"No rule of the book chooses {answer.wanted}.", "yellow"))
    elif answer.held_by:
        slots = " and the ".join(answer.held_by)
        console.print(plain(f"These rules ask for another choice of the {slots} than the pinned one.", "yellow"))
    elif not waiting:
        console.print(plain("No dataset gets it: other rules beat these wherever they fire.", "yellow"))
        for one in answer.candidates:
            beating = enumerated(one.beatable_by)
            _line(console, plain(f"{one.rule} gives way to {beating}", "dim"))
    slot, wanted = answer.slot.value, shlex.quote(answer.asked)
    own = f"recommend rules new {slot} --then {wanted} --because …"
    pin = f"--pin {shlex.quote(f'{slot}={answer.asked}')} --reason …"
    console.print(plain(f"Choose it yourself with {pin}, or write a rule: {own}"))


def enumerated(words: Sequence[str]) -> str:
    """Words as a list in a sentence: 'A001, A002 and A003'."""
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])


def show_outcomes(answer: WhatIf, settings: Sequence[str], console: Console) -> None:
    """The bundle under changed facts beside the one under the recorded ones, and which facts followed."""
    outcomes = answer.outcomes
    if answer.follows:
        moved = [f"{name} = {number(value)}" for name, value in answer.follows.items()]
        console.print(plain(f"Then also {enumerated(moved)}."))
    if answer.held:
        console.print(plain(f"Kept as recorded: {enumerated(answer.held)}.", "dim"))
    table = plain_table("", "now", "", f"with {', '.join(settings)}", "")
    for one in outcomes:
        style = "bold green" if one.changes else "dim"
        table.add_row(
            Text(one.slot.letter, style="bold cyan"),
            plain(one.was),
            plain(", ".join(one.was_by), "dim"),
            plain(one.becomes if one.changes else "the same", style),
            plain(", ".join(one.becomes_by) if one.changes else "", "dim"),
        )
    console.print(table)
    for one in outcomes:
        if one.provisional:
            facts = enumerated(one.provisional)
            verb = "is" if len(one.provisional) == 1 else "are"
            says = f"{one.slot.letter} is provisional: {facts} {verb} not known then, and could change it."
            console.print(plain(says, "yellow"))
    follows = [*answer.follows, *answer.held]
    _facts(console, [*settings, *follows, *(fact for one in outcomes for fact in one.provisional)], set())


def show_flips(found: dict[Slot, tuple[Flip, ...]], record: Record, console: Console, *, every: bool) -> None:
    """The nearest changes for each slot, the nearest first; every: those to another task or modality, too."""
    for slot in NOTES_ORDER:
        decision = record.decisions[slot]
        console.print(
            Text.assemble((slot.letter, "bold cyan"), f"  {slot.label}: ", plain(str(decision.choice), "bold"))
        )
        if slot not in found:
            _line(console, Text("chosen by a person, whatever the data", style="dim"))
            continue
        shown = found[slot] if every else near(found[slot])
        for flip in shown:
            _line(console, _flip(flip))
        others = len(found[slot]) - len(shown)
        if others:
            more = counted(others, "more choice" if shown else "other choice")
            _line(console, Text(f"{more} for another task or modality; --all lists them", style="dim"))
        if not found[slot]:
            _line(console, Text("the rules choose the same for every dataset", style="dim"))
    console.print()
    listed = [flip for flips in found.values() for flip in (flips if every else near(flips))]
    _facts(console, (flip.how for flip in listed), set())


def show_replay(answer: Replay, console: Console) -> None:
    """The decisions then and now."""
    table = plain_table("", "recorded", "", "today", "", "verdict")
    for one in answer.slots:
        same = one.verdict == "same"
        table.add_row(
            Text(one.slot.letter, style="bold cyan"),
            plain(one.recorded),
            plain(", ".join(one.recorded_by), "dim"),
            plain("the same" if one.today == one.recorded else one.today, "dim" if same else "bold"),
            plain("" if same else ", ".join(one.today_by), "dim"),
            Text(one.verdict, style="green" if same else "yellow"),
        )
    console.print(table)
    for one in answer.slots:
        reasons = [f"{rule.rule} is {CHANGES[rule.change]}" for rule in one.rules]
        reasons += [_measured_again(fact) for fact in one.facts]
        if reasons:
            console.print(plain(f"{one.slot.letter}: {'; '.join(reasons)}"))
    console.print(plain(f"The dataset was {answer.measured}.", "dim"))
    if answer.facts:
        console.print(plain(f"Measured differently: {'; '.join(map(_measured_again, answer.facts))}.", "dim"))
    if answer.rules:
        changes = {change: [one.rule for one in answer.rules if one.change == change] for change in CHANGES}
        said = (f"{CHANGES[change]}: {', '.join(rules)}" for change, rules in changes.items() if rules)
        console.print(plain(f"Rules that are {'; '.join(said)}.", "dim"))
    _facts(console, (fact.fact for fact in answer.facts), set())


def _measured_again(fact: MeasuredAgain) -> str:
    return f"{fact.fact} from {number(fact.recorded)} to {number(fact.today)}"


def show_checks(checks: Sequence[Check], console: Console, *, sealed: bool) -> None:
    """What was verified; sealed: against a seal that was noted elsewhere."""
    table = plain_table("", "", "", "")
    for check in checks:
        mark, style = MARKS[check.status]
        table.add_row(
            Text(mark, style=style), plain(check.what), Text(check.status, style=style), plain(check.detail, "dim")
        )
    console.print(table)
    if not sealed:
        console.print(Text("Digests that were computed again after a change are found only with --seal.", style="dim"))


def show_guardrails(guardrails: Sequence[Guardrail], console: Console) -> None:
    """The checks of the data with value and threshold."""
    table = plain_table("", "check", "finding")
    table.columns[1].no_wrap = True
    for one in guardrails:
        mark, style = MARKS[one.status]
        name = plain(one.name.replace("_", " "))
        table.add_row(Text(mark, style=style), name, plain(one.message).append(_held(one), style="dim"))
    console.print(table)
    counts = {status: sum(one.status == status for one in guardrails) for status in ("alerted", "done", "passed")}
    console.print(Text(", ".join(f"{count} {status}" for status, count in counts.items()), style="dim"))


def _held(one: Guardrail) -> str:
    """A check's value against its threshold, on a line of its own; nothing where it has none."""
    parts = [
        f"{what} {quantity(bound, one.unit)}"
        for what, bound in (("value", one.value), ("threshold", one.threshold))
        if bound is not None
    ]
    return f"\n{printable(', '.join(parts))}" if parts else ""
