"""Traces: what was really done in a context, as segments and events.

Owns the machines of traces and of their segments. Refuses to end a trace in which a segment still
runs, and to add to one that has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.protocol import Governed, Id, Maybe, Moment, Part, Span
from chimera.builtin.coordination.shelf import Call, Shelf, written
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["pending", "running", "completed", "failed", "cancelled"]
SegmentStatus = Literal["pending", "running", "completed", "failed", "cancelled", "skipped"]
Ended = Literal["completed", "failed", "cancelled"]

STATUSES = Machine(
    "trace",
    begins=("pending", "running"),
    follows={
        "pending": ("running", "cancelled"),
        "running": ("completed", "failed", "cancelled"),
        "completed": (),
        "failed": (),
        "cancelled": (),
    },
)
SEGMENT_STATUSES = Machine(
    "segment",
    begins=("pending", "running", "skipped"),
    follows={
        "pending": ("running", "cancelled", "skipped"),
        "running": ("completed", "failed", "cancelled"),
        "completed": (),
        "failed": (),
        "cancelled": (),
        "skipped": (),
    },
)


class Segment(Part):
    """A stretch of the work."""

    segment_id: Id = Field(description="Id of the segment.")
    parent_segment_id: Maybe[Id] = Field(default=None, description="The one that it is part of.")
    label: str = Field(description="What was done.")
    status: SegmentStatus = Field(description="Where it stands.")
    started_at: Maybe[Moment] = Field(default=None, description="When it began.")
    finished_at: Maybe[Moment] = Field(default=None, description="When it ended.")
    attributes: Maybe[dict[str, Any]] = Field(default=None, description="Facts about it.")


class Trace(Governed):
    """What was done in a context."""

    trace_id: Id = Field(description="Id of the trace.")
    context_id: Id = Field(description="Context in which it was done.")
    plan_id: Maybe[Id] = Field(default=None, description="Plan that was executed.")
    root_span: Span = Field(description="The work as a whole.")
    status: Status = Field(description="Where it stands.")
    started_at: Maybe[Moment] = Field(default=None, description="When it began.")
    finished_at: Maybe[Moment] = Field(default=None, description="When it ended.")
    segments: Maybe[Items[Segment]] = Field(default=None, description="Its stretches, in order.")


class Configuration(Model):
    """Limits of the module `trace`."""

    max_segments: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=10_000, description="Segments that one trace can have."
    )


SHELF = Shelf("trace", Trace, "trace", STATUSES)


class Named(Model):
    """Which trace is meant."""

    trace_id: Text = Field(description="Id or alias of the trace, such as trace-001.")


class Opened(Model):
    """The trace that is asked for."""

    context_id: Text = Field(description="Id or alias of the context in which work is done.")
    plan_id: Id | None = Field(default=None, description="Id of the plan that is executed.")
    attributes: dict[str, Any] | None = Field(default=None, description="Facts about the work.")


class Appended(Named):
    """A stretch of work that begins, or has been."""

    label: Text = Field(description="What is done.")
    status: SegmentStatus = Field(default="running", description="Where it stands.")
    parent_id: Id | None = Field(default=None, description="Segment that it is part of.")
    attributes: dict[str, Any] | None = Field(default=None, description="Facts about it.")


class Finished(Named):
    """How a stretch of work ended."""

    segment_id: Id = Field(description="Id of the segment.")
    status: SegmentStatus = Field(default="completed", description="How it ended.")
    attributes: dict[str, Any] | None = Field(default=None, description="More facts about it.")


class Closed(Named):
    """How the work ended."""

    status: Ended = Field(default="completed", description="How it ended.")


class Query(Model):
    """Which traces are asked for."""

    context_id: Id | None = Field(default=None, description="Id of their context.")
    plan_id: Id | None = Field(default=None, description="Id of the plan that was executed.")
    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A trace."""

    trace_id: Id = Field(description="Id of the trace.")
    alias: str = Field(description="Its alias, such as trace-001.")
    status: Status = Field(description="Where it stands.")
    segment_id: Id | None = Field(default=None, description="Id of the segment that changed.")
    trace: Trace = Field(description="The trace, as the protocol states it.")


class Found(Model):
    """The traces that were found."""

    traces: Items[Trace] = Field(description="The traces, the oldest first.")
    count: int = Field(description="How many they are.")


def open_trace(
    call: Call, context: str, plan: str | None = None, attributes: Mapping[str, Any] | None = None
) -> Trace:
    """Begin a trace in a context, whose root span is new."""
    trace, span, now = call.new_id(), call.new_id(), written(call.now)
    root: dict[str, Any] = {"trace_id": trace, "span_id": span, "context_id": context}
    if attributes is not None:
        root["attributes"] = dict(attributes)
    fields = {
        "trace_id": trace,
        "context_id": context,
        "plan_id": plan,
        "root_span": root,
        "status": "running",
        "started_at": now,
    }
    return SHELF.add(call, "opened", fields)


