"""Characteristics, and the labelled rows on which they are measured."""

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
"""Rows of a sample; the 95 % interval of a share of 1 % is then ± 0.14 %."""
SAMPLE_CELLS: Final = 5_000_000
"""Cells of a sample, which bounds the rows for wide tables."""
MIN_SAMPLED: Final = 500
"""Rows of a sample, even for the widest table."""


class Characteristic(BaseModel):
    """One measured property of a dataset.

    low, high: 95 % interval if the value is an estimate. sample: number of sampled rows; None if all rows were used.
    how: text about how it was measured.
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
    """A characteristic's number; 0 if it was not measured."""
    value = measured[name].value if name in measured else None
    return float(value) if isinstance(value, int | float) else 0.0


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Rows that have all targets. where: SQL condition; rows: their number; sample: SQL table of a sample of them.

    total: rows of the dataset, where the table `dataset` has only some, which were drawn at random.
    """

    where: str
    rows: int
    sample: str
    sample_rows: int
    total: int | None = None

    @property
    def is_sampled(self) -> bool:
        return self.sample_rows < self.rows

    @property
    def counted(self) -> str:
        return f"counted on {self.rows:,} rows" + self._drawn

    @property
    def _drawn(self) -> str:
        return "" if self.total is None else f", drawn at random from {self.total:,}"

    @property
    def sampled(self) -> str:
        """Text about how a number was measured on the sample."""
        every = f" evenly spread over {self.rows:,}" if self.is_sampled else ""
        return f"measured on {self.sample_rows:,} rows{every}{self._drawn}"


def labelled_rows(dataset: Dataset, roles: Roles) -> Labelled:
    """Select the rows that have all targets, and create an evenly spread sample of them as the table `sampled`.

    Rows with weight 0 are left out.
    """
    tests = []
    if any(dataset.summaries[target].missing for target in roles.targets):
        tests += [f"{quoted(target)} IS NOT NULL" for target in roles.targets]
    if roles.weight_column is not None and dataset.summaries[roles.weight_column].minimum == 0:
        tests.append(f"{quoted(roles.weight_column)} > 0")
    empty, where = bool(tests), " AND ".join(tests) or "TRUE"
    connection = dataset.connection
    rows = dataset.row_count
    if empty:
        rows = connection.execute(f"SELECT count(*) FROM dataset WHERE {where}").fetchall()[0][0]
    size = min(SAMPLE_ROWS, max(MIN_SAMPLED, SAMPLE_CELLS // len(dataset.columns)))
    every = -(-rows // size)
    total = None if dataset.drawn is None else dataset.drawn.rows
    if every == 1:
        table = f"(SELECT *, rowid FROM dataset WHERE {where})" if empty else "dataset"
        return Labelled(where=where, rows=rows, sample=table, sample_rows=rows, total=total)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sampled AS SELECT * FROM dataset WHERE {where} AND {one_in(every)}"
    )
    sampled = connection.execute("SELECT count(*) FROM sampled").fetchall()[0][0]
    return Labelled(where=where, rows=rows, sample="sampled", sample_rows=sampled, total=total)


def count(name: str, value: int, unit: str, how: str) -> Characteristic:
    return Characteristic(name=name, value=value, unit=unit, how=how)


def share(name: str, hits: int, trials: int, unit: str, table: Labelled, *, sampled: bool) -> Characteristic:
    """A share, with Wilson's interval if it was measured on a sample.

    Cells of one row depend on each other, so the interval of rows that were drawn at random is that of as many rows.
    """
    drawn = not sampled and table.total is not None and trials > 0
    estimated = drawn or (sampled and table.is_sampled and trials > 0)
    value = hits / trials if trials else 0.0
    if drawn and trials > table.rows:
        hits, trials = round(value * table.rows), table.rows
    low, high = wilson_interval(hits, trials) if estimated else (None, None)
    return Characteristic(
        name=name,
        value=value,
        unit=unit,
        low=low,
        high=high,
        sample=(table.rows if drawn else table.sample_rows) if estimated else None,
        how=table.sampled if sampled else table.counted,
    )
