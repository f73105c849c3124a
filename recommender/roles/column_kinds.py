"""The kind of each column of a dataset: said, inferred from its summary, or told by looking at its words."""

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
    """Each column's kind: said by the user, or inferred; words are looked at for grades and for yes or no."""
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
    if dataset.sequences is not None and roles[dataset.sequences.name].kind is Kind.IMAGE:  # told by its bytes alone
        name = dataset.sequences.name
        roles[name] = replace(roles[name], kind=Kind.SEQUENCE, reason=f"sequences, {dataset.sequences}")
    for name, role in roles.items():
        few = dataset.summaries[name].distinct > 1 and name in dataset.few_categories
        if role.kind is Kind.CATEGORICAL and name not in kinds and few:
            roles[name] = _of_words(role, dataset.few_categories[name])
        elif name not in {*kinds, *targets} and _may_be_letters(dataset, role):
            reason = "capital or small letters alone, one after the other, as genes and proteins are written"
            roles[name] = replace(role, kind=Kind.SEQUENCE, reason=reason)
    return MappingProxyType(roles)


def _may_be_letters(dataset: Dataset, role: Role) -> bool:
    """Whether a column of long words holds sequences of letters."""
    is_word = role.kind in {Kind.CATEGORICAL, Kind.IDENTIFIER} and is_text(dataset.storage[role.column])
    return is_word and are_letters(dataset.connection, role.column, dataset.storage[role.column])


def _of_words(role: Role, levels: Sequence[str]) -> Role:
    if {level.strip().lower() for level in levels} in YES_OR_NO:
        return replace(role, kind=Kind.BOOLEAN, reason=f"two words: {' and '.join(levels)}")
    graded = grade(levels)
    return role if graded is None else replace(role, kind=Kind.ORDINAL, reason=graded)
