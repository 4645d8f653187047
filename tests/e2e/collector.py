"""A collector of traces and metrics, OTLP over HTTP, that keeps what it is sent."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """One span as it was exported."""

    process: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    raw: Any


class Collector:
    """Listens on a free loopback port while it is entered."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self._spans: list[Span] = []
        self._metrics: set[tuple[str, str]] = set()
        self._answering = threading.Event()
        self._answering.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector._answering.wait()
                collector._take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def env(self) -> dict[str, str]:
        """What makes a process of the platform export here, soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "NO_PROXY": "127.0.0.1",
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._answering.set()
        self._server.shutdown()
        self._server.server_close()

    def silent(self) -> None:
        """From now on take requests and leave them without an answer."""
        self._answering.clear()

    def answer(self) -> None:
        """Answer again, those first that wait."""
        self._answering.set()

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of one trace so far."""
        return [span for span in list(self._spans) if span.trace_id == trace_id]

    def processes(self) -> set[str]:
        """The services that have sent a span."""
        return {span.process for span in list(self._spans)}

    def metrics(self) -> set[tuple[str, str]]:
        """The service and name of every metric so far."""
        return set(self._metrics)

    def _take(self, path: str, body: bytes) -> None:
        self.raw.append(body)
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                process = _process(resource.resource)
                for scope in resource.scope_spans:
                    self._spans += [_span(process, span) for span in scope.spans]
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                process = _process(resource.resource)
                for scope in resource.scope_metrics:
                    self._metrics |= {(process, metric.name) for metric in scope.metrics}


def _process(resource: Any) -> str:
    return next(a.value.string_value for a in resource.attributes if a.key == "service.name")


def _span(process: str, span: Any) -> Span:
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Span(process, span.name, *ids, span)
