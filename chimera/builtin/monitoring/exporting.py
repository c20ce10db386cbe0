"""Sending spans by OTLP over HTTP, with OpenTelemetry's own exporter: the extra `tracing`.

Compression, headers, certificates and retries are the exporter's, by its `OTEL_EXPORTER_OTLP_*`
variables. Refuses to guess where to: the address is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chimera.builtin.monitoring.traces import Span, nanoseconds
from chimera.model import ChimeraError, UsageError

_AT_ONCE = 512


def export(spans: Sequence[Span], url: str, version: str) -> None:
    """Send spans to a collector.

    Raises `UsageError` where the extra is not installed or `url` is no address of the web, and
    `ChimeraError` where the collector does not take them.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            f"{url!r} is no address of a collector", help="write http://HOST:4318/v1/traces"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as error:
        raise UsageError(
            "OpenTelemetry is not installed, which sends traces",
            help="pip install 'chimera[tracing]', or print them with -o json and send that",
        ) from error
    exporter: Any = OTLPSpanExporter(endpoint=url, timeout=10)
    try:
        made = _readable(spans, version)
        for first in range(0, len(made), _AT_ONCE):
            if exporter.export(made[first : first + _AT_ONCE]) is not SpanExportResult.SUCCESS:
                raise ChimeraError(
                    f"{url} did not take the trace",
                    help="see that a collector listens there for OTLP over HTTP (port 4318)",
                )
    finally:
        exporter.shutdown()


def _readable(spans: Sequence[Span], version: str) -> list[Any]:
    """Return spans as the exporter reads them."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    resource = Resource({"service.name": "chimera", "service.version": version})
    scope = InstrumentationScope("chimera.runs", version)

    def context(trace: bytes, id: bytes) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(
            int.from_bytes(trace), int.from_bytes(id), is_remote=False, trace_flags=flags
        )

    return [
        ReadableSpan(
            name=span.name,
            context=context(span.trace, span.id),
            parent=context(span.trace, span.parent) if span.parent else None,
            resource=resource,
            attributes=dict(span.attributes),
            events=[Event(one.name, timestamp=nanoseconds(one.at)) for one in span.events],
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.OK)
            if span.error is None
            else Status(StatusCode.ERROR, span.error),
            start_time=nanoseconds(span.start),
            end_time=nanoseconds(span.end),
            instrumentation_scope=scope,
        )
        for span in spans
    ]
