from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rules.errors import PcwatError
from rules.proof.coverage import coverage, failures
from rules.proof.new_rule import add_rule
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., Path]:
    """Add a rule to mine.yaml, on top of the shipped books."""

    def run(slot: Slot, then: str, *when: str, **options: Any) -> Path:
        path = tmp_path / "mine.yaml"
        add_rule(path, slot, then=then, when=when, below=SHIPPED_LAYERS, **({"because": "why"} | options))
        return path

    return run


def test_a_new_file_contains_the_rule_in_the_usual_format(add) -> None:
    """Huber for fewer outliers than in C005."""
    path = add(Slot.LOSS, "huber", "outlier_share>=0.005", "task=regression", because="our tails", author="Ada")
    assert path.read_text(encoding="utf-8").split("rules:\n")[1] == (
        "- id: C900\n"
        "  name: regression-and-outlier-share-from-0.005-uses-huber\n"
        "  when: {task: regression, outlier_share: {ge: 0.005}}\n"
        "  then: {loss: huber}\n"
        "  because: our tails\n"
        "  source: {reason: judgement of Ada}\n"
        "  author: Ada\n"
        "  tests:\n"
        "  - {given: {task: regression, outlier_share: 0.005}, expect: fires}\n"
        "  - {given: {task: multioutput_regression, outlier_share: 0.005}, expect: silent}\n"
        "  - {given: {task: regression, outlier_share: 0.00495}, expect: silent}\n"
    )


RULES = {
    "a choice with a parameter": (Slot.OPTIMIZER, "{name: adamw, weight_decay: 0.01}", ("rows>=5000",)),
    "several names": (Slot.OPTIMIZER, "adamw", ("rows>=5000", "task=binary,multiclass")),
    "two bounds": (Slot.TUNER, "bayesian", ("trial_budget>=4", "trial_budget<40")),
    "a bound below zero": (Slot.ACTIVATION, "selu", ("target_skew<-1.5",)),
    "a bound at the domain's end": (Slot.ACTIVATION, "selu", ("missing_share<=0",)),
    "an earlier choice": (Slot.INITIALIZER, "xavier", ("activation=relu", "rows<1000")),
    "no condition": (Slot.OPTIMIZER, "rmsprop", ()),
    "a fact of some tasks": (Slot.ACTIVATION, "tanh", ("classes>10",)),
    "a bound of seven digits": (Slot.ACTIVATION, "tanh", ("rows>=1234567",)),
    "what a cycle would come of": (Slot.METRIC, "roc_auc", ("task=binary",)),
}


@pytest.mark.parametrize("case", RULES)
def test_a_written_rule_is_proved_and_its_own_tests_cover_it(case: str, add) -> None:
    slot, then, when = RULES[case]
    proved = load_book([*SHIPPED_LAYERS, add(slot, then, *when)])
    (rule,) = [rule for rule in proved.book.rules if rule.layer not in SHIPPED_LAYERS]
    found = coverage(proved)
    assert [one for one in failures(proved.book) if one.rule == rule.id] == []
    assert [one for one in found.thresholds if one.rule == rule.id and not one.is_close] == []
    assert rule.id not in found.without_firing_case


@pytest.mark.parametrize("case", RULES)
def test_each_override_is_needed(case: str, add) -> None:
    slot, then, when = RULES[case]
    path = add(slot, then, *when)
    rule = load_book([*SHIPPED_LAYERS, path]).book.by_id[f"{slot.letter}900"]
    text = path.read_text(encoding="utf-8")
    line = next((line for line in text.splitlines() if line.startswith("  overrides:")), "")
    for other in rule.overrides:
        rest = [one for one in rule.overrides if one != other]
        path.write_text(text.replace(line, f"  overrides: [{', '.join(rest)}]"), encoding="utf-8")
        with pytest.raises(PcwatError):
            load_book([*SHIPPED_LAYERS, path])


def test_a_rule_without_conditions_takes_the_place_of_the_default(add) -> None:
    """A101 beats A001 everywhere already; all others stay its exceptions."""
    proved = load_book([*SHIPPED_LAYERS, add(Slot.OPTIMIZER, "rmsprop")])
    assert proved.book.by_id["A900"].overrides == ("A101",)


