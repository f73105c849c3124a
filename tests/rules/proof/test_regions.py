from __future__ import annotations

import pytest

from rules.proof.fact_space import Space
from rules.proof.regions import example, region_in_words
from rules.vocabulary.condition import Test

ROWS = [Test(fact="rows", op="ge", constant=50), Test(fact="rows", op="lt", constant=90)]
RATIO = Test(fact="imbalance_ratio", op="gt", constant=4)
SHARE = Test(fact="missing_share", op="le", constant=0.25)
SKEW = Test(fact="target_skew", op="lt", constant=-1)


def task(*names: str) -> Test:
    return Test(fact="task", op="in", constant=names)


def words(*tests: Test, cuts: tuple[Test, ...] = ()) -> str:
    space = Space.over([*tests, *cuts])
    box = space.where(tests)
    assert box is not None
    return region_in_words(space, box)


CASES = {
    "any dataset": (),
    "rows ≥ 50": (ROWS[0],),
    "rows < 90": (ROWS[1],),
    "50 ≤ rows < 90": tuple(ROWS),
    "imbalance_ratio > 4": (RATIO,),
    "missing_share ≤ 0.25": (SHARE,),
    "target_skew < -1": (SKEW,),
    "rows = 50": (ROWS[0], Test(fact="rows", op="le", constant=50)),
    "task is binary": (task("binary"),),
    "task is binary or multilabel": (task("binary", "multilabel"),),
    "task is not forecasting": (task("binary", "multiclass", "multilabel", "regression", "multioutput_regression"),),
    "task is binary, imbalance_ratio > 4": (task("binary"), RATIO),
}


@pytest.mark.parametrize("expected", CASES)
def test_a_region_reads_as_the_conditions_that_limit_it(expected: str) -> None:
    assert words(*CASES[expected]) == expected


def test_a_limit_implied_by_the_task_is_omitted() -> None:
    assert words(task("regression"), cuts=(RATIO,)) == "task is regression"


def test_stretches_with_a_hole_between_them_are_joined() -> None:
    space = Space.over(ROWS)
    below, above = (
        space.where([Test(fact="rows", op="lt", constant=50)]),
        space.where([Test(fact="rows", op="ge", constant=90)]),
    )
    both = tuple(a | b for a, b in zip(below, above, strict=True))
    assert region_in_words(space, both) == "rows < 50 or rows ≥ 90"


def test_an_example_lies_in_its_region_and_leaves_out_what_does_not_apply() -> None:
    tests = [task("regression"), ROWS[0]]
    space = Space.over([*tests, RATIO])
    (box,) = [box for box in space.region(tests) if box is not None]
    assert example(space, box) == {"task": "regression", "modality": "tabular", "rows": 50}
