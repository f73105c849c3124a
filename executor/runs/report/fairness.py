"""Fairness figures of a run for the groups of a column, on the hold-out or on other rows with known targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from rich.table import Table
from rich.text import Text

from executor.components.metric import Predictions, apply_thresholds, create_metric
from executor.data.raw_table import Form
from executor.data.read_rows import fetch_columns, read_columns, read_names
from executor.evaluation.fairness import MIN_GROUP_ROWS, FairnessFigures, measure_groups
from executor.model.prediction_columns import label_positions
from executor.model.validate_rows import open_rows, read_new_rows
from executor.runs.plan import reopen_dataset
from executor.runs.report.groups import MAX_GROUPS, OTHERS, group_names
from executor.runs.report.hold_out_predictions import read_predictions
from recommender.dataset.sql import category_text, quoted
from rules.errors import ChoiceError, ColumnError, DatasetError, RunError, did_you_mean
from rules.text.numbers import number
from rules.text.wording import counted, printable
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from executor.evaluation.fairness import Disparity, GroupErrors, GroupRates
    from executor.evaluation.scores import Estimate
    from executor.runs.run import Run
    from recommender.dataset.dataset import Dataset

HOLD_OUT: Final = "hold-out"
MAX_CLASSES: Final = 10  # whose rates are measured where no class is named
RATES: Final = {
    "base_rate": "base rate",
    "selection_rate": "selection rate",
    "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate",
    "calibration_gap": "calibration gap",
}
ERRORS: Final = {"mean_absolute_error": "mean absolute error", "mean_error": "mean error"}


class Fairness(FairnessFigures):
    """Fairness figures of a run for the groups of a column.

    Attributes:
        run: Name of the run's directory.
        seal: Seal of the run.
        column: The column whose values are the groups.
        rows_of: "hold-out", or the name of the file of the rows.
        rows: Number of rows.
        min_rows: Rows below which a group is suppressed.
        metric: Metric of the run.
        resamples: Number of bootstrap samples behind each interval.
        groups: Rows and metric of each group.
        disparities: Difference and ratio of the metric between groups.
        outcomes: Rates of each positive class; empty for numeric targets.
        targets: Errors of each target; empty for classifications.
        remarks: What limits the figures, a sentence each.

    Examples:
        >>> from executor import Run, measure_fairness
        >>> found = measure_fairness(Run("runs/titanic-1"), "Sex")  # doctest: +SKIP
        >>> found.outcomes[0].equalized_odds_difference  # doctest: +SKIP
        0.61
    """

    format: Literal["pcwat/fairness/1"] = "pcwat/fairness/1"
    run: str
    seal: str
    column: str
    rows_of: str
    rows: int
    min_rows: int
    remarks: tuple[str, ...] = ()


def measure_fairness(
    run: Run,
    column: str,
    *,
    rows: object = None,
    positive: str | None = None,
    min_rows: int = MIN_GROUP_ROWS,
) -> Fairness:
    """Measure scores, rates, calibration and errors of the groups of a column.

    Args:
        run: The finished run.
        column: Column of the dataset, which the model need not read. Numbers with many values are grouped by quartiles.
        rows: Rows with known targets, as for `Run.predict`. None measures on the hold-out. Default None.
        positive: Class or label that is the positive outcome. None measures the rare class of two classes, and each of
            several classes or labels. Default None.
        min_rows: Rows below which a group is suppressed. Default 20.

    Returns:
        The figures of each group with 95 % bootstrap intervals, and differences and ratios between groups.

    Raises:
        ColumnError: If the column, or a target, is missing.
        ChoiceError: If `positive` is not a class.
        DatasetError: If the dataset of the run is missing or has changed.

    Examples:
        >>> measure_fairness(Run("runs/titanic-1"), "Sex").disparities  # doctest: +SKIP
    """
    outcomes = _outcomes(run, positive)
    if rows is None:
        hold_out = read_predictions(run)
        dataset, why = reopen_dataset(run.plan, must=False)
        if dataset is None:
            raise DatasetError(
                f"The groups are read from the dataset again, but {why}. Restore the file, or give rows with known "
                "targets (ROWS)."
            )
        with dataset:
            _check_column(column, dataset)
            names = group_names(dataset, column, hold_out.rows)
            units = _units(run, dataset, hold_out.rows)
        predictions, rows_of = hold_out.predictions, HOLD_OUT
    else:
        predictions, names, units, rows_of = _predict(run, rows, column)
    groups = np.array(names, dtype=object)
    found, counts = np.unique(groups, return_counts=True)
    most = found[np.argsort(-counts, kind="stable")][:MAX_GROUPS]
    figures = measure_groups(
        predictions,
        np.where(np.isin(groups, most), groups, OTHERS),
        metric=create_metric(run.bundle.metric),
        outcomes=outcomes,
        targets=(", ".join(run.signature.targets),) if run.signature.windows else run.signature.targets,
        min_rows=min_rows,
        units=units,
        seed=run.plan.seed,
    )
    return Fairness(
        **{name: getattr(figures, name) for name in FairnessFigures.model_fields},
        run=run.directory.name,
        seal=run.seal,
        column=column,
        rows_of=rows_of,
        rows=len(predictions),
        min_rows=min_rows,
        remarks=tuple(_remarks(run, figures, rows_of=rows_of, min_rows=min_rows)),
    )


def _outcomes(run: Run, positive: str | None) -> dict[str, int]:
    """Positive classes or labels with their index; none for numeric targets."""
    signature = run.signature
    classes = signature.targets if signature.task is Task.MULTILABEL else signature.labels
    if positive is not None:
        if positive not in classes:
            known = ", ".join(map(repr, classes)) or f"none, since the task is {signature.task}"
            raise ChoiceError(
                f"The positive outcome must be a class of the run, but got {positive!r}."
                f"{did_you_mean(positive, classes)} Classes: {known}."
            )
        return {positive: classes.index(positive)}
    if signature.task is Task.BINARY:
        at = 1 if signature.rare_class is None else signature.rare_class
        return {classes[at]: at}
    if len(classes) > MAX_CLASSES:
        raise ChoiceError(
            f"Rates are measured for at most {MAX_CLASSES} classes, but the run has {len(classes):,}. Name one with "
            "--positive."
        )
    return {name: at for at, name in enumerate(classes)}


def _check_column(column: str, dataset: Dataset) -> None:
    if column not in dataset.columns:
        raise ColumnError(
            f"--group must be a column of the rows, but {dataset.name} has no column {column!r}."
            f"{did_you_mean(column, dataset.columns)}"
        )


def _units(run: Run, dataset: Dataset, rows: np.ndarray) -> np.ndarray | None:
    """Entity of each row, whose rows are drawn together; None without entities."""
    entity = run.signature.entity_column
    if entity is None or entity not in dataset.columns or run.signature.windows is not None:
        return None
    names = read_names(dataset, entity)
    return None if names is None else np.unique(names[rows].astype(str), return_inverse=True)[1]


def _predict(run: Run, data: object, column: str) -> tuple[Predictions, list[str], np.ndarray | None, str]:
    """Predictions of rows with known targets, the group and the entity of each, and where they are from."""
    signature = run.signature
    if signature.windows is not None:
        raise RunError("Fairness of a forecast is measured on the hold-out alone. Leave ROWS out.")
    with open_rows(signature, data, keys=(column,)) as dataset:
        if signature.image is not None:
            dataset.rename_images(signature.image.name)
        _check_column(column, dataset)
        for target in signature.targets:
            if target not in dataset.columns:
                raise ColumnError(
                    f"The rows must have the target {target!r}, with which predictions are compared, but "
                    f"{dataset.name} lacks it. Add the column, or leave ROWS out to measure on the hold-out."
                )
        table = read_new_rows(signature, dataset, keys=(column,))
        known = np.ones(len(table), bool)
        for target in signature.targets:
            known &= fetch_columns(dataset, [f"{quoted(target)} IS NOT NULL"])[0].astype(bool)
        chosen = np.flatnonzero(known)
        if not len(chosen):
            raise ColumnError(f"The target must be known in some rows, but it is empty in all rows of {dataset.name}.")
        truth = _truth(run, dataset, chosen)
        names = group_names(dataset, column, chosen)
        units, name = _units(run, dataset, chosen), dataset.name
    outcome = run.outcome_of(table.take(chosen))
    decided = apply_thresholds(outcome, signature.task, thresholds=signature.cuts, rare_class=signature.rare_class)
    predictions = Predictions(
        task=signature.task, truth=truth, outcome=outcome, decided=decided, rare_class=signature.rare_class
    )
    return predictions, names, units, name


def _truth(run: Run, dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """True targets of some rows, as in Predictions. Raises ColumnError on a class that the training lacked."""
    signature, columns = run.signature, []
    for target in signature.targets:
        if not signature.task.is_classification:
            columns.append(read_columns(dataset, {target: Form.NUMBER})[target][rows])
            continue
        words = fetch_columns(dataset, [f"coalesce({category_text(target, dataset.storage[target])}, '')"])[0][rows]
        places = label_positions(signature, target)
        unknown = next((at for at, word in enumerate(words) if word not in places), None)
        if unknown is not None:
            raise ColumnError(
                f"Column {target!r} must hold classes of the training, but {dataset.name} has {words[unknown]!r} in "
                f"row {rows[unknown] + 1}. Correct the value, or leave the cell empty."
            )
        columns.append(np.array([places[word] for word in words], np.int64))
    return columns[0] if signature.task in {Task.BINARY, Task.MULTICLASS} else np.column_stack(columns)


def _remarks(run: Run, figures: FairnessFigures, *, rows_of: str, min_rows: int) -> Iterable[str]:
    hidden = sum(group.score is None for group in figures.groups)
    if hidden:
        yield (
            f"{counted(hidden, 'group')} with fewer than {min_rows} rows {'is' if hidden == 1 else 'are'} suppressed, "
            "because rates of so few rows are imprecise and may reveal single rows."
        )
    if len(figures.groups) - hidden < 2:  # noqa: PLR2004  a difference needs two
        yield "Differences need two groups of enough rows."
    if rows_of != HOLD_OUT and run.signature.trained_on:
        yield "The model was trained on all rows of its dataset; figures are too good if these rows are among them."


def show_fairness(found: Fairness, console: Console) -> None:
    """Print the figures. Names and values from the data are not read as markup."""
    console.print(
        Text(f"Groups of {found.column!r} on {found.rows:,} rows of the {found.rows_of}, with 95 % intervals")
    )
    console.print(_table(found.metric, ("rows", found.metric), _score_rows(found)))
    for outcome in found.outcomes:
        title = f"positive: {outcome.positive}"
        console.print(_table(title, RATES.values(), _rows(outcome.groups, RATES)))
    for target in found.targets:
        console.print(_table(target.target, ERRORS.values(), _rows(target.groups, ERRORS)))
    for sentence in sentences(found):
        console.print(Text(printable(sentence)))


def sentences(found: Fairness) -> list[str]:
    """Differences and ratios between groups, and remarks, a sentence each."""
    lines = [_sentence(one, found.metric) for one in found.disparities]
    for outcome in found.outcomes:
        lines += [f"{outcome.positive!r}: {_sentence(one, found.metric)}" for one in outcome.disparities]
        if outcome.equalized_odds_difference is not None:
            ratio = outcome.equalized_odds_ratio
            lines.append(
                f"{outcome.positive!r}: equalized odds difference {number(outcome.equalized_odds_difference)}"
                f"{'' if ratio is None else f', ratio {number(ratio)}'}."
            )
    for target in found.targets:
        lines += [f"{target.target!r}: {_sentence(one, found.metric)}" for one in target.disparities]
    return [*lines, *found.remarks]


def _sentence(one: Disparity, metric: str) -> str:
    name = metric if one.measure == "score" else one.measure.replace("_", " ")
    label = "demographic parity" if one.measure == "selection_rate" else ""
    detail = f" ({label})" if label else ""
    return (
        f"{name}{detail}: {one.largest!r} minus {one.smallest!r} {estimate(one.difference)}, ratio "
        f"{estimate(one.ratio)}."
    )


def estimate(found: Estimate) -> str:
    """A value with its interval, at most three decimals."""
    if found.value is None:
        return "undefined"
    value = f"{found.value:.3g}"
    return value if found.low is None or found.high is None else f"{value} ({found.low:.3g} to {found.high:.3g})"


def _score_rows(found: Fairness) -> Iterable[tuple[str, ...]]:
    for group in found.groups:
        if group.score is None:
            yield group.name, f"< {found.min_rows}", "suppressed"
        else:
            yield group.name, f"{group.rows:,}", estimate(group.score)


def _rows(groups: Iterable[GroupRates | GroupErrors], names: Iterable[str]) -> Iterable[tuple[str, ...]]:
    return [(group.name, *(estimate(getattr(group, name)) for name in names)) for group in groups]


def _table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None, title=Text(printable(title)), title_justify="left", pad_edge=False)
    table.add_column("group")
    for name in columns:
        table.add_column(Text(name), justify="right")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table
