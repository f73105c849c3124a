"""A measured property, and the rows that it is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from recommender.dataset.sql import one_in, quoted
from recommender.dataset.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recommender.dataset.dataset import Dataset
    from recommender.roles.roles import Roles

SAMPLE_ROWS: Final = 20_000
"""Rows on which order and pairs are measured; the 95 % interval of a share of 1 % is then ± 0.14 %."""
SAMPLE_CELLS: Final = 5_000_000
"""Cells of a sample: a wide table is measured on fewer rows."""
MIN_SAMPLED: Final = 500
"""Rows of a sample, also of the widest table."""


class Characteristic(BaseModel):
    """One measured property.

    low, high: the 95 % interval where the value is an estimate. sample: rows that it was measured on, where not all.
    how: how it was measured, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float | int | str | None
    unit: str
    low: float | None = None
    high: float | None = None
    sample: int | None = None
    how: str


def by_name(found: Iterable[Characteristic]) -> dict[str, Characteristic]:
    return {one.name: one for one in found}


def measured_number(measured: Mapping[str, Characteristic], name: str) -> float:
    """A characteristic's number; 0 where it was not measured."""
    value = measured[name].value if name in measured else None
    return float(value) if isinstance(value, int | float) else 0.0


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """The rows that have every target: the condition in SQL, their number, and a table in SQL of a sample of them."""

    where: str
    rows: int
    sample: str
    sample_rows: int

    @property
    def is_sampled(self) -> bool:
        return self.sample_rows < self.rows

    @property
    def counted(self) -> str:
        return f"counted on {self.rows:,} rows"

    @property
    def sampled(self) -> str:
        """How a number came about that was measured on the sample."""
        every = f" evenly spread over {self.rows:,}" if self.is_sampled else ""
        return f"measured on {self.sample_rows:,} rows{every}"


def labelled(dataset: Dataset, roles: Roles) -> Labelled:
    """Lay out the rows with every target, and an evenly spread sample of them as the table `sampled`."""
    empty = any(dataset.summaries[target].missing for target in roles.targets)
    where = " AND ".join(f"{quoted(target)} IS NOT NULL" for target in roles.targets) if empty else "TRUE"
    connection = dataset.connection
    rows = dataset.row_count
    if empty:
        rows = connection.execute(f"SELECT count(*) FROM dataset WHERE {where}").fetchall()[0][0]
    size = min(SAMPLE_ROWS, max(MIN_SAMPLED, SAMPLE_CELLS // len(dataset.columns)))
    every = -(-rows // size)
    if every == 1:
        table = f"(SELECT *, rowid FROM dataset WHERE {where})" if empty else "dataset"
        return Labelled(where=where, rows=rows, sample=table, sample_rows=rows)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sampled AS SELECT * FROM dataset WHERE {where} AND {one_in(every)}"
    )
    sampled = connection.execute("SELECT count(*) FROM sampled").fetchall()[0][0]
    return Labelled(where=where, rows=rows, sample="sampled", sample_rows=sampled)


def count(name: str, value: int, unit: str, how: str) -> Characteristic:
    return Characteristic(name=name, value=value, unit=unit, how=how)


def share(name: str, hits: int, trials: int, unit: str, table: Labelled, *, sampled: bool) -> Characteristic:
    """A share, with Wilson's interval where it was measured on a sample."""
    estimated = sampled and table.is_sampled and trials > 0
    low, high = wilson_interval(hits, trials) if estimated else (None, None)
    return Characteristic(
        name=name,
        value=hits / trials if trials else 0.0,
        unit=unit,
        low=low,
        high=high,
        sample=table.sample_rows if estimated else None,
        how=table.sampled if sampled else table.counted,
    )
