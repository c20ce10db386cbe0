"""What reports say of Ray: runs of the workflows that ask for it, and nothing without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.documents import dump
from chimera.runtime.reporting import ReportKind
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal

COMMAND = {"operation": "command", "inputs": {"argv": ["true"]}}


def write(root: Path, name: str, *stages: dict[str, Any]) -> None:
    value = {"apiVersion": "chimera/v1", "kind": "Workflow", "metadata": {"name": name}}
    (root / "specs").mkdir(exist_ok=True)
    spec = {"trigger": "human", "stages": list(stages)}
    (root / f"specs/{name}.yaml").write_text(dump({**value, "spec": spec}))


def rows(root: Path) -> list[tuple[Any, ...]]:
    report = make_report(Workspace.open(root), ReportKind.DAILY, Asked("2026-11-18"), None, None)
    tables = [t for section in report.sections for t in section.tables if t.id == "ray"]
    return [tuple(row) for table in tables for row in table.rows]


def test_runs_of_workflows_that_ask_for_ray_are_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    write(tmp_path, "far", {"id": "a", **COMMAND, "executor": "ray"}, {"id": "b", **COMMAND})
    write(tmp_path, "near", {"id": "a", **COMMAND})
    for status in ("succeeded", "failed"):
        journal.run(NOON, status=status, seconds=4, target="Workflow/far")
        journal.run(NOON, target="Workflow/near")
    assert rows(tmp_path) == [("local", "Workflow/far", 1, 2, 8.0)]


def test_where_no_workflow_asks_for_ray_nothing_is_said(tmp_path: Path) -> None:
    Journal(tmp_path).run(NOON, target="Workflow/near")
    write(tmp_path, "near", {"id": "a", **COMMAND})
    assert rows(tmp_path) == []
