"""The lessons of docs/learn: experiments run; notebooks, plots and numbers in the text are those of the page."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.lessons import FOLDER, LESSONS, PYTHON, QUICK, read_lesson, run, to_notebook

NUMBER = re.compile(r"\d+\.\d+|\d+ %")
LINK = re.compile(r"\]\([^)]*\)")


@pytest.mark.parametrize("name", LESSONS)
def test_the_experiment_of_a_lesson_runs_and_prints_as_many_results_as_the_page_shows(name) -> None:
    lesson = read_lesson(name)
    assert lesson.quick
    assert all(re.search(rf"^{constant} = ", "".join(lesson.blocks), re.MULTILINE) for constant in lesson.quick)
    printed, chart = run(lesson, quick=True)
    shown = [found["output"] is not None for found in PYTHON.finditer(lesson.text)]
    assert [bool(output) for output in printed] == shown
    assert chart.to_dict()


@pytest.mark.parametrize("name", LESSONS)
def test_a_notebook_has_the_text_and_the_code_of_its_page(name) -> None:
    lesson = read_lesson(name)
    assert lesson.notebook.read_text(encoding="utf-8") == to_notebook(lesson)
    cells = json.loads(to_notebook(lesson))["cells"]
    code = ["".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "code"]
    assert code == lesson.blocks
    assert len({cell["id"] for cell in cells}) == len(cells)


@pytest.mark.parametrize("name", LESSONS)
def test_every_decimal_number_in_the_text_of_a_lesson_is_in_its_code_or_output(name) -> None:
    lesson = read_lesson(name)
    computed = " ".join(found[0] for found in PYTHON.finditer(lesson.text)).replace("%", " %")
    prose = LINK.sub("", PYTHON.sub("", QUICK.sub("", lesson.text)))
    known = set(NUMBER.findall(re.sub(r"  +%", " %", computed)))
    assert set(NUMBER.findall(prose)) <= known


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("suffix", ["", "-dark"])
def test_a_page_shows_its_plot_on_light_and_on_dark_pages(name, suffix) -> None:
    look = "dark" if suffix else "light"
    assert f"(pictures/{name}{suffix}.svg#only-{look})" in read_lesson(name).text
    svg = (FOLDER / "pictures" / f"{name}{suffix}.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg ")
    assert "var(" not in svg


def test_every_other_page_of_the_folder_is_a_lesson() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*LESSONS, "index", "notes", "compare"}
