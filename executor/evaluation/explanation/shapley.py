"""SHAP values by permutations of the parts of a row (Castro et al. 2009), with the library shap.

Each permutation masks with one background row, so that many permutations cost as many predictions as few ones of which
each is averaged over all background rows.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

PREDICTIONS: Final = 15_000  # per explained row of a table
PREDICTIONS_OF_PARTS: Final = 1_024  # per explained text, image or sequence, whose predictions take longer
MIN_BACKGROUND: Final = 10  # rows; wide tables use fewer background rows, not fewer permutations of each


def check_extra() -> None:
    """Raise RunError unless the library shap is installed."""
    if find_spec("shap") is None:
        raise RunError("Explanations need shap, but it cannot be imported. Install it: pip install 'pcwat[explain]'")


def shap_values(
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray], *, parts: int, background: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute SHAP values, (parts, outputs), and the expected value, (outputs,), which add up to the prediction.

    compute: function from masks (n, parts) bool, true where a part is kept, and numbers of background rows (n,) that
    replace masked parts, to outputs (n, outputs). background: number of background rows; 1 where nothing is drawn.
    """
    per_permutation = 2 * parts + 1  # of shap: forward and backward
    limit = PREDICTIONS if background > 1 else PREDICTIONS_OF_PARTS
    background = min(background, max(MIN_BACKGROUND, limit // per_permutation))
    evaluations = max(1, limit // (background * per_permutation)) * per_permutation
    asked: list[np.ndarray] = []

    def remember(masks: np.ndarray) -> np.ndarray:
        asked.append(masks.copy())
        return np.zeros(len(masks))

    # shap asks for the masks of one permutation at a time, which do not depend on the outputs: the first pass collects
    # them, and the second one gets the outputs, computed together.
    _explain(remember, parts, background, evaluations, seed)
    together = np.concatenate(asked)
    outputs = compute(together[:, :-1] > 0, together[:, -1].astype(np.int64))
    left = iter(np.split(outputs, np.cumsum([len(masks) for masks in asked])[:-1]))
    found = _explain(lambda _masks: next(left), parts, background, evaluations, seed)
    values = np.asarray(found.values, np.float64).reshape(background, parts, -1)
    expected = np.asarray(found.base_values, np.float64).reshape(background, -1)
    return values.mean(axis=0), expected.mean(axis=0)


def _explain(
    outputs_of: Callable[[np.ndarray], np.ndarray], parts: int, background: int, evaluations: int, seed: int
) -> Any:  # noqa: ANN401  shap has no types
    """Explain one row against each background row with shap.

    outputs_of: function from masks with the number of the background row as last column to outputs.
    """
    shap = _import_shap()

    def masker(mask: np.ndarray, row: np.ndarray) -> tuple[np.ndarray]:
        return (np.append(mask, row[0])[None],)

    masker.shape = (1, parts)  # type: ignore[attr-defined]
    state = np.random.get_state()  # noqa: NPY002  shap permutes with NumPy's global generator
    try:
        explainer = shap.PermutationExplainer(outputs_of, masker, seed=seed % 2**32)
        rows = np.repeat(np.arange(background, dtype=np.float64)[:, None], parts, axis=1)
        return explainer(rows, max_evals=evaluations, batch_size=2 * parts + 1, silent=True)
    finally:
        np.random.set_state(state)  # noqa: NPY002  likewise


def _import_shap() -> Any:  # noqa: ANN401  it has no types
    """Import shap without compiling its loops, which takes 8 s in each process and saves less than a second."""
    import numba  # noqa: PLC0415  extras, which take seconds to import

    disabled, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        import shap  # noqa: PLC0415  likewise
    finally:
        numba.config.DISABLE_JIT = disabled
    return shap
