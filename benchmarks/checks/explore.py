"""Whether the page of `recommend rules explore` decides as the Python engine, on random facts.

    python -m benchmarks.checks.explore 100000
    python -m benchmarks.checks.explore 100000 60000 0  # chunks of 500 from seed 60000, without nearest changes

Needs Node. Compares decisions, rules with their outcomes and margins, fragile and provisional choices, violated
constraints, and for three slots of each dataset the nearest changes to other choices, as text and in numbers. Facts lie
at thresholds, next to them and anywhere; some are unknown or not applicable, some have intervals, and some choices are
pinned.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from bisect import bisect_left, bisect_right
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from rules.decision import counterfactual
from rules.decision.counterfactual import flips
from rules.decision.engine import decide, slot_choices
from rules.decision.trace import Pin
from rules.explore.books import shown_books
from rules.explore.content import page_data
from rules.explore.page import MODULES
from rules.proof.decision_regions import decision_regions, upstream
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.condition import interval_of
from rules.vocabulary.facts import (
    FACTS,
    NOT_APPLICABLE,
    UNKNOWN,
    Categories,
    Measurement,
    NotApplicable,
    Task,
    Unknown,
    record_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rules.decision.engine import SlotChoice
    from rules.explore.content import ShownBook
    from rules.proof.proved_book import ProvedBook
    from rules.vocabulary.facts import Fact, Facts

UNKNOWN_SHARE: Final = 0.08  # of facts that apply
MISFIT_SHARE: Final = 0.02  # of facts that apply to some tasks: not applicable, or a value although they do not apply
INTERVAL_SHARE: Final = 0.3  # of numbers
PINNED_SHARE: Final = 0.25  # of datasets
RARE_CLASS: Final = "it's rare"
SLOTS: Final = 3  # of a dataset, whose nearest changes are compared; they take most of the time
CHUNK: Final = 500  # datasets of one process of Node

ANSWERS: Final = """
({ model, decide, flips }, cases) => cases.map(({ book, facts, pins, rareClass, slots }) => {
  const shown = model.books.find(({ name }) => name === book);
  const nearest = (by) => (slots.length > 0 ? flips(model, shown, facts, by, rareClass, slots) : {});
  const text = (index) => model.choices[index].text;
  const by = Object.fromEntries(pins.map(([slot, name]) => [slot,
    model.pinnable[slot].find((index) => model.choices[index].text === name)]));
  try {
    const { decisions, broken } = decide(model, shown, facts, by);
    return {
      decisions: Object.values(decisions).map((one) => [one.slot, text(one.choice), text(one.ruled), one.pinned,
        one.rules, one.provisional, one.fragile.map((own) => [own.fact, own.low, own.high, text(own.other)]),
        one.trace.map((rule) => [rule.rule, rule.outcome, rule.beatenBy.map((own) => [own.rule, own.declared]),
          rule.tests.map((test) => [test.fact, test.measured, test.passes, test.margin])])]),
      broken: broken.map(({ id }) => id),
      flips: Object.entries(nearest(by)).map(([slot, found]) => [slot,
        found.map((flip) => [flip.was, flip.becomes, flip.rules, flip.how, flip.distance,
          flip.changes.map((one) => [one.fact, one.old, one.new, one.words])])]),
    };
  } catch (error) {
    if (error.message !== "no rule fires") throw error;
    return null;
  }
})
"""
"""A JavaScript function of the page's engine and of cases, to their answers."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Facts of a dataset, pinned choices, the book that decides, and the slots whose nearest changes are compared."""

    book: str
    facts: Facts
    pins: tuple[Pin, ...]
    slots: tuple[Slot, ...]

    def to_json(self) -> dict[str, Any]:
        facts = {
            name: {"value": record_value(one.value)} | ({} if one.low is None else {"low": one.low, "high": one.high})
            for name, one in self.facts.items()
        }
        pins = [[pin.slot.value, str(pin.choice)] for pin in self.pins]
        slots = [slot.value for slot in self.slots]
        return {"book": self.book, "facts": facts, "pins": pins, "rareClass": f"class {RARE_CLASS!r}", "slots": slots}


def random_case(books: Sequence[ShownBook], data: dict[str, Any], draw: random.Random, slots: int = SLOTS) -> Case:
    """A random case. data: of the page."""
    task = draw.choice(list(Task))
    facts = {"task": Measurement(value=task.value)}
    for fact in FACTS.values():
        if fact.slot is None and fact.name != "task":
            facts[fact.name] = _random_fact(fact, task, books[0].proved, draw)
    pins = []
    for slot in draw.sample(list(Slot), draw.randint(1, 2)) if draw.random() < PINNED_SHARE else ():
        texts = [data["choices"][index]["text"] for index in data["pinnable"][slot.value]]
        choice = draw.choice([text for text in texts if text != "networks"])  # refused unless it is a forecast
        pins.append(Pin(slot=slot, choice=parse_choice(slot, choice), reason="a check"))
    asked = tuple(draw.sample(list(Slot), slots))
    return Case(book=draw.choice(books).name, facts=facts, pins=tuple(pins), slots=asked)


