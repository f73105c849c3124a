"""Characteristics of sequences: steps, channels or letters, and their drift between two parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recommender.dataset.sql import category_text, quoted
from recommender.profile.characteristic import Characteristic, count, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.dataset.dataset import Dataset
    from recommender.profile.characteristic import Labelled
    from recommender.profile.characteristics.drift import Drift
    from recommender.roles.roles import Roles

BYTES: Final = 4  # bytes per number in a cell


def measure_sequences(dataset: Dataset, roles: Roles, table: Labelled) -> Sequence[Characteristic]:
    """Characteristics of the sequences, if they are a feature."""
    name = roles.sequence_column
    if name is None:
        return ()
    sequences = dataset.sequences
    channels = 1 if sequences is None else sequences.channels
    text = category_text(name, dataset.storage[name])
    length = f"length({text})" if sequences is None else f"octet_length({quoted(name)}) // {BYTES * channels}"
    shortest, mean, longest, distinct = dataset.connection.execute(
        f"SELECT min({length}), avg({length}), max({length}), count(DISTINCT hash({quoted(name)})) FROM dataset "
        f"WHERE {table.where} AND {quoted(name)} IS NOT NULL"
    ).fetchall()[0]
    found = [
        count("shortest_sequence", shortest, "steps", table.counted),
        Characteristic(name="mean_sequence", value=float(mean), unit="steps", how=table.counted),
        count("longest_sequence", longest, "steps", table.counted),
        share("sequence_copies_share", table.rows - distinct, table.rows, "fraction of rows", table, sampled=False),
    ]
    if sequences is not None:
        return (*found, count("channels", channels, "channels", "numbers per step"))
    ((letters,),) = dataset.connection.execute(
        f"SELECT len(list_distinct(flatten(list(string_split({text}, ''))))) FROM dataset WHERE {table.where}"
    ).fetchall()
    return (*found, count("letters", letters, "letters", table.counted))


def step_drift(dataset: Dataset, name: str, *, training: str, hold_out: str) -> Sequence[Drift]:
    """Drift of length, mean and standard deviation of sequences between two parts, as by `cell_drift`."""
    import numpy as np  # noqa: PLC0415  for sequences and images only

    from recommender.profile.characteristics.images import cell_drift  # noqa: PLC0415  as above

    def of_letters(cell: str | None) -> tuple[float, ...]:
        return (float(len(cell or "")),)

    def of_numbers(cell: bytes) -> tuple[float, ...]:
        values = np.frombuffer(cell, np.float32).astype(np.float64)
        known = values[~np.isnan(values)]
        return float(len(values)), float(known.mean()), float(known.std())

    tables = {"training": training, "hold_out": hold_out}
    if dataset.sequences is None:
        return cell_drift(dataset.connection, name, ("length",), of_letters, **tables)
    return cell_drift(dataset.connection, name, ("length", "mean", "spread"), of_numbers, **tables)
