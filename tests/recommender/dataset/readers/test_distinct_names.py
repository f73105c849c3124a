"""Columns keep their names and values, whatever they are called."""

import datetime
import json
import re
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest

import executor
import recommender
from executor.data.read_rows import read_rows
from recommender import recommend
from recommender.dataset.dataset import Dataset
from recommender.profile.measure import measure
from recommender.roles.infer import infer_roles
from rules.decision.request import Request, SequenceReading
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task
from tests.effort import EFFORT

FOLDERS = [Path(one.__path__[0]) for one in (recommender, executor)]
ALIAS = re.compile(r"\b(?:AS|FROM|JOIN|WITH) \"?([a-z_][a-z_0-9]*)\"?")
ALIASES = sorted(
    {name for folder in FOLDERS for path in folder.rglob("*.py") for name in ALIAS.findall(path.read_text())}
    | {"rowid", "ROWID", "rowid'", "filename", "file_row_number", "column0", "main", "c0", "p0", "v0", "k0", "b1", "n0"}
)
"""Every name that a query of ours gives to a column or a table, and DuckDB's own."""
ROWS = 60
IN_FULL = EFFORT > 1
"""Whether each name is tried in each place."""
KINDS = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.NUMERIC, Kind.BOOLEAN, Kind.DATETIME, Kind.NUMERIC)
START = datetime.date(2024, 1, 1)


def columns(names: list[str]) -> dict[str, list[object]]:
    """A number with an exception, words with a missing text, a number with a gap, yes or no, days and a target."""
    values: list[list[object]] = [
        [f"{(row * 7) % 31}.5" if row != ROWS // 2 else "Total" for row in range(ROWS)],
        [("NA", "red", "green", "blue")[row % 4] for row in range(ROWS)],
        [None if row == 3 else (row * 5) % 13 for row in range(ROWS)],
        [("no", "yes")[row % 3 == 0] for row in range(ROWS)],
        [str(START + datetime.timedelta(days=(row * 17) % ROWS)) for row in range(ROWS)],
        [row / 4 + (row % 5) for row in range(ROWS)],
    ]
    return dict(zip(names, values, strict=True))


def described(names: list[str], task: Task | None, path: Path) -> str:
    """All that is found out about the columns, under neutral names."""
    pd.DataFrame(columns(names)).to_csv(path, index=False)
    kinds = dict(zip(names, KINDS, strict=True))
    with Dataset.open(path) as dataset:
        assert dataset.columns == tuple(names)
        roles = infer_roles(
            dataset,
            Request(target=[names[5]], kinds=kinds, task=task, time=names[4], entity=names[1] if task else None),
        )
        profile = measure(dataset, roles)
        rows = read_rows(dataset, roles)
        read = [values.tolist() for values in rows.features.values()]
        places = {name: f"column {place}" for place, name in enumerate(names)}
        notes = [
            (dataset.notes[name].exceptions, dataset.notes[name].missing) for name in names if name in dataset.notes
        ]
        measured = [(one.name, places.get(str(one.value), one.value), one.low) for one in profile.characteristics]
        summaries = [vars(one) | {"name": ""} for one in dataset.summaries.values()]
        truth = [] if rows.truth is None else rows.truth.tolist()
        return str((list(dataset.storage.values()), notes, summaries, measured, read, truth))


@pytest.mark.parametrize("task", [None, Task.FORECASTING])
def test_columns_called_as_a_query_calls_its_own_are_read_as_others(task: Task | None, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    expected = described([f"plain column {place}" for place in range(len(KINDS))], task, path)
    size = len(KINDS)
    for start in range(0, len(ALIASES), size):
        names = [*dict.fromkeys(name.lower() if name != "ROWID" else "x" for name in ALIASES[start : start + size])]
        names += [f"plain column {place}" for place in range(size - len(names))]
        some = (start // size + (task is None)) % size
        for shift in range(size) if IN_FULL else [some]:
            shifted = names[shift:] + names[:shift]
            assert described(shifted, task, path) == expected, shifted


FORMATS = ("csv", "jsonl", "parquet", "pandas", "polars")


def source(columns: dict[str, list[object]], form: str, folder: Path) -> object:
    path = folder / f"t.{form}"
    if form == "csv":
        pl.DataFrame(columns).write_csv(path)
    elif form == "jsonl":
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif form == "parquet":
        pl.DataFrame(columns).write_parquet(path)
    else:
        return pd.DataFrame(columns) if form == "pandas" else pl.DataFrame(columns)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_names_that_differ_in_case_are_the_same_in_every_format(form: str, tmp_path: Path) -> None:
    given: dict[str, list[object]] = {
        "a": [1.5, 2.5],
        "A": [3.5, 4.5],
        "A_1": [5.5, 6.5],
        "É": [7.5, 8.5],
        "é": [9.5, 0.5],
    }
    with Dataset.open(source(given, form, tmp_path)) as dataset:
        assert dataset.columns == ("a", "A_2", "A_1", "É", "é")
        assert dataset.connection.execute("FROM dataset").fetchall() == list(zip(*given.values(), strict=True))


@pytest.mark.parametrize("form", FORMATS)
def test_a_column_called_rowid_can_be_the_target(form: str, tmp_path: Path) -> None:
    given: dict[str, list[object]] = {"x": [row * 7 % 31 for row in range(40)], "rowid": ["p", "q"] * 20}
    bundle = recommend(source(given, form, tmp_path), target="rowid")
    assert bundle.roles.labels == ("p", "q")


def test_a_digest_holds_all_cells_of_a_column_called_as_the_table() -> None:
    def digest(values: list[int]) -> str:
        with Dataset.open(pl.DataFrame({"dataset": [1, 2], "b": values})) as dataset:
            return dataset.digest

    assert digest([1, 2]) != digest([1, 3])


def test_channels_and_fixed_columns_of_a_sequence_may_be_called_as_a_query_calls_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{at // 3},{('a', 'b')[at // 3 % 2]},{at},{at * 2}" for at in range(12)]
    path.write_text("cell,c0,row_at,cell_at\n" + "\n".join(rows) + "\n")
    with Dataset.open(path, reading=SequenceReading(by="cell")) as dataset:
        assert dataset.sequences is not None
        assert dataset.sequences.names == ("row_at", "cell_at")
        assert dataset.connection.execute("SELECT cell, c0 FROM dataset").fetchall() == [
            (0, "a"),
            (1, "b"),
            (2, "a"),
            (3, "b"),
        ]
