"""Terminal output of the audit. Text from data, books and records is not interpreted as markup."""

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
CHANGES: Final = {"new": "new", "gone": "removed", "different": "changed"}
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
    """Print a heading and lines, if there are lines."""
    found = list(lines)
    if found:
        _line(console, Text(heading, style="dim"))
        for line in found:
            _line(console, line, DEEPER)


def _facts(console: Console, texts: Iterable[str], explained: set[str]) -> None:
    """Print the meanings of facts that texts mention. explained: facts already printed, which is updated."""
    found = {fact: meaning for fact, meaning in meanings(texts).items() if fact not in explained}
    explained.update(found)
    for fact, meaning in found.items():
        _line(console, plain(f"{fact}: {meaning}", "dim"))


def show_explanation(one: Explanation, console: Console, explained: set[str]) -> None:
    """Print the explanation of one decision.

    explained: facts whose meaning was already printed, which is updated.
    """
    console.print(Text.assemble((one.slot.letter, "bold cyan"), f"  {one.label}: ", plain(one.choice, "bold")))
    where = "".join(f" · {it}" for it in (one.place, one.stance) if it)
    _line(console, plain(f"by {one.by}{where}", "dim"))
    _line(console, plain(one.because))
    if one.means:
        _line(console, plain(one.means))
    if one.ruled:
        _line(console, plain(f"The rules choose {one.ruled}.", "yellow"))
    if one.reduced:
        _line(console, plain(f"Overruled by the time limit: {one.reduced}", "yellow"))
    if one.tests:
        table = plain_table("wanted", "measured", "margin")
        for test in one.tests:
            margin = "" if test.margin is None else quantity(test.margin, FACTS[test.fact].unit)
            table.add_row(plain(test.wanted), plain(number(test.measured)), plain(margin))
        console.print(Padding(table, INDENT))
    _facts(console, (test.wanted for test in one.tests), explained)
    for fragile in one.fragile:
        between = f"{fragile.fact} is between {number(fragile.low)} and {number(fragile.high)} (95 % interval)"
        _line(console, plain(f"Fragile: {between}; at one end the choice would be {fragile.other}.", "yellow"))
    for fact in one.provisional:
        _line(console, plain(f"Provisional: {fact} could not be measured.", "yellow"))
    _list(console, "Beaten rules", (plain(f"{it.rule} {it.choice}: {'; '.join(it.to)}") for it in one.lost))
    close = [it for it in one.silent if not it.is_elsewhere]
    _list(console, "Rules that did not fire", (plain(f"{it.rule} {it.choice}: {failing(it.failed)}") for it in close))
    far = sorted((it for it in one.silent if it.is_elsewhere), key=lambda it: it.rule)
    elsewhere = ", ".join(f"{it.rule} {it.choice}" for it in far)
    _list(console, "Rules for another task or modality", [plain(elsewhere)] if elsewhere else [])
    _list(console, "Disabled rules", map(plain, one.switched_off))
    _list(console, "Evidence for", map(plain, one.evidence_for))
    _list(console, "Evidence against", map(plain, one.evidence_against))
    _list(console, "Smallest changes to another choice", map(_flip, near(one.flips)))
    tests = [test.wanted for it in close for test in it.failed]
    _facts(console, [*tests, *(flip.how for flip in near(one.flips))], explained)
    console.print()


def failing(tests: Sequence[TestResult]) -> str:
    """Text of failed tests: wanted and measured value, and the distance to the threshold."""
    parts = []
    for test in tests:
        off = "" if test.margin is None else f" (off by {number(abs(test.margin))})"
        parts.append(f"needs {test.wanted}, measured {number(test.measured)}{off}")
    return "; ".join(parts)


def near(flips: Iterable[Flip]) -> list[Flip]:
    """Flips without a change of task and modality."""
    return [flip for flip in flips if flip.is_near]


def _flip(flip: Flip) -> Text:
    rules = f" ({', '.join(flip.rules)})" if flip.rules else ""
    return Text.assemble(plain(flip.how), " → ", plain(flip.becomes, "bold"), rules)