def test_a_rule_that_would_never_decide_overrides_what_beats_it(add) -> None:
    """The tuner has no default: more specific rules cover every dataset."""
    proved = load_book([*SHIPPED_LAYERS, add(Slot.TUNER, "manual")])
    others = sorted({rule.id for rule in proved.book.of(Slot.TUNER)} - {"T900"})
    assert list(proved.book.by_id["T900"].overrides) == others


OWN = """\
# Our house rules.
rules:
  # Ada asked for this one.
  - id: N900
    name: "quoted"   # kept
    when:   {rows: {ge: 10}}
    then: {activation: tanh}
    because: a plain text that
      goes on in the next line
    source: {reason: house}
# About what is off.
disable:
- {rule: C103, reason: we trust the model}
"""


def test_every_line_of_an_existing_file_stays_as_it_was(add, tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text(OWN, encoding="utf-8")
    lines = add(Slot.METRIC, "mae", "task=regression").read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if "P900" in line)
    end = lines.index("# About what is off.\n")
    assert "".join(lines[:start] + lines[end:]) == OWN
    assert lines[start] == "  - id: P900\n"
    assert lines[end - 1].startswith("    - {given: ")


@pytest.mark.parametrize(
    "text",
    ["disable:\n- {rule: C103, reason: old}\n", OWN.split("# About", maxsplit=1)[0].rstrip()],
    ids=["no rules", "no newline"],
)
def test_a_rule_is_added_to_what_is_there(text: str, add, tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    path = add(Slot.METRIC, "mae", "task=regression")
    assert path.read_text(encoding="utf-8").startswith(text)
    assert "P900" in load_book([*SHIPPED_LAYERS, path]).book.by_id


def test_a_second_rule_of_a_slot_gets_the_next_number(add) -> None:
    add(Slot.ACTIVATION, "tanh", "rows<100")
    path = add(Slot.ACTIVATION, "selu", "rows>=5000")
    assert {"N900", "N901"} <= load_book([*SHIPPED_LAYERS, path]).book.by_id.keys()


def test_a_long_reason_is_folded_without_loss(add) -> None:
    reason = "as in our last paper: " + "and so on, " * 20 + "see there"
    path = add(Slot.ACTIVATION, "tanh", "rows<100", because=reason)
    assert load_book([*SHIPPED_LAYERS, path]).book.by_id["N900"].because == reason
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 120


WRONG = {
    "a misspelt choice": ("hubber", (), "why", "Did you mean 'huber'"),
    "a parameter outside its range": ("{name: huber, delta: 0}", (), "why", "got delta = 0"),
    "no YAML": ("{name: huber", (), "why", "not valid YAML"),
    "a misspelt fact": ("huber", ("rowz>5",), "why", "--when rowz>5: unknown fact 'rowz'. Did you mean 'rows'"),
    "a misspelt name": ("huber", ("task=regresion",), "why", "Did you mean 'regression'"),
    "a number outside the domain": ("huber", ("outlier_share>2",), "why", "from 0 to 1, but got 2"),
    "a word for a number": ("huber", ("rows>many",), "why", "rows must be a number, but got 'many'"),
    "an equal number": ("huber", ("rows=5",), "why", "rows is numeric; compare it with <, <=, > or >="),
    "a compared name": ("huber", ("task>=binary",), "why", "task is categorical; use task=NAME"),
    "no condition at all": ("huber", ("often",), "why", "--when must be a test such as FACT=NAME or FACT>=NUMBER"),
    "a bound given twice": ("huber", ("rows>5", "rows>9"), "why", "--when rows>9: duplicate test on rows"),
    "what no dataset meets": (
        "huber",
        ("rows<5", "rows>9"),
        "why",
        "no dataset meets its condition (rows < 5 and rows > 9)",
    ),
    "what no task has": ("huber", ("task=binary", "target_skew>0"), "why", "can never fire"),
    "a later choice": ("huber", ("search_dimensions>2",), "why", "is decided later"),
    "no reason": ("huber", (), "  ", "--because must give the reason"),
}


@pytest.mark.parametrize("case", WRONG)
def test_nothing_is_written_if_an_argument_is_invalid(case: str, add, tmp_path) -> None:
    then, when, because, message = WRONG[case]
    with pytest.raises(PcwatError) as refused:
        add(Slot.LOSS, then, *when, because=because)
    assert message in str(refused.value)
    assert list(tmp_path.iterdir()) == []
