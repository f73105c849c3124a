"""Inference of the task and the roles of columns, each with its reason, unless the user requests them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn

from recommender.dataset.column_names import is_identifier_name
from recommender.dataset.split_names import PART_WORDS, PARTS, TRAINING_WORDS
from recommender.dataset.sql import is_number
from recommender.roles.checks import (
    check_column,
    check_features,
    check_forecast,
    check_split,
    check_time,
    check_weight,
)
from recommender.roles.column_kinds import kinds_of
from recommender.roles.infer_kind import TIME_SHARE, UNUSED_KINDS, Role
from recommender.roles.roles import Roles
from recommender.roles.target_proposal import propose_target
from recommender.roles.tasks import Reading, can_be_target, read_task
from recommender.roles.time_order import entity_by_time, find_time, persistence, spacing
from rules.decision.request import Request
from rules.errors import ChoiceError, ColumnError, DatasetError, TargetError
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.costs import cost_matrix
from rules.vocabulary.facts import NUMERIC_TARGET, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.roles.time_order import Spacing

__all__ = ["UNUSED_KINDS", "Role", "Roles", "infer_roles"]

INFER_ALL: Final = Request()
UNFIT_TARGETS: Final = frozenset({Kind.IDENTIFIER, Kind.CONSTANT, Kind.TEXT, Kind.DATETIME, Kind.IMAGE, Kind.SEQUENCE})


def infer_roles(dataset: Dataset, request: Request = INFER_ALL) -> Roles:
    """Infer the task and the roles of columns; requested ones are checked and kept.

    Raises TargetError if a target is missing or cannot be predicted, ColumnError if a column is missing or does not
    match its requested kind, and DatasetError if image options are given for a dataset without image files.
    """
    if request.images is not None and (dataset.images is None or dataset.images.source is None):
        raise DatasetError(
            "Image options apply to a folder, an archive or a table with paths of image files, but "
            f"{dataset.name} has none. Remove --image-size, --image-fit, --unreadable-images, --image-channels "
            "and --image-range."
        )
    targets: Sequence[str] = request.target
    for name in targets:
        check_column(dataset, name, TargetError, "target")
    if len(set(targets)) < len(targets):
        raise TargetError(f"Targets must be distinct, but got {', '.join(map(repr, targets))}.")
    _check_apart(dataset, request)
    columns = kinds_of(dataset, targets, request.kinds)
    if request.time is not None:
        check_time(dataset, request.time)
    if request.weight is not None:
        check_weight(dataset, request, targets)
    split_column = request.split or _find_split(dataset, columns, targets)
    if targets:
        reason, reading = "given by --target", read_task(dataset, targets, task=request.task)
    else:
        taken = [*filter(None, (request.time, request.entity, split_column, request.weight))]
        target, reason, reading = _proposed(dataset, [*_unfit(dataset, columns, request.task), *taken], request.task)
        targets = (target,)
    if split_column is not None:
        check_split(dataset, split_column, targets)
    roles = Roles(
        task=reading.task,
        task_reason=reading.reason,
        targets=tuple(targets),
        target_reason=reason,
        columns=columns,
        labels=reading.labels,
        time_column=request.time,
        time_reason="given by --time" if request.time else "",
        entity_column=request.entity,
        split_column=split_column,
        weight_column=request.weight,
        request=request,
        doubt=reading.doubt,
    )
    roles = _with_time(dataset, roles, reading)
    check_forecast(dataset, roles)
    check_features(dataset, roles)
    return _with_costs(roles)


def _with_costs(roles: Roles) -> Roles:
    """Roles with the requested costs as a matrix. Raises ChoiceError if they do not fit the classes or the task."""
    costs = roles.request.costs
    if not costs:
        return roles
    if roles.task not in {Task.BINARY, Task.MULTICLASS}:
        raise ChoiceError(
            f"Costs apply to exclusive classes, but the task is {roles.task}. Remove --costs, or use --task binary or "
            "multiclass."
        )
    return replace(roles, costs=cost_matrix(costs, roles.labels))


def _check_apart(dataset: Dataset, request: Request) -> None:
    """Raise ColumnError or TargetError unless each requested role has a column of its own."""
    apart = {
        "time column": request.time,
        "entity column": request.entity,
        "split column": request.split,
        "weight column": request.weight,
    }
    for part, column in apart.items():
        if column is not None:
            check_column(dataset, column, ColumnError, part)
            if column in request.target:
                raise TargetError(f"A column has one role, but {column!r} is both target and {part}. Choose another.")


def _unfit(dataset: Dataset, columns: Mapping[str, Role], task: Task | None) -> Sequence[str]:
    """Columns that are not proposed as a target; if none fits the task, only those of unsuitable kinds."""
    by_kind = {
        name
        for name, role in columns.items()
        if role.kind in UNFIT_TARGETS or dataset.summaries[name].times >= TIME_SHARE
    }
    by_value = {name for name in columns if not can_be_target(dataset.summaries[name], task)}
    return sorted(by_kind if by_kind | by_value == set(columns) else by_kind | by_value)


def _proposed(dataset: Dataset, unfit: Sequence[str], task: Task | None) -> tuple[str, str, Reading]:
    """Proposed target, the reason, and its task. Raises TargetError with a hint at --target."""
    target, reason = propose_target(dataset, unfit)
    try:
        return target, reason, read_task(dataset, (target,), task=task)
    except TargetError as error:
        raise TargetError(f"{error} The target {target!r} was {reason}; choose another with --target.") from None


def _find_split(dataset: Dataset, columns: Mapping[str, Role], targets: Sequence[str]) -> str | None:
    """The column whose values are names of the parts of a split, including training."""
    for name, role in columns.items():
        summary = dataset.summaries[name]
        short = 1 < summary.distinct <= len(PARTS) and not summary.missing and name in dataset.few_categories
        if name in targets or role.kind is not Kind.CATEGORICAL or not short:
            continue
        words = {level.strip().lower() for level in dataset.few_categories[name]}
        if words <= PART_WORDS and words & TRAINING_WORDS:
            return name
    return None


def _with_time(dataset: Dataset, roles: Roles, reading: Reading) -> Roles:
    """Roles of a forecast, if a time column is found by the rule of docs/evidence.md 1 (sequence structure)."""
    requested = roles.request.task
    if roles.has_images or roles.has_sequences:
        if requested is Task.FORECASTING:
            what = "images" if roles.has_images else "sequences in each row"
            raise TargetError(
                f"A forecast needs a series of numbers, but the dataset contains {what}. Choose another task, or "
                "remove --task."
            )
        return roles
    if reading.task not in NUMERIC_TARGET or requested in {Task.REGRESSION, Task.MULTIOUTPUT_REGRESSION}:
        return roles
    found = None
    if roles.time_column is not None:
        found = spacing(dataset, roles.time_column, entity=roles.entity_column)
    else:
        apart = {*roles.targets, roles.split_column, roles.entity_column, roles.weight_column}
        rest = {name: role for name, role in roles.columns.items() if name not in apart}
        stamps = [name for name, role in rest.items() if role.kind is Kind.DATETIME]
        numbers = [name for name, role in rest.items() if _may_count_time(dataset, name, role)]
        found = find_time(dataset, stamps, numbers)
    if found is not None and found.unit and found.step <= 0:  # repeated numbers may count rows within a step
        if requested is Task.FORECASTING:
            _refuse_repeated_times(dataset, found)
        return roles
    time = roles.time_column or (found.column if found else None)
    entity = roles.entity_column or (found.entity if found else None)
    if time is None and requested is not Task.FORECASTING:
        return roles
    season = found.season if found else None
    ties = [persistence(dataset, name, order=time, entity=entity, season=season) for name in roles.targets]
    strong = [tie.lag_1 for tie in ties if tie is not None and tie.is_strong]
    if requested is not Task.FORECASTING and len(strong) < len(ties):
        return roles
    steps = f"{found.regular_share:.0%} of its steps are {found.step_text}, and " if found and found.step else ""
    reason = f"{steps}{_target_text(roles.targets)} is autocorrelated (lag 1: {_numbers(strong)})"
    columns = dict(roles.columns)
    if time is not None and columns[time].kind is not Kind.DATETIME:
        columns[time] = Role(column=time, kind=Kind.NUMERIC, reason="counter of the steps of the series")
    return replace(
        roles,
        task=Task.FORECASTING,
        task_reason=_reason_of_forecast(roles, time) if requested else f"{time!r} orders the rows: {reason}",
        labels=(),
        doubt="",
        columns=MappingProxyType(columns),
        time_column=time,
        time_reason=roles.time_reason or ("file order" if time is None else f"{steps}rows are a series"),
        entity_column=entity,
    )


def _refuse_repeated_times(dataset: Dataset, found: Spacing) -> NoReturn:
    """Raise ColumnError, since most rows have the same time as the previous row and are not a single series."""
    entity = entity_by_time(dataset, found.column)
    within = f" within each {found.entity!r}" if found.entity else ""
    fix = f"Add --entity {entity}" if entity else "Give the column that identifies the series with --entity"
    raise ColumnError(
        f"Each series must have one row per time, but most rows have the same {found.column!r} as another row{within}. "
        f"{fix}, or aggregate the rows of each {found.column!r}."
    )


def _reason_of_forecast(roles: Roles, time: str | None) -> str:
    """Reason of a requested forecast, with a note if there is no time column."""
    return roles.task_reason if time else f"{roles.task_reason}; there is no time column, so the file order is used"


def _may_count_time(dataset: Dataset, name: str, role: Role) -> bool:
    """Whether a numeric column may be steps or years, and is not named as a row number."""
    counted = role.kind in {Kind.NUMERIC, Kind.IDENTIFIER} and is_number(dataset.storage[name])
    return counted and not is_identifier_name(name)


def _target_text(targets: Sequence[str]) -> str:
    return repr(targets[0]) if len(targets) == 1 else f"each of {len(targets)} targets"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