def show_why_not(answer: WhyNot, console: Console) -> None:
    """Print why a choice was not made, and which change would lead to it."""
    by = ", ".join(answer.chosen_by)
    console.print(Text.assemble(f"{answer.slot.label}: ", plain(answer.chosen, "bold"), plain(f" by {by}")))
    if answer.is_chosen:
        console.print(plain(f"This is the choice of the bundle; see 'recommend audit explain … {answer.slot}'."))
        return
    for forbidden in answer.forbidden:
        console.print(plain(f"{answer.wanted} is forbidden for this dataset by {forbidden}.", "yellow"))
    console.print()
    if answer.candidates:
        console.print(plain(f"Rules that choose {answer.wanted}:"))
    for one in answer.candidates:
        _line(console, Text.assemble((one.rule, "bold"), plain(f" {one.choice}: {one.because}")))
        if one.failed:
            _line(console, plain(f"does not fire: {failing(one.failed)}", "dim"), DEEPER)
        elif one.beaten_by:
            beats = "beats it" if len(one.beaten_by) == 1 else "beat it"
            _line(console, plain(f"fires, but {enumerated(one.beaten_by)} {beats}", "dim"), DEEPER)
        else:
            _line(console, plain("fires, and would decide", "dim"), DEEPER)
    if answer.candidates:
        console.print()
    if answer.nearest is None:
        _out_of_reach(answer, console)
    else:
        what = "Smallest change found that leads to it: "
        if not answer.nearest.is_near:
            what = "No change of numeric facts leads to it, but another kind of dataset would: "
        console.print(Text.assemble(what, plain(answer.nearest.how, "bold")))
        rules = enumerated(answer.nearest.rules)
        _line(console, plain(f"then {rules} would choose {answer.nearest.becomes}", "dim"))
    texts = [test.wanted for one in answer.candidates for test in one.failed]
    _facts(console, [*texts, answer.nearest.how if answer.nearest else ""], set())


def _out_of_reach(answer: WhyNot, console: Console) -> None:
    """Print why no change of facts leads to a choice, and how to choose it explicitly."""
    if answer.forbidden:
        console.print(plain("It cannot be pinned either.", "yellow"))
        return
    waiting = [one for one in answer.candidates if one.awaits and not answer.held_by]
    for one in waiting:
        slots = " and the ".join(one.awaits)
        console.print(plain(f"{one.rule} decides only if the user pins the {slots}.", "yellow"))
    if not answer.candidates:
        console.print(plain(f"No rule of the book chooses {answer.wanted}.", "yellow"))
    elif answer.held_by:
        slots = " and the ".join(answer.held_by)
        console.print(plain(f"These rules need another choice of the {slots} than the pinned one.", "yellow"))
    elif not waiting:
        console.print(plain("No dataset leads to it: other rules beat these wherever they fire.", "yellow"))
        for one in answer.candidates:
            beating = enumerated(one.beatable_by)
            _line(console, plain(f"{one.rule} is beaten by {beating}", "dim"))
    slot, wanted = answer.slot.value, shlex.quote(answer.asked)
    own = f"recommend rules new {slot} --then {wanted} --because …"
    pin = f"--pin {shlex.quote(f'{slot}={answer.asked}')} --reason …"
    console.print(plain(f"Pin it with {pin}, or add a rule: {own}"))


def enumerated(words: Sequence[str]) -> str:
    """Words as a list in a sentence, such as 'A001, A002 and A003'."""
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])


def show_outcomes(answer: WhatIf, settings: Sequence[str], console: Console) -> None:
    """Print the bundle for changed facts next to the one for recorded facts, and the dependent facts."""
    outcomes = answer.outcomes
    if answer.follows:
        moved = [f"{name} = {number(value)}" for name, value in answer.follows.items()]
        console.print(plain(f"Dependent facts: {enumerated(moved)}."))
    if answer.held:
        console.print(plain(f"Kept as recorded: {enumerated(answer.held)}.", "dim"))
    table = plain_table("", "now", "", f"with {', '.join(settings)}", "")
    for one in outcomes:
        style = "bold green" if one.changes else "dim"
        table.add_row(
            Text(one.slot.letter, style="bold cyan"),
            plain(one.was),
            plain(", ".join(one.was_by), "dim"),
            plain(one.becomes if one.changes else "unchanged", style),
            plain(", ".join(one.becomes_by) if one.changes else "", "dim"),
        )
    console.print(table)
    for one in outcomes:
        if one.provisional:
            facts = enumerated(one.provisional)
            verb = "is" if len(one.provisional) == 1 else "are"
            note = f"{one.slot.label} is provisional: {facts} {verb} unknown and could change it."
            console.print(plain(note, "yellow"))
    follows = [*answer.follows, *answer.held]
    _facts(console, [*settings, *follows, *(fact for one in outcomes for fact in one.provisional)], set())


