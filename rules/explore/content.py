"""Data of the page: facts, rules, choices, measurements and starting points, as JSON."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rules.decision.difference import changed_choices
from rules.explore.presets import PRESETS, Preset, examples
from rules.proof.decision_regions import reported_value
from rules.rulebook.rulebook import SHIPPED
from rules.scorecard.shipped import measured_score, shipped_scorecard
from rules.text.yaml_document import schema_comment
from rules.vocabulary.bundle import FORMAT
from rules.vocabulary.choices import Choice, Slot, names
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import CLASSIFICATION, FACTS, IMPOSSIBLE, Categories, Fact, Facts, Task, record_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.decision.trace import Pin
    from rules.proof.proved_book import ProvedBook
    from rules.rulebook.rule import Constraint, Rule
    from rules.rulebook.rulebook import Rulebook
    from rules.scorecard.scorecard import Effect
    from rules.vocabulary.condition import Test

DIGITS: Final = 4  # decimals of ratios of errors, which are shown with three


@dataclass(frozen=True, kw_only=True)
class ShownBook:
    """A proved book under the name by which users select it."""

    name: str
    title: str
    proved: ProvedBook


@dataclass(kw_only=True)
class _Table:
    """Values without duplicates, which the data refer to by index."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, row: Mapping[str, Any]) -> int:
        if key not in self.index:
            self.index[key] = len(self.rows)
            self.rows.append(dict(row))
        return self.index[key]


def page_data(books: Sequence[ShownBook], *, start: Preset | None = None) -> dict[str, Any]:
    """All that the page shows. start: the starting point of the page; by default the first configuration."""
    choices, rules, constraints = _Table(), _Table(), _Table()
    presets = [*([] if start is None else [start]), *PRESETS, *examples()]
    shown = [_book(book, choices, rules, constraints) for book in books]
    pinnable = {
        slot.value: [
            _choice(choices, kind())
            for kind in names(slot).values()
            if all(not one.is_required() for one in kind.model_fields.values())
        ]
        for slot in Slot
    }
    return {
        "format": FORMAT,
        "bundleHeading": schema_comment("bundle").removeprefix("# "),
        "facts": [_fact(fact) for fact in FACTS.values()],
        "impossible": [{name: list(map(str, values)) for name, values in one.items()} for one in IMPOSSIBLE],
        "classification": [task.value for task in Task if task in CLASSIFICATION],
        "slots": [{"name": slot.value, "letter": slot.letter, "label": slot.label} for slot in Slot],
        "order": [slot.value for slot in NOTES_ORDER],
        "books": shown,
        "replacements": _replacements(books, choices),
        "presets": [_preset(preset, choices) for preset in presets],
        "pinnable": pinnable,
        "choices": choices.rows,
        "rules": rules.rows,
        "constraints": constraints.rows,
        "scorecard": _scorecard(),
    }


def _fact(fact: Fact) -> dict[str, Any]:
    body: dict[str, Any] = {"name": fact.name, "meaning": fact.meaning, "unit": fact.unit}
    if fact.tasks != frozenset(Task):
        body["tasks"] = [task.value for task in Task if task in fact.tasks]
    if fact.slot is not None:
        body["slot"] = fact.slot
    if isinstance(fact.domain, Categories):
        return body | {"values": list(map(str, fact.domain.values))}
    ends = (end if math.isfinite(end) else None for end in (fact.domain.low, fact.domain.high))
    low, high = ends
    return body | {"low": low, "high": high, "whole": fact.domain.whole}


def _book(book: ShownBook, choices: _Table, rules: _Table, constraints: _Table) -> dict[str, Any]:
    proved = book.proved
    return {
        "name": book.name,
        "title": book.title,
        "layers": list(proved.book.layers),
        "rules": [_rule(rule, proved.book, choices, rules) for rule in proved.book.rules],
        "beatenBy": {
            rule: sorted(winners)
            for slot in proved.proof.slots.values()
            for rule, winners in slot.beaten_by.items()
            if winners
        },
        "constraints": [_constraint(one, constraints) for one in proved.book.constraints],
        "disabled": [
            {"rule": one.rule, "reason": one.reason, "author": one.author, "place": one.place}
            for one in proved.book.disabled
        ],
    }


