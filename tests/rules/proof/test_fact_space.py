from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rules.proof.fact_space import Space, is_inside, meet, minus, pieces, remainder, size, uncovered
from rules.vocabulary.condition import Test
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, NotApplicable

RATIO = Test(fact="imbalance_ratio", op="gt", constant=4)
OUTLIERS = Test(fact="outlier_share", op="ge", constant=0.01)
ROWS = Test(fact="rows", op="lt", constant=2)
TABULAR = Test(fact="modality", op="in", constant=("tabular",))


def cells(space: Space, boxes) -> set[tuple[object, ...]]:
    """The cells of some boxes, each as its values; a cell twice is an error."""
    found = [
        tuple(piece.value for piece in cell)
        for box in boxes
        for cell in itertools.product(*space.pieces_of(box).values())
    ]
    assert len(found) == len(set(found))
    return set(found)


def walked(space: Space, accepts) -> set[tuple[object, ...]]:
    """The cells that are accepted, by walking the whole product."""
    every = itertools.product(*space.axes.values())
    values = [tuple(piece.value for piece in cell) for cell in every]
    return {cell for cell in values if accepts(dict(zip(space.axes, cell, strict=True)))}


def test_whole_numbers_have_no_pieces_between_neighbours() -> None:
    assert [piece.words for piece in pieces("rows", [2, 3])] == ["rows = 1", "rows = 2", "rows = 3", "3 < rows"]


def test_a_fact_that_some_task_lacks_has_a_piece_for_that() -> None:
    assert pieces("imbalance_ratio", [])[-1].value is NOT_APPLICABLE
    assert all(not isinstance(piece.value, NotApplicable) for piece in pieces("rows", []))


def possible(cell) -> bool:
    fits = all(
        FACTS[fact].applies_to(cell["task"]) is not isinstance(cell[fact], NotApplicable)
        for fact in ("imbalance_ratio", "outlier_share")
    )
    return fits and not (cell["task"] == "forecasting" and cell["modality"] in {"image", "text"})


SPACE = Space.over([RATIO, OUTLIERS, ROWS, TABULAR])


def test_possible_cells_are_those_where_each_fact_applies_exactly_for_its_tasks() -> None:
    assert cells(SPACE, SPACE.worlds) == walked(SPACE, possible)


def test_a_region_holds_the_possible_cells_in_which_all_tests_pass() -> None:
    boxes = [box for box in SPACE.region([RATIO, ROWS]) if box is not None]

    def passing(cell) -> bool:
        return possible(cell) and RATIO.holds(cell["imbalance_ratio"]) and ROWS.holds(cell["rows"])

    assert cells(SPACE, boxes) == walked(SPACE, passing)


boxes = st.tuples(*(st.integers(1, mask) for mask in SPACE.everything))


@given(boxes, boxes)
def test_a_box_less_another_holds_the_cells_of_the_one_alone(box, cut) -> None:
    assert cells(SPACE, minus(box, cut)) == cells(SPACE, [box]) - cells(SPACE, [cut])


@given(boxes, boxes)
def test_two_boxes_meet_in_the_cells_of_both(first, second) -> None:
    both = meet(first, second)
    shared = set() if both is None else cells(SPACE, [both])
    assert shared == cells(SPACE, [first]) & cells(SPACE, [second])
    assert is_inside(first, second) is (cells(SPACE, [first]) <= cells(SPACE, [second]))


@given(boxes, st.lists(boxes, max_size=4))
def test_what_is_left_after_several_cuts_is_empty_exactly_where_they_cover(box, cuts) -> None:
    left = cells(SPACE, [box]) - set().union(*(cells(SPACE, [cut]) for cut in cuts))
    assert cells(SPACE, remainder(box, cuts)) == left
    witness = uncovered(box, cuts)
    assert (witness is None) is (not left)
    assert witness is None or cells(SPACE, [witness]) <= left


def test_size_counts_cells() -> None:
    assert sum(size(world) for world in SPACE.worlds) == len(walked(SPACE, possible))
