"""The verb `recommend explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from executor.cli.open_model import import_tensorflow_for, open_model
from executor.cli.progress_line import row_progress
from executor.cli.table_file import DELIMITERS, PARQUET, write_table
from recommender.cli.options import DATASET, option_of
from recommender.dataset.readers.table import input_files
from rules.cli.output import Verbosity, examples, force_option, print_status, verbosity_options
from rules.errors import RunError
from rules.text.files import atomic_file, refuse_existing_output, refuse_input_as_output
from rules.text.numbers import number
from rules.text.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.evaluation.explanation.explanations import Explanations, PartKind, RowExplanation
    from recommender.dataset.address import DatasetAddress

ENDINGS: Final = (".html", *DELIMITERS, ".json", PARQUET)
DEFAULT_ROWS: Final = 10
LISTED: Final = 4  # contributions of a row on the terminal
MAX_LENGTH: Final = 32  # characters of a name with its value on the terminal


@click.command(
    short_help="Explain predictions of a run: the contribution of each column.",
    epilog=examples(
        "recommend explain runs/titanic-1 new_passengers.csv",
        "recommend explain runs/titanic-1 new_passengers.csv --rows 50 -o explained.html",
    ),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("rows", type=DATASET)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .html, .csv, .tsv, .json or .parquet file [terminal]."
)
@force_option
@click.option(
    "--rows",
    "count",
    type=click.IntRange(min=1),
    default=DEFAULT_ROWS,
    show_default=True,
    metavar="N",
    help="Explain the first N rows.",
)
@click.option(
    "--class",
    "label",
    metavar="LABEL",
    help="Explain the probability of this class [the predicted one; of two the positive one].",
)
@click.option(
    "--background",
    type=DATASET,
    metavar="FILE",
    help="Rows like those of the training, if RUN is an exported model or its dataset is gone.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Same seed, same result."
)
@option_of("--delimiter")
@option_of("--table")
@click.option("--ignore-extra", is_flag=True, help="Ignore columns that were not in training.")
@option_of("--unreadable-images")
@verbosity_options
def explain(
    *,
    run: Path,
    rows: DatasetAddress,
    output: Path | None,
    force: bool,
    count: int,
    label: str | None,
    background: DatasetAddress | None,
    seed: int,
    delimiter: str | None,
    table: str | None,
    ignore_extra: bool,
    unreadable_images: str | None,
    verbosity: Verbosity,
) -> None:
    """Explain the predictions of ROWS by SHAP values: how much each column raises or lowers a prediction.

    RUN is a run, or a directory that 'recommend export' wrote, which needs --background and no TensorFlow.

    The contributions of a row add up to its prediction minus the mean prediction for rows of the training. For texts,
    images and sequences they are those of words, patches and segments.
    """
    model = open_model(run)
    if output is not None:
        refuse_input_as_output(
            output, [*input_files(rows), *run.iterdir(), *(() if background is None else input_files(background))]
        )
        refuse_existing_output(output, force=force)
        if output.suffix.lower() not in ENDINGS:
            raise RunError(
                f"The output file must be {', '.join(ENDINGS)}, but got {output}. Choose one of these extensions."
            )
    import_tensorflow_for(model)
    with row_progress("Explaining rows", verbosity) as progress:
        found = model.explain(
            rows,
            rows=count,
            label=label,
            background=background,
            seed=seed,
            delimiter=delimiter,
            table=table,
            ignore_extra=ignore_extra,
            unreadable="leave_out" if unreadable_images == "leave-out" else "refuse",
            progress=progress,
        )
    if output is None:
        show(found, Console(highlight=False))
    else:
        write_explanations(found, output, targets=model.signature.targets, name=run.resolve().name)
        print_status(f"Wrote {output}.", verbosity=verbosity)
    if len(found.rows) < found.total:
        print_status(
            f"Explained the first {len(found.rows):,} of {found.total:,} rows. Use --rows N for more.",
            verbosity=verbosity,
        )


def show(found: Explanations, console: Console) -> None:
    """Print explanations as a table: a line per row and output, with the largest contributions."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Row", justify="right")
    if has_names := any(one.name for one in found.rows):
        table.add_column("Name", overflow="fold")
    table.add_column("Output", overflow="fold")
    for name in ("Prediction", "Expected"):
        table.add_column(name, justify="right")
    table.add_column("Largest contributions", overflow="fold")
    for one in found.rows:
        for output, name in enumerate(one.outputs):
            cells = [f"{one.row:,}"] + [printable(one.name)] * has_names
            cells += [printable(name), number(one.prediction[output]), number(one.expected[output])]
            table.add_row(*map(Text, cells), Text("\n".join(_largest(one, found.kind, output))))
    console.print(table)
    console.print(Text(f"{found.background} Contributions add up to prediction minus expected value.", style="dim"))


def _largest(one: RowExplanation, kind: PartKind, output: int) -> list[str]:
    """The largest contributions to an output, with the parts of the row."""
    from executor.runs.report.plots.explanations import part_label  # noqa: PLC0415  drawing takes a moment to load

    found = []
    for part in one.largest(LISTED, output):
        label = printable(part_label(one, kind, part))
        label = label if len(label) <= MAX_LENGTH else f"{label[: MAX_LENGTH - 1]}…"
        value = one.contributions[part, output]
        found.append(f"{'+' if value > 0 else '-'}{number(abs(value))}  {label}")
    return found or ["none"]


def write_explanations(found: Explanations, output: Path, *, targets: Sequence[str], name: str) -> None:
    """Write explanations in the format of the file's extension. name: of the model, for a page."""
    ending = output.suffix.lower()
    with atomic_file(output, error=RunError, remedy="Choose another place.") as temporary:
        if ending == ".html":
            from executor.runs.report.explanation_page import explanation_page  # noqa: PLC0415  as in _largest

            temporary.write_text(explanation_page(found, targets=targets, name=name), encoding="utf-8")
        elif ending == ".json":
            lines = found.table().to_pylist()
            document = {"format": "pcwat/explanations/1", "background": found.background, "lines": lines}
            temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            write_table(found.table(), temporary, ending=ending)
