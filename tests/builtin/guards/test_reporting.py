"""What reports say of guards: which stood in a time, as this machine and the tree have them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from chimera.builtin.guards.kinds import GuardScope
from chimera.builtin.guards.switches import engage
from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.context import Context
from chimera.documents import dump
from chimera.runtime.reporting import ReportKind
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal


def write(root: Path, name: str, spec: dict[str, Any]) -> None:
    metadata = {"name": name}
    value = {"apiVersion": "chimera/v1", "kind": "Guard", "metadata": metadata, "spec": spec}
    (root / "specs").mkdir(exist_ok=True)
    (root / f"specs/{name}.yaml").write_text(dump(value))


def stood(root: Path) -> list[tuple[Any, ...]]:
    report = make_report(Workspace.open(root), ReportKind.DAILY, Asked("2026-11-18"), None, None)
    tables = [t for section in report.sections for t in section.tables if t.id == "guards"]
    return [tuple(row[:2]) + tuple(row[5:]) for table in tables for row in table.rows]


def test_guards_that_stood_are_told(tmp_path: Path) -> None:
    Journal(tmp_path)
    times = {"from": "2026-11-17T22:00:00Z", "until": "2026-11-18T02:00:00Z"}
    write(tmp_path, "night", {"reason": "n", "maintenance": times})
    over = {**times, "until": "2026-11-18T00:00:00Z"}
    write(tmp_path, "over", {"reason": "o", "maintenance": over})
    write(tmp_path, "off", {"reason": "f"})
    write(tmp_path, "on", {"reason": "e", "engaged": True, "scope": {"kinds": ["Workflow"]}})
    engage(tmp_path, Context.system(now=NOON), "stop", GuardScope(), "fire")
    engage(tmp_path, Context.system(now=NOON + timedelta(days=1)), "later", GuardScope(), "x")
    assert stood(tmp_path) == [
        ("Guard/night", "maintenance", "everything", "n"),
        ("Guard/on", "engaged by its document", "kinds Workflow", "e"),
        ("Guard/stop", "switch here", "everything", "fire"),
    ]


def test_without_guards_nothing_is_said_of_them(tmp_path: Path) -> None:
    Journal(tmp_path)
    assert stood(tmp_path) == []
