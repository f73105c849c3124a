"""The start of a run: its strategy, rows and directory, before anything is trained; needs no TensorFlow."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.custom import check_installed
from executor.components.metric import create_metric
from executor.data.raw_table import Form, RawTable, form_of
from executor.data.read_rows import read_rows
from executor.data.series.lag_plan import plan_windows, regular_step
from executor.data.series.lag_table import Windows, lag_table, sort_rows
from executor.data.series.regular_steps import fill_missing_steps
from executor.data.series.rolling_split import rolling_split
from executor.data.split import Split, split
from executor.data.stored_rows import RowCache, StoredColumns
from executor.evaluation.diagnostics.next_steps import check_level
from executor.preprocessing.target_scale import target_scale_of, to_learning_scale
from executor.runs.files import (
    BUNDLE,
    MODEL,
    PLAN,
    SIGNATURE,
    create_numbered_directory,
    create_run_directory,
    write,
    write_json,
)
from executor.runs.plan import Plan, read_plan
from executor.runs.run import Run
from executor.runtime.budget import Budget
from executor.runtime.log import LOG, write_run_log
from executor.search.records.journal import check_journal, search_digest
from recommender.dataset.address import recorded, reopened
from recommender.dataset.memory import VARIABLE
from recommender.planning.cluster_address import check_shared, parse_cluster
from recommender.planning.training_memory import plan_streaming
from recommender.recommendation.recommend import advise, open_dataset
from recommender.recommendation.render import why
from recommender.roles.infer import infer_roles
from recommender.run_manifest import RECORD, SCORES
from recommender.speed.device_speed import requested_device
from rules.decision.record import Record
from rules.errors import ClusterError, ColumnError, RunError, TrainingError, did_you_mean
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.text.numbers import size_text
from rules.text.temporary import remove_leftovers
from rules.text.wording import listed
from rules.vocabulary.bundle import Bundle, fingerprint
from rules.vocabulary.choices import Custom
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from recommender.dataset.address import DatasetAddress
    from recommender.dataset.dataset import Dataset
    from recommender.planning.training_memory import Streaming
    from recommender.recommendation.recommendation import Recommendation
    from recommender.roles.roles import Roles
    from rules.decision.request import Request
    from rules.decision.trace import Pin


MAX_NAMED: Final = 10  # columns in an error
WEIGHT_STEP: Final = 2.0**-30  # relative to the mean weight; sums of 8 million rows are exact
FIRST_ZIP_YEAR: Final = 1980  # APPNOTE.TXT 4.4.6: a member's date is that of MS-DOS


@dataclass(frozen=True, kw_only=True)
class RunData:
    """The rows of a run, read and split: of a series those of its lag table, which `windows` describes."""

    table: RawTable
    windows: Windows | None
    rows: Split
    series: RawTable | None = None
    """Of a forecast the rows from which the table was made, by entity and time, gaps filled with empty steps."""

    @property
    def cache(self) -> RowCache | None:
        """Where rows that do not fit into memory are; None where they are in memory."""
        features = self.table.features
        return features.cache if isinstance(features, StoredColumns) else None


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """A run whose strategy is chosen and written, before its search."""

    directory: Path
    dataset: Dataset
    roles: Roles
    data: RunData
    bundle: Bundle
    plan: Plan
    budget: Budget
    advice: Recommendation | None
    """None for a resumed run, which has its bundle already."""


def prepare(
    dataset: Dataset,
    request: Request,
    *,
    budget: Budget,
    bundle: Bundle | None = None,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    after: str | os.PathLike[str] | None = None,
    seed: int = 0,
    directory: Path | None = None,
    at_once: int | None = None,
    cluster: str | None = None,
    single: bool = False,
    keep_evaluated: bool = False,
    interval_groups: str | None = None,
    report: bool = True,
    satisfied_at: float | None = None,
    parent: Run | None = None,
) -> PreparedRun:
    """Choose the strategy and write it into a new run directory, before training.

    bundle: trained instead of the recommended one; pins take precedence over it. after: a finished run on the same
    data, whose facts of the training rules may test. cluster: address of a Ray cluster that trains the trials, which is
    checked. single: keep one network even if an
    ensemble is better. keep_evaluated: do not train the model again on all rows. report: write the report, and measure
    what only it shows. satisfied_at: value of the metric from which no next steps are recommended. interval_groups:
    column of categories by whose groups prediction intervals are measured. parent: the run that is continued.
    Raises ChoiceError if a given bundle does not fit the dataset, or the metric cannot have the value satisfied_at;
    DatasetError if the rows cannot be split; RunError if the directory is not empty. They are raised before a run
    directory is created.
    """
    check_system_date()
    requested_device()  # called for its error
    if cluster is not None:
        parse_cluster(cluster)
    advice = advise(
        dataset,
        request,
        book=load_book(book),
        bundle=bundle,
        pins=pins,
        budget=budget.seconds,
        trials=budget.trials,
        after=after,
    )
    check_installed(advice.bundle)
    if cluster is not None:
        check_shared(advice.bundle)
    check_level(satisfied_at, create_metric(advice.bundle.metric).name)
    check_interval_groups(interval_groups, advice.roles, dataset)
    decisions = advice.strategy.decisions
    streaming = None if parent is not None else _streaming(advice, dataset, cluster)
    with dataset.name_failing_columns():
        rows = read_and_split(dataset, advice.roles, advice.bundle, seed=seed, streaming=streaming)
    if rows.table.truth is not None:
        # Called for its error: it refuses values that are not on the scale.
        to_learning_scale(rows.table.truth, target_scale_of(advice.bundle.loss))
    plan = Plan(
        dataset=recorded(dataset.address),
        digest=dataset.digest,
        request=request.model_copy(
            update={"target": advice.roles.targets, "task": advice.roles.task, "delimiter": dataset.delimiter}
        ),
        bundle=fingerprint(advice.bundle),
        seed=seed,
        budget=budget.seconds,
        trials=budget.trials,
        at_once=at_once,
        cluster=cluster,
        streaming=streaming,
        single=single,
        keep_evaluated=keep_evaluated,
        interval_groups=interval_groups,
        report=report,
        satisfied_at=satisfied_at,
        parent="" if parent is None else parent.seal,
        parent_directory="" if parent is None else str(parent.directory.resolve()),
        after=None if after is None else str(Path(after).resolve()),
        search=_searched(advice.bundle),
        readings=dict(dataset.readings),
        changed={
            slot.value: str(decision.ruled) for slot, decision in decisions.items() if decision.choice != decision.ruled
        },
        record=advice.record.seal,
    ).sealed()
    made = create_numbered_directory(dataset.stem) if directory is None else create_run_directory(directory)
    with _removed_on_error(made):
        write(made / BUNDLE, advice.bundle.to_yaml({slot: why(decision) for slot, decision in decisions.items()}))
        write(made / RECORD, advice.record.to_json())
        write_json(made / PLAN, plan)
    with write_run_log(made):
        log_strategy(advice)
        if streaming is not None:
            LOG.info("%s", streaming.sentence)
    return PreparedRun(
        directory=made,
        dataset=dataset,
        roles=advice.roles,
        data=rows,
        bundle=advice.bundle,
        plan=plan,
        budget=budget,
        advice=advice,
    )


def check_interval_groups(name: str | None, roles: Roles, dataset: Dataset) -> None:
    """Raise ColumnError unless prediction intervals can be measured by the groups of a column."""
    if name is None:
        return
    if roles.task not in {Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION}:
        raise ColumnError(
            f"--interval-groups needs the prediction intervals of a regression, but the task is {roles.task}. Leave it "
            "out."
        )
    forms = {column: form_of(roles.columns[column].kind, dataset.storage[column]) for column in roles.features}
    if forms.get(name) is Form.LEVEL:
        return
    levels = [column for column, form in forms.items() if form is Form.LEVEL]
    reason = "which the model does not read as categories" if name in dataset.columns else "which is not a column"
    raise ColumnError(
        f"--interval-groups must be a column of categories that the model reads, but got {name!r}, {reason}."
        f"{did_you_mean(name, levels)} Columns of categories: {listed(levels, most=MAX_NAMED) or 'none'}."
    )


def _searched(bundle: Bundle) -> tuple[str, ...]:
    """Hyperparameters with the user's values, as --search takes them."""
    chosen = bundle.hyperparameters
    return chosen.varied if isinstance(chosen, Custom) and chosen.values else ()


