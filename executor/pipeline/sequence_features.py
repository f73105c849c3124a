"""The number of random features of sequences, chosen once for a run and kept for its continuation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.preprocessing.feature_plan import FeaturePlan, plan_features
from executor.preprocessing.sequence_encoder import SEQUENCE_FORMS
from executor.runs.files import FEATURES, read_json, write_json
from executor.runtime.log import LOG
from rules.vocabulary.choices import MiniRocket

if TYPE_CHECKING:
    from executor.pipeline.prepare import PreparedRun
    from executor.runtime.clock import Clock
    from rules.vocabulary.choices import Choice


def scale_to_time(run: PreparedRun, clock: Clock) -> Choice:
    """Return the architecture with as many random features as the time limit allows.

    The number is measured when the run begins; a resumed run reads it, because its trials rest on it.
    """
    architecture, table = run.bundle.architecture, run.data.table
    if not isinstance(architecture, MiniRocket) or not SEQUENCE_FORMS & set(table.forms.values()):
        return architecture
    path = run.directory / FEATURES
    if path.exists():
        plan = read_json(path, FeaturePlan)
    else:
        plan = plan_features(table, run.data.rows, architecture, seconds=run.budget.seconds, now=clock.now)
        write_json(path, plan)
    LOG.info("%s", plan.sentence)
    return architecture.model_copy(update={"features": plan.used})