def show_flips(found: dict[Slot, tuple[Flip, ...]], record: Record, console: Console, *, every: bool) -> None:
    """Print the smallest changes for each slot, the smallest first. every: include other tasks and modalities."""
    for slot in NOTES_ORDER:
        decision = record.decisions[slot]
        console.print(
            Text.assemble((slot.letter, "bold cyan"), f"  {slot.label}: ", plain(str(decision.choice), "bold"))
        )
        if slot not in found:
            _line(console, Text("pinned by the user, independent of the data", style="dim"))
            continue
        shown = found[slot] if every else near(found[slot])
        for flip in shown:
            _line(console, _flip(flip))
        others = len(found[slot]) - len(shown)
        if others:
            more = counted(others, "more choice" if shown else "other choice")
            _line(console, Text(f"{more} for another task or modality; use --all to list them", style="dim"))
        if not found[slot]:
            _line(console, Text("the rules make the same choice for every dataset", style="dim"))
    console.print()
    listed = [flip for flips in found.values() for flip in (flips if every else near(flips))]
    _facts(console, (flip.how for flip in listed), set())


def show_replay(answer: Replay, console: Console) -> None:
    """Print recorded and current decisions."""
    table = plain_table("", "recorded", "", "today", "", "verdict")
    for one in answer.slots:
        same = one.verdict == "same"
        table.add_row(
            Text(one.slot.letter, style="bold cyan"),
            plain(one.recorded),
            plain(", ".join(one.recorded_by), "dim"),
            plain("unchanged" if one.today == one.recorded else one.today, "dim" if same else "bold"),
            plain("" if same else ", ".join(one.today_by), "dim"),
            Text(one.verdict, style="green" if same else "yellow"),
        )
    console.print(table)
    for one in answer.slots:
        reasons = [f"{rule.rule} is {CHANGES[rule.change]}" for rule in one.rules]
        reasons += [_measured_again(fact) for fact in one.facts]
        if reasons:
            console.print(plain(f"{one.slot.label}: {'; '.join(reasons)}"))
    console.print(plain(f"The dataset was {answer.measured}.", "dim"))
    if answer.devices:
        console.print(plain(answer.devices, "dim"))
    if answer.facts:
        console.print(plain(f"Measured differently: {'; '.join(map(_measured_again, answer.facts))}.", "dim"))
    if answer.rules:
        changes = {change: [one.rule for one in answer.rules if one.change == change] for change in CHANGES}
        found = (f"{CHANGES[change]}: {', '.join(rules)}" for change, rules in changes.items() if rules)
        console.print(plain(f"Changes of rules: {'; '.join(found)}.", "dim"))
    _facts(console, (fact.fact for fact in answer.facts), set())


def _measured_again(fact: MeasuredAgain) -> str:
    return f"{fact.fact} from {number(fact.recorded)} to {number(fact.today)}"


def show_checks(checks: Sequence[Check], console: Console, *, sealed: bool) -> None:
    """Print the results of a verification. sealed: whether a noted seal was checked."""
    table = plain_table("", "", "", "")
    for check in checks:
        mark, style = MARKS[check.status]
        table.add_row(
            Text(mark, style=style), plain(check.what), Text(check.status, style=style), plain(check.detail, "dim")
        )
    console.print(table)
    if not sealed:
        console.print(Text("Changes with recomputed digests are detected only with --seal.", style="dim"))


def show_guardrails(guardrails: Sequence[Guardrail], console: Console) -> None:
    """Print the data checks with value and threshold."""
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
    """Line with a check's value and threshold; empty if it has none."""
    parts = [
        f"{what} {quantity(bound, one.unit)}"
        for what, bound in (("value", one.value), ("threshold", one.threshold))
        if bound is not None
    ]
    return f"\n{printable(', '.join(parts))}" if parts else ""
