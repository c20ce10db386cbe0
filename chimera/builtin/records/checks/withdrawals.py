"""Records that bind and that a change takes away: deleted, renamed, or of another environment.

A record ends by what is written into it, so that somebody says why. Refuses to speak of one that
is over, and of one that only moves to another file. Where no tree is compared with, nobody knows
what was there, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chimera.builtin.records.checks.faults import Filed, contradiction
from chimera.builtin.records.checks.freezes import Known, scopes
from chimera.builtin.records.checks.index import filed
from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec, RollbackSpec
from chimera.gate import environments
from chimera.kinds import Model, Snapshot, when
from chimera.model import Diagnostic, Place, Route

WITHDRAWN = "record-withdrawn"
Loosened = tuple[str, Route]
"""What a change does to a record that loosens it, and where."""

_STATES: Mapping[type[Model], str] = {
    IncidentSpec: "is open",
    FreezeSpec: "stands",
    RollbackSpec: "still binds",
}
_ENDINGS: Mapping[type[Model], str] = {
    IncidentSpec: "`chimera incident resolve {}`, also where it was a false alarm",
    FreezeSpec: "lift it: write lifted: {{at, by, reason}}",
    RollbackSpec: (
        "`chimera rollback watch {0}`, or observation: {{result: unstable}} where it was abandoned;"
        " and `chimera rollback redeploy {0} --why TEXT` lets what it took back be applied again"
    ),
}


def judge_withdrawals(
    before: Snapshot, after: Snapshot, now: datetime
) -> Iterator[tuple[Filed[Any], tuple[Diagnostic, ...]]]:
    """Yield each record that bound `before`, as it was, with what `after` takes of it."""
    known = scopes(before)
    for was in _binding(before, now):
        document = after.get(was.document.address)
        if document is None:
            yield was, (_gone(was),)
        elif type(document.spec) is type(was.spec):
            record = Filed(document, document.spec)
            found = _loosened(was.spec, document.spec, before, known, now)
            yield was, tuple(_edited(record, what, route) for what, route in found)


def _binding(before: Snapshot, now: datetime) -> Iterator[Filed[Any]]:
    yield from (one for one in filed(before, IncidentSpec) if not one.spec.is_over(now))
    yield from (one for one in filed(before, FreezeSpec) if one.spec.stands(now))
    yield from (one for one in filed(before, RollbackSpec) if not _is_over(one.spec, now))


def _is_over(spec: RollbackSpec, now: datetime) -> bool:
    """Tell whether a rollback was watched to its end, and refuses nothing any more."""
    return spec.observation.result is not None and (_is_freed(spec, now) or not spec.reverts)


def _is_freed(spec: RollbackSpec, now: datetime) -> bool:
    """Tell whether what a rollback took back may be applied again."""
    return spec.redeploy is not None and when(spec.redeploy.at) <= now


def _loosened(
    was: Any, spec: Any, before: Snapshot, known: Known, now: datetime
) -> Iterator[Loosened]:
    match was, spec:
        case FreezeSpec(), FreezeSpec():
            yield from _freed(was, spec, known, now)
        case IncidentSpec(), IncidentSpec() if not spec.is_over(now):
            yield from _moved(was, spec, before)
        case RollbackSpec(), RollbackSpec():
            yield from _moved(was, spec, before)
            if not _is_freed(spec, now) and not set(was.reverts) <= set(spec.reverts):
                yield "has it take back less", ("reverts",)


def _moved(
    was: IncidentSpec | RollbackSpec, spec: IncidentSpec | RollbackSpec, before: Snapshot
) -> Iterator[Loosened]:
    """Yield another environment, unless the former is none: that was misspelt, and is mended."""
    if was.environment != spec.environment and was.environment in environments(before):
        yield f"moves it from {was.environment} to {spec.environment}", ("environment",)


def _freed(was: FreezeSpec, spec: FreezeSpec, known: Known, now: datetime) -> Iterator[Loosened]:
    if spec.lifted is not None and when(spec.lifted.at) <= now:
        return
    if not spec.stands(now):
        yield "ends it, and nobody lifted it", ("until" if spec.is_over(now) else "from",)
    for field in ("environments", "kinds", "layers", "paths"):
        names, here = (set(getattr(one.scope, field)) for one in (was, spec))
        is_misspelt = field in known and not names <= known[field]
        is_wider = names <= here if names else not here
        is_everywhere = field == "environments" and not here
        if not (is_misspelt or is_wider or is_everywhere):
            yield f"has it freeze other {field}", ("scope", field)


def _gone(was: Filed[Any]) -> Diagnostic:
    """Return that a record is not here; nothing of its file may be left but the path."""
    return Diagnostic(
        WITHDRAWN,
        f"{was.name} {_STATES[type(was.spec)]}, and after this change it is not there",
        Place(was.document.place.path),
        _help(was, "put it back under its name"),
        address=was.name,
    )


def _edited(record: Filed[Any], what: str, route: Route) -> Diagnostic:
    message = f"{record.name} {_STATES[type(record.spec)]}, and this change {what}"
    help = _help(record, "write it as it was, and another record for what is different")
    return contradiction(record, WITHDRAWN, message, route, help)


def _help(record: Filed[Any], back: str) -> str:
    ending = _ENDINGS[type(record.spec)].format(record.document.address.name)
    return f"{back}; a record is ended, never withdrawn: {ending}"
