"""Freezes in reports: those that stood in the time, until they ended or were lifted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.documents import dump
from chimera.runtime.reporting import ReportKind
from chimera.workspace import Workspace

LIFTED = {"by": "bea", "reason": "it is spring"}


def freeze(root: Path, name: str, **spec: Any) -> None:
    (root / "changelog").mkdir(exist_ok=True)
    value = {
        "apiVersion": "chimera/v1",
        "kind": "Freeze",
        "metadata": {"name": name},
        "spec": {"reason": "winter", "by": "ada", **spec},
    }
    (root / f"changelog/{name}.yaml").write_text(dump(value))


def test_a_freeze_is_told_where_it_stood_in_the_time(tmp_path: Path) -> None:
    early, noon, late = "2026-11-17T12:00:00Z", "2026-11-18T12:00:00Z", "2026-11-19T00:00:00Z"
    freeze(tmp_path, "lasting", **{"from": early})
    freeze(tmp_path, "lifted", **{"from": early, "until": late, "lifted": {"at": noon, **LIFTED}})
    freeze(tmp_path, "over", **{"from": early, "until": "2026-11-18T00:00:00Z"})
    freeze(tmp_path, "to-come", **{"from": late})
    freeze(tmp_path, "elsewhere", **{"from": early, "scope": {"environments": ["Environment/x"]}})
    report = make_report(
        Workspace.open(tmp_path), ReportKind.DAILY, Asked("2026-11-18"), None, None
    )
    (table,) = [t for section in report.sections for t in section.tables if t.id == "freezes"]
    told = {row[0]: (row[2], row[4]) for row in table.rows}
    assert set(told) == {"lasting", "lifted"}
    assert told["lasting"] == (None, None)
    assert str(told["lifted"][0]).startswith("2026-11-18 12:00")
    assert told["lifted"][1] == "bea"