def _rule(rule: Rule, book: Rulebook, choices: _Table, rules: _Table) -> int:
    variants = [one.id for one in book.of(rule.slot) if rule.declares(one) and one.id not in rule.overrides]
    score = measured_score(rule.id, str(rule.choice))
    body: dict[str, Any] = {
        "id": rule.id,
        "name": rule.name,
        "slot": rule.slot.value,
        "when": _tests(rule.when),
        "choice": _choice(choices, rule.choice),
        "overrides": [*rule.overrides, *variants],
        "because": rule.because,
        "rejects": dict(rule.rejects),
        "source": dict(rule.source),
        "stance": rule.stance,
        "layer": rule.layer,
        "author": rule.author,
        "place": rule.place,
    }
    if score is not None:
        body["measured"] = {
            "datasets": len(score.datasets),
            "alternatives": [_effect(one.effect, choice=one.choice) for one in score.alternatives],
        }
    return rules.add(f"{rule.place} {rule.digest}", body)


def _tests(tests: Iterable[Test]) -> list[list[Any]]:
    return [
        [test.fact, test.op, list(map(str, test.constant)) if isinstance(test.constant, tuple) else test.constant]
        for test in tests
    ]


def _choice(choices: _Table, choice: Choice) -> int:
    """Index of a choice. searched: the number of hyperparameters it varies, or its name, for later slots."""
    body = choice.model_dump(mode="json", exclude_none=True)
    meaning = inspect.cleandoc(type(choice).__doc__ or "").partition("\n\n")[0]
    row = {"text": str(choice), "fields": body, "reports": reported_value(choice), "meaning": " ".join(meaning.split())}
    return choices.add(f"{type(choice).__module__}.{type(choice).__qualname__} {choice.model_dump_json()}", row)


def _replacements(books: Sequence[ShownBook], choices: _Table) -> list[dict[str, Any]]:
    """Each choice of the handbook that a rule of the shipped book replaces on some dataset, and that rule."""
    by_name = {book.name: book.proved for book in books}
    old, new = by_name["handbook"], by_name[SHIPPED]
    found = {
        (one.becomes.rules[one.slot].id, _choice(choices, one.was.choices[one.slot]))
        for one in changed_choices(old, new)
        if next(one.shared(), None) is not None
    }
    return [{"rule": rule, "choice": choice} for rule, choice in sorted(found)]


def _constraint(constraint: Constraint, constraints: _Table) -> int:
    body: dict[str, Any] = {
        "id": constraint.id,
        "choices": {slot.value: {key: list(values) for key, values in one.items()}
                    for slot, one in constraint.choices.items()},
        "when": _tests(constraint.when),
        "because": constraint.because,
    }  # fmt: skip
    return constraints.add(f"{constraint.place} {constraint.id}", body)


def _preset(preset: Preset, choices: _Table) -> dict[str, Any]:
    return {
        "name": preset.name,
        "title": preset.title,
        "group": preset.group,
        "rareClass": f"class {preset.rare_class!r}" if preset.rare_class else "",
        "facts": _values(preset.facts),
        "pins": {pin.slot.value: _pin(pin, choices) for pin in preset.pins},
    }


def _values(facts: Facts) -> dict[str, Any]:
    """Facts as values, or as [value, low, high] if they have an interval."""
    values = {}
    for name, measured in facts.items():
        if FACTS[name].slot is None:
            value = record_value(measured.value)
            values[name] = value if measured.low is None else [value, measured.low, measured.high]
    return values


def _pin(pin: Pin, choices: _Table) -> dict[str, Any]:
    return {"choice": _choice(choices, pin.choice), "reason": pin.reason, "author": pin.author}


def _scorecard() -> dict[str, Any]:
    card = shipped_scorecard()
    return {
        "datasets": card.datasets,
        "trainings": card.trainings,
        "settings": {"seeds": card.settings.seeds, "rows": card.settings.rows, "share": card.settings.share},
        "slots": {
            one.slot.value: {
                "datasets": one.datasets,
                "regrets": [_effect(regret.effect, choice=regret.policy) for regret in one.regrets],
            }
            for one in card.slots
        },
        "metrics": [
            {
                "metric": one.metric,
                "datasets": one.datasets,
                "stability": round(one.stability, DIGITS),
                "low": round(one.low, DIGITS),
                "high": round(one.high, DIGITS),
                "topShare": None if one.top_share is None else round(one.top_share, DIGITS),
            }
            for one in card.metrics
        ],
    }


def _effect(effect: Effect, **named: str) -> dict[str, Any]:
    ratios = {key: round(getattr(effect, key), DIGITS) for key in ("ratio", "low", "high")}
    counts = {key: getattr(effect, key) for key in ("datasets", "wins", "ties", "losses")}
    return named | ratios | counts