def _random_fact(fact: Fact, task: Task, proved: ProvedBook, draw: random.Random) -> Measurement:
    applies, is_odd = fact.applies_to(task), fact.tasks != frozenset(Task) and draw.random() < MISFIT_SHARE
    if applies is is_odd:
        return Measurement(value=NOT_APPLICABLE)
    if draw.random() < UNKNOWN_SHARE:
        return Measurement(value=UNKNOWN)
    if isinstance(fact.domain, Categories):
        allowed = fact.domain.values
        if fact.name == "modality" and task is Task.FORECASTING and draw.random() > MISFIT_SHARE:
            allowed = ("tabular", "sequence")
        return Measurement(value=str(draw.choice(allowed)))
    value = _random_number(fact, proved, draw)
    if draw.random() > INTERVAL_SHARE:
        return Measurement(value=value)
    low, high = fact.domain.low, fact.domain.high
    ends = (max(low, value - abs(value) * draw.random()), min(high, value + (abs(value) + 0.1) * draw.random()))
    return Measurement(value=value, low=float(ends[0]), high=float(ends[1]))


def _random_number(fact: Fact, proved: ProvedBook, draw: random.Random) -> float:
    domain = interval_of(fact.name)
    cuts = [cut for cut in _thresholds(proved, fact.name) if cut in domain] + [
        end for end in (domain.low, domain.high) if math.isfinite(end)
    ]
    if cuts and draw.random() < 1 / 2:
        cut = draw.choice(cuts)
        near = [cut - 1, cut + 1] if domain.whole else [math.nextafter(cut, -math.inf), math.nextafter(cut, math.inf)]
        found: float = draw.choice([cut, *near])
    elif math.isfinite(domain.high):
        found = draw.uniform(domain.low, domain.high)
    else:
        found = 10 ** draw.uniform(-2, 6) * (1 if math.isfinite(domain.low) else draw.choice([-1, 1]))
        found += domain.low if math.isfinite(domain.low) else 0
    found = min(max(found, domain.low), domain.high)
    return int(found) if domain.whole else float(found)