def append(
    call: Call,
    trace: Trace,
    label: str,
    status: SegmentStatus = "running",
    *,
    parent: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> tuple[Trace, str]:
    """Add a segment to a trace that runs; return the trace and the segment's id."""
    _check_runs(call, trace)
    SEGMENT_STATUSES.begin(status)
    segments = list(SHELF.plain(trace).get("segments", ()))
    limit = configured(call, "trace", Configuration).max_segments
    if len(segments) >= limit:
        raise PermanentError(
            f"the trace {SHELF.alias(call, trace)} has {limit} segments, as many as are admitted",
            help="open another trace, or raise maxSegments in the Module document",
        )
    if parent is not None:
        _segment(call, trace, parent)
    now, id = written(call.now), call.new_id()
    segment = {
        "segment_id": id,
        "parent_segment_id": parent,
        "label": label,
        "status": status,
        "started_at": now if status == "running" else None,
        "attributes": None if attributes is None else dict(attributes),
    }
    kept = {name: value for name, value in segment.items() if value is not None}
    told = {"segment": id, "status": status}
    fields = {"segments": [*segments, kept]}
    return SHELF.change(call, trace, "segment.appended", fields, told), id


def finish(
    call: Call,
    trace: Trace,
    segment: str,
    status: SegmentStatus,
    attributes: Mapping[str, Any] | None = None,
) -> Trace:
    """Give a segment another status, which ends it where that is final."""
    _check_runs(call, trace)
    before = _segment(call, trace, segment)
    SEGMENT_STATUSES.move(before.status, status, segment)
    now = written(call.now)
    segments = [
        _moved(one, status, now, attributes or {}) if one["segment_id"] == segment else one
        for one in SHELF.plain(trace)["segments"]
    ]
    told = {"segment": segment, "status": status}
    return SHELF.change(call, trace, "segment.moved", {"segments": segments}, told)


def close(call: Call, trace: Trace, status: Ended) -> Trace:
    """End a trace; raises `PermanentError` where a segment still runs and it says completed."""
    left = [one.label for one in trace.segments or () if one.status in {"pending", "running"}]
    if left and status == "completed":
        raise PermanentError(
            f"{len(left)} segments of the trace {SHELF.alias(call, trace)} have not ended: "
            f"{left[0]}",
            help="end them with trace.finish first",
        )
    now = written(call.now)
    segments = [
        _moved(one, "cancelled", now, {}) if one["status"] in {"pending", "running"} else one
        for one in SHELF.plain(trace).get("segments", ())
    ]
    fields: dict[str, Any] = {"finished_at": now} | ({"segments": segments} if segments else {})
    return SHELF.move(call, trace, status, "closed", **fields)


def _moved(
    segment: Mapping[str, Any], status: SegmentStatus, now: str, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    moved = {**segment, "status": status}
    if status == "running":
        moved["started_at"] = now
    if SEGMENT_STATUSES.is_final(status):
        moved["finished_at"] = now
    if attributes:
        moved["attributes"] = {**segment.get("attributes", {}), **attributes}
    return moved


def _check_runs(call: Call, trace: Trace) -> None:
    if trace.status != "running":
        raise PermanentError(
            f"the trace {SHELF.alias(call, trace)} is {trace.status}: nothing is added to it",
            help="open another one with trace.open",
        )


def _segment(call: Call, trace: Trace, id: str) -> Segment:
    for one in trace.segments or ():
        if one.segment_id == id:
            return one
    raise PermanentError(
        f"the trace {SHELF.alias(call, trace)} has no segment {id}",
        help="trace.get shows its segments",
    )


def _open(call: OperationCall[Opened]) -> Mapping[str, Any]:
    asked = call.inputs
    context = open_context(call, asked.context_id)
    return _given(call, open_trace(call, context.context_id, asked.plan_id, asked.attributes))


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.trace_id))


def _append(call: OperationCall[Appended]) -> Mapping[str, Any]:
    asked = call.inputs
    trace = SHELF.get(call, asked.trace_id)
    trace, id = append(
        call, trace, asked.label, asked.status, parent=asked.parent_id, attributes=asked.attributes
    )
    return {**_given(call, trace), "segmentId": id}


def _finish(call: OperationCall[Finished]) -> Mapping[str, Any]:
    asked = call.inputs
    trace = SHELF.get(call, asked.trace_id)
    trace = finish(call, trace, asked.segment_id, asked.status, asked.attributes)
    return {**_given(call, trace), "segmentId": asked.segment_id}


def _close(call: OperationCall[Closed]) -> Mapping[str, Any]:
    return _given(call, close(call, SHELF.get(call, call.inputs.trace_id), call.inputs.status))


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    wanted = {"context_id": asked.context_id, "plan_id": asked.plan_id}
    equal = {name: value for name, value in wanted.items() if value is not None}
    found = [
        trace
        for trace in SHELF.find(call, **equal)
        if not asked.status or trace.status in asked.status
    ]
    found.sort(key=lambda trace: (trace.started_at or "", trace.trace_id))
    return {"traces": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _given(call: Call, trace: Trace) -> Mapping[str, Any]:
    return {
        "traceId": trace.trace_id,
        "alias": SHELF.alias(call, trace),
        "status": trace.status,
        "trace": trace,
    }


OPERATIONS = (
    stored("trace.open", "Begin to write down what is done.", Opened, Given, _open),
    stored("trace.get", "Give a trace.", Named, Given, _get),
    stored("trace.append", "Write down a stretch of work.", Appended, Given, _append),
    stored("trace.finish", "Write down how a stretch of work ended.", Finished, Given, _finish),
    stored("trace.close", "End a trace.", Closed, Given, _close),
    stored("trace.query", "Find traces.", Query, Found, _query),
)

TYPE = ModuleType(
    name="trace",
    summary="What was really done in a context, as segments and events.",
    configuration=Configuration,
    collections=("trace", "trace.facts"),
)
