"""The profile of a dataset: measured numbers, columns and checks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from recommender.profile.characteristic import Characteristic
from recommender.profile.guardrails.status import not_passed
from rules.decision.record import Guardrail
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Modality, Task


class ColumnProfile(BaseModel):
    """One column in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    part: str
    """feature, target, time, entity, split, or unused."""
    kind: Kind
    reason: str
    missing_share: float
    distinct: int
    distinct_is_exact: bool


class Profile(BaseModel):
    """What was measured of one dataset in its roles."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    dataset: str
    task: Task
    modality: Modality
    characteristics: tuple[Characteristic, ...]
    """Of the whole dataset: of its rows, features and their order."""
    targets: dict[str, tuple[Characteristic, ...]]
    """Of each target."""
    columns: tuple[ColumnProfile, ...]
    guardrails: tuple[Guardrail, ...]
    """Every check of the data: what a person should look at, then what was done, then what passed."""

    @property
    def findings(self) -> tuple[Guardrail, ...]:
        """The guardrails that did not pass."""
        return not_passed(self.guardrails)

    def get(self, name: str, *, target: str | None = None) -> Characteristic | None:
        """A characteristic by name, of the dataset or of one of its targets; None where it was not measured."""
        of_whom = self.characteristics if target is None else self.targets[target]
        return next((one for one in of_whom if one.name == name), None)


def rarest_class(profile: Profile) -> str:
    """What the data calls the rarest class of the least balanced target; empty where targets are numbers."""
    ratios = {
        target: float(found.value)
        for target in profile.targets
        if (found := profile.get("imbalance_ratio", target=target)) is not None and isinstance(found.value, int | float)
    }
    if not ratios:
        return ""
    rarest = profile.get("rarest_class", target=max(ratios, key=lambda target: ratios[target]))
    return "" if rarest is None else str(rarest.value)
