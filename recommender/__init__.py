"""From a dataset to a recommended bundle.

Users may import the names in `__all__`; everything else may change between versions.

- `dataset`: files and tables in memory, read into one table in DuckDB.
- `roles`: target, task, and the kind and role of each column.
- `profile`: measured characteristics and checks of the data.
- `recommendation`: the bundle, the decision behind each choice, and the audit record.
- `planning`: what a training would do, and how long it would take.
- `audit`: questions about a decision: explain, why-not, what-if, replay, verify.
- `cli`: the command line `recommend`.
- `training_cost`: the estimated time of a training.
- `speed`: the measured speed of this machine, relative to that estimate, and of its devices.
- `time_plan`: how a time limit is divided among the stages of a training.
- `run_manifest`: the names and digests of the files of a run.
- `examples`: small datasets to try pcwat on.

Names are imported when they are first used, so that `recommend` starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from recommender.examples import example
    from recommender.planning.make_plan import plan
    from recommender.planning.training_plan import TrainingPlan
    from recommender.profile.profile import Profile
    from recommender.recommendation.recommend import recommend
    from recommender.recommendation.recommendation import Recommendation
    from rules.decision.request import Request

__all__ = ["Profile", "Recommendation", "Request", "TrainingPlan", "example", "plan", "recommend"]

_MODULES: Final = {
    "Profile": "recommender.profile.profile",
    "Recommendation": "recommender.recommendation.recommendation",
    "Request": "rules.decision.request",
    "TrainingPlan": "recommender.planning.training_plan",
    "example": "recommender.examples",
    "plan": "recommender.planning.make_plan",
    "recommend": "recommender.recommendation.recommend",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'recommender' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
