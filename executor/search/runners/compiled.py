"""Functions of tensors as graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any], *signature: Any) -> Callable[..., Any]:  # noqa: ANN401 - nested specs
    """The function's graph, traced at once; tf.function's own call would warn that each trial traces anew."""
    graph: Callable[..., Any] = tf.function(function, input_signature=signature).get_concrete_function()
    return graph
