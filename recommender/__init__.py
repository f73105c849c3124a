"""From a dataset to a bundle: reading, roles, profile, recommendation.

>>> from recommender import Recommendation, recommend

They are imported when they are first used, so that the entry point of the command line runs before anything else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.recommendation.recommend import recommend
    from recommender.recommendation.recommendation import Recommendation

__all__ = ["Recommendation", "recommend"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'recommender' has no attribute {name!r}")
    return getattr(import_module("recommender.recommendation.recommend"), name)
