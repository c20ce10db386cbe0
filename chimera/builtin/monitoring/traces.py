"""Traces: a run and its steps as spans, made of its journal after the fact or while it goes on.

A run is one trace; its root span is the run, below it a span for each step that it reached, below
that one for each attempt. Ids are digests of the run's uid, so that the same run is always the same
trace: sent twice it is one. Names follow OpenTelemetry. Refuses a span that has not ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chimera.builtin.monitoring.measures import ENDED, operation_of
from chimera.state import Event, EventKind, Run, RunStatus

_BEGIN = frozenset({EventKind.START, EventKind.WAIT, EventKind.COMP_START})
_GOOD = frozenset({EventKind.DONE, EventKind.COMP_DONE, EventKind.SKIP})
_BAD = frozenset({EventKind.FAIL, EventKind.RETRY, EventKind.ESCALATE})
_FOR_THE_RUN = frozenset(
    {EventKind.PAUSE, EventKind.RESUME, EventKind.CANCEL, EventKind.SIGNAL, EventKind.MIGRATE}
)
_EPOCH = datetime.fromtimestamp(0, UTC)

Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at one moment of a span."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """What took some time: of whom it is a part, and whether it went well.

    Ids are as in W3C Trace Context, 16 and 8 bytes; `error` is why it failed, `None` where not.
    """

    trace: bytes
    id: bytes
    parent: bytes | None
    name: str
    start: datetime
    end: datetime
    attributes: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[Happening, ...] = ()
    error: str | None = None


def engine_version() -> str:
    """Return the version of Chimera that traces name, where it is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("chimera")
    except PackageNotFoundError:
        return "unknown"


def spans_of(run: Run, events: Iterable[Event]) -> tuple[Span, ...]:
    """Return the spans that have ended: attempts and steps first, the run's own last, if it has."""
    trace = hashlib.sha256(f"trace\0{run.uid}".encode()).digest()[:16]
    steps: dict[str, list[Event]] = {}
    happened: list[Event] = []
    for event in events:
        if event.kind in _FOR_THE_RUN or not event.step:
            happened.append(event)
        else:
            steps.setdefault(event.step, []).append(event)
    root = span_id(run.uid, "")
    found = [span for id, of in steps.items() for span in _step(run, trace, root, id, of)]
    if run.status in ENDED:
        last = max([run.updated, *(span.end for span in found)])
        found.append(
            Span(
                *(trace, root, None, run.target, run.created, last),
                {
                    "chimera.run": run.uid,
                    "chimera.environment": run.environment,
                    "chimera.target": run.target,
                    "chimera.definition": run.digest,
                    "chimera.status": run.status.value,
                    "enduser.id": run.actor,
                },
                tuple(Happening(e.kind.value.lower(), e.at) for e in happened),
                None if run.status is RunStatus.SUCCEEDED else f"it {run.status.value}",
            )
        )
    return tuple(found)


def span_id(run: str, path: str) -> bytes:
    """Return the id of a span: eight bytes that are not all zero."""
    return hashlib.sha256(f"span\0{run}\0{path}".encode()).digest()[:8]


def _step(run: Run, trace: bytes, root: bytes, id: str, events: Sequence[Event]) -> list[Span]:
    """Return the spans of a step's attempts, then its own where it has ended."""
    own, attempts, began, error = span_id(run.uid, id), [], None, None
    start: datetime | None = None
    for event in events:
        start = start or event.at
        if event.kind in _BEGIN:
            began = event
        elif event.kind in _GOOD | _BAD:
            error = _error(event) if event.kind in _BAD else None
            since = began.at if began is not None else event.at
            path = f"{id}\0{event.attempt}\0{event.kind.value}"
            attributes: dict[str, Value] = {"chimera.step": id, "chimera.attempt": event.attempt}
            if event.flag:
                attributes["chimera.result"] = event.flag
            name, end = f"{id} attempt {event.attempt}", max(since, event.at)
            attempts.append(
                Span(trace, span_id(run.uid, path), own, name, since, end, attributes, (), error)
            )
            began = None
    last = events[-1]
    if start is None or last.kind not in _GOOD | {EventKind.FAIL, EventKind.ESCALATE}:
        return attempts
    operation = operation_of(id, run.definition)
    named: dict[str, Value] = {"chimera.operation": operation} if operation else {}
    described: dict[str, Value] = {"chimera.run": run.uid, "chimera.step": id, **named}
    step = Span(trace, own, root, id, start, max(start, last.at), described, (), error)
    return [*attempts, step]


def _error(event: Event) -> str:
    data = event.data if isinstance(event.data, Mapping) else {}
    return str(data.get("error") or data.get("message") or event.kind.value.lower())


def otlp_json(spans: Sequence[Span], version: str) -> dict[str, Any]:
    """Return spans as OTLP's JSON, which a collector takes at `/v1/traces`."""
    resource = {"service.name": "chimera", "service.version": version}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "chimera.runs", "version": version},
                        "spans": [_span_json(span) for span in spans],
                    }
                ],
            }
        ]
    }


def _span_json(span: Span) -> dict[str, Any]:
    status = {"code": 1} if span.error is None else {"code": 2, "message": span.error}
    return {
        "traceId": span.trace.hex(),
        "spanId": span.id.hex(),
        **({"parentSpanId": span.parent.hex()} if span.parent else {}),
        "name": span.name,
        "kind": 1,
        "startTimeUnixNano": str(nanoseconds(span.start)),
        "endTimeUnixNano": str(nanoseconds(span.end)),
        "attributes": _attributes(span.attributes),
        "events": [
            {"name": one.name, "timeUnixNano": str(nanoseconds(one.at))} for one in span.events
        ],
        "status": status,
    }


def _attributes(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    def typed(value: Value) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"boolValue": value}
        return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}

    return [{"key": name, "value": typed(value)} for name, value in sorted(values.items())]


def nanoseconds(instant: datetime) -> int:
    """Return an instant as nanoseconds since 1970, exactly."""
    since = instant - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
