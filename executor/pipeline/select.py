"""The network that a run keeps, selected from its trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.components.metric import create_metric
from executor.model.ensemble import select_network
from executor.model.refit import average_forecasters, refit_best_trials
from executor.preprocessing.inputs import TextInputs, WindowInputs
from executor.runtime.log import LOG

if TYPE_CHECKING:
    from executor.model.ensemble import SelectedNetwork
    from executor.pipeline.encoding.encode_data import EncodedData
    from executor.runtime.cluster import Pool
    from executor.search.records.trials import Trials


def select(data: EncodedData, trials: Trials, *, seconds: float, pool: Pool | None = None) -> SelectedNetwork:
    """Select the best trial or an ensemble; networks of forecasts and texts are trained again on all rows.

    seconds: time for training again. pool: of a cluster, whose workers train.
    """
    run, parts, groups = data.run, data.parts, data.run.data.rows.groups
    metric, seed = create_metric(run.bundle.metric), run.plan.seed
    if isinstance(parts.inputs, WindowInputs | TextInputs):
        refit_trials = average_forecasters if isinstance(parts.inputs, WindowInputs) else refit_best_trials
        selected = refit_trials(
            trials,
            run.bundle,
            parts,
            metric=metric,
            seconds=seconds,
            seed=seed,
            directory=run.directory,
            single=data.is_single,
            refit=data.is_refitted,
            pool=pool,
        )
    else:
        together = None if groups is None else groups[run.data.rows.validation]
        selected = select_network(
            trials, run.bundle, parts, metric=metric, seed=seed, single=data.is_single, groups=together
        )
    LOG.info("The model is made of %s.", ", ".join(f"trial {number}" for number in selected.members))
    return selected
