"""The FastAPI application."""

from __future__ import annotations

import asyncio
import json
import math
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from executor.model.calibration.conformal_sets import DEFAULT_COVERAGE
from executor.runs.serving.array_rows import parse_form
from executor.runs.serving.json_rows import parse_rows
from executor.runs.serving.limits import CSV, FORM, JSON, Options
from executor.runs.serving.metrics import CONTENT_TYPE, Metrics
from executor.runs.serving.responses import to_csv, to_json
from executor.runtime.log import LOG
from rules.errors import PcwatError, ServingError, did_you_mean
from rules.text.wording import counted, excerpt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from executor.runs.serving.limits import Limits
    from executor.runs.serving.service import Predictions, Service

    OpenService = Callable[[Callable[[int], None]], Service]
    """Loads a service that reports the rows of each batch to the given function; called in a thread."""

ACCEPTED: Final = {JSON: JSON, CSV: CSV, "*/*": JSON, "application/*": JSON, "text/*": CSV}
UTF_8: Final = frozenset({"", "utf-8", "utf8"})
PARAMETERS: Final = ("key", "quantiles", "sets", "coverage", "by_class")
FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}
PATHS: Final = ("/health", "/metrics", "/openapi.json", "/predict", "/ready")
LARGE_BODY: Final = 65_536  # bytes from which a body is parsed in a thread, so that other requests do not wait
CANCELLED: Final = 499  # status where the client closed the connection, as in nginx; nobody receives it
HEADERS: Final = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


class Serving:
    """State of an application: the service once it is loaded, the limits, and the metrics."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.metrics = Metrics()
        self.service: Service | None = None
        self.waiting = 0

    def loaded(self) -> Service:
        """The service. Raises ServingError while the model is loaded."""
        if self.service is None:
            raise ServingError("The model is not loaded yet. Try again in a few seconds.", status=503)
        return self.service

    def admit(self) -> Service:
        """The service, for one more request that waits. Raises ServingError if there are too many."""
        service = self.loaded()
        if self.waiting >= self.limits.waiting:
            raise ServingError(
                f"{counted(self.waiting, 'request')} wait or are computed, which is the limit of the server. Try again "
                "later, or start it with a larger --max-waiting.",
                status=503,
            )
        self.waiting += 1
        return service


def create_app(
    open_service: OpenService,
    limits: Limits,
    *,
    on_ready: Callable[[], None] = lambda: None,
    on_failure: Callable[[BaseException], None] = lambda _error: None,
) -> FastAPI:
    """Create the application of a run.

    It responds at once, and loads the model in a thread when it starts.

    on_ready: called once the model is loaded. on_failure: called with the error if it cannot be loaded.
    """
    serving = Serving(limits)

    async def load() -> None:
        try:
            serving.service = await asyncio.to_thread(open_service, serving.metrics.note_batch)
        except Exception as error:  # noqa: BLE001  the command reports it
            on_failure(error)
        else:
            on_ready()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(load())
        yield
        await loading
        if serving.service is not None:
            await asyncio.to_thread(serving.service.close)

    app = FastAPI(title="pcwat", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.serving = serving
    app.add_middleware(_CountRequests, metrics=serving.metrics)
    _add_paths(app, serving)
    app.add_exception_handler(PcwatError, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    return app


def _add_paths(app: FastAPI, serving: Serving) -> None:
    async def predict(request: Request) -> Response:
        return await _respond(request, serving)

    app.add_route("/predict", predict, methods=["POST"])  # without FastAPI's reading of parameters, which takes longer

    @app.get("/health")
    async def health() -> Response:
        return _json({"status": "ok"})

    @app.get("/ready")
    async def ready() -> Response:
        serving.loaded()
        return _json({"status": "ready"})

    @app.get("/metrics")
    async def metrics() -> Response:
        text = serving.metrics.text(waiting=serving.waiting, is_ready=serving.service is not None)
        return Response(text, media_type=CONTENT_TYPE, headers=HEADERS)

    @app.get("/openapi.json")
    async def openapi() -> Response:
        return _json(serving.loaded().openapi(serving.limits))


class _CountRequests:
    """Middleware that counts requests by path and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = scope["path"] if scope["path"] in PATHS else "other"
                self._metrics.note_request(path, message["status"])
            await send(message)

        await self._app(scope, receive, counted_send if scope["type"] == "http" else send)


async def _respond(request: Request, serving: Serving) -> Response:
    """Respond to a request for predictions."""
    try:
        service = serving.admit()
        try:
            return await _predict(request, serving, service)
        finally:
            serving.waiting -= 1
    except PcwatError as error:
        return await _refused(request, error)
    except ClientDisconnect:
        return Response(status_code=CANCELLED)
    except Exception as error:  # noqa: BLE001  a client never sees a traceback
        LOG.error("A request failed: %r", error)
        return _json({"detail": "The server failed. Its log has the reason."}, status=500)


async def _predict(request: Request, serving: Serving, service: Service) -> Response:
    content, accepted = _content_type(request, service.contents), _accepted_type(request)
    options = _options(request, as_text=accepted == CSV)
    limits = serving.limits
    try:
        async with asyncio.timeout(limits.seconds):
            body = await _read_body(request, limits.body_bytes)
    except TimeoutError:
        raise ServingError(
            f"A body must arrive within {limits.seconds:g} s, but this one did not. Send it faster.", status=408
        ) from None
    started = time.perf_counter()
    try:
        async with asyncio.timeout(limits.seconds):
            predictions, by_column = await _predict_body(request, body, options, limits, service, content=content)
    except TimeoutError:
        raise ServingError(
            f"A prediction may take {limits.seconds:g} s, but this one took longer. Send fewer rows, or start the "
            "server with a larger --timeout.",
            status=504,
        ) from None
    serving.metrics.note_prediction(
        content, rows=predictions.count, seconds=time.perf_counter() - started, has_sets=options.coverage is not None
    )
    return _answer(predictions, accepted, by_column=by_column)


