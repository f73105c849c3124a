"""Drift of all features between two parts of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.profile.characteristics.drift import drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristics.drift import Drift
    from recommender.roles.roles import Roles


def feature_drift(dataset: Dataset, roles: Roles, *, training: str, hold_out: str) -> Sequence[Drift]:
    """Drift of columns, and of properties of images and sequences, the most significant first.

    training, hold_out: SQL tables.
    """
    tables = {"training": training, "hold_out": hold_out}
    kinds = {name: roles.columns[name].kind for name in roles.features}
    found = [*drift(dataset.connection, kinds, dataset.storage, **tables)]
    if roles.has_images and dataset.images is not None:
        from recommender.profile.characteristics.images import picture_drift  # noqa: PLC0415  NumPy, which tables do without

        found += picture_drift(dataset.connection, dataset.images, **tables)
    if roles.sequence_column is not None:
        from recommender.profile.characteristics.steps import step_drift  # noqa: PLC0415  as above

        found += step_drift(dataset, roles.sequence_column, **tables)
    return sorted(found, key=lambda one: one.chance - one.distance)
