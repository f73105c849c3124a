"""Prometheus metrics of a server."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ROWS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


class Metrics:
    """Counts of one server, in a registry of their own. No label has text from a request or a run."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pcwat_requests", "Requests by path and status.", ("path", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "pcwat_request_seconds", "Seconds of a prediction.", buckets=SECONDS, registry=self._registry
        )
        self._predictions = Counter(
            "pcwat_predictions",
            "Predicted requests by media type of the body, and whether they have prediction sets.",
            ("content", "sets"),
            registry=self._registry,
        )
        self._rows = Counter("pcwat_rows", "Predicted rows.", registry=self._registry)
        self._batch = Histogram("pcwat_batch_rows", "Rows of a model call.", buckets=ROWS, registry=self._registry)
        self._waiting = Gauge("pcwat_waiting_requests", "Requests that wait or are computed.", registry=self._registry)
        self._ready = Gauge("pcwat_ready", "1 once the model is loaded.", registry=self._registry)

    def note_request(self, path: str, status: int) -> None:
        self._requests.labels(path, str(status)).inc()

    def note_prediction(self, content: str, *, rows: int, seconds: float, has_sets: bool) -> None:
        """Count a request. content: media type of its body, one of those that a model can read."""
        self._predictions.labels(content, str(has_sets).lower()).inc()
        self._rows.inc(rows)
        self._seconds.observe(seconds)

    def note_batch(self, rows: int) -> None:
        self._batch.observe(rows)

    def text(self, *, waiting: int, is_ready: bool) -> bytes:
        """All metrics in the text format of Prometheus."""
        self._waiting.set(waiting)
        self._ready.set(is_ready)
        return generate_latest(self._registry)
