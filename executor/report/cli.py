"""The verb `recommend report`."""

from __future__ import annotations

from pathlib import Path

import click

from executor.report.page import page
from executor.run import Run, write
from rules.command import examples
from rules.output import keep_inputs

REPORT = "report.html"


@click.command(short_help="Write a run as one HTML page.", epilog=examples("recommend report runs/titanic-1"))
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The HTML file [report.html in the run].")
def report(*, run: Path, output: Path | None) -> None:
    """Write RUN as one HTML page that opens offline: the score, the strategy and why, the data, the search."""
    finished, written = Run(run), output or run / REPORT
    keep_inputs(written, [path for path in run.iterdir() if path.name != REPORT])
    write(written, page(finished))
    click.echo(f"Wrote {written}.", err=True)
