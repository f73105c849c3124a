"""Seconds to prove a generated book of 200 rules in one slot, to prove the shipped book, and to decide.

    python -m benchmarks.speed.rulebook [--rules 200] [--repeats 5]

The rules of the generated book are intervals on one to four facts, broader before narrower. Each rule overrides the
earlier ones that choose otherwise; the proof finds no error. Each time is the median of the repetitions, in this
process. Goals: 2 s, 100 ms and 1 ms.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from rules.decision.engine import decide
from rules.proof.proof import prove, prove_slot
from rules.proof.proved_book import load_book
from rules.rulebook.rule import Rule
from rules.vocabulary.choices import Slot, names, parse_choice
from rules.vocabulary.condition import Test
from rules.vocabulary.facts import FACTS, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.vocabulary.choices import Choice

SLOT: Final = Slot.OPTIMIZER
SEED: Final = 0
RANGES: Final = {
    "rows": (1, 100_000),
    "features": (1, 500),
    "imbalance_ratio": (1.0, 20.0),
    "minority_class_rows": (1, 1_000),
    "outlier_share": (0.0, 1.0),
    "missing_share": (0.0, 1.0),
    "sparsity": (0.0, 1.0),
    "trial_budget": (1, 200),
}
"""Where thresholds lie, by fact."""
NAMED: Final = ("task", "modality")
MAX_FACTS: Final = 4
SHARES: Final = (0.2, 0.6)
"""How much of a fact's range a window covers."""
DECISIONS: Final = 500
"""In one repetition: a single one is too short for the clock."""
DATASET: Final = {
    "task": "binary",
    "modality": "tabular",
    "rows": 1000,
    "features": 10,
    "classes": 2,
    "imbalance_ratio": 9.0,
    "minority_class_rows": 100,
    "missing_share": 0.0,
    "sparsity": 0.0,
    "trial_budget": 20,
}


@dataclass(frozen=True, kw_only=True)
class Window:
    """A condition, and the share of fact space that it covers."""

    tests: tuple[Test, ...]
    share: float


def window(draw: random.Random) -> Window:
    tests: list[Test] = []
    share = 1.0
    for fact in draw.sample([*RANGES, *NAMED], draw.randint(1, MAX_FACTS)):
        if fact in NAMED:
            levels = FACTS[fact].domain.values  # type: ignore[union-attr]  # named facts have levels
            some = tuple(draw.sample(levels, draw.randint(1, len(levels) - 1)))
            tests.append(Test(fact=fact, op="in", constant=some))
            share *= len(some) / len(levels)
        else:
            low, high = RANGES[fact]
            width = draw.uniform(*SHARES)
            start = low + draw.uniform(0, 1 - width) * (high - low)
            ends = (start, start + width * (high - low))
            least, most = map(round, ends) if isinstance(low, int) else (round(end, 3) for end in ends)
            tests += [Test(fact=fact, op="ge", constant=least), Test(fact=fact, op="lt", constant=most)]
            share *= width
    return Window(tests=tuple(tests), share=share)


def generated(count: int) -> tuple[Rule, ...]:
    """A flawless book of so many rules in one slot: windows are drawn until enough of them have an effect."""
    draw = random.Random(SEED)  # noqa: S311  not for secrets
    choices = [parse_choice(SLOT, name) for name in names(SLOT)]
    always = Window(tests=(), share=2.0)  # before all others
    drawn = {always: draw.choice(choices)}
    while True:
        while len(drawn) < count:
            drawn[window(draw)] = draw.choice(choices)
        windows = sorted(drawn, key=lambda one: one.share, reverse=True)
        rules: list[Rule] = []
        for number, one in enumerate(windows):
            overrides = tuple(rule.id for rule in rules if rule.choice != drawn[one])
            rules.append(_rule(f"{SLOT.letter}{number:03}", one, drawn[one], overrides))
        idle = {finding.rules[0] for finding in prove_slot(SLOT, rules).findings if finding.rules}
        if not idle:
            return tuple(rules)
        for one, rule in zip(windows, rules, strict=True):
            if rule.id in idle:
                del drawn[one]


def _rule(name: str, condition: Window, choice: Choice, overrides: tuple[str, ...]) -> Rule:
    return Rule(
        id=name,
        name="generated",
        slot=SLOT,
        when=condition.tests,
        choice=choice,
        because="a benchmark",
        rejects={},
        source={},
        stance="agreed",
        overrides=overrides,
        examples=(),
        author="",
        layer="generated",
        place="nowhere:1:1",
    )


def timed(act: Callable[[], object], *, repeats: int, calls: int = 1) -> float:
    """Median seconds of one call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            act()
        seconds.append((time.perf_counter() - start) / calls)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    said = parser.parse_args()
    rules = generated(said.rules)
    shipped = load_book()
    facts = {name: Measurement(value=value) for name, value in DATASET.items()}
    found = (
        (f"prove {len(rules)} rules in one slot", timed(lambda: prove_slot(SLOT, rules), repeats=said.repeats), 2.0),
        (
            f"prove the shipped book, {len(shipped.book.rules)} rules",
            timed(lambda: prove(shipped.book), repeats=said.repeats),
            0.1,
        ),
        ("read and prove the shipped book", timed(load_book, repeats=said.repeats), None),
        (
            "decide all slots, with the trace",
            timed(lambda: decide(shipped, facts), repeats=said.repeats, calls=DECISIONS),
            0.001,
        ),
    )
    table = Table(title=f"Rules, median of {said.repeats}")
    for heading in ("what", "milliseconds", "aim", ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, seconds, aim in found:
        met = "" if aim is None else "met" if seconds <= aim else "missed"
        table.add_row(what, f"{seconds * 1000:.2f}", "" if aim is None else f"≤ {aim * 1000:g}", met)
    Console().print(table)


if __name__ == "__main__":
    main()
