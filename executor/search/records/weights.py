"""Files with the weights of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

import numpy as np

from rules.errors import RunError
from rules.text.files import atomic_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


WEIGHTS: Final = "trials"  # folder in a run directory


def weights_path(directory: Path, number: int) -> Path:
    """File of a trial's best weights."""
    return directory / WEIGHTS / f"{number:04d}.weights.npz"


def state_path(directory: Path, number: int) -> Path:
    """File of a trial's last weights and optimizer state, for the trial that continues it."""
    return directory / WEIGHTS / f"{number:04d}.state.npz"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays atomically. Raises RunError on failure."""
    with atomic_file(path, error=RunError) as temporary:
        np.savez(temporary, **dict(arrays))  # type: ignore[arg-type]  # numpy's stub takes any name for allow_pickle


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read arrays of write_arrays. Raises RunError where the file is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise RunError(f"A run must hold {path}, but it cannot be read: {error}. Start a new run.") from None


def write_weights(path: Path, weights: Sequence[np.ndarray]) -> None:
    """Write the weights of a trial's best epoch."""
    write_arrays(path, {f"{index:03d}": weight for index, weight in enumerate(weights)})


def read_weights(path: Path) -> list[np.ndarray]:
    """Read weights of write_weights. Raises RunError where the file is damaged, or has other values."""
    weights = [weight for _, weight in sorted(read_arrays(path).items())]
    if not all(weight.dtype.kind in NUMBERS and np.isfinite(weight).all() for weight in weights):
        raise RunError(
            f"The weights of a trial must be finite numbers, but {path} holds other values. Restore the original file, "
            "or start a new run."
        )
    return weights


NUMBERS: Final = "fiu"  # NumPy kinds of weights: floats, and states of random generators
