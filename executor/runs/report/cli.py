"""The verbs `recommend report` and `recommend runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from executor.runs.files import REPORT, RUNS, write, write_json
from executor.runs.run import Run
from recommender.run_manifest import MANIFEST, Manifest, reseal
from rules.cli.output import (
    Verbosity,
    emit_json,
    examples,
    force_option,
    format_option,
    print_status,
    verbosity_options,
)
from rules.errors import RunError
from rules.text.files import atomic_file, refuse_existing_output, refuse_input_as_output

REPORT_EXAMPLES: Final = examples(
    "recommend report runs/titanic-1",
    "recommend report runs/titanic-1 --by Sex",
    "recommend report runs/titanic-1 runs/titanic-2 -o compare.html",
)


@click.command(short_help="Write a report of a run as HTML, or compare runs.", epilog=REPORT_EXAMPLES)
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The HTML file [report.html in the run].")
@force_option
@click.option("--by", metavar="COLUMN", default="", help="Report the score for each group of a column.")
@verbosity_options
def report(*, runs: tuple[Path, ...], output: Path | None, force: bool, by: str, verbosity: Verbosity) -> None:
    """Write a report of RUN as one HTML page that opens offline: verdict, baselines, strategy, data, quality, search.

    With several runs, the page compares them.
    """
    from executor.runs.report.compare import comparison_page  # noqa: PLC0415  drawing takes a moment to load
    from executor.runs.report.page import page  # noqa: PLC0415  likewise

    finished = [Run(path) for path in runs]
    if len(runs) > 1 and output is None:
        raise click.UsageError("A comparison of runs needs an output file. Name it with -o compare.html.")
    if len(runs) > 1 and by:
        raise click.UsageError("--by works with one run only. Leave it out, or name one run.")
    path = output or runs[0] / REPORT
    refuse_input_as_output(path, [own for run in runs for own in run.iterdir() if own.name != REPORT])
    if path.resolve() != (runs[0] / REPORT).resolve():
        refuse_existing_output(path, force=force)
    text = page(finished[0], by=by) if len(finished) == 1 else comparison_page(finished)
    if path.resolve() != (runs[0] / REPORT).resolve():
        write(path, text)
        print_status(f"Wrote {path}.", verbosity=verbosity)
        return
    manifest = _write_sealed(runs[0], text)
    print_status(f"Wrote {path}.", verbosity=verbosity)
    if manifest is not None:
        print_status(f"Seal of the run with its new report: {manifest.seal}", verbosity=verbosity)


def _write_sealed(run: Path, text: str) -> Manifest | None:
    """Write the report of a run and the manifest that covers it, both or neither. Raises RunError."""
    remedy = "Free disk space, or choose another file with -o."
    with atomic_file(run / REPORT, error=RunError, remedy=remedy) as temporary:
        temporary.write_text(text, encoding="utf-8")
        manifest = reseal(run, REPORT, content=temporary)
        if manifest is not None:
            write_json(run / MANIFEST, manifest)
    return manifest


@click.command(short_help="List the runs of a folder.", epilog=examples("recommend runs", "recommend runs experiments"))
@click.argument("folder", type=click.Path(path_type=Path), default=RUNS)
@format_option
def runs(*, folder: Path, form: str) -> None:
    """List the runs in FOLDER (default: runs/) with dataset, score, best baseline, date and status."""
    from executor.runs.report.listing import list_runs, show_runs  # noqa: PLC0415  reading runs takes a moment to load

    found = list_runs(folder)
    if form == "json":
        emit_json("[" + ",\n ".join(one.model_dump_json() for one in found) + "]")
    else:
        show_runs(found, folder, Console(highlight=False))
