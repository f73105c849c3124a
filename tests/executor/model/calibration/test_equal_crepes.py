"""Prediction sets and intervals are those of crepes, an independent library of conformal prediction."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from crepes import ConformalClassifier, ConformalRegressor

from executor.model.calibration.conformal_intervals import conformal_intervals, intervals_by_group
from executor.model.calibration.conformal_sets import PERCENTS, conformal_sets

SIZES: Final = (9, 29, 30, 99, 137)  # 9, 29 and 99 make (n + 1) · (1 - coverage) a whole number for many coverages
LEVELS: Final = (50, 67, 80, 90, 95, 99)
BELOW: Final = 1e-9
"""Taken from a coverage: crepes compares floats, in which 1 - 0.9 is less than 0.1, and p-values by >=, not by >."""


def draw(rows: int, *, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    """True classes and probabilities, (rows,) and (rows, 3); few decimals make many of them equal."""
    random = np.random.default_rng(rows)
    shares = random.dirichlet(np.ones(3), rows).round(decimals)
    return random.choice(3, rows, p=[0.6, 0.3, 0.1]), shares


@pytest.mark.parametrize("decimals", [1, 12])
@pytest.mark.parametrize("rows", SIZES)
def test_sets_have_the_classes_whose_p_value_in_crepes_exceeds_one_minus_the_coverage(rows: int, decimals: int) -> None:
    (truth, shares), (_, new) = draw(rows, decimals=decimals), draw(40, decimals=decimals)
    found = conformal_sets(truth, shares)
    own = 1 - shares[np.arange(rows), truth]
    first = np.eye(3, dtype=bool)[new.argmax(axis=1)]  # crepes has empty sets; ours have at least this class
    library, by_class = ConformalClassifier().fit(own), ConformalClassifier().fit(own, bins=truth)
    for percent in LEVELS:
        confidence = percent / 100 - BELOW
        expected = library.predict_set(1 - new, confidence=confidence, smoothing=False)
        assert (found.sets(new, percent=percent) == (first | (expected == 1))).all()
        expected = np.column_stack(
            [
                by_class.predict_set(1 - new, np.full(40, label), confidence=confidence, smoothing=False)[:, label]
                for label in range(3)
            ]
        )
        assert (found.sets(new, percent=percent, by_class=True) == (first | (expected == 1))).all()
    assert {*LEVELS} <= {*PERCENTS}


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("has_spreads", [False, True])
def test_intervals_have_the_ends_of_those_of_crepes(rows: int, has_spreads: bool) -> None:
    random = np.random.default_rng(rows)
    errors, new = random.standard_t(3, (rows, 1)), random.normal(size=(40, 1))
    spread, of_new = (random.uniform(0.5, 2, (count, 1)) if has_spreads else None for count in (rows, 40))
    library = ConformalRegressor().fit(errors[:, 0], None if spread is None else spread[:, 0])
    for percent in LEVELS:
        found = conformal_intervals(errors, np.zeros_like(errors), percent=percent, spread=spread)
        if not found.half_widths:  # too few rows: crepes has infinite intervals
            assert (rows + 1) * (100 - percent) < 100
            continue
        expected = library.predict_int(
            new[:, 0], None if of_new is None else of_new[:, 0], confidence=percent / 100 - BELOW
        )
        assert np.hstack(found.bounds(new, of_new)) == pytest.approx(expected, rel=1e-12)


def test_intervals_by_group_have_the_ends_of_the_mondrian_ones_of_crepes() -> None:
    random = np.random.default_rng(0)
    groups, of_new = (random.choice(["calm", "wild", "windy"], count) for count in (300, 40))
    errors, new = random.normal(size=(300, 1)) * np.char.str_len(groups)[:, None] ** 2, random.normal(size=(40, 1))
    for percent in LEVELS[:-1]:
        whole = conformal_intervals(errors, np.zeros_like(errors), percent=percent)
        found = intervals_by_group(whole, errors, np.zeros_like(errors), by="weather", groups=groups)
        library = ConformalRegressor().fit(errors[:, 0], bins=groups)
        expected = library.predict_int(new[:, 0], bins=of_new, confidence=percent / 100 - BELOW)
        assert np.hstack(found.bounds(new, groups=of_new)) == pytest.approx(expected, rel=1e-12)
