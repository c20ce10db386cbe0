"""A made-up history of any length: incidents with all that followed them, and other changes."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""When the history is judged."""

ENTRIES = 6
"""Of ten records: entries of other changes; the rest are of one incident and what followed it."""

_SEVERITIES = Path(__file__).parents[2] / "specs" / "severities" / "sev.yaml"
_BAD, _GOOD = "sha256:" + "b" * 64, "sha256:" + "a" * 64


def write_history(root: Path, count: int) -> None:
    """Write about `count` records, as ten of which every tenth is an incident; nothing is wrong."""
    (root / "specs").mkdir(parents=True)
    shutil.copy(_SEVERITIES, root / "specs")
    (root / "specs" / "production.yaml").write_text(
        "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: production}\n"
        "spec: {protected: true, production: true}\n"
    )
    for number in range(0, count, 10):
        began = NOW - timedelta(hours=7 + 3 * number)
        for kind, name, text in (*_incident(number, began), *_entries(number, began)):
            folder = root / "changelog" / _folder(began)
            folder.mkdir(parents=True, exist_ok=True)
            head = f"apiVersion: chimera/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"
            (folder / f"{kind.lower()}-{name}.yaml").write_text(head + text)


def _folder(moment: datetime) -> str:
    old = NOW - moment > timedelta(days=89)
    return f"{'archive/' if old else ''}{moment:%Y-%m}"


def _at(moment: datetime, minutes: int = 0) -> str:
    return f"'{moment + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}'"


def _incident(number: int, began: datetime) -> tuple[tuple[str, str, str], ...]:
    name = f"outage-{number}"
    timeline = "".join(
        f"    - {{at: {_at(began, 2 * line)}, by: Ann Lee, text: 'Looked at service {line}'}}\n"
        for line in range(12)
    )
    incident = f"""\
  title: Charged twice, number {number}
  environment: production
  model: SeverityModel/sev
  opened: {{at: {_at(began)}, by: monitoring}}
  assessments:
    - {{at: {_at(began)}, by: Ann Lee, level: SEV-3, reason: two charges for one booking}}
    - {{at: {_at(began, 30)}, by: Ben, level: SEV-1, reason: charges stopped}}
  services: [payments]
  paths: ["src/pay/**"]
  acknowledged: {{at: {_at(began)}, by: Ann Lee}}
  commands:
    - {{by: Ann Lee, from: {_at(began)}, until: {_at(began, 20)}}}
    - {{by: Ben, from: {_at(began, 20)}}}
  timeline:
{timeline}\
  mitigated: {{at: {_at(began, 40)}, by: Ben, how: rolled back}}
  resolved:
    at: {_at(began, 60)}
    by: Ben
    impact: No second charge since then.
    risk: The version before is live again.
    monitoring: An hour without a double charge.
  freeze: Freeze/{name}
  rollback: Rollback/{name}
  postmortem: Postmortem/{name}
"""
    freeze = f"""\
  from: {_at(began)}
  reason: charged twice
  by: Ann Lee
  incident: Incident/{name}
  lifted: {{at: {_at(began, 60)}, by: Ben, reason: resolved}}
"""
    return (
        ("Incident", name, incident),
        ("Freeze", name, freeze),
        ("Rollback", name, _rollback(name, number, began)),
        ("Postmortem", name, _postmortem(name, began)),
    )


def _rollback(name: str, number: int, began: datetime) -> str:
    steps = (
        "preserve-evidence",
        "find-change",
        "capture-status",
        "note-values",
        "execute",
        "verify",
    )
    checklist = "".join(
        f"    - {{step: {step}, done: {{at: {_at(began, 10 + n)}, by: Ben}}}}\n"
        for n, step in enumerate(steps)
    )
    kept = "".join(
        f"    - {{what: {what}, where: 's3://evidence/{number}/{what}'}}\n"
        for what in ("timeline", "metrics", "logs", "state", "impact")
    )
    return f"""\
  type: code
  opened: {{at: {_at(began, 8)}, by: Ann Lee}}
  incident: Incident/{name}
  environment: production
  reason: errors in what the last deployment changed
  reverts: [{{target: "paths:src/pay/**", after: {_BAD}}}]
  answers: [{{target: "paths:src/pay/**", after: {_GOOD}}}]
  checklist:
{checklist}\
  preserved:
{kept}\
  observation: {{from: {_at(began, 16)}, until: {_at(began, 31)}, result: stable, by: Ben}}
"""


def _postmortem(name: str, began: datetime) -> str:
    return f"""\
  incident: Incident/{name}
  summary: A retried webhook booked the charge again.
  scheduled: {_at(began, 90)}
  held: {_at(began, 120)}
  timeline:
    - {{at: {_at(began)}, text: A customer called}}
    - {{at: {_at(began, 40)}, text: No more double charges}}
  impact: {{who: 12 customers, what: charged twice, duration: 40m}}
  rootCause: The webhook handler had no idempotency key.
  detection: A customer called; an alert on charges per booking would have told us.
  response: The rollback helped at once.
  missingGuardrails: [A proof that a webhook sent twice books once]
  actions:
    - id: idempotency
      description: Give webhooks idempotency keys
      owner: Ben
      priority: high
      due: '2026-12-24'
"""


def _entries(number: int, began: datetime) -> tuple[tuple[str, str, str], ...]:
    def entry(position: int, more: str = "") -> str:
        moment = began + timedelta(minutes=15 + 20 * position)
        return f"""\
  date: '{moment:%Y-%m-%d}'
  environment: production
  summary: Change {position} of {number}
  scope: code
  risk: medium
  verification: GET /version answers {number}.{position}
  rollback: chimera apply at v{number}.{position}
  effective: {_at(moment)}
  recorded: {_at(moment, 30)}
  reviewed: {{at: {_at(moment, 60)}, by: Cleo}}
  answers: [{{target: "paths:src/{number}/{position}/**", after: {_GOOD}}}]
{more}"""

    names = (f"change-{number}-{position}" for position in range(ENTRIES))
    first = f"  incident: Incident/outage-{number}\n  rollbackOf: Rollback/outage-{number}\n"
    return tuple(
        ("ChangelogEntry", name, entry(position, first if position == 0 else ""))
        for position, name in enumerate(names)
    )
