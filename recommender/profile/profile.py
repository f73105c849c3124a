"""The profile of a dataset: measured numbers, columns and checks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from recommender.profile.characteristic import Characteristic
from recommender.profile.guardrails.status import not_passed
from rules.decision.record import Guardrail
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Modality, Task


class ColumnProfile(BaseModel):
    """A column in the profile.

    Attributes:
        column: Name of the column.
        part: "feature", "target", "time", "entity", "split", "weight" or "unused".
        kind: Kind of the column, such as numeric or categorical.
        reason: Why it has this kind and role.
        missing_share: Fraction of rows without a value.
        distinct: Number of distinct values.
        distinct_is_exact: Whether that number is counted, not estimated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    part: str
    kind: Kind
    reason: str
    missing_share: float
    distinct: int
    distinct_is_exact: bool


class Profile(BaseModel):
    """Measured characteristics and checks of a dataset.

    Attributes:
        dataset: Name of the dataset.
        task: The kind of prediction.
        modality: The main content of a row.
        characteristics: Characteristics of rows, features and their order.
        targets: Characteristics of each target, by its name.
        columns: All columns.
        guardrails: All checks of the data: alerted, then done, then passed.

    Examples:
        >>> from recommender import recommend
        >>> from recommender.examples import example
        >>> profile = recommend(example("wine"), target="cultivar").profile
        >>> profile.get("rows").value
        178
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    dataset: str
    task: Task
    modality: Modality
    characteristics: tuple[Characteristic, ...]
    targets: dict[str, tuple[Characteristic, ...]]
    columns: tuple[ColumnProfile, ...]
    guardrails: tuple[Guardrail, ...]

    @property
    def findings(self) -> tuple[Guardrail, ...]:
        """The checks that did not pass."""
        return not_passed(self.guardrails)

    def get(self, name: str, *, target: str | None = None) -> Characteristic | None:
        """Find a characteristic by name.

        Args:
            name: Name of the characteristic, as `recommend profile` prints it.
            target: Name of the target whose characteristic it is. None for the whole dataset. Default None.

        Returns:
            The characteristic, or None if it was not measured.

        Raises:
            KeyError: If there is no such target.
        """
        of_whom = self.characteristics if target is None else self.targets[target]
        return next((one for one in of_whom if one.name == name), None)


def rarest_class(profile: Profile) -> str:
    """Name of the rarest class of the most imbalanced target; empty for numeric targets."""
    ratios = {
        target: float(found.value)
        for target in profile.targets
        if (found := profile.get("imbalance_ratio", target=target)) is not None and isinstance(found.value, int | float)
    }
    if not ratios:
        return ""
    rarest = profile.get("rarest_class", target=max(ratios, key=lambda target: ratios[target]))
    return "" if rarest is None else str(rarest.value)