async def _predict_body(
    request: Request, body: bytes, options: Options, limits: Limits, service: Service, *, content: str
) -> tuple[Predictions, bool]:
    """Predict the rows of a body; return whether they are columns, too."""
    if content == FORM:
        files = await parse_form(request.headers, body, max_rows=limits.rows)
        return await service.predict_files(files, options, limits), False
    if content != JSON:
        return await service.predict_table(body, options, limits, content=content), False
    if len(body) < LARGE_BODY:
        rows = parse_rows(body, max_rows=limits.rows)
    else:
        rows = await asyncio.to_thread(parse_rows, body, max_rows=limits.rows)
    return await service.predict_json(rows, options, limits), rows.by_column


def _answer(predictions: Predictions, accepted: str, *, by_column: bool) -> Response:
    """The response with predictions; warnings of CSV are headers."""
    if accepted == JSON:
        return Response(to_json(predictions, by_column=by_column), media_type=JSON, headers=HEADERS)
    warnings = json.dumps([*predictions.warnings])  # ASCII, on one line
    return Response(
        to_csv(predictions), media_type=f"{CSV}; charset=utf-8", headers={**HEADERS, "x-pcwat-warnings": warnings}
    )


async def _read_body(request: Request, most: int) -> bytes:
    """Read a body. Raises ServingError as soon as it is too large."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 18 or int(declared) > most:  # noqa: PLR2004  digits of 64 bits
        raise _too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def _too_large(most: int) -> ServingError:
    return ServingError(
        f"A body may have at most {counted(most, 'byte')}. Send several requests, or start the server with a larger "
        "--max-body.",
        status=413,
    )


def _content_type(request: Request, contents: Sequence[str]) -> str:
    """Media type of the body. Raises ServingError unless it is one of those that the model reads, text in UTF-8."""
    header = request.headers.get("content-type", "")
    kind, *parameters = [part.strip().lower() for part in header.split(";")]
    charset = next((one.partition("=")[2].strip('"') for one in parameters if one.startswith("charset=")), "")
    if kind not in contents or charset not in UTF_8:
        raise ServingError(
            f"The Content-Type must be {' or '.join(contents)}, text in UTF-8, but it is {excerpt(header)}. Set "
            "the header, or send the rows in one of these forms.",
            status=415,
        )
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise ServingError(
            f"A body must not be compressed, but its Content-Encoding is {excerpt(encoding)}. Send it uncompressed.",
            status=415,
        )
    return kind


def _accepted_type(request: Request) -> str:
    """Media type of the response. Raises ServingError unless JSON or CSV is accepted."""
    header = request.headers.get("accept", "*/*")
    kinds = [part.partition(";")[0].strip().lower() for part in header.split(",")]
    for kind in kinds:
        if kind in ACCEPTED:
            return ACCEPTED[kind]
    raise ServingError(
        f"The Accept header must allow {JSON} or {CSV}, but it is {excerpt(header)}. Change the header.", status=406
    )


def _options(request: Request, *, as_text: bool) -> Options:
    """Options in the query. Raises ServingError on an unknown one."""
    query = request.query_params
    if not query:
        return Options(as_text=as_text)
    for name in query:
        if name not in PARAMETERS:
            raise ServingError(
                f"A parameter of the query must be one of {', '.join(PARAMETERS)}, but got {excerpt(name)}."
                f"{did_you_mean(name, PARAMETERS)}"
            )
    flags = {name: _flag(name, query.get(name, "false")) for name in ("quantiles", "sets", "by_class")}
    if not flags["sets"] and (alone := next((name for name in ("coverage", "by_class") if name in query), None)):
        raise ServingError(f"The parameter {alone} is an option of prediction sets. Add sets=true.")
    return Options(
        keys=tuple(dict.fromkeys(query.getlist("key"))),
        quantiles=flags["quantiles"],
        coverage=_coverage(query.get("coverage")) if flags["sets"] else None,
        by_class=flags["by_class"],
        as_text=as_text,
    )


def _flag(name: str, text: str) -> bool:
    if text.lower() not in FLAGS:
        hint = " A coverage has its own parameter: sets=true&coverage=0.95." if name == "sets" else ""
        raise ServingError(f"The parameter {name} must be true or false, but got {excerpt(text)}.{hint}")
    return FLAGS[text.lower()]


def _coverage(text: str | None) -> float:
    """Coverage of prediction sets; the model checks its range."""
    try:
        found = DEFAULT_COVERAGE if text is None else float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ServingError(f"The parameter coverage must be a number from 0.5 to 0.99, but got {excerpt(text)}.")
    return found


async def _refused(_request: Request, error: Exception) -> Response:
    """The response to a request that is not valid."""
    status = error.status if isinstance(error, ServingError) else 422
    headers = {503: {"retry-after": "1"}, 413: {"connection": "close"}, 408: {"connection": "close"}}
    return _json({"detail": str(error)}, status=status, headers=headers.get(status))


async def _unknown(request: Request, error: Exception) -> Response:
    """The response to an unknown path or method."""
    path = request.url.path
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    if status == 404:  # noqa: PLR2004  the status
        text = f"There is no path {excerpt(path)}.{did_you_mean(path, PATHS)} Paths: {', '.join(PATHS)}."
    else:
        text = f"{path} does not support {excerpt(request.method)}. Use POST for /predict, and GET for the others."
    return _json({"detail": text}, status=status, headers=headers)


def _json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401  any JSON
    return Response(json.dumps(value), status_code=status, media_type=JSON, headers={**HEADERS, **(headers or {})})