def kept_by_book(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the results of a function of a proved book, which has no hash, and of values that have one."""
    found: dict[Any, Any] = {}

    @wraps(function)
    def kept(proved: ProvedBook, *rest: Any) -> Any:  # noqa: ANN401
        key = id(proved), rest
        if key not in found:
            found[key] = proved, function(proved, *rest)  # while the book is kept, no other one has its id
        return found[key][1]

    return kept


@kept_by_book
def _thresholds(proved: ProvedBook, fact: str) -> list[float]:
    tests = (test for rule in proved.book.rules for test in rule.when)
    return sorted({test.constant for test in tests if test.fact == fact and not isinstance(test.constant, tuple)})


def python_answer(case: Case, proved: ProvedBook) -> dict[str, Any] | None:
    """The answer of the Python engine, as JSON; None where no rule of a slot fires."""
    unbound = replace(proved, book=replace(proved.book, constraints=()))
    try:
        strategy = decide(unbound, case.facts, pins=case.pins)
        pins, asked = case.pins, case.slots
        found = flips(proved, case.facts, pins=pins, rare_class=RARE_CLASS, slots=asked) if asked else {}
    except IndexError:
        return None
    chosen = {slot: decision.choice for slot, decision in strategy.decisions.items()}
    answer = {
        "decisions": [
            [slot.value, str(one.choice), str(one.ruled), one.pin is not None, one.rules, one.provisional,
             [[own.fact, own.low, own.high, own.other] for own in one.fragile],
             [[rule.rule, rule.outcome, [[by.rule, by.declared] for by in rule.beaten_by],
               [[test.fact, test.measured, test.passes, test.margin] for test in rule.tests]] for rule in one.trace]]
            for slot, one in strategy.decisions.items()
        ],
        "broken": [one.id for one in proved.book.constraints if one.is_broken_by(chosen, strategy.facts)],
        "flips": [
            [slot.value, [[flip.was, flip.becomes, flip.rules, flip.how, flip.distance,
                           [[one.fact, one.old, one.new, one.words] for one in flip.changes]] for flip in nearest]]
            for slot, nearest in found.items()
        ],
    }  # fmt: skip
    as_json: dict[str, Any] = json.loads(json.dumps(answer))
    return as_json


@contextmanager
def remembered_cells() -> Iterator[None]:
    """Make the search for changes fast: the choices of a cell of fact space, and the regions of a book, are kept."""
    choices: dict[Any, Any] = {}
    regions: dict[Any, Any] = {}

    def kept_choices(
        proved: ProvedBook, facts: Facts, *, pins: Sequence[Pin] = (), slots: Iterable[Slot] = tuple(Slot)
    ) -> dict[Slot, SlotChoice]:
        given = tuple((pin.slot, str(pin.choice)) for pin in pins)
        place = {name: _piece(facts[name].value, edges) for name, edges in _cuts(proved).items()}
        found = {}
        for slot in _upstream(proved, tuple(slots)):
            key = id(proved), slot, given, tuple(place[name] for name in _read(proved, slot))
            if key not in choices:
                choices[key] = slot_choices(proved, facts, pins=pins, slots=[slot])[slot]
            found[slot] = choices[key]
        return found

    def kept_regions(book: Any, beaten_by: Any, slots: Any, *, pinned: Any) -> Any:  # noqa: ANN401
        key = id(book), slots, tuple((slot, str(choice)) for slot, choice in pinned.items())
        if key not in regions:
            regions[key] = list(decision_regions(book, beaten_by, slots, pinned=pinned))
        return regions[key]

    with (
        patch.object(counterfactual, "slot_choices", kept_choices),
        patch.object(counterfactual, "decision_regions", kept_regions),
    ):
        yield


@kept_by_book
def _upstream(proved: ProvedBook, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    return upstream(proved.book, slots)


@kept_by_book
def _read(proved: ProvedBook, slot: Slot) -> tuple[str, ...]:
    """Facts on which the choice of a slot depends; which values are possible depends on the task."""
    tests = (test for one in _upstream(proved, (slot,)) for rule in proved.book.of(one) for test in rule.when)
    return tuple(sorted({test.fact for test in tests if FACTS[test.fact].slot is None} | {"task"}))


@kept_by_book
def _cuts(proved: ProvedBook) -> dict[str, list[float]]:
    return {name: _thresholds(proved, name) for slot in Slot for name in _read(proved, slot)}


def _piece(value: object, edges: list[float]) -> object:
    """What identifies the piece of a fact's domain in which a value lies."""
    if isinstance(value, Unknown | NotApplicable):
        return repr(value)
    if isinstance(value, int | float):
        return bisect_left(edges, value), bisect_right(edges, value)
    return value


def node_answers(data: dict[str, Any], cases: Sequence[Case]) -> list[dict[str, Any] | None]:
    """The answers of the page's engine in Node."""
    program = f"""
        import {{ readFileSync }} from "node:fs";
        const {{ decide, readModel }} = await import({json.dumps((MODULES / "engine.mjs").as_uri())});
        const {{ flips }} = await import({json.dumps((MODULES / "flips.mjs").as_uri())});
        const {{ data, cases }} = JSON.parse(readFileSync(0, "utf-8"));
        const answers = {ANSWERS.strip()};
        process.stdout.write(JSON.stringify(answers({{ model: readModel(data), decide, flips }}, cases)));
    """
    given = json.dumps({"data": data, "cases": [case.to_json() for case in cases]})
    command = ["node", "--input-type=module", "--eval", program]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=600)  # noqa: S603
    found: list[dict[str, Any] | None] = json.loads(done.stdout)
    return found


def random_cases(
    books: Sequence[ShownBook], data: dict[str, Any], *, seed: int, count: int, slots: int = SLOTS
) -> Iterator[tuple[Case, dict[str, Any] | None]]:
    """Random cases with the answers of the Python engine."""
    draw = random.Random(seed)  # noqa: S311  a sample
    proved = {book.name: book.proved for book in books}
    for _ in range(count):
        case = random_case(books, data, draw, slots)
        yield case, python_answer(case, proved[case.book])


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0  # noqa: PLR2004
    slots = int(sys.argv[3]) if len(sys.argv) > 3 else SLOTS  # noqa: PLR2004
    books = shown_books()
    data = page_data(books)
    wrong: list[str] = []
    done = silent = 0
    with remembered_cells():
        for seed in range(first, first - (-total // CHUNK)):
            cases, expected = zip(*random_cases(books, data, seed=seed, count=CHUNK, slots=slots), strict=True)
            answers = node_answers(data, cases)
            wrong += [
                json.dumps(case.to_json())
                for case, own, other in zip(cases, expected, answers, strict=True)
                if own != other
            ]
            done, silent = done + CHUNK, silent + expected.count(None)
            print(f"{done:,} datasets compared, {len(wrong)} differ; no rule fires on {silent}", flush=True)
    print("\n".join(wrong[:10]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
