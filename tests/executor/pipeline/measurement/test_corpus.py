from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.pipeline.measurement.corpus import read_corpus
from rules.errors import MeasurementError
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    (tmp_path / "catalogue.csv").write_text(
        "name,file,target,task,time,licence\na,a.csv,y,,,free\nb,a.csv,x|y,regression,x,free\n", encoding="utf-8"
    )
    return tmp_path


def test_catalogue_gives_the_request_of_each_dataset(corpus: Path) -> None:
    first, second = read_corpus(corpus)

    assert (first.name, first.path, first.request.target, first.request.task) == ("a", corpus / "a.csv", ("y",), None)
    assert (second.request.target, second.request.task, second.request.time) == (("x", "y"), Task.REGRESSION, "x")


def test_datasets_are_chosen_by_name(corpus: Path) -> None:
    assert [one.name for one in read_corpus(corpus, ["b"])] == ["b"]


def test_unknown_dataset_is_refused(corpus: Path) -> None:
    with pytest.raises(MeasurementError, match="has no dataset 'c'"):
        read_corpus(corpus, ["c"])


def test_folder_without_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match=r"A corpus is a folder with a file catalogue\.csv"):
        read_corpus(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,file\na,a.csv\n", "but target is missing"),
        ("name,file,target\na,a.csv,\n", "catalogue.csv:2: each dataset must have a target"),
        ("name,file,target\na,b.csv,y\n", "b.csv does not exist"),
        ("name,file,target\n", "at least one dataset"),
        ("name,file,target\na,a.csv,y\na,a.csv,x\n", "catalogue.csv:3: each dataset must have its own name"),
        ("name,file,target,task\na,a.csv,y,clustering\n", "catalogue.csv:2: .*clustering"),
    ],
)
def test_faulty_catalogue_is_refused_with_its_place(corpus: Path, text: str, message: str) -> None:
    (corpus / "catalogue.csv").write_text(text, encoding="utf-8")

    with pytest.raises(MeasurementError, match=message):
        read_corpus(corpus)


def test_catalogue_of_a_spreadsheet_is_read(corpus: Path) -> None:
    (corpus / "catalogue.csv").write_text("name,file,target\na,a.csv,y\n", encoding="utf-8-sig")

    assert [one.name for one in read_corpus(corpus)] == ["a"]
