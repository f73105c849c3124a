"""Predictions of files in parts: the same table as of the whole file, and errors that name rows of the file."""

from __future__ import annotations

import gzip
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from executor.model.predict import find_row_parts, predict, predict_parts
from executor.model.signature import Signature
from executor.runs import run
from executor.runs.files import read_json
from executor.runs.prediction_file import Stream, predict_file
from executor.runs.run import Run
from rules.errors import ColumnError, DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executor.data.raw_table import RawTable

OLD_RUNS: Final = Path(__file__).parents[2] / "old_runs"
CLASSES: Final = OLD_RUNS / "classes" / "run"
SIGNATURE: Final = read_json(CLASSES / "signature.json", Signature)


def compute(rows: RawTable) -> np.ndarray:
    """Class shares that depend on every cell of their row, and on no other row."""
    codes = [
        np.nan_to_num(values, nan=7.0)
        if values.dtype.kind == "f"
        else np.array([sum(text.encode()) for text in values], float)
        for values in rows.features.values()
    ]
    mixed = np.abs(np.sin(np.column_stack(codes) @ np.arange(1.0, len(codes) + 1)))
    return np.column_stack([mixed, (1 - mixed) / 3, 2 * (1 - mixed) / 3])


def in_parts(data: Path, rows: int, **options: object) -> tuple[pa.Table, list[str]]:
    parts = find_row_parts(SIGNATURE, data)
    assert parts is not None
    said: list[str] = []
    tables = predict_parts(compute, SIGNATURE, parts, rows=rows, say=said.append, **options)
    return pa.concat_tables(tables), said


NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6, width=32), st.integers(-(10**17), 10**17).map(float))
WORDS = st.one_of(st.none(), st.sampled_from(["red", " wood", "wood ", "1", "1.0", "NA", "?", 'a "b", c', "é\n"]))
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, WORDS, WORDS), min_size=1, max_size=30)


