"""From a dataset to a bundle: reading, roles, profile, recommendation.

>>> from recommender import recommend
"""

from recommender.recommend import Recommendation, recommend

__all__ = ["Recommendation", "recommend"]
