"""Whether columns can play the parts that a person gives them, and whether something is left to learn from."""

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

MAX_LISTED: Final = 20
"""Names that an error lists."""
KIND_PART: Final = "column of --kind"


def check_column(dataset: Dataset, name: str, error: type[TargetError | ColumnError], part: str) -> None:
    """Raises the error where a dataset has no such column. part: what the column was named for."""
    if name not in dataset.storage:
        raise error(
            f"The {part} must be a column of {dataset.name}, but got {name!r}.{did_you_mean(name, dataset.columns)} "
            f"Columns: {listed(dataset.columns, most=MAX_LISTED)}."
        )
    if is_image(dataset.storage[name]) and part != KIND_PART:
        others = [column for column in dataset.columns if column != name]
        raise error(
            f"The {part} must be a column of plain values, but {name!r} of {dataset.name} holds the "
            f"{_what(dataset)}. "
            f"Other columns: {listed(others, most=MAX_LISTED) or 'none'}."
        )


def _what(dataset: Dataset) -> str:
    return "images" if dataset.sequences is None else "sequences"


def check_kind(dataset: Dataset, name: str, kind: Kind) -> None:
    """Raises ColumnError where a column's values cannot be read as the kind that the user gave."""
    storage = dataset.storage[name]
    own = Kind.IMAGE if dataset.sequences is None else Kind.SEQUENCE
    if is_image(storage) and kind not in {own, *UNUSED_KINDS}:
        raise ColumnError(
            f"{_what(dataset).capitalize()} must be read as such, but --kind gives {name!r} the kind {kind}. Leave it "
            f"out, or leave the {_what(dataset)} out with --kind {name}=identifier."
        )
    if kind is Kind.SEQUENCE and not (is_image(storage) or is_text(storage)):
        raise ColumnError(
            f"A column of kind sequence must be an array of sequences in an .npz, or words whose letters are steps, "
            f"but {name!r} is stored as {storage}. Choose another kind, or gather a long table's rows with --sequence."
        )
    if kind is Kind.IMAGE and not is_image(storage):
        raise ColumnError(
            f"A column of kind image must be an array of images in an .npz, but {name!r} is stored as {storage}. "
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
        shown = wrong or f"stored as {storage}"
        raise ColumnError(
            f"Each value of a column of kind {kind} must be readable as one, but {name!r} is {shown}. "
            "Mend the value, leave the cell empty, or choose another kind."
        )


def check_time(dataset: Dataset, name: str) -> None:
    """Raises ColumnError where a time column is neither numbers nor time stamps throughout."""
    storage = dataset.storage[name]
    if is_number(storage):
        return
    wrong = dataset.first_value(name, f"{quoted(name)} IS NOT NULL AND {time_stamp(name, storage)} IS NULL")
    if wrong:
        raise ColumnError(
            f"A time column must hold dates, times or numbers, but {name!r} is {wrong}. Mend the value, leave the cell "
            "empty, or name another column with --time."
        )


def check_split(dataset: Dataset, name: str, targets: Sequence[str]) -> None:
    """Raises ColumnError where a row with a target names no part, or no such row names training."""
    part = f"lower(trim(coalesce({category_text(name, dataset.storage[name])}, '')))"
    known = " AND ".join(["TRUE", *(f"{quoted(target)} IS NOT NULL" for target in targets)])
    wrong = dataset.first_value(name, f"{part} NOT IN ({', '.join(map(literal, sorted(PART_WORDS)))}) AND {known}")
    if wrong:
        raise ColumnError(
            f"The split column {name!r} may hold train, validation and test, but got {wrong}. Rename its values, or "
            "leave the column out."
        )
    if not dataset.first_value(name, f"{part} IN ({', '.join(map(literal, sorted(TRAINING_WORDS)))}) AND {known}"):
        raise ColumnError(f"The split column {name!r} must name some rows 'train', but it names none.")


def check_forecast(dataset: Dataset, roles: Roles) -> None:
    """Raises TargetError where fields of a forecast are requested for another task, ColumnError on unknown columns."""
    request = roles.request
    if roles.task is not Task.FORECASTING and (request.horizon or request.season or request.known):
        raise TargetError(
            f"--horizon, --season and --known belong to a forecast, but the task is {roles.task}. Leave them out, or "
            "say --task forecasting."
        )
    for name in request.known:
        check_column(dataset, name, ColumnError, "column known in advance")
        if name not in roles.features:
            raise ColumnError(
                f"A column known in advance must be one to learn from, but {name!r} is not. Columns: "
                f"{listed(roles.features, most=MAX_LISTED) or 'none'}."
            )


def check_features(dataset: Dataset, roles: Roles) -> None:
    """Raises ColumnError where nothing is left to learn from."""
    if not roles.features and roles.task is not Task.FORECASTING:
        numbers = next((f" {_with_commas(dataset, name)}" for name in roles.columns if _with_commas(dataset, name)), "")
        raise ColumnError(
            f"There must be a column to learn from, but besides the target {listed(roles.targets, most=MAX_LISTED)} "
            f"({roles.target_reason}) every column of {dataset.name} is constant, an identifier, or has another part."
            f"{numbers} Use --kind COLUMN=KIND to keep a column, or --target to predict another."
        )


def _with_commas(dataset: Dataset, name: str) -> str:
    """A sentence about numbers that are read as words for their commas, or nothing."""
    commas = comma_use(dataset.summaries[name])
    return f"Column {name!r} holds numbers with {commas} and is read as words: {COMMA_REMEDY}." if commas else ""
