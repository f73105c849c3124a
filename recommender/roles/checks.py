"""Checks of the requested roles and kinds of columns, and of the remaining features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.split_names import PART_WORDS, TRAINING_WORDS
from recommender.dataset.sql import category_text, is_image, is_integer, is_number, is_text, literal, quoted, time_stamp
from recommender.roles.infer_kind import COMMA_REMEDY, UNUSED_KINDS, comma_use
from rules.errors import ColumnError, TargetError, did_you_mean
from rules.text.wording import listed
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles
    from rules.decision.request import Request

MAX_LISTED: Final = 20
"""Names in an error message."""
KIND_PART: Final = "column of --kind"


def check_column(dataset: Dataset, name: str, error: type[TargetError | ColumnError], part: str) -> None:
    """Raise the error if the dataset has no such column. part: the requested role, for the message."""
    if name not in dataset.storage:
        raise error(
            f"The {part} must be a column of {dataset.name}, but got {name!r}.{did_you_mean(name, dataset.columns)} "
            f"Columns: {listed(dataset.columns, most=MAX_LISTED)}."
        )
    if is_image(dataset.storage[name]) and part != KIND_PART:
        others = [column for column in dataset.columns if column != name]
        raise error(
            f"The {part} must be a column of plain values, but {name!r} of {dataset.name} contains {_what(dataset)}. "
            f"Other columns: {listed(others, most=MAX_LISTED) or 'none'}."
        )


def _what(dataset: Dataset) -> str:
    return "images" if dataset.sequences is None else "sequences"


def check_kind(dataset: Dataset, name: str, kind: Kind) -> None:
    """Raise ColumnError if a column's values do not match the requested kind."""
    storage = dataset.storage[name]
    own = Kind.IMAGE if dataset.sequences is None else Kind.SEQUENCE
    if is_image(storage) and kind not in {own, *UNUSED_KINDS}:
        raise ColumnError(
            f"{name!r} contains {_what(dataset)}, so its kind cannot be {kind}. Remove --kind, or exclude the "
            f"{_what(dataset)} with --kind {name}=identifier."
        )
    if kind is Kind.SEQUENCE and not (is_image(storage) or is_text(storage)):
        raise ColumnError(
            f"A column of kind sequence must be an array of sequences in an .npz, or text whose letters are the steps, "
            f"but {name!r} has the type {storage}. Choose another kind, or gather rows of a long table with --sequence."
        )
    if kind is Kind.IMAGE and not is_image(storage):
        raise ColumnError(
            f"A column of kind image must be an array of images in an .npz, but {name!r} has the type {storage}. "
            "Choose another kind."
        )
    needed = {Kind.NUMERIC: is_number(storage) or storage == "BOOLEAN", Kind.INTEGER_CODE: is_integer(storage)}
    if needed.get(kind, True) and kind is not Kind.DATETIME:
        return
    read = {Kind.NUMERIC: "DOUBLE", Kind.INTEGER_CODE: "BIGINT"}
    text = f"CAST({quoted(name)} AS VARCHAR)"
    value = time_stamp(name, storage) if kind is Kind.DATETIME else f"TRY_CAST({text} AS {read[kind]})"
    wrong = dataset.first_value(name, f"{quoted(name)} IS NOT NULL AND {value} IS NULL")
    if wrong or kind is Kind.NUMERIC:
        shown = wrong or f"of type {storage}"
        raise ColumnError(
            f"All values of a column of kind {kind} must be {kind}, but {name!r} is {shown}. "
            "Correct the value, make it empty, or choose another kind."
        )


def check_time(dataset: Dataset, name: str) -> None:
    """Raise ColumnError unless all values of a time column are numbers or times."""
    storage = dataset.storage[name]
    if is_number(storage):
        return
    wrong = dataset.first_value(name, f"{quoted(name)} IS NOT NULL AND {time_stamp(name, storage)} IS NULL")
    if wrong:
        raise ColumnError(
            f"A time column must contain dates, times or numbers, but {name!r} is {wrong}. Correct the value, make it "
            "empty, or choose another column with --time."
        )


