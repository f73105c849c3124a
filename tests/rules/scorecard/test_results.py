from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.errors import MeasurementError
from rules.scorecard.results import read_measurements, read_results, write_parquet
from rules.vocabulary.choices import He, Slot, Xavier

if TYPE_CHECKING:
    from pathlib import Path

    from rules.scorecard.results import Results
    from tests.rules.scorecard.conftest import MakeResults


@pytest.fixture
def results(make_results: MakeResults) -> Results:
    scores = {"a": {He(distribution="uniform"): [1.0, 2.0], Xavier(): [None, 3.0]}}
    return make_results(Slot.INITIALIZER, scores, chosen=Xavier())


def lines(results: Results) -> str:
    return "".join(f"{one.model_dump_json()}\n" for one in (*results.datasets.values(), *results.trainings))


def test_json_lines_keep_all_fields(results: Results, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(lines(results), encoding="utf-8")

    assert read_results([tmp_path / "r.jsonl"]) == results


def test_parquet_keeps_all_fields(results: Results, tmp_path: Path) -> None:
    write_parquet(results, tmp_path / "r.parquet")

    assert read_results([tmp_path / "r.parquet"]) == results


def test_line_that_a_kill_cut_off_is_ignored(results: Results, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(lines(results)[:-5], encoding="utf-8")

    assert read_results([tmp_path / "r.jsonl"]).trainings == results.trainings[:-1]


@pytest.mark.parametrize(
    ("line", "problem"), [('{"kind":"training"}', "dataset: Field required"), ("name,target", "Invalid JSON: expected")]
)
def test_other_file_is_refused_with_its_line(line: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(line + "\n", encoding="utf-8")

    with pytest.raises(MeasurementError, match=rf"r\.jsonl:1 is not a result of 'recommend rules measure': {problem}"):
        read_results([tmp_path / "r.jsonl"])


def test_other_parquet_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.parquet").write_bytes(b"PAR1")

    with pytest.raises(MeasurementError, match="is not a file of 'recommend rules measure'"):
        read_results([tmp_path / "r.parquet"])


def test_results_of_different_settings_are_not_mixed(results: Results, tmp_path: Path) -> None:
    other = next(iter(results.datasets.values()))
    other = other.model_copy(update={"name": "b", "settings": other.settings.model_copy(update={"rows": 50})})
    (tmp_path / "r.jsonl").write_text(lines(results) + other.model_dump_json() + "\n", encoding="utf-8")

    with pytest.raises(MeasurementError, match="same settings"):
        read_results([tmp_path / "r.jsonl"])


def test_files_of_equal_settings_are_one_measurement(results: Results, tmp_path: Path) -> None:
    (one,) = results.datasets.values()
    halves = [results.model_copy(update={"trainings": half}) for half in (results.trainings[:2], results.trainings[2:])]
    pinned = one.model_copy(update={"settings": one.settings.model_copy(update={"pins": {"activation": "selu"}})})
    for name, own in (
        ("a", halves[0]),
        ("b", halves[1]),
        ("c", results.model_copy(update={"datasets": {"a": pinned}})),
    ):
        (tmp_path / name).write_text(lines(own), encoding="utf-8")

    first, second = read_measurements([tmp_path / name for name in "acb"])

    assert first == results
    assert (second.datasets["a"].settings.pins, second.trainings) == ({"activation": "selu"}, results.trainings)
