"""Rows that are read without DuckDB are those that DuckDB reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.data.raw_table import Form
from executor.model.signature import Column, ModelInput, Signature
from executor.model.validate_rows import open_rows, read_new_rows
from executor.runs.serving.fast_rows import FastReader, to_table
from executor.runs.serving.json_rows import parse_rows, to_arrow
from recommender.dataset.readers.types.reading import ColumnReading, NumberReading
from recommender.dataset.readers.types.times import TimeReading
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task
from tests.effort import EFFORT

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKENS: Final = ("NA", "?", "-999")


def column(name: str, kind: Kind, form: Form, storage: str, *, had_numbers: bool = True, **reading: object) -> Column:
    return Column(
        name=name,
        kind=kind,
        form=form,
        storage=storage,
        had_numbers=had_numbers,
        reading=ColumnReading.model_validate({"storage": storage, "missing": TOKENS} | reading),
    )


ISO: Final = TimeReading(format="iso")
COLUMNS: Final = (
    column("price", Kind.NUMERIC, Form.NUMBER, "DOUBLE", number=NumberReading()),
    column("rooms", Kind.ORDINAL, Form.NUMBER, "BIGINT", number=NumberReading()),
    column("odd", Kind.NUMERIC, Form.NUMBER, "DOUBLE", number=NumberReading(), exceptions=2, exception_rows=(1, 4)),
    column("colour", Kind.CATEGORICAL, Form.LEVEL, "VARCHAR", had_numbers=False),
    column("code", Kind.CATEGORICAL, Form.LEVEL, "VARCHAR"),
    column("zone", Kind.CATEGORICAL, Form.LEVEL, "BIGINT", number=NumberReading()),
    column("note", Kind.TEXT, Form.TEXT, "VARCHAR"),
    column("old", Kind.BOOLEAN, Form.LEVEL, "VARCHAR", booleans=("No", "Yes"), had_numbers=False),
    column("new", Kind.BOOLEAN, Form.NUMBER, "BOOLEAN"),
    column("day", Kind.DATETIME, Form.TIME, "DATE", time=ISO),
    column("at", Kind.DATETIME, Form.TIME, "TIMESTAMP", time=ISO.model_copy(update={"clock": "24-hour"})),
)
VALUES: Final = {
    "numbers": st.one_of(
        st.none(), st.integers(-5, 5), st.floats(-1e3, 1e3), st.sampled_from([-999, -999.0, 0.0, -0.0, 1e300, 5e-324])
    ),
    "words": st.one_of(
        st.none(),
        st.sampled_from(["red", "Red", " red ", "NA", "?", "", " ", "x NA", "Yes", "no", " YES", "nan", "B2"]),
    ),
    "booleans": st.one_of(st.none(), st.booleans()),
    "days": st.one_of(st.none(), st.dates().map(str), st.sampled_from(["2023-02-30", "NA", "2023-1-5", ""])),
    "times": st.one_of(
        st.none(), st.datetimes().map(lambda time: time.isoformat(" ", "seconds")), st.sampled_from(["2024-01-02", "?"])
    ),
    "strange": st.one_of(
        st.text(max_size=4),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.sampled_from(
            ["1", "1.5", "Infinity", "12:00", "true", "1e5", "-1", "é", "İ", 2**53, 2**53 + 1, 10**30, "0x1"]
        ),
        st.just([1]),
    ),
}
USUAL: Final = dict(
    zip(
        (one.name for one in COLUMNS),
        ("numbers", "numbers", "numbers", "words", "words", "numbers", "words", "words", "booleans", "days", "times"),
        strict=True,
    )
)


def signature(columns: Sequence[Column]) -> Signature:
    return Signature(
        task=Task.REGRESSION,
        targets=("target",),
        labels=(),
        levels={},
        columns=tuple(columns),
        known=("target", "id"),
        inputs=tuple(ModelInput(name=f"in{at}", form=one.form, columns=(one.name,)) for at, one in enumerate(columns)),
        rare_class=None,
        thresholds=(),
        time_column=None,
        entity_column=None,
        windows=None,
    )


@st.composite
def requests(draw: st.DrawFn) -> tuple[Signature, list[dict[str, object]], bool]:
    """A signature of one to three columns, up to four rows for it, and whether further columns are ignored."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True))
    count = draw(st.integers(1, 4))
    found = {}
    for one in columns:
        usual = VALUES[USUAL[one.name]]
        values = usual if draw(st.integers(0, 3)) else st.one_of(usual, VALUES["strange"])
        found[one.name] = draw(st.lists(values, min_size=count, max_size=count))
    for extra in draw(st.sampled_from([(), (), ("target",), ("id", "more")])):
        found[extra] = draw(st.lists(VALUES["strange"], min_size=count, max_size=count))
    return signature(columns), [{name: found[name][at] for name in found} for at in range(count)], draw(st.booleans())


@settings(max_examples=25 * EFFORT, derandomize=True)
@given(requests())
def test_rows_read_without_duckdb_are_those_that_it_reads(
    case: tuple[Signature, list[dict[str, object]], bool],
) -> None:
    own, records, ignore_extra = case
    rows = parse_rows(json.dumps(records).encode(), max_rows=100)
    fast = FastReader(own, ignore_extra=ignore_extra).read(rows)
    if fast is None:
        return
    table = to_table(own, fast, rows.count)
    with open_rows(own, to_arrow(rows)) as dataset:
        expected = read_new_rows(own, dataset, ignore_extra=ignore_extra)
    assert table.forms == expected.forms
    assert table.rows.tolist() == expected.rows.tolist()
    for name, values in expected.features.items():
        np.testing.assert_array_equal(table.features[name], values, err_msg=f"{name} of {records}")