def check_split(dataset: Dataset, name: str, targets: Sequence[str]) -> None:
    """Raise ColumnError if a row with a target has an invalid split value, or if there are no training rows."""
    part = f"lower(trim(coalesce({category_text(name, dataset.storage[name])}, '')))"
    known = " AND ".join(["TRUE", *(f"{quoted(target)} IS NOT NULL" for target in targets)])
    wrong = dataset.first_value(name, f"{part} NOT IN ({', '.join(map(literal, sorted(PART_WORDS)))}) AND {known}")
    if wrong:
        raise ColumnError(
            f"The values of the split column {name!r} must be train, validation or test, but got {wrong}. Rename them, "
            "or exclude the column."
        )
    if not dataset.first_value(name, f"{part} IN ({', '.join(map(literal, sorted(TRAINING_WORDS)))}) AND {known}"):
        raise ColumnError(f"The split column {name!r} must have rows with the value 'train', but has none.")


def check_weight(dataset: Dataset, request: Request, targets: Sequence[str]) -> None:
    """Raise ColumnError unless a column has a weight of at least 0 for each row with a target, and one above 0."""
    name = str(request.weight)
    roles = {request.time: "time", request.entity: "entity", request.split: "split"}
    if name in roles:
        raise ColumnError(
            f"A column has one role, but {name!r} is both weight column and {roles[name]} column. Choose another."
        )
    value = f"TRY_CAST(CAST({quoted(name)} AS VARCHAR) AS DOUBLE)"
    known = " AND ".join(["TRUE", *(f"{quoted(target)} IS NOT NULL" for target in targets)])
    is_weight = f"coalesce(isfinite({value}) AND {value} >= 0, FALSE)"
    wrong = dataset.first_value(name, f"NOT {is_weight} AND {known}")
    if wrong:
        value_of_row, _, row = wrong.rpartition(" in ")
        found = wrong if value_of_row != "''" else f"none in {row}"
        note = dataset.notes.get(name)
        if note is not None and note.exceptions is not None:  # values that count as missing
            first, text = note.exceptions.quoted[0]
            found = f"{text!r} in row {first:,}"
        raise ColumnError(
            f"The weights in {name!r} must be finite numbers of at least 0 for all rows with a target, but got "
            f"{found}. Correct the value, or use 0 to leave the row out."
        )
    if not is_number(dataset.storage[name]):
        raise ColumnError(
            f"The weight column {name!r} must contain numbers, but has the type {dataset.storage[name]}. Convert it, "
            "or choose another column with --weight."
        )
    if not dataset.first_value(name, f"{value} > 0 AND {known}"):
        raise ColumnError(
            f"The weights in {name!r} must not all be 0, because rows with weight 0 are left out. Correct them, or "
            "choose another column with --weight."
        )


def check_forecast(dataset: Dataset, roles: Roles) -> None:
    """Raise TargetError on options that do not fit a forecast or another task, ColumnError on unknown columns."""
    request = roles.request
    if roles.task is Task.FORECASTING and roles.weight_column is not None:
        raise TargetError(
            "Rows of a forecast cannot have weights, because each is both a target and the past of later ones, but "
            f"--weight is {roles.weight_column!r}. Remove --weight, or use --task regression."
        )
    if roles.task is not Task.FORECASTING and (request.horizon or request.season or request.known):
        raise TargetError(
            f"--horizon, --season and --known apply to forecasts, but the task is {roles.task}. Remove them, or use "
            "--task forecasting."
        )
    for name in request.known:
        check_column(dataset, name, ColumnError, "column known in advance")
        if name not in roles.features:
            raise ColumnError(
                f"A column known in advance must be a feature, but {name!r} is not. Features: "
                f"{listed(roles.features, most=MAX_LISTED) or 'none'}."
            )


def check_features(dataset: Dataset, roles: Roles) -> None:
    """Raise ColumnError if there are no features."""
    if not roles.features and roles.task is not Task.FORECASTING:
        numbers = next((f" {_with_commas(dataset, name)}" for name in roles.columns if _with_commas(dataset, name)), "")
        raise ColumnError(
            f"There must be at least one feature, but except for the target {listed(roles.targets, most=MAX_LISTED)} "
            f"({roles.target_reason}) all columns of {dataset.name} are constant, identifiers, or have another role."
            f"{numbers} Use --kind COLUMN=KIND to keep a column, or --target to choose another target."
        )


def _with_commas(dataset: Dataset, name: str) -> str:
    """Sentence about numbers with commas that are read as text; empty if there are none."""
    commas = comma_use(dataset.summaries[name])
    return f"Column {name!r} has numbers with {commas} and is read as text: {COMMA_REMEDY}." if commas else ""