@given(rows=ROWS, size=st.integers(1, 12), cut=st.integers(0, 30), form=st.sampled_from(["parquet", "csv"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)
def test_parts_of_any_size_have_the_predictions_of_the_whole(
    tmp_path: Path, rows: list[tuple[object, ...]], size: int, cut: int, form: str
) -> None:
    schema = pa.schema({"weight": pa.float32(), "length": pa.float64(), "colour": pa.string(), "habitat": pa.string()})
    table = pa.Table.from_arrays(
        [pa.array(own, kind) for own, kind in zip(zip(*rows, strict=True), schema.types, strict=True)], schema=schema
    ).append_column("id", pa.array(range(len(rows))))
    write = parquet.write_table if form == "parquet" else csv.write_csv
    for path in tmp_path.iterdir():
        path.unlink()
    files = [table.slice(0, cut), table.slice(cut)] if 0 < cut < len(rows) else [table]
    for number, own in enumerate(files):
        write(own, tmp_path / f"{number}.{form}")
    data = tmp_path / f"*.{form}" if len(files) > 1 else tmp_path / f"0.{form}"
    try:
        whole = predict(compute, SIGNATURE, data, key="id")
    except ColumnError as error:
        with pytest.raises(ColumnError, match=rf"^{re.escape(str(error))}$"):
            in_parts(data, size, key="id")
        return
    found, said = in_parts(data, size, key="id")
    assert found.combine_chunks().equals(whole.combine_chunks())
    assert not said


@pytest.fixture
def lines() -> list[str]:
    """A header and 70 rows."""
    return ["weight,length,colour,habitat", *(f"{row}.5,{row},red,wood" for row in range(1, 71))]


def test_an_error_in_the_seventh_part_names_the_row_of_the_file(tmp_path: Path, lines: list[str]) -> None:
    data = tmp_path / "new.csv"
    lines[65] = "heavy,2,red,wood"
    data.write_text("\n".join(lines))
    with pytest.raises(ColumnError, match=r"'weight' must contain finite numbers.* new\.csv has 'heavy' in row 65\."):
        in_parts(data, 10)
    lines[65] = "1,2,red,wood,more"
    data.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=r"line 66 of .*new\.csv has more"):
        in_parts(data, 10)


def test_an_error_in_several_files_names_the_file_and_its_row(tmp_path: Path, lines: list[str]) -> None:
    for number, own in enumerate((lines[1:31], lines[31:])):
        (tmp_path / f"part=7/{number}.csv").parent.mkdir(exist_ok=True)
        (tmp_path / f"part=7/{number}.csv").write_text("\n".join([lines[0], *own, "4,5,red,wood"]))
    text = (tmp_path / "part=7/1.csv").read_text()
    (tmp_path / "part=7/1.csv").write_text(text.replace("64.5,", "heavy,"))
    with pytest.raises(ColumnError, match=r"has 'heavy' in row 34 of part=7/1\.csv\."):
        in_parts(tmp_path, 10, ignore_extra=True)


def test_values_that_count_as_missing_are_reported_once_with_their_rows(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = SIGNATURE.columns[0]
    reading = weight.reading.model_copy(update={"exceptions": 1}) if weight.reading else None
    columns = (weight.model_copy(update={"reading": reading}), *SIGNATURE.columns[1:])
    monkeypatch.setitem(globals(), "SIGNATURE", SIGNATURE.model_copy(update={"columns": columns}))
    for row in (15, 40, 65):
        lines[row] = f"{'heavy' if row < 60 else 'light'},2,red,wood"
    (tmp_path / "new.csv").write_text("\n".join(lines))
    said = in_parts(tmp_path / "new.csv", 10)[1]
    start = "3 values of 'weight' are not numbers and count as missing, as in training."
    assert said == [f"{start} Some of them: 'heavy' in row 15, 'light' in row 65."]


def test_what_is_not_read_in_parts(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "new.csv").write_text("\n".join(lines))
    with gzip.open(tmp_path / "packed.csv.gz", "wt") as file:
        file.write("\n".join(lines))
    assert find_row_parts(SIGNATURE, tmp_path / "new.csv") is not None
    assert in_parts(tmp_path / "packed.csv.gz", 10)[0].equals(in_parts(tmp_path / "new.csv", 10)[0])
    forecast = read_json(OLD_RUNS / "forecast" / "run" / "signature.json", Signature)
    assert find_row_parts(forecast, tmp_path / "new.csv") is None
    assert find_row_parts(SIGNATURE, pa.table({"weight": [1.0]})) is None
    assert find_row_parts(SIGNATURE, tmp_path / "absent.csv") is None
    parquet.write_table(pa.table({"weight": [[1.0]]}), tmp_path / "nested.parquet")
    assert find_row_parts(SIGNATURE, tmp_path / "nested.parquet") is None


def test_a_run_predicts_many_parts_as_the_whole_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = csv.read_csv(OLD_RUNS / "classes" / "data.csv").drop_columns("species")
    rows = pa.concat_tables([table] * (4_500 // table.num_rows + 1))
    parquet.write_table(rows, tmp_path / "new.parquet")
    model = Run(CLASSES)
    monkeypatch.setattr(run, "MIN_COMPILED", 0)
    counts: list[tuple[int, int | None]] = []
    count = model.predict_file(
        tmp_path / "new.parquet", tmp_path / "out.parquet", rows=1, progress=lambda *own: counts.append(own)
    )
    assert count == rows.num_rows
    assert counts == [(2016, count), (4032, count), (count, count)]
    assert parquet.read_table(tmp_path / "out.parquet").equals(model.predict(tmp_path / "new.parquet"))


class Model:
    """A model that is interrupted after some parts of ten rows."""

    signature = SIGNATURE

    def __init__(self, parts: int) -> None:
        self.left = parts

    def _outcome_of(self, rows: RawTable) -> np.ndarray:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return compute(rows)

    @contextmanager
    def stream(self) -> Iterator[Stream]:
        yield Stream(outcome_of=self._outcome_of, batch=10)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_interrupt_or_an_error_in_a_later_part_leaves_the_earlier_file(
    ending: str, tmp_path: Path, lines: list[str]
) -> None:
    data, output = tmp_path / "new.csv", tmp_path / f"out.{ending}"
    data.write_text("\n".join(lines))
    assert predict_file(Model(7), data, output, rows=10, key="length") == 70
    before = output.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        predict_file(Model(3), data, output, rows=10)
    lines[65] = "heavy,2,red,wood"
    data.write_text("\n".join(lines))
    with pytest.raises(ColumnError, match="row 65"):
        predict_file(Model(7), data, output, rows=10)
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv", output.name}
    assert output.read_bytes() == before
