"""What the server counts, in the format of Prometheus. No label holds anything that a client wrote."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "s2s_requests", "Requests by path and status", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "s2s_request_seconds", "Time of a request", ["path"], buckets=_SECONDS, registry=self._registry
        )
        self._batches = Histogram(
            "s2s_batch_items",
            "Lines or pictures computed at once, by model",
            ["model"],
            buckets=_SIZES,
            registry=self._registry,
        )
        self._computing = Counter(
            "s2s_computing_seconds", "Time spent computing, by model", ["model"], registry=self._registry
        )
        self._waiting = Gauge(
            "s2s_waiting_items", "Lines or pictures that wait, by model", ["model"], registry=self._registry
        )

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def batch(self, model: str, items: int, seconds: float) -> None:
        """Count a batch."""
        self._batches.labels(model).observe(items)
        self._computing.labels(model).inc(seconds)

    def watch(self, model: str, waiting: Callable[[], int]) -> None:
        """Show how many items wait for a model."""
        self._waiting.labels(model).set_function(waiting)

    def text(self) -> bytes:
        """All metrics."""
        return generate_latest(self._registry)