@contextmanager
def _removed_on_error(directory: Path) -> Iterator[None]:
    """Remove the files of a run that could not be written completely, and its directory if it is then empty."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for name in (BUNDLE, RECORD, PLAN):
                (directory / name).unlink(missing_ok=True)
            directory.rmdir()
        raise


def _streaming(advice: Recommendation, dataset: Dataset, cluster: str | None) -> Streaming | None:
    """How the rows are streamed; None if they fit into memory. Raises ClusterError on rows that workers cannot get."""
    rows, architecture = dataset.row_count, advice.bundle.architecture
    found = plan_streaming(advice.roles, advice.profile, architecture, rows=rows)
    if found is not None and cluster is not None:
        raise ClusterError(
            f"The workers of a cluster get all rows in memory, but these need about {size_text(found.needed)}, more "
            f"than the limit of {size_text(found.limit)}. Leave out --cluster, or allow more memory by {VARIABLE}."
        )
    return found


def read_and_split(
    dataset: Dataset, roles: Roles, bundle: Bundle, *, seed: int, streaming: Streaming | None = None
) -> RunData:
    """Read and split the rows. Raises DatasetError where that cannot be done.

    streaming: how rows that do not fit into memory are kept on disk; None to read them into memory.
    """
    cache = None
    if streaming is not None:
        cache = RowCache(window=streaming.window, sample=streaming.sample, outputs=streaming.outputs)
    table, windows = read_rows(dataset, roles, cache), None
    if roles.task is Task.FORECASTING:
        regular = regular_step(dataset, roles)
        series = sort_rows(fill_missing_steps(table, regular))
        windows = plan_windows(series, roles, regular=regular)
        table = lag_table(series, windows)
        rows = rolling_split(table, roles, horizon=windows.horizon, seed=seed)
        return RunData(table=table, windows=windows, rows=rows, series=series)
    rows = split(table, roles, seed=seed, validation_by=bundle.validation)
    if table.weight is not None:
        # Mean 1 over the training rows, and multiples of a power of 2: their sums are exact, so that equal predictions
        # have equal scores.
        relative = table.weight / table.weight[rows.train].mean()
        table = replace(table, weight=np.maximum(np.rint(relative / WEIGHT_STEP), 1) * WEIGHT_STEP)
    return RunData(table=table, windows=windows, rows=rows)


def resumed_budget(plan: Plan, *, seconds: float | None, trials: int | None = None) -> Budget:
    """The budget of a resumed run: the given one, else that of the plan."""
    return Budget(seconds=seconds or plan.budget, trials=trials or plan.trials, first_seconds=plan.budget)


def check_system_date() -> None:
    """Raise TrainingError where the year is before the first that a zip archive, such as model.keras, can hold."""
    year = time.localtime().tm_year
    if year < FIRST_ZIP_YEAR:
        raise TrainingError(
            f"The system clock must be in {FIRST_ZIP_YEAR} or later, because model files are zip archives, but it is "
            f"in {year}. Set the clock of the machine."
        )


def check_run(directory: Path, plan: Plan) -> Bundle:
    """Compare the files that a stopped run rests on with their digests, and return its bundle; trains nothing.

    These are the plan, the bundle, the audit record, the journal and the weights of its trials.
    Raises RunError that names the file which is missing, damaged or altered.
    """
    if not plan.seal:
        raise RunError(
            f"{directory / PLAN} has no digest, because an older version of pcwat wrote it or it was altered. Start a "
            "new run."
        )
    bundle = Bundle.read(directory / BUNDLE)
    if fingerprint(bundle) != plan.bundle:
        raise RunError(
            f"{directory / BUNDLE} was changed after the run began; its trials belong to the old one. Restore it, or "
            f"start a new run with --bundle {directory / BUNDLE}."
        )
    if Record.read_intact(directory / RECORD).seal != plan.record:
        raise RunError(
            f"{directory / RECORD} is not the record that {PLAN} names. Restore the original file, or start a new run."
        )
    search = search_digest(plan.bundle, plan.seed)
    check_journal(directory, search=search, keeps_unfinished=plan.cluster is not None)
    return bundle


def reopen(
    directory: Path, *, budget: Budget | None = None, data: DatasetAddress | None = None, cluster: str | None = None
) -> PreparedRun:
    """Prepare a run that was stopped, with its dataset open again. Raises RunError as `resume` does.

    budget: from now on; by default that with which the run began. data: new address of the dataset; None for that of
    the plan. cluster: new address of the cluster of a run that began on one; None for that of the plan.
    """
    plan = read_plan(directory)
    plan = plan if cluster is None else _on_cluster(plan, cluster, directory)
    if plan.cluster is not None:
        parse_cluster(plan.cluster)
    if (directory / SCORES).exists():
        raise RunError(
            f"{directory} is finished; nothing is left to resume. Use it, 'recommend predict {directory} ROWS', or "
            "train again for a longer search."
        )
    if plan.parent:
        open_parent(plan)
    check_system_date()
    remove_leftovers(directory)
    bundle = check_run(directory, plan)
    check_installed(bundle)
    address = data or reopened(plan.dataset)
    if address is None:
        raise RunError(f"{directory} was trained on a table in memory, which is gone. Start a new run.")
    dataset = open_dataset(address, plan.request, readings=plan.readings)
    if dataset.digest != plan.digest:
        dataset.close()
        raise RunError(f"{address} has changed since {directory} began. Restore its rows, or start a new run.")
    roles = infer_roles(dataset, plan.request)
    return PreparedRun(
        directory=directory,
        dataset=dataset,
        roles=roles,
        data=read_and_split(dataset, roles, bundle, seed=plan.seed, streaming=plan.streaming),
        bundle=bundle,
        plan=plan,
        budget=resumed_budget(plan, seconds=None) if budget is None else budget,
        advice=None,
    )


def _on_cluster(plan: Plan, cluster: str, directory: Path) -> Plan:
    """The plan with another address of its cluster. Raises RunError if the run began without one."""
    if plan.cluster is None:
        raise RunError(
            f"{directory} began on this machine, where trials share graphs, so it cannot continue on a cluster. Leave "
            "out --cluster, or start a new run."
        )
    return plan.model_copy(update={"cluster": cluster})


def open_parent(plan: Plan) -> Run:
    """Open the run that a plan continues. Raises RunError if it is missing or has changed."""
    directory = Path(plan.parent_directory)
    found = Run(directory) if plan.parent_directory and (directory / SCORES).exists() else None
    if found is None or found.seal != plan.parent:
        where = plan.parent_directory or "the parent run, whose place an older version did not record"
        raise RunError(
            f"A continued run needs its parent run as it was, but {where} "
            f"{'is missing' if found is None else 'has changed'}. Restore it, or continue another run."
        )
    found.check_unaltered(MODEL, SIGNATURE)
    return found


def log_strategy(advice: Recommendation) -> None:
    """Log the dataset, the choices with reasons, and the alerts of data checks."""
    seen = advice.record.dataset
    LOG.info("%s: %d rows, %d columns; predict %s.", seen.name, seen.rows, len(seen.kinds), ", ".join(seen.targets))
    LOG.info("Task: %s (%s).", seen.task, seen.task_reason)
    for slot in NOTES_ORDER:
        decision = advice.strategy.decisions[slot]
        LOG.info("%s: %s. %s", slot.letter, decision.choice, why(decision))
    for guardrail in advice.record.guardrails:
        if guardrail.status == "alerted":
            LOG.warning("%s", guardrail.message)
