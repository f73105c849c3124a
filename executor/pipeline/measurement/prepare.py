"""A dataset without its hold-out, split into training, validation and test rows, and what the rules decide for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import create_metric
from executor.data.series.rolling_split import rolling_split
from executor.data.split import split
from executor.pipeline.prepare import PreparedRun, RunData, prepare
from executor.runtime.budget import Budget
from rules.decision.engine import slot_choices
from rules.proof.proved_book import load_book
from rules.scorecard.decide_again import HANDBOOK
from rules.scorecard.results import MeasuredDataset
from rules.vocabulary.choices import Holdout, Slot
from rules.vocabulary.facts import record_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from executor.data.raw_table import RawTable
    from executor.data.split import Split
    from executor.pipeline.measurement.corpus import CorpusDataset
    from recommender.dataset.dataset import Dataset
    from rules.decision.trace import Pin
    from rules.scorecard.results import Settings
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Validation
    from rules.vocabulary.facts import Facts

HORIZONS: Final = 10  # minimum number of forecast origins, in horizons, because the split drops overlapping ones


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A dataset to measure on."""

    run: PreparedRun
    """Its strategy, and its rows without the hold-out."""
    bundle: Bundle
    """The recommended bundle, with a validation set instead of cross-validation, which takes five times as long."""
    facts: Facts
    measured: MeasuredDataset
    split: int = 0
    """Number of the split, which draws it."""

    @property
    def seeds(self) -> range:
        """Seeds of the trainings on this split."""
        count = self.measured.settings.seeds
        return range(self.split * count, (self.split + 1) * count)

    def with_split(self, number: int) -> Subject:
        """The dataset with another split of its rows."""
        data = self.run.data
        rows = _split(data.table, self.run, Holdout(), number)
        return replace(self, run=replace(self.run, data=replace(data, rows=rows)), split=number)

    def for_bundle(self, bundle: Bundle) -> PreparedRun:
        """The run with another bundle, and the rows as its validation splits them; test rows are the same."""
        data = self.run.data
        rows = _split(data.table, self.run, bundle.validation, self.split)
        return replace(self.run, bundle=bundle, data=replace(data, rows=rows))


def subject(
    entry: CorpusDataset,
    dataset: Dataset,
    *,
    settings: Settings,
    pins: Sequence[Pin],
    layers: Sequence[str | Path],
    directory: Path,
    version: str,
) -> Subject:
    """Choose the strategy for a dataset, and take its rows outside the hold-out, at most about `settings.rows`.

    directory: of the files of a run, which are not kept. Raises PcwatError as `prepare` does.
    """
    run = prepare(dataset, entry.request, budget=Budget(), book=layers, pins=pins, seed=0, directory=directory)
    kept = np.union1d(run.data.rows.train, run.data.rows.validation)
    table = run.data.table.take(kept)
    horizon = 1 if run.data.windows is None else run.data.windows.horizon
    table = table.take(_sample(table, max(settings.rows, HORIZONS * horizon), latest=run.data.windows is not None))
    table = replace(table, features=dict(table.features))  # in memory, also of a table that would be streamed
    run = replace(run, data=replace(run.data, table=table))
    rows = _split(table, run, Holdout(), 0)
    run = replace(run, data=RunData(table=table, windows=run.data.windows, rows=rows, series=run.data.series))
    if run.advice is None:
        raise ValueError("a new run has a recommendation")
    strategy = run.advice.strategy
    handbook = slot_choices(load_book(HANDBOOK), strategy.facts, pins=pins)
    measured = MeasuredDataset(
        name=entry.name,
        digest=dataset.digest,
        task=run.roles.task.value,
        modality=str(strategy.facts["modality"].value),
        metric=create_metric(run.bundle.metric).name,
        direction=create_metric(run.bundle.metric).direction,
        rows=len(table),
        test_rows=len(rows.hold_out),
        facts={name: record_value(fact.value) for name, fact in strategy.facts.items()},
        chosen={slot.value: str(run.bundle.choice(slot)) for slot in Slot},
        rules={slot.value: () if one.pin else one.rules for slot, one in strategy.decisions.items()},
        handbook={slot.value: str(one.choice) for slot, one in handbook.items()},
        settings=settings,
        version=version,
    )
    bundle = run.bundle.model_copy(update={Slot.VALIDATION.value: Holdout()})
    return Subject(run=run, bundle=bundle, facts=strategy.facts, measured=measured)


def _sample(table: RawTable, most: int, *, latest: bool) -> np.ndarray:
    """Indices of at most `most` rows: the latest in time, a random sample where there is no time or an entity.

    latest: take the latest rows even so, because each row is a forecast origin.
    """
    if len(table) <= most:
        return np.arange(len(table))
    if not latest and (table.time is None or table.entity is not None):
        return np.sort(np.random.default_rng(0).permutation(len(table))[:most])
    time = table.rows if table.time is None else table.time
    return np.sort(np.argsort(time, kind="stable")[-most:])


def _split(table: RawTable, run: PreparedRun, validation: Validation, seed: int) -> Split:
    if run.data.windows is not None:
        return rolling_split(table, run.roles, horizon=run.data.windows.horizon, seed=seed)
    return split(table, run.roles, seed=seed, validation_by=validation)
