"""The verb `recommend serve`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from threadpoolctl import threadpool_limits

from executor.cli.open_model import import_tensorflow_for, open_model
from executor.runs.run import Run
from executor.runs.serving.limits import Limits
from executor.runtime.log import listen_to_log
from rules.cli.output import Verbosity, examples, print_status, verbosity_options
from rules.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.runs.serving.service import Service

MEGABYTE: Final = 1_000_000  # bytes
DEFAULTS: Final = Limits()
EXTRA: Final = ("fastapi", "uvicorn", "prometheus_client")
FORMS: Final = "python_multipart"  # of image files


@click.command(
    short_help="Serve predictions of a run over HTTP.",
    epilog=examples(
        "recommend serve runs/titanic-1 --port 9000 --timeout 5",
        "recommend export runs/titanic-1 --to numpy -o titanic && recommend serve titanic",
    ),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8_000,
    show_default=True,
    metavar="N",
    help="Port to listen on; 0 finds a free one.",
)
@click.option("--ignore-extra", is_flag=True, help="Ignore columns that were not in training.")
@click.option(
    "--max-body",
    type=click.FloatRange(min=0.001),
    default=DEFAULTS.body_bytes / MEGABYTE,
    show_default=True,
    metavar="MB",
    help="Largest body of a request.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=DEFAULTS.rows,
    show_default=True,
    metavar="N",
    help="Most rows of a request.",
)
@click.option(
    "--max-values",
    type=click.IntRange(min=1),
    default=DEFAULTS.values,
    show_default=True,
    metavar="N",
    help="Most pixels of the images, or numbers of the sequences, of a request.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.01),
    default=DEFAULTS.seconds,
    show_default=True,
    metavar="SECONDS",
    help="Longest time of a request.",
)
@click.option(
    "--max-waiting",
    type=click.IntRange(min=1),
    default=DEFAULTS.waiting,
    show_default=True,
    metavar="N",
    help="Most requests that wait or are computed at the same time.",
)
@verbosity_options
def serve(
    *,
    run: Path,
    host: str,
    port: int,
    ignore_extra: bool,
    max_body: float,
    max_rows: int,
    max_values: int,
    timeout: float,
    max_waiting: int,
    verbosity: Verbosity,
) -> None:
    """Serve the predictions of RUN over HTTP, until Ctrl-C or SIGTERM.

    RUN is a run, or a directory that 'recommend export' wrote, which is served without TensorFlow.

    POST /predict takes rows as JSON or CSV, images as files or in base64, and sequences as lists or .npz. It returns
    what 'recommend predict' writes. GET /openapi.json describes the columns, /health and /ready are for supervisors,
    and /metrics is for Prometheus. Needs pcwat[serve].
    """
    check_extra()
    model = open_model(run)
    if model.signature.image is not None:
        check_extra((*EXTRA, FORMS))
    from executor.runs.serving import server  # noqa: PLC0415  after the extra was checked

    if not server.is_loopback(host):
        print_status(
            f"Warning: other machines can reach {host}, and the server has neither authentication nor encryption. "
            "Put a proxy in front of it that has both, or use --host 127.0.0.1.",
            verbosity=verbosity,
        )
    limits = Limits(
        body_bytes=int(max_body * MEGABYTE), rows=max_rows, values=max_values, seconds=timeout, waiting=max_waiting
    )

    def open_service(on_batch: Callable[[int], None]) -> Service:
        import_tensorflow_for(model)
        from executor.runs.serving.service import Service  # noqa: PLC0415  after TensorFlow was silenced

        if isinstance(model, Run):
            from executor.model.compiled import keep_operations  # noqa: PLC0415  as above

            keep_operations()
        else:
            # Threads of matrix products wait in a loop for each other, and there is a product every few microseconds.
            threadpool_limits(limits=1, user_api="blas")
        service = Service(model, ignore_extra=ignore_extra, compiles=True, on_batch=on_batch)
        service.load()
        return service

    def on_ready(address: str) -> None:
        print_status(f"Serving {run} at {address}/predict. Ctrl-C stops it.", verbosity=verbosity)

    with listen_to_log(lambda sentence: print_status(sentence, verbosity=Verbosity.NORMAL)):
        server.serve(
            open_service,
            limits,
            host=host,
            port=port,
            on_ready=on_ready,
            logs_requests=verbosity is Verbosity.VERBOSE,
        )


def check_extra(names: Sequence[str] = EXTRA) -> None:
    """Raise ServingError unless these packages of the extra `serve` are installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ServingError(
            f"'recommend serve' needs {', '.join(names)}, but {', '.join(missing)} cannot be imported. Install them: "
            "pip install 'pcwat[serve]'"
        )
