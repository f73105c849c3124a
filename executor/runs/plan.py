"""The plan of a run: what was requested and decided before training."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import from_json, to_json

from executor.runs.files import PLAN, read_json
from recommender.dataset.address import reopened
from recommender.dataset.readers.types.reading import ColumnReading
from recommender.planning.training_memory import Streaming
from recommender.recommendation.recommend import open_dataset
from rules.decision.request import Request
from rules.errors import DatasetError, RunError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from recommender.dataset.dataset import Dataset

FLAT_FORMAT: Final = "pcwat/run/1"
"""Plans of versions before 0.2.0: the fields of the request are fields of the plan."""


class Plan(BaseModel):
    """The request, limits and bundle of a run: all that resuming it needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "pcwat/run/2"
    dataset: str | None
    """Absolute path of the dataset's file; None for a table in memory."""
    digest: str
    request: Request
    """The request of the user for the dataset, with target and task inferred if not given."""
    bundle: str
    """SHA-256 of the bundle; a search is resumed only with the same bundle."""
    seed: int
    budget: float | None
    trials: int | None
    at_once: int | None = None
    """Trials that train at once in one graph; None where the number is chosen automatically."""
    cluster: str | None = None
    """Address of the Ray cluster whose workers trained the trials; None where this machine did."""
    streaming: Streaming | None = None
    """How rows that did not fit into memory were streamed; None where they were in memory."""
    single: bool = False
    """Whether a single network was requested instead of an ensemble."""
    keep_evaluated: bool = False
    """Whether the evaluated model is kept instead of being trained again on all rows."""
    interval_groups: str | None = None
    """Column of categories by whose groups prediction intervals are measured; None for none."""
    report: bool = True
    """Whether the report is written, and what only it shows is measured."""
    satisfied_at: float | None = None
    """The satisfactory score; None if only the baselines are compared."""
    parent: str = ""
    """Seal of the run that this one continues; empty for a new run."""
    parent_directory: str = ""
    """Absolute path of that run; empty for a new run, and in plans of older versions."""
    after: str | None = None
    """Absolute path of the run whose facts of the training the rules tested; None for none."""
    search: tuple[str, ...] = ()
    """Searched hyperparameters with the user's values, as --search takes them; empty where the rules chose them."""
    readings: dict[str, ColumnReading] = Field(default_factory=dict)
    """How each column of the dataset was read."""
    changed: dict[str, str]
    """Slots in which the bundle differs from the choice of the rules: slot → choice of the rules."""
    record: str = ""
    """The seal of the run's audit record; empty in plans of older versions."""
    seal: str = ""
    """SHA-256 of the fields above; empty in plans of older versions."""

    @model_validator(mode="before")
    @classmethod
    def _nest_request(cls, values: Any) -> Any:  # noqa: ANN401  whatever the file holds
        """The fields of a plan in the old format, those of the request in one."""
        if not isinstance(values, dict) or values.get("format") != FLAT_FORMAT:
            return values
        stored = {str(field.serialization_alias or name) for name, field in Request.model_fields.items()}
        own = {name: value for name, value in values.items() if name not in stored}
        return own | {"request": {name: value for name, value in values.items() if name in stored}}

    def sealed(self) -> Plan:
        """The plan with its seal."""
        return self.model_copy(update={"seal": _seal_of(self.model_dump(mode="json"))})


def _seal_of(content: dict[str, Any]) -> str:
    """The seal of the content of a plan file, in any format."""
    own = to_json({name: value for name, value in content.items() if name != "seal"})
    return f"sha256:{hashlib.sha256(own).hexdigest()}"


def read_plan(directory: Path) -> Plan:
    """The plan of a run directory. Raises RunError if there is none, or it was altered."""
    path = directory / PLAN
    try:
        is_run = path.exists()
        others = [] if is_run else [path.parent.name for path in directory.parent.glob(f"*/{PLAN}")]
    except OSError as error:
        raise RunError(f"{directory} cannot be read: {error.strerror}. Allow reading, or name another run.") from None
    if not is_run:
        near = did_you_mean(directory.name, others)
        raise RunError(
            f"A run is a directory that 'recommend train' wrote, with a {PLAN} in it, but {directory} is not one.{near}"
        )
    plan = read_json(path, Plan)
    if plan.seal and plan.seal != _seal_of(from_json(path.read_bytes())):
        raise RunError(f"{path} was altered: it does not match its digest. Restore the original file, or train again.")
    return plan


def reopen_dataset(plan: Plan, *, must: bool) -> tuple[Dataset | None, str]:
    """Open the dataset of a run again; returns None and the reason where it is missing or has changed.

    Raises DatasetError in these cases if it must be there.
    """
    if plan.dataset is None:
        return _without("the run was trained on a table in memory", must=must)
    try:
        address = reopened(plan.dataset)
    except DatasetError:
        return _without(f"{plan.dataset} is a URL, which is not opened unless you name it", must=must)
    try:
        dataset = open_dataset(address, plan.request, readings=plan.readings)
    except DatasetError:
        return _without(f"{plan.dataset} can no longer be read", must=must)
    if dataset.digest == plan.digest:
        return dataset, ""
    dataset.close()
    return _without(f"{plan.dataset} has changed since the run", must=must)


def _without(why: str, *, must: bool) -> tuple[None, str]:
    if must:
        raise DatasetError(f"--by reads a column of the dataset again, but {why}. Restore the file, or leave out --by.")
    return None, why
