"""`recommend explain` and `Run.explain`: values, formats and errors."""

from __future__ import annotations

import csv
import html
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from executor import load_predictor
from executor.cli.explain import write_explanations
from executor.evaluation.explanation import shapley
from executor.runs import run as run_module
from executor.runs.report.explanation_page import explanation_page
from executor.runs.run import Run
from recommender.cli.main import group
from recommender.examples import example
from rules.errors import ChoiceError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from executor.evaluation.explanation.explanations import Explanations


COLUMNS = 30


@pytest.fixture(scope="module", autouse=True)
def few_predictions() -> Iterator[None]:
    """One permutation for each of ten background rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapley, "PREDICTIONS", 600)
        yield


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Two rows, the first without a value in the first column."""
    frame = pd.read_csv(example("breast_cancer")).head(2)
    frame.iloc[0, 0] = np.nan
    return frame


@pytest.fixture(scope="module")
def found(cancer_run: Run, rows: pd.DataFrame) -> Explanations:
    """Explained with the compiled model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "MIN_COMPILED", 1)
        return cancer_run.explain(rows)


def test_contributions_add_up_to_prediction_minus_expected_value(
    cancer_run: Run, rows: pd.DataFrame, found: Explanations
) -> None:
    for one in found.rows:
        assert one.contributions.sum(axis=0) == pytest.approx(one.prediction - one.expected, abs=1e-9)
    label = found.rows[0].outputs[0].removeprefix("probability of ")
    probabilities = cancer_run.predict_proba(rows)[:, cancer_run.signature.labels.index(label)]
    assert [one.prediction[0] for one in found.rows] == probabilities.tolist()


def test_the_other_class_has_opposite_contributions_from_the_same_seed(
    cancer_run: Run, rows: pd.DataFrame, found: Explanations
) -> None:
    (other,) = {*cancer_run.signature.labels} - {found.rows[0].outputs[0].removeprefix("probability of ")}
    one = cancer_run.explain(rows, rows=1, label=other).rows[0]
    np.testing.assert_allclose(one.contributions, -found.rows[0].contributions, atol=1e-6)


def test_every_format_has_the_same_contributions(found: Explanations, tmp_path: Path) -> None:
    for ending in ("csv", "json", "parquet", "html"):
        write_explanations(found, tmp_path / f"out.{ending}", targets=["diagnosis"], name="cancer")
    lines = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert document["lines"] == table
    assert [float(line["contribution"]) for line in lines] == [line["contribution"] for line in table]
    assert len(table) == len(found.rows) * COLUMNS
    assert (table[0]["column"], table[0]["value"]) == (found.rows[0].parts[0], None)
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "<script" not in page
    one = found.rows[0]
    assert f"{one.parts[one.largest(1)[0]]} = " in html.unescape(page)


def test_the_terminal_shows_the_largest_contributions_of_each_row(
    cancer_run: Run, rows: pd.DataFrame, found: Explanations, tmp_path: Path
) -> None:
    rows.to_csv(tmp_path / "rows.csv", index=False)
    arguments = ["explain", str(cancer_run.directory), str(tmp_path / "rows.csv"), "--rows", "1"]
    printed = CliRunner().invoke(group, arguments, env={"COLUMNS": "200"}).output
    (largest,) = [line for line in printed.splitlines() if line.strip().startswith("1 ")]
    assert found.rows[0].parts[found.rows[0].largest(1)[0]] in largest
    assert "Explained the first 1 of 2 rows." in printed


def test_names_of_columns_and_words_are_escaped_on_the_page(found: Explanations) -> None:
    evil = "<img src=x>"
    one = replace(found.rows[0], parts=(evil,) * COLUMNS, values=(evil,) * COLUMNS, name=evil, outputs=(evil,))
    page = explanation_page(replace(found, rows=(one,), kind="words"), targets=[evil], name=evil)
    assert "<img" not in page
    assert page.count("&lt;img src=x&gt;") > COLUMNS


def test_without_the_dataset_of_the_run_a_background_is_required(
    cancer_run: Run, rows: pd.DataFrame, tmp_path: Path
) -> None:
    run = Run(cancer_run.directory)
    run.__dict__["plan"] = run.plan.model_copy(update={"dataset": str(tmp_path / "gone.csv")})
    with pytest.raises(RunError, match=r"gone\.csv can no longer be read\. Give a file .*--background FILE"):
        run.explain(rows)
    assert run.explain(rows, rows=1, background=rows).background.startswith("Masked columns take the values of 2 rows")


def test_an_exported_model_is_explained_as_its_run(cancer_run: Run, rows: pd.DataFrame, tmp_path: Path) -> None:
    cancer_run.export(to="numpy", directory=tmp_path / "exported")
    exported = load_predictor(tmp_path / "exported")
    both = [
        model.explain(rows, rows=1, background=example("breast_cancer")).rows[0] for model in (cancer_run, exported)
    ]
    np.testing.assert_allclose(both[0].contributions, both[1].contributions, atol=1e-5)
    with pytest.raises(RunError, match=r"an exported model does not know its dataset\. Give a file with such rows"):
        exported.explain(rows, background=None)


def test_wrong_classes_and_endings_are_refused(cancer_run: Run, tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match=r"The class to explain must be one of .*, but got 'Z'"):
        cancer_run.explain(example("breast_cancer"), label="Z")
    arguments = ["explain", str(cancer_run.directory), str(example("breast_cancer")), "-o", str(tmp_path / "out.txt")]
    refused = CliRunner().invoke(group, arguments).exception
    assert "The output file must be .html, .csv, .tsv, .json, .parquet, but got" in str(refused)
