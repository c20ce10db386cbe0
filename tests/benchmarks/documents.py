"""A made-up repository of any size: valid documents of several kinds and two policies over them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path


def write_repository(root: Path, count: int) -> dict[str, list[Path]]:
    """Write `count` documents of about 65 lines, and two policies; return their paths by kind."""
    paths: dict[str, list[Path]] = {"Policy": []}
    for number in range(count):
        kind = _KINDS[number % len(_KINDS)]
        path = root / "specs" / kind.lower() / f"{number // 100}" / f"{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_MAKERS[kind](number, count), encoding="utf-8")
        paths.setdefault(kind, []).append(path)
    for name, policy in _POLICIES.items():
        path = root / "policies" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(policy, encoding="utf-8")
        paths["Policy"].append(path)
    return paths


_KINDS = ("Workflow", "Identity", "Role", "Workflow", "Gate")


def _head(kind: str, number: int, notes: int = 8) -> list[str]:
    return [
        "apiVersion: chimera/v1",
        f"kind: {kind}",
        "metadata:",
        f"  name: {kind.lower()}-{number}",
        f"  description: Number {number} of what a platform team keeps about its services.",
        "  labels:",
        f"    team: team-{number % 40}",
        f"    tier: '{number % 4}'",
        "    stage: steady",
        "  annotations:",
        *(
            f"    note-{n}: what was agreed about point {n} in review {number}"
            for n in range(notes)
        ),
        "spec:",
    ]


def _workflow(number: int, count: int) -> str:
    lines = [*_head("Workflow", number), "  trigger: human", "  mode: sequential", "  inputs:"]
    lines += [f"    region:\n      type: string\n      default: eu-{number % 9}", "  stages:"]
    for stage in range(5):
        word = "region ${input.region}" if stage == 0 else f"after ${{s{stage - 1}.trimmed}}"
        lines += [
            f"    - id: s{stage}",
            f"      name: Stage {stage} of workflow {number}",
            "      operation: command",
            "      inputs:",
            "        argv:",
            "          - echo",
            f'          - "{word}"',
            f"      timeout: {stage + 1}m",
        ]
    return "\n".join([*lines, "  outputs:", "    last: ${s4.stdout}", ""])


def _identity(number: int, count: int) -> str:
    emails = [f"    - person-{number}-{n}@example.org" for n in range(40)]
    kind = b"ssh-ed25519"
    point = hashlib.sha256(str(number).encode()).digest()
    blob = b"".join(len(part).to_bytes(4) + part for part in (kind, point))
    key = f"    - key: ssh-ed25519 {base64.b64encode(blob).decode()}"
    lines = [*_head("Identity", number), "  kind: human", "  emails:", *emails]
    return "\n".join([*lines, "  keys:", key, ""])


def _role(number: int, count: int) -> str:
    members = [f"    - Identity/identity-{_of('Identity', number + n, count)}" for n in (0, 5, 10)]
    return "\n".join([*_head("Role", number, notes=50), "  members:", *members, ""])


def _of(kind: str, number: int, count: int) -> int:
    """Return the number of a document of a kind, near another number."""
    number %= count
    return (number - number % len(_KINDS) + _KINDS.index(kind)) % count


def _gate(number: int, count: int) -> str:
    lines = [*_head("Gate", number), "  match:", "    kinds:", "      - Workflow", "    labels:"]
    lines += [f"      team: team-{number % 40}", f"      tier: '{number % 4}'", "  requires:"]
    lines += ["    records:", "      - ChangelogEntry", "    approvals:"]
    for n in range(18):
        role = _of("Role", number + len(_KINDS) * n, count)
        lines += [f"      - role: Role/role-{role}", f"        count: {n % 3 + 1}"]
    return "\n".join([*lines, ""])


_MAKERS: dict[str, Callable[[int, int], str]] = {
    "Workflow": _workflow,
    "Identity": _identity,
    "Role": _role,
    "Gate": _gate,
}

_POLICIES = {
    "bounded": """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: bounded}
spec:
  match: {kinds: [Workflow]}
  rules:
    - id: timeout
      expression: object.spec.stages.all(s, has(s.timeout))
      message: a stage says how long it may take
  cases:
    - {name: bounded, object: {spec: {stages: [{id: a, timeout: 1s}]}}, expect: []}
    - {name: endless, object: {spec: {stages: [{id: a}]}}, expect: [timeout]}
""",
    "labelled": """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: labelled}
spec:
  match: {kinds: [Workflow, Role, Gate]}
  rules:
    - id: team
      expression: has(object.metadata.labels) && has(object.metadata.labels.team)
      message: every document names the team that keeps it
  cases:
    - {name: kept, object: {kind: Role, metadata: {labels: {team: a}}, spec: {}}, expect: []}
    - {name: lost, object: {kind: Role, metadata: {}, spec: {}}, expect: [team]}
""",
}
