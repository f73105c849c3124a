from __future__ import annotations

import itertools

from rules.cells import Space, pieces
from rules.condition import Test
from rules.facts import FACTS, NOT_APPLICABLE, NotApplicable

RATIO = Test(fact="imbalance_ratio", op="gt", constant=4)
OUTLIERS = Test(fact="outlier_share", op="ge", constant=0.01)
ROWS = Test(fact="rows", op="lt", constant=2)


def brute_force(space: Space, accepts) -> set[int]:
    """Cell numbers by walking the product with the last fact fastest."""
    axes = space.axes.values()
    return {
        index
        for index, cell in enumerate(itertools.product(*axes))
        if accepts({fact: piece.value for fact, piece in zip(space.axes, cell, strict=True)})
    }


def bits(cells: int) -> set[int]:
    return {index for index in range(cells.bit_length()) if cells >> index & 1}


def test_whole_numbers_have_no_pieces_between_neighbours() -> None:
    assert [piece.words for piece in pieces("rows", [2, 3])] == ["rows = 1", "rows = 2", "rows = 3", "3 < rows"]


def test_a_fact_that_some_task_lacks_has_a_piece_for_that() -> None:
    assert pieces("imbalance_ratio", [])[-1].value is NOT_APPLICABLE
    assert all(not isinstance(piece.value, NotApplicable) for piece in pieces("rows", []))


def test_sets_of_cells_agree_with_walking_them_one_by_one() -> None:
    space = Space.over([RATIO, OUTLIERS, ROWS])
    for test in (RATIO, OUTLIERS, ROWS):
        expected = brute_force(space, lambda cell, test=test: test.holds(cell[test.fact]))
        assert bits(space.where(test.fact, test.holds)) == expected


def test_feasible_cells_are_those_where_each_fact_applies_exactly_for_its_tasks() -> None:
    space = Space.over([RATIO, OUTLIERS], facts=["modality"])

    def possible(cell) -> bool:
        fits = all(
            FACTS[fact].applies_to(cell["task"]) is not isinstance(cell[fact], NotApplicable)
            for fact in ("imbalance_ratio", "outlier_share")
        )
        return fits and not (cell["task"] == "forecasting" and cell["modality"] in {"image", "text"})

    assert bits(space.feasible) == brute_force(space, possible)


def test_a_witness_is_a_cell_of_the_set() -> None:
    space = Space.over([RATIO, OUTLIERS])
    cell = space.cell(space.box([OUTLIERS]))
    assert OUTLIERS.holds(cell["outlier_share"].value)
    assert FACTS["outlier_share"].applies_to(str(cell["task"].value))
