"""Records of an incident that is open and of one that is over, as they should be, and varied."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.plugin import chimera_check_snapshot
from chimera.documents import dump
from chimera.model import Diagnostic

Json = dict[str, Any]
BAD, GOOD = "sha256:" + "b" * 64, "sha256:" + "a" * 64
SEVERITIES = Path(__file__).parents[4] / "specs" / "severities" / "sev.yaml"


def _stamp(at: str, by: str = "Ann Lee", **more: Any) -> Json:
    return {"at": f"2026-11-{at}:00Z", "by": by, **more}


def _steps(at: str, *ids: str) -> list[Json]:
    return [{"step": step, "done": _stamp(at, "Ben")} for step in ids]


OPEN: Json = {
    "title": "Nobody can pay",
    "environment": "production",
    "model": "SeverityModel/sev",
    "opened": _stamp("21T11:40", "monitoring"),
    "assessments": [_stamp("21T11:40", "monitoring", level="SEV-1", reason="no payment at all")],
    "acknowledged": _stamp("21T11:45"),
    "commands": [{"by": "Ann Lee", "from": "2026-11-21T11:45:00Z"}],
    "timeline": [
        _stamp("21T11:30", text="Deployed payments 2.1", kind="action"),
        _stamp("21T11:50", text="Half of the payments work again"),
    ],
}
"""`Incident/open`: at SEV-1 since twenty minutes, under a commander."""

OVER: Json = {
    "title": "Charged twice",
    "environment": "production",
    "model": "SeverityModel/sev",
    "opened": _stamp("18T09:00", "Ben"),
    "assessments": [
        _stamp("18T09:00", "Ben", level="SEV-3", reason="two charges for one booking"),
        _stamp("18T10:00", "Ben", level="SEV-1", reason="charges stopped"),
    ],
    "acknowledged": _stamp("18T09:00"),
    "commands": [
        {"by": "Ann Lee", "from": "2026-11-18T09:00:00Z", "until": "2026-11-18T09:30:00Z"},
        {"by": "Identity/ben", "from": "2026-11-18T09:30:00Z"},
    ],
    "mitigated": _stamp("18T09:40", how="rolled back"),
    "resolved": _stamp(
        "18T10:30",
        "Ben",
        impact="No second charge since 09:40.",
        risk="Payments 2.0 is live again.",
        monitoring="An hour without a double charge.",
    ),
    "freeze": "Freeze/over",
    "rollback": "Rollback/over",
    "postmortem": "Postmortem/over",
}
"""`Incident/over`: it was SEV-3, and everything that followed is there."""

FREEZE: Json = {
    "from": "2026-11-18T09:00:00Z",
    "reason": "charged twice",
    "by": "Ann Lee",
    "incident": "Incident/over",
    "lifted": {"at": "2026-11-18T10:30:00Z", "by": "Ben", "reason": "resolved"},
}
ROLLBACK: Json = {
    "type": "code",
    "opened": _stamp("18T09:10"),
    "incident": "Incident/over",
    "environment": "production",
    "reason": "errors in what payments 2.1 changed",
    "reverts": [{"target": "paths:src/pay/**", "after": BAD}],
    "answers": [{"target": "paths:src/pay/**", "after": GOOD}],
    "checklist": [
        *_steps("18T09:15", "preserve-evidence", "find-change", "capture-status", "note-values"),
        *_steps("18T09:20", "execute"),
        *_steps("18T09:24", "verify"),
    ],
    "preserved": [
        {"what": "timeline", "where": "Incident/over"},
        {"what": "metrics", "where": "grafana/export-1.json"},
        {"what": "logs", "where": "s3://logs/over.tar", "digest": GOOD},
        {"what": "state", "where": "status.json"},
        {"what": "impact", "unavailable": "nobody has counted the bookings yet"},
    ],
    "observation": {
        "from": "2026-11-18T09:25:00Z",
        "until": "2026-11-18T09:40:00Z",
        "result": "stable",
        "by": "Ben",
    },
    "redeploy": {"at": "2026-11-20T09:00:00Z", "by": "Ann Lee", "why": "2.2 has the proof"},
}
DATABASE: Json = {
    **{key: ROLLBACK[key] for key in ("opened", "incident", "environment", "reason", "preserved")},
    "type": "database",
    "checklist": [
        *_steps("18T09:15", "preserve-evidence", "find-change", "back-up", "locate-migration"),
        *_steps("18T09:20", "execute", "verify-schema", "check-connectivity"),
    ],
    "backup": {"reference": "s3://backups/1", "at": "2026-11-18T09:14:00Z"},
    "migration": {"path": "migrations/7-down.sql", "tested": "on staging, 2026-11-17"},
    "observation": ROLLBACK["observation"],
}
ENTRY: Json = {
    "date": "2026-11-18",
    "environment": "production",
    "summary": "Payments 2.1 was rolled back",
    "scope": "code",
    "risk": "medium",
    "verification": "GET /version answers 2.0",
    "rollback": "chimera apply at v2.1",
    "effective": "2026-11-18T09:20:00Z",
    "recorded": "2026-11-18T11:00:00Z",
    "incident": "Incident/over",
    "rollbackOf": "Rollback/over",
    "reviewed": _stamp("20T09:00"),
    "answers": [{"target": "paths:src/pay/**", "after": GOOD}],
}
POSTMORTEM: Json = {
    "incident": "Incident/over",
    "summary": "A retried webhook booked the charge again.",
    "scheduled": "2026-11-20T09:00:00Z",
    "planned": _stamp("18T12:00"),
    "held": "2026-11-20T09:00:00Z",
    "timeline": [
        {"at": "2026-11-18T09:00:00Z", "text": "A customer called"},
        {"at": "2026-11-18T09:40:00Z", "text": "No more double charges"},
    ],
    "impact": {"who": "12 customers", "what": "charged twice", "duration": "40m"},
    "rootCause": "The webhook handler had no idempotency key.",
    "detection": "A customer called; an alert on charges per booking would have told us.",
    "response": "The rollback helped at once.",
    "missingGuardrails": ["A proof that a webhook sent twice books once"],
    "actions": [
        {
            "id": "idempotency",
            "description": "Give webhooks idempotency keys",
            "owner": "Ben",
            "priority": "high",
            "due": "2026-11-21",
        },
        {
            "id": "alert",
            "description": "Alert on charges per booking",
            "owner": "Ann Lee",
            "priority": "low",
            "due": "2026-11-19",
            "done": {**_stamp("19T10:00"), "reducedRisk": True},
        },
    ],
}
BASE: dict[str, Json] = {
    "Environment/production": {"protected": True, "production": True},
    "Identity/ben": {"kind": "human", "emails": ["ben@example.org"]},
    "Identity/robot": {"kind": "automation"},
    "Incident/open": OPEN,
    "Incident/over": OVER,
    "Freeze/over": FREEZE,
    "Rollback/over": ROLLBACK,
    "ChangelogEntry/over": ENTRY,
    "Postmortem/over": POSTMORTEM,
}
"""What nothing is wrong with, besides `SeverityModel/sev` as it is shipped."""

Check = Callable[..., tuple[Diagnostic, ...]]


def varied(base: Json, changes: Json) -> Json:
    """Return a spec with other values at dotted routes; `...` takes one away, `+` appends."""
    spec = copy.deepcopy(base)
    for route, value in changes.items():
        *parents, last = route.split(".")
        part: Any = spec
        for segment in parents:
            part = part[int(segment) if isinstance(part, list) else segment]
        if last == "+":
            part.append(value)
        elif value is ...:
            del part[int(last) if isinstance(part, list) else last]
        else:
            part[int(last) if isinstance(part, list) else last] = value
    return spec


@pytest.fixture
def check(tmp_path: Path, faults_by: Callable[..., tuple[Diagnostic, ...]]) -> Check:
    """Return all that is wrong with the base after some of its documents were varied.

    `added` are whole specs by address; a path can stand before it, as in `archive/Freeze/x`.
    """

    def run(
        changes: dict[str, Json] | None = None, added: dict[str, Json] | None = None
    ) -> tuple[Diagnostic, ...]:
        specs = {
            name: varied(spec, (changes or {}).get(name, {})) for name, spec in BASE.items()
        } | (added or {})
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "sev.yaml").write_text(SEVERITIES.read_text())
        for where, spec in specs.items():
            *folders, kind, name = where.split("/")
            folder = tmp_path.joinpath("records", *folders)
            folder.mkdir(exist_ok=True)
            document = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
            (folder / f"{kind}-{name}.yaml").write_text(dump({**document, "spec": spec}))
        return faults_by(chimera_check_snapshot)

    return run
