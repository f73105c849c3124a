"""The process that draws: its end is never the end of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import altair as alt
import pytest

from executor.runs.report.plots.drawing import Plot, draw_plot, inline_data
from executor.runs.report.plots.svg import SVG_PROCESS, DrawingError

PATHS = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
DRAW = """
import sys
from executor.runs.report.plots.drawing import alt, draw_plot, inline_data
chart = alt.Chart(inline_data([{"x": 1, "y": 2}])).mark_point().encode(x="x:Q", y="y:Q")
print(draw_plot(chart, title="Points", says="One point.").svg[:4])
"""


def point() -> Plot:
    chart = alt.Chart(inline_data([{"x": 1, "y": 2}])).mark_point().encode(x="x:Q", y="y:Q")
    return draw_plot(chart, title="Points", says="One point.")


def test_a_plot_whose_process_was_killed_is_left_out_with_the_reason_and_the_next_is_drawn() -> None:
    assert point().svg.startswith("<svg")
    process = SVG_PROCESS.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left_out = point().svg
    assert left_out.startswith("<p>This plot was not drawn: the process that draws it")
    assert "recommend report RUN" in left_out
    assert point().svg.startswith("<svg")


def test_a_chart_that_cannot_be_converted_is_an_error_and_the_process_stays() -> None:
    with pytest.raises(DrawingError, match="Vega"):
        SVG_PROCESS.convert({"mark": 5}, {})
    assert point().svg.startswith("<svg")


@pytest.mark.parametrize("level", ["0", "2"])
def test_plots_are_drawn_without_docstrings(level: str) -> None:
    environment = os.environ | PATHS | {"PYTHONOPTIMIZE": level, "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", DRAW], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode().strip()) == (0, "<svg")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_under_a_limit_of_the_address_space_drawing_ends_no_process_and_leaves_no_core_file(tmp_path) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))\n{DRAW}"
    done = subprocess.run(
        [sys.executable, "-c", limited], cwd=tmp_path, env=os.environ | PATHS, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.decode().strip() in {"<svg", "<p>T"}
    assert list(tmp_path.iterdir()) == []
