"""The new rows of a continued run: checked against the signature of its model, split, and written as a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from executor.model.validate_rows import check_names, check_readable, read_new_rows
from executor.pipeline.prepare import prepare, read_and_split
from recommender.dataset.sql import category_text, is_number, quoted
from recommender.recommendation.recommend import open_dataset
from rules.decision.request import ImageReading
from rules.errors import ColumnError, RunError, did_you_mean
from rules.text.wording import listed
from rules.vocabulary.choices import Defaults, Holdout, Manual
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from pathlib import Path

    from executor.model.signature import Signature
    from executor.pipeline.prepare import PreparedRun
    from executor.runs.run import Run
    from executor.runtime.budget import Budget
    from recommender.dataset.dataset import Dataset
    from rules.decision.request import Request
    from rules.vocabulary.bundle import Bundle

MAX_NAMED: Final = 12  # classes that an error names
REMEDY: Final = "Correct it, or train a new model on all rows"


def open_new_rows(parent: Run, data: object) -> Dataset:
    """Open new rows as the dataset of a run was read.

    Raises RunError if the run cannot be continued, and DatasetError and ColumnError as `Dataset.open` does.
    """
    if parent.signature.task is Task.FORECASTING:
        raise RunError(
            f"{parent.directory} is a forecast, which cannot be continued: its model reads the past of a series to "
            "predict. Predict with the longer series, or train a new model on it."
        )
    if not parent.seal:
        raise RunError(f"{parent.directory} has no seal, because an older version wrote it. Train a new model.")
    parent.check_unaltered("model.keras", "signature.json")
    return open_dataset(data, _request(parent), readings=parent.plan.readings)


def prepare_continuation(
    parent: Run,
    dataset: Dataset,
    *,
    budget: Budget,
    seed: int = 0,
    directory: Path | None = None,
    report: bool = True,
    satisfied_at: float | None = None,
) -> PreparedRun:
    """Check new rows against the signature of a run's model, and write the plan of a run that continues it.

    Raises ColumnError, with column, row and remedy, if the rows do not fit.
    """
    signature = parent.signature
    _check_targets(signature, dataset)
    check_names(signature, dataset, what="New rows", extra_remedy="Remove them, or train a new model")
    check_readable(signature, dataset)
    return prepare(
        dataset,
        _request(parent, dataset),
        budget=budget,
        bundle=continued_bundle(parent),
        seed=seed,
        directory=directory,
        report=report,
        interval_groups=parent.plan.interval_groups,
        satisfied_at=satisfied_at,
        parent=parent,
    )


def rows_for_model(parent: Run, run: PreparedRun) -> PreparedRun:
    """The rows of a run as the model of its parent reads them, with the labels of that model."""
    signature, dataset = parent.signature, run.dataset
    roles = replace(run.roles, labels=signature.labels) if signature.labels else run.roles
    data = read_and_split(dataset, roles, run.bundle, seed=run.plan.seed)
    own = read_new_rows(signature, dataset, ignore_extra=True).take(data.table.rows)
    return replace(
        run, roles=roles, data=replace(data, table=replace(data.table, features=own.features, forms=own.forms))
    )


def continued_bundle(parent: Run) -> Bundle:
    """The bundle of a run with the choices of its best trial; nothing is searched, and one split is validated."""
    own = parent.bundle.of_trial(parent.summary.best_hyperparameters)
    changes = {"hyperparameters": Defaults(), "tuner": Manual(), "validation": Holdout(refit=False)}
    return own.model_copy(update=changes)


def _request(parent: Run, dataset: Dataset | None = None) -> Request:
    """The request of a run, with the kinds that its columns had; image files have the size of the training."""
    request, image = parent.plan.request, parent.signature.image
    if image is not None:
        height, width, channels = image.shape
        reading = ImageReading(
            size=(height, width), channels=1 if channels == 1 else 3, fit=image.fit, value_range=image.value_range
        )
        request = request.model_copy(update={"images": reading})
    if dataset is None:
        return request
    arrays = {Kind.IMAGE, Kind.SEQUENCE}
    kinds = {
        name: Kind(kind)
        for name, kind in parent.record.dataset.kinds.items()
        if name in dataset.columns and name not in request.target and Kind(kind) not in arrays
    }
    return request.model_copy(update={"kinds": kinds})


def _check_targets(signature: Signature, dataset: Dataset) -> None:
    """Raise ColumnError unless each target exists, with the classes of the model, or with numbers."""
    for target in signature.targets:
        if target not in dataset.columns:
            raise ColumnError(
                f"New rows must have the target {target!r} of the model, but {dataset.name} lacks it."
                f"{did_you_mean(target, dataset.columns)} Add the column."
            )
        storage = dataset.storage[target]
        if signature.task.is_classification:
            classes = signature.levels.get(target, signature.labels)
            known = ", ".join("'" + label.replace("'", "''") + "'" for label in classes)
            test, wanted = (
                f"{category_text(target, storage)} NOT IN ({known})",
                f"one of {listed(classes, most=MAX_NAMED)}",
            )
        else:
            value = f"TRY_CAST({quoted(target)} AS DOUBLE)"
            test, wanted = f"NOT coalesce(isfinite({value}), FALSE)", "a finite number"
            if is_number(storage):
                test = f"NOT isfinite({value})"
        where = f"{quoted(target)} IS NOT NULL AND {test} ORDER BY rowid LIMIT 1"
        query = f"SELECT rowid, CAST({quoted(target)} AS VARCHAR) FROM dataset WHERE {where}"  # noqa: S608  quoted
        found = dataset.connection.execute(query).fetchone()
        if found is not None:
            row, value = found
            raise ColumnError(
                f"The target {target!r} must be {wanted}, as in the parent run, but {dataset.name} has {value!r} in "
                f"row {row + 1}. {REMEDY}."
            )
