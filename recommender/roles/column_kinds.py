"""Kinds of the columns of a dataset: requested, or inferred from summaries and categories."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import is_text
from recommender.roles.checks import KIND_PART, check_column, check_kind
from recommender.roles.infer_kind import Role, grade, infer_kind
from recommender.roles.letter_sequences import are_letters
from rules.errors import ColumnError
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recommender.dataset.dataset import Dataset

YES_OR_NO: Final = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})


def kinds_of(dataset: Dataset, targets: Sequence[str], kinds: Mapping[str, Kind]) -> Mapping[str, Role]:
    """Kind of each column: requested by the user, or inferred; categories may be ordinal or boolean."""
    for name, kind in kinds.items():
        check_column(dataset, name, ColumnError, KIND_PART)
        if kind is Kind.NUMERIC and dataset.storage[name] == "VARCHAR":
            dataset.read_as_numbers(name)
        check_kind(dataset, name, kind)
    alone = len(dataset.columns) - len(targets) == 1
    roles = {
        name: Role(column=name, kind=kinds[name], reason="given by --kind")
        if name in kinds
        else infer_kind(summary, alone=alone and name not in targets)
        for name, summary in dataset.summaries.items()
    }
    for name, reading in dataset.times.items():
        if roles[name].kind is Kind.DATETIME and name not in kinds:
            roles[name] = replace(roles[name], reason=f"dates or times, {reading.reason}")
    if dataset.images is not None and roles[dataset.images.name].kind is Kind.IMAGE:
        name = dataset.images.name
        roles[name] = replace(roles[name], reason=f"an array of images, {dataset.images}")
    if (
        dataset.sequences is not None and roles[dataset.sequences.name].kind is Kind.IMAGE
    ):  # its bytes alone look like images
        name = dataset.sequences.name
        roles[name] = replace(roles[name], kind=Kind.SEQUENCE, reason=f"sequences, {dataset.sequences}")
    for name, role in roles.items():
        few = dataset.summaries[name].distinct > 1 and name in dataset.few_categories
        if role.kind is Kind.CATEGORICAL and name not in kinds and few:
            roles[name] = _of_categories(role, dataset.few_categories[name])
        elif name not in {*kinds, *targets} and _may_be_letters(dataset, role):
            reason = "sequences of letters, like genes or proteins"
            roles[name] = replace(role, kind=Kind.SEQUENCE, reason=reason)
    return MappingProxyType(roles)


def _may_be_letters(dataset: Dataset, role: Role) -> bool:
    """Whether a text column contains sequences of letters."""
    is_word = role.kind in {Kind.CATEGORICAL, Kind.IDENTIFIER} and is_text(dataset.storage[role.column])
    return is_word and are_letters(dataset.connection, role.column, dataset.storage[role.column])


def _of_categories(role: Role, categories: Sequence[str]) -> Role:
    if {category.strip().lower() for category in categories} in YES_OR_NO:
        return replace(role, kind=Kind.BOOLEAN, reason=f"two categories: {' and '.join(categories)}")
    graded = grade(categories)
    return role if graded is None else replace(role, kind=Kind.ORDINAL, reason=graded)
