from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from executor.evaluation.explanation import shapley
from rules.errors import RunError

BACKGROUND = np.array([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]])
ROW = np.array([3.0, 1.0, 5.0])


def product(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """x0 + 2 x1 and x0 x1, of rows whose masked parts come from the background."""
    x = np.where(masks, ROW, BACKGROUND[others])
    return np.column_stack([x[:, 0] + 2 * x[:, 1], x[:, 0] * x[:, 1]])


def test_values_of_a_linear_function_are_its_slopes_times_the_distances_from_the_background_means() -> None:
    values, expected = shapley.shap_values(product, parts=3, background=2, seed=0)
    # Means of x0 and x1 are 1 and 2: 1 · (3 - 1), 2 · (1 - 2), 0.
    assert values[:, 0] == pytest.approx([2, -2, 0])
    assert expected == pytest.approx([5, 3])  # 1 + 2 · 2; the mean of 0 · 1 and 2 · 3


def test_values_of_a_product_are_those_of_all_orders_of_its_factors_and_add_up() -> None:
    values, expected = shapley.shap_values(product, parts=3, background=2, seed=0)
    # Row (0, 1): x0 first gives 3 - 0, last 3 - 0; x1 gives 0 either way.
    # Row (2, 3): x0 first 9 - 6 = 3, last 3 - 2 = 1; x1 first 2 - 6 = -4, last 3 - 9 = -6.
    assert values[:, 1] == pytest.approx([(3 + 2) / 2, (0 - 5) / 2, 0])
    assert values.sum(axis=0) + expected == pytest.approx([5, 3])  # 3 + 2 · 1 and 3 · 1


def test_equal_seeds_give_equal_values_and_leave_random_numbers_of_numpy_alone() -> None:
    def root(masks: np.ndarray, _others: np.ndarray) -> np.ndarray:
        return np.sqrt(masks @ np.arange(1, 41.0))[:, None]

    np.random.seed(3)  # noqa: NPY002  the generator of shap
    first = np.random.random(2)  # noqa: NPY002  likewise
    np.random.seed(3)  # noqa: NPY002  likewise
    found = [shapley.shap_values(root, parts=40, background=1, seed=seed)[0] for seed in (0, 0, 1)]
    assert np.random.random(2).tolist() == first.tolist()  # noqa: NPY002  likewise
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapley, "find_spec", lambda _name: None)
    with pytest.raises(RunError, match=r"shap, but it cannot be imported\. Install it: pip install 'pcwat\[explain\]'"):
        shapley.check_extra()
    assert importlib.util.find_spec("shap") is not None
