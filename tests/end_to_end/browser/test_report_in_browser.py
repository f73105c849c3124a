"""The report of a run of each task in a real browser: nothing runs, nothing is asked for, nothing sticks out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pytest

from executor import train
from executor.runs.files import REPORT
from executor.runs.report.compare import comparison_page
from executor.runs.report.page import page
from executor.runs.run import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from rules.decision.trace import Pin

OLD_RUNS: Final = Path(__file__).parents[2] / "old_runs"
PHONE: Final = 380  # pixels
DESKTOP: Final = 1280
# Each would set the page's `broken` if it were run; the last ends a style sheet, an attribute or a template.
SCRIPT: Final = "<script>window.broken = 1</script>"
IMAGE: Final = '"><img src=x onerror="window.broken = 2">'
STYLE: Final = "</style></title><svg onload='window.broken = 3'>"
BRACES: Final = "{{ 7*7 }}{% raw %}' onmouseover='window.broken=4"
HOSTILE: Final = (SCRIPT, IMAGE, STYLE, BRACES)


def hostile_table(rows: int = 120) -> dict[str, Any]:
    """Numbers and words under hostile names, the words hostile, too."""
    random = np.random.default_rng(0)
    number = random.normal(size=rows)
    words = np.array(HOSTILE, dtype=object)[random.integers(0, len(HOSTILE), rows)]
    return {SCRIPT: number, IMAGE: words, STYLE: random.normal(size=rows)}


@pytest.fixture(scope="module")
def pages(cancer_run: Run, tmp_path_factory: pytest.TempPathFactory, one_split: Pin) -> dict[str, Path]:
    """The report of a run of each task, two of them on hostile names and values."""
    folder = tmp_path_factory.mktemp("pages")
    columns = hostile_table()
    step = np.arange(len(columns[SCRIPT]))
    wave = np.sin(step / 3) + 0.1 * columns[STYLE]
    series = {IMAGE: np.tile(step, 2), SCRIPT: np.concatenate([wave, wave + 2]), BRACES: np.repeat([STYLE, IMAGE], 120)}
    made = {
        "multiclass": train(
            pa.table({**columns, BRACES: columns[IMAGE]}),
            target=BRACES,
            trials=1,
            pins=[one_split],
            directory=folder / "classes",
        ),
        "forecasting": train(
            pa.table(series), target=SCRIPT, task="forecasting", horizon=3, trials=1, directory=folder / "f"
        ),
    }
    paths = {name: run.directory / REPORT for name, run in made.items()}
    paths["binary"] = cancer_run.directory / REPORT
    column = next(iter(cancer_run.record.dataset.kinds))
    regression, image = (Run(OLD_RUNS / name / "run") for name in ("intervals", "images"))
    for name, text in {
        "regression": page(regression),
        "image": page(image),
        "groups": page(cancer_run, by=column),
        "compare": comparison_page([cancer_run, made["multiclass"], regression]),
    }.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["binary", "multiclass", "regression", "forecasting", "image", "groups", "compare"])
def test_a_page_runs_nothing_asks_for_nothing_and_fits_a_phone(
    browser: Browser, pages: dict[str, Path], name: str, scheme: Any
) -> None:
    said: list[str] = []
    asked: list[str] = []
    address = pages[name].as_uri()
    context = browser.new_context(color_scheme=scheme)
    try:
        opened = context.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("dialog", lambda dialog: said.append(dialog.message))
        opened.on("request", lambda request: asked.append(request.url))
        for width in (DESKTOP, PHONE):
            opened.set_viewport_size({"width": width, "height": 800})
            opened.goto(address)
            for closed in opened.locator("summary").all():
                closed.click()
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            assert opened.evaluate("window.broken") is None
            assert opened.locator("script").count() == 0
            assert opened.locator("svg[role=img]").count() >= (1 if name == "compare" else 4)
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == BACKGROUND[scheme]
    finally:
        context.close()
    assert said == []
    assert [url for url in asked if url != address and not url.startswith("data:image/png")] == []


BACKGROUND: Final = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}


def test_hostile_names_and_values_are_read_as_they_are(browser: Browser, pages: dict[str, Path]) -> None:
    opened = browser.new_page()
    opened.goto(pages["multiclass"].as_uri())
    text = opened.locator("body").inner_text()
    for name in HOSTILE:
        assert name in text
    assert opened.locator("img").count() == 0
    opened.close()
