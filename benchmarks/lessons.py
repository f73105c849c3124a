"""Run the experiments of docs/learn at full effort, and write their output, plots and notebooks.

    python -m benchmarks.lessons [metric cost weights algorithm tuning together] [--text]

A page is the source of its lesson: Python blocks are one session, a text block after one is what it prints, and one of
them ends in an Altair chart. A comment `<!-- quick: NAME=VALUE … -->` has the constants of a short run, for tests.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from executor.runs.report.plots.drawing import CONFIG, INK
from executor.runs.report.plots.svg import SVG_PROCESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER: Final = Path(__file__).parents[1] / "docs" / "learn"
LESSONS: Final = ("metric", "cost", "weights", "algorithm", "tuning", "together")
PYTHON: Final = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?", re.DOTALL)
QUICK: Final = re.compile(r"<!-- quick: (.*?) -->\n\n?")
PICTURES: Final = re.compile(r"^!\[.*?\]\(pictures/.*?\)(?: *\n)?", re.MULTILINE)
DOWNLOAD: Final = re.compile(r"^\[Notebook\].*\n\n?", re.MULTILINE)
LIGHT: Final = ("#1d2733", "#5b6673", "#d5dbe1", "#0072b2", "#d55e00", "#00805f", "#a8487f", "#8a6a00", "#4b4f58")
DARK: Final = ("#e6e8eb", "#a4adb8", "#3f4550", "#56b4e9", "#f28e3d", "#2ec4a0", "#dd9cc4", "#e6c229", "#b8bec8")
"""Colours of --ink, --mute, --line and --p1 to --p6 on light and on dark pages, as in the report."""
LEGEND_PADDING: Final = 26  # pixels between columns, because pages may use a wider font than Vega measured with
NAMES: Final = ("ink", "mute", "line", *(f"p{number}" for number in range(1, 7)))


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A page of docs/learn."""

    name: str
    text: str

    @property
    def path(self) -> Path:
        """The page."""
        return FOLDER / f"{self.name}.md"

    @property
    def notebook(self) -> Path:
        """The notebook of the page."""
        return FOLDER / "notebooks" / f"{self.name}.ipynb"

    @property
    def blocks(self) -> list[str]:
        """The code of each Python block."""
        return [found["code"] for found in PYTHON.finditer(self.text)]

    @property
    def quick(self) -> dict[str, str]:
        """Constants of a short run."""
        found = QUICK.search(self.text)
        return dict(pair.split("=") for pair in found[1].split()) if found else {}


def read_lesson(name: str) -> Lesson:
    """Read the page of a lesson."""
    return Lesson(name=name, text=(FOLDER / f"{name}.md").read_text(encoding="utf-8"))


def run(lesson: Lesson, *, quick: bool = False) -> tuple[list[str], Any]:
    """Run a lesson. Returns what each block prints, and the chart; quick: with the constants of a short run."""
    session: dict[str, Any] = {}
    printed = []
    for block in lesson.blocks:
        code = block
        for name, value in (lesson.quick if quick else {}).items():
            code = re.sub(rf"^{name} = .*$", f"{name} = {value}", code, flags=re.MULTILINE)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(code, lesson.path.name, "exec"), session)  # noqa: S102  our own pages
        printed.append(output.getvalue())
    return printed, session["chart"]


def with_output(lesson: Lesson, printed: Sequence[str]) -> Lesson:
    """The lesson with the output of its blocks."""
    outputs = iter(printed)

    def filled(found: re.Match[str]) -> str:
        output = next(outputs)
        return f"```python\n{found['code']}```\n" + (f"\n```text\n{output}```\n" if output else "")

    return Lesson(name=lesson.name, text=PYTHON.sub(filled, lesson.text))


def to_notebook(lesson: Lesson) -> str:
    """The lesson as a Jupyter notebook; its charts are drawn when it is run."""
    cells = [{"id": f"{lesson.name}-{index}", "metadata": {}} | cell for index, cell in enumerate(_cells(lesson))]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cells(lesson: Lesson) -> Iterator[dict[str, Any]]:
    place = 0
    for found in PYTHON.finditer(lesson.text):
        yield from _prose(lesson.text[place : found.start()])
        outputs = (
            [{"name": "stdout", "output_type": "stream", "text": _lines(found["output"])}] if found["output"] else []
        )
        code = {"cell_type": "code", "execution_count": None, "outputs": outputs}
        yield code | {"source": _lines(found["code"].rstrip("\n"))}
        place = found.end()
    yield from _prose(lesson.text[place:])


def _prose(text: str) -> Iterator[dict[str, Any]]:
    for pattern in (QUICK, PICTURES, DOWNLOAD):
        text = pattern.sub("", text)
    if text.strip():
        yield {"cell_type": "markdown", "source": _lines(text.strip("\n"))}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def write_pictures(lesson: Lesson, chart: Any) -> None:  # noqa: ANN401  any kind of Altair chart
    """Draw the chart of a lesson for light and for dark pages."""
    legend = CONFIG["legend"] | {"columnPadding": LEGEND_PADDING, "symbolType": "stroke"}
    headers = {"labelColor": INK, "labelFontSize": CONFIG["axis"]["titleFontSize"]}
    svg = SVG_PROCESS.convert(chart.to_dict(), {**CONFIG, "legend": legend, "header": headers})
    (FOLDER / "pictures").mkdir(exist_ok=True)
    for suffix, colours in {"": LIGHT, "-dark": DARK}.items():
        coloured = svg
        for name, colour in zip(NAMES, colours, strict=True):
            coloured = coloured.replace(f"var(--{name})", colour)
        (FOLDER / "pictures" / f"{lesson.name}{suffix}.svg").write_text(f"{coloured.rstrip()}\n", encoding="utf-8")


def main() -> None:
    """Write all lessons, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", default=LESSONS)
    parser.add_argument("--text", action="store_true", help="write only the notebooks, after a change of the text")
    options = parser.parse_args()
    for name in options.lessons:
        begin = time.monotonic()
        lesson = read_lesson(name)
        if options.text:
            lesson.notebook.write_text(to_notebook(lesson), encoding="utf-8")
            continue
        printed, chart = run(lesson)
        lesson = with_output(lesson, printed)
        write_pictures(lesson, chart)
        lesson.path.write_text(lesson.text, encoding="utf-8")
        lesson.notebook.write_text(to_notebook(lesson), encoding="utf-8")
        print(f"{name}: {time.monotonic() - begin:.0f} s\n{''.join(printed)}", flush=True)


if __name__ == "__main__":
    main()
