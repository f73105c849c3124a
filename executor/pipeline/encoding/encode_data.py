"""Encoding of the rows of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from executor.components.loss import fit_to_loss
from executor.data.raw_table import Form
from executor.evaluation.baselines.theta import theta_forecasts
from executor.model.refit import MAX_MEMBERS, REFIT_SHARE
from executor.networks.registry import network_kind
from executor.networks.starts.logistic_start import START_SHARE, with_linear_start
from executor.networks.starts.ridge_start import best_penalty, best_theta_weight
from executor.pipeline.encoding.sequence_features import scale_to_time
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.preprocessing.inputs import TextInputs, WindowInputs
from executor.preprocessing.target_scale import target_scale_of
from executor.runtime.devices import CPU, use_device
from executor.search.fit_to_time import resized, resized_parts
from executor.search.runners.workspace import is_stacked
from recommender.recommendation.training_work import TEXT_REFIT_SHARE
from recommender.time_plan import ALL_ROWS_SHARE, plan_time
from recommender.training_cost import boosting_fit_seconds
from rules.vocabulary.choices import Holdout, parameters_of

if TYPE_CHECKING:
    from executor.pipeline.prepare import PreparedRun
    from executor.preprocessing.examples import Parts
    from executor.preprocessing.preprocessing import Preprocessing
    from executor.runtime.clock import Clock
    from executor.search.records.training_size import TrainingSize
    from recommender.time_plan import TimePlan


@dataclass(frozen=True, kw_only=True)
class EncodedData:
    """Encoded rows of a run, and the fitted preprocessing."""

    run: PreparedRun
    preprocessing: Preprocessing
    parts: Parts
    encoding_seconds: float
    """Seconds that encoding the rows took; of texts without counting their terms, which is done once."""

    @property
    def is_refitted(self) -> bool:
        """Whether the selected networks are trained again on training and validation rows."""
        validation = self.run.bundle.validation
        is_kept = isinstance(validation, Holdout) and not validation.refit
        return not is_kept and isinstance(self.parts.inputs, WindowInputs | TextInputs)

    @property
    def is_single(self) -> bool:
        """Whether the model is one trial, and never the mean of several."""
        return self.run.plan.single or not self.run.bundle.validation.ensemble

    @property
    def is_stacked(self) -> bool:
        """Whether networks train in a stack."""
        bundle = self.run.bundle
        return is_stacked(bundle, network_kind(bundle, self.parts.inputs))

    @property
    def why_not_all_rows(self) -> str:
        """Why the selected configurations are not trained on all rows after the evaluation; empty where they are."""
        bundle, inputs = self.run.bundle, self.parts.inputs
        if self.run.plan.keep_evaluated:
            return "it was requested by --keep-evaluated"
        if isinstance(bundle.validation, Holdout) and not bundle.validation.refit:
            return "the bundle does not retrain"
        if not (self.is_stacked or isinstance(inputs, WindowInputs | TextInputs)):
            return "networks of this kind are not trained on all rows"
        return ""

    @property
    def trains_seeds_on_all_rows(self) -> bool:
        """Whether networks of a table are trained on all rows, from several seeds, after the evaluation."""
        return not (self.why_not_all_rows or self.is_refitted)

    def at_size(self, size: TrainingSize | None) -> EncodedData:
        """The rows as a search of a size divided them: with fewer repeats, or one split instead of folds.

        The preprocessing says whether the network has a linear layer.
        """
        if size is None:
            return self
        preprocessing = self.preprocessing
        if size.linear_start:
            own = parameters_of(preprocessing.architecture).model_copy(update={"linear_start": True})
            preprocessing = replace(preprocessing, architecture=own)
        rows = resized(self.run.data.rows, size)
        run = replace(self.run, data=replace(self.run.data, rows=rows))
        return replace(self, run=run, preprocessing=preprocessing, parts=resized_parts(self.parts, size))

    @cached_property
    def _words(self) -> float:
        """Words of the training rows in columns of texts; inf for texts alone, whose network is fitted on them, too."""
        table, train = self.run.data.table, self.run.data.rows.train
        texts = table.of_form(Form.TEXT)
        if texts and isinstance(self.parts.inputs, TextInputs):
            return math.inf
        return float(sum(text.count(" ") + 1 for name in texts for text in table.features[name][train]))

    def plan_time(self, limit: float | None) -> TimePlan:
        """Divide a time limit between the search and the stages after it."""
        return self.plan_time_for(self.parts, limit)

    def plan_time_for(self, parts: Parts, limit: float | None) -> TimePlan:
        """Divide a time limit where trials have as many networks as some parts have folds."""
        table, rows, share = self.run.data.table, self.run.data.rows, 0.0
        if self.is_refitted:
            share = REFIT_SHARE if isinstance(self.parts.inputs, WindowInputs) else TEXT_REFIT_SHARE
        elif self.trains_seeds_on_all_rows:
            share = ALL_ROWS_SHARE
        return plan_time(
            limit,
            encoding=self.encoding_seconds,
            # The validation rows, as many training rows, and the hold-out; without a stack also an incomplete epoch.
            predictions=2 + int(not self.is_stacked) + len(rows.hold_out) / max(1, len(parts.validation)),
            networks=parts.fold_count,
            refit_share=share,
            # The networks of all seeds take about as long as those of the folds of a trial.
            refitted=MAX_MEMBERS if self.is_refitted else int(share > 0),
            words=self.parts.outputs * self._words,
            boosting=boosting_fit_seconds(len(rows.train), len(table.forms) * self.parts.outputs),
        )


def encode(run: PreparedRun, clock: Clock) -> EncodedData:
    """Fit the preprocessing on the training rows, and encode training and validation rows."""
    rows, loss = run.data.rows, run.bundle.loss
    with use_device(CPU, width=0):  # a GPU would launch more than it computes
        architecture = scale_to_time(run, clock)
        run = _with_theta(run)
        table, start = run.data.table, clock.spent()
        preprocessing = fit_preprocessing(table, run.roles, rows.train, architecture)
        fitted = clock.spent()
        parts = encode_parts(table, run.roles, rows, preprocessing, target_on=target_scale_of(loss))
        if isinstance(parts.inputs, WindowInputs) and parameters_of(architecture).ridge_start:
            penalty = best_penalty(parts)
            weight = best_theta_weight(parts, penalty)
            parts = replace(parts, inputs=replace(parts.inputs, penalty=penalty, theta_weight=weight))
        parts = fit_to_loss(parts, loss)
        seconds = clock.spent() - (fitted if isinstance(parts.inputs, TextInputs) else start)
        limit = run.budget.seconds
        fit_clock = None if limit is None else clock.lasting(START_SHARE * limit)
        parts = with_linear_start(parts, run.bundle, clock=fit_clock)
    return EncodedData(run=run, preprocessing=preprocessing, parts=parts, encoding_seconds=seconds)


def _with_theta(run: PreparedRun) -> PreparedRun:
    """Add the forecasts of a Theta model to the table, where networks start at them."""
    data = run.data
    if data.series is None or data.windows is None or not parameters_of(run.bundle.architecture).ridge_start:
        return run
    theta = theta_forecasts(data.table, data.series, data.windows, data.rows.validation)
    return replace(run, data=replace(data, table=replace(data.table, theta=theta)))
