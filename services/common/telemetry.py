"""One trace from a request to the last handler, and logs that carry its id.

Without OTEL_EXPORTER_OTLP_ENDPOINT trace ids are still made and passed on, but nothing is recorded.
The exporter speaks OTLP over HTTP everywhere, because a worker may not import grpc.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import orjson
from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics.export import MetricReader

tracer = trace.get_tracer("zhengtong")
meter = metrics.get_meter("zhengtong")
# Of their own: a span moves nobody else's random numbers on.
_ids = Random()  # noqa: S311  (ids of traces are no secrets)
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_passing: ContextVar[_Passing | None] = ContextVar("passing", default=None)
_exports = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


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
    if passing := _passing.get():
        return passing.traceparent()
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def context_from(traceparent: str) -> Context:
    """The context in which to go on with somebody else's trace."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=otel_context.Context())


def serving(name: str, traceparent: str) -> AbstractContextManager[Span]:
    """A span for a call that somebody else's trace goes on in, current while it is served.

    Where nothing is exported the ids alone are made, which costs a tenth.
    """
    if not _exports:
        return _Passing(traceparent)
    context = context_from(traceparent)
    return tracer.start_as_current_span(name, context=context, kind=SpanKind.SERVER)


class _Passing:
    """A trace that passes through a call: its ids are read, or made, when somebody asks for them.

    Many calls are served without anybody asking.
    """

    __slots__ = ("_given", "_span_id", "_token", "_trace_id")

    def __init__(self, traceparent: str) -> None:
        self._given = traceparent
        self._trace_id = self._span_id = ""

    def __enter__(self) -> Span:
        self._token = _passing.set(self)
        return trace.INVALID_SPAN

    def __exit__(self, *_: object) -> None:
        _passing.reset(self._token)

    def trace_id(self) -> str:
        """That of the trace the call came with; where it came with none, one of its own."""
        if not self._trace_id:
            given = _TRACEPARENT.fullmatch(self._given)
            known = given[1] if given else ""
            self._trace_id = known if known.strip("0") else f"{_ids.getrandbits(128) or 1:032x}"
        return self._trace_id

    def traceparent(self) -> str:
        """What the call hands on, under a span of its own."""
        self._span_id = self._span_id or f"{_ids.getrandbits(64) or 1:016x}"
        return f"00-{self.trace_id()}-{self._span_id}-00"


@contextmanager
def handing_on(name: str, traceparent: str) -> Iterator[str]:
    """A span for handing on what somebody else's trace told; gives the traceparent to hand on.

    Where nothing is exported there is no span, and the traceparent goes on as it came.
    """
    if not _exports:
        yield traceparent
        return
    context = context_from(traceparent)
    with tracer.start_as_current_span(name, context=context, kind=SpanKind.PRODUCER):
        yield current_traceparent()


def current_trace_id() -> str:
    """32 hexadecimal digits; empty outside a trace."""
    if passing := _passing.get():
        return passing.trace_id()
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
        try:
            return orjson.dumps(line).decode()
        except TypeError:  # half a surrogate in somebody's text
            return json.dumps(line)


def _configure_logging(service_name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service_name))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel((os.environ.get("ZHENGTONG_LOG_LEVEL") or "INFO").upper())
    # No line tells of these, and looking them up costs a third of a record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # These tell of every connection that an outage breaks; their callers say it once.
    for chatty in ("aio_pika", "amqp", "kombu", "pymongo", "httpx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # an ERROR at every attempt to connect
