"""One trace from a request to the last handler, and logs that carry its id.

Without OTEL_EXPORTER_OTLP_ENDPOINT trace ids are still made and passed on, but nothing is recorded.
The exporter speaks OTLP over HTTP everywhere, because a worker may not import grpc.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics.export import MetricReader

tracer = trace.get_tracer("zhengtong")
meter = metrics.get_meter("zhengtong")
_PROPAGATOR = TraceContextTextMapPropagator()


def configure(service_name: str, *readers: MetricReader) -> None:
    """Set up logging, and tracing for this process; call once, at its start.

    Args:
        readers: further ways out for metrics, such as the gateway's /metrics.
    """
    _configure_logging(service_name)
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    resource = Resource.create({"service.name": service_name})
    if endpoint:
        _export(resource, readers)
        return
    trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF, resource=resource))
    if readers:
        _measure(resource, readers)


def _measure(resource: Resource, readers: Sequence[MetricReader]) -> None:
    # Imported here: most processes measure nothing and need not hold it in memory.
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415

    metrics.set_meter_provider(MeterProvider(metric_readers=readers, resource=resource))


def _export(resource: Resource, readers: Sequence[MetricReader]) -> None:
    # Imported here: a process that exports nothing need not hold the exporter in memory.
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    _measure(resource, [reader, *readers])


def current_traceparent() -> str:
    """The W3C trace context of what runs now; empty outside a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def context_from(traceparent: str) -> Context:
    """The context in which to go on with somebody else's trace."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=otel_context.Context())


def current_trace_id() -> str:
    """32 hexadecimal digits; empty outside a trace."""
    span = trace.get_current_span().get_span_context()
    return format(span.trace_id, "032x") if span.is_valid else ""


class JsonLines(logging.Formatter):
    """One JSON object a line, with the trace it belongs to."""

    def __init__(self, service_name: str) -> None:
        super().__init__()
        self._service = service_name

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            "trace_id": current_trace_id(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _configure_logging(service_name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service_name))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("ZHENGTONG_LOG_LEVEL", "INFO"))
    # These tell of every connection that an outage breaks; their callers say it once.
    for chatty in ("aiormq", "aio_pika", "amqp", "kombu", "pymongo", "httpx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
