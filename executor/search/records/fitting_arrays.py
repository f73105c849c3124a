"""Check that the arrays of a trial's file fit the network that takes them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import tensorflow as tf

from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def require_fitting_arrays(path: Path) -> Iterator[None]:
    """Raise RunError where the arrays of a trial's file do not fit the network that takes them."""
    try:
        yield
    except (ValueError, IndexError, KeyError, TypeError, tf.errors.OpError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RunError(
            f"{path} does not hold the weights of its trial: {reason}. Restore the original file, or start a new run."
        ) from error
