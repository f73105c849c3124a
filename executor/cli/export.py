"""The verb `recommend export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from executor.runs.export.encoding import FORMATS
from executor.runs.export.export import check_request
from executor.runs.run import Run
from executor.runtime.tensorflow_import import quiet_tensorflow
from rules.cli.output import Verbosity, examples, print_status, verbosity_options

if TYPE_CHECKING:
    from executor.runs.export.export import ExportFormat


@click.command(
    short_help="Export the model of a run to NumPy, ONNX, a SavedModel or LiteRT.",
    epilog=examples(
        "recommend export runs/titanic-1 --to onnx -o titanic-onnx",
        "recommend export runs/titanic-1 --to numpy -o titanic-numpy --force",
    ),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "to", type=click.Choice(FORMATS), required=True, help="Format of the network.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory that is written.")
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@verbosity_options
def export(*, run: Path, to: ExportFormat, output: Path, force: bool, verbosity: Verbosity) -> None:
    """Export the model of RUN into a directory: a network, and encoding.json, which describes how it reads rows.

    The exported network is compared with the model on at most a thousand rows before the directory appears. In Python,
    `executor.load_predictor` predicts with it without TensorFlow.
    """
    finished = Run(run)
    check_request(to, output, force=force)
    quiet_tensorflow()
    exported = finished.export(to=to, directory=output, force=force)
    print_status(f"Exported {run} to {output} ({to}). {exported.sentence}", verbosity=verbosity)
