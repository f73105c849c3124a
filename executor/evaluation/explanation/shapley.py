"""SHAP values by permutations of the parts of a row (Castro et al. 2009), with the library shap.

Each permutation masks with one background row, so that many permutations cost as many predictions as few ones of which
each is averaged over all background rows. At the same cost, one permutation for each of many background rows is more
accurate than many permutations for few of them.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

PREDICTIONS: Final = 6_400  # per explained row of a table
PREDICTIONS_OF_PARTS: Final = 1_024  # per explained text, image or sequence, whose predictions take longer
MIN_BACKGROUND: Final = 20  # rows, if the table is so wide that one permutation for each exceeds PREDICTIONS


def check_extra() -> None:
    """Raise RunError unless the library shap is installed."""
    if find_spec("shap") is None:
        raise RunError("Explanations need shap, but it cannot be imported. Install it: pip install 'pcwat[explain]'")


def max_background(parts: int) -> int:
    """Maximum number of background rows of a table with a number of columns.

    >>> max_background(31), max_background(1_000)
    (101, 20)
    """
    return max(MIN_BACKGROUND, PREDICTIONS // (2 * parts + 1))


def shap_values(
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray], *, parts: int, background: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute SHAP values, (parts, outputs), and the expected value, (outputs,), which add up to the prediction.

    compute: called once; function from different masks (n, parts) bool, true where a part is kept, and numbers of
    background rows (n,) that replace masked parts, to outputs (n, outputs), which may be those of several rows.
    background: number of background rows; 1 where nothing is drawn.
    """
    per_permutation = 2 * parts + 1  # of shap: forward and backward
    limit = PREDICTIONS if background > 1 else PREDICTIONS_OF_PARTS
    evaluations = max(1, limit // (background * per_permutation)) * per_permutation
    asked: list[np.ndarray] = []

    def remember(masks: np.ndarray) -> np.ndarray:
        asked.append(masks)
        return np.zeros(len(masks))

    # shap asks for the masks of one permutation at a time, which do not depend on the outputs: the first pass collects
    # them, and the second one gets the outputs, computed together.
    _explain(remember, parts, background, evaluations, seed)
    together = np.concatenate(asked)
    together[together[:, :-1].all(axis=1), -1] = 0  # nothing is masked
    masks, places = np.unique(together, axis=0, return_inverse=True)
    outputs = compute(masks[:, :-1] > 0, masks[:, -1])
    left = iter(np.split(places.ravel(), np.cumsum([len(own) for own in asked])[:-1]))
    values, expected = _explain(lambda _masks: outputs[next(left)], parts, background, evaluations, seed)
    return values.reshape(parts, -1), expected.reshape(-1)


def _explain(
    outputs_of: Callable[[np.ndarray], np.ndarray], parts: int, background: int, evaluations: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Explain one row against each background row with shap; returns the mean values and expected values.

    outputs_of: function from masks with the number of the background row as last column to outputs.
    """
    shap = _import_shap()

    def masker(changes: np.ndarray, row: np.ndarray) -> tuple[tuple[np.ndarray], np.ndarray]:
        """Masks of a permutation, given the part in which each mask differs from the one before."""
        kept = (changes[:, None] == np.arange(parts)).cumsum(axis=0, dtype=np.int16) % 2
        masks = np.column_stack([kept, np.full(len(kept), row[0], np.int16)])
        return (masks,), np.ones((len(masks), 1), bool)

    masker.shape = (1, parts)  # type: ignore[attr-defined]
    masker.supports_delta_masking = True  # type: ignore[attr-defined]
    options = {"main_effects": False, "error_bounds": False, "outputs": None, "silent": True}
    state = np.random.get_state()  # noqa: NPY002  shap permutes with NumPy's global generator
    try:
        explainer = shap.PermutationExplainer(outputs_of, masker, seed=seed % 2**32)
        # Not a call of the explainer, which computes main effects from the second row on (shap 0.51).
        found = [
            explainer.explain_row(np.full(parts, row), max_evals=evaluations, batch_size=None, **options)
            for row in range(background)
        ]
    finally:
        np.random.set_state(state)  # noqa: NPY002  likewise
    values = np.array([one["values"] for one in found], np.float64)
    expected = np.array([one["expected_values"] for one in found], np.float64)
    return values.mean(axis=0), expected.mean(axis=0)


def _import_shap() -> Any:  # noqa: ANN401  it has no types
    """Import shap without compiling its loops, which takes 8 s in each process and saves less than a second."""
    import numba  # noqa: PLC0415  extras, which take seconds to import

    disabled, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        import shap  # noqa: PLC0415  likewise
    finally:
        numba.config.DISABLE_JIT = disabled
    return shap
