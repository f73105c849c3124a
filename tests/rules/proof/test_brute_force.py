"""The engine compared with a brute-force evaluation of all datasets, without cells and boxes."""

from __future__ import annotations

import pytest

from rules.decision.engine import slot_choices
from rules.vocabulary.choices import Slot
from tests.effort import EFFORT

DATASETS = 3_000 * EFFORT
SEED = 1


def test_every_dataset_gets_one_outcome_for_each_slot_and_it_is_that_of_brute_force(shipped, brute_force) -> None:
    columns = brute_force.sample(DATASETS, [shipped.book], seed=SEED)
    expected = brute_force.outcomes(shipped.book, columns)
    choices = {rule.id: rule.choice for rule in shipped.book.rules}
    for slot in Slot:
        assert (expected[slot].outcomes == 1).all()
    for row in range(DATASETS):
        made = slot_choices(shipped, brute_force.dataset(columns, row))
        for slot, of_slot in expected.items():
            choice, rules = made[slot]
            assert choice == of_slot.choices[of_slot.choice[row]]
            assert rules == tuple(
                rule for rule, decides in zip(of_slot.rules, of_slot.deciding[:, row], strict=True) if decides
            )
            assert all(choices[rule] == choice for rule in rules)


def test_the_sampled_datasets_hold_each_threshold_its_neighbours_and_the_ends(shipped, brute_force) -> None:
    columns = brute_force.sample(DATASETS, [shipped.book], seed=SEED)
    assert {1.0, 1.5, 4.0} < set(columns["imbalance_ratio"])
    assert {49_999.0, 50_000.0, 50_001.0} < set(columns["rows"])
    assert {0.0, 1.0} < set(columns["outlier_share"])
    below, above = 0.01 - 2**-59, 0.01 + 2**-59  # floats near 0.01 are 2^-59 apart
    assert {below, 0.01, above} < set(columns["outlier_share"])


@pytest.mark.parametrize("slot", Slot)
def test_who_beats_whom_is_the_same_by_boxes_and_by_brute_force(slot: Slot, shipped, brute_force) -> None:
    rules = shipped.book.of(slot)
    beats = brute_force.beats(rules)
    beaten_by = shipped.proof.slots[slot].beaten_by
    for loser, rule in enumerate(rules):
        assert beaten_by[rule.id] == {winner.id for index, winner in enumerate(rules) if beats[index, loser]}
